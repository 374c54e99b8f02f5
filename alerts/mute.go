package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const mutePrefix = "mute:"

// Bounds of mutes. What is to be silent for longer is to be taken out of the
// configuration.
const (
	MaxMute  = 366 * 24 * time.Hour
	maxMutes = 1000
)

// Mute silences the checks that match a pattern for a while, as a
// [Maintenance] window would. A pattern is a glob over the names of checks,
// or over the values of a label: `team=orders`. A whole name is taken as it
// is, and that of a block stands for all its elements, as `edge` does for
// `edge[fra]`.
type Mute struct {
	Pattern string    `json:"pattern"`
	Since   time.Time `json:"since"` // set by the Engine
	Until   time.Time `json:"until"`
	Why     string    `json:"why,omitempty"`
	Who     string    `json:"who,omitempty"` // asked for it, as far as that is known
}

// mutes are those in force.
type mutes struct {
	changing sync.Mutex // held across Store.Update

	mu   sync.RWMutex // guards list
	list []mute       // by pattern
}

type mute struct {
	Mute
	label string // whose values the glob is over; empty: it is over names
	glob  Pattern
}

// parseMute compiles the pattern of m. After an error what it returns matches
// whole names alone.
func parseMute(m Mute) (mute, error) {
	x := mute{Mute: m}
	text := m.Pattern
	if label, value, ok := strings.Cut(text, "="); ok && isLabel(label) {
		if len(label) > maxPattern {
			return x, fmt.Errorf("label of %d bytes, at most %d are allowed", len(label), maxPattern)
		}
		x.label, text = label, value
	}
	var err error
	x.glob, err = ParsePattern(text)
	return x, err
}

// isLabel says whether a text could be the name of a label.
func isLabel(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// matches says whether a check with these labels is meant.
func (x *mute) matches(check string, labels map[string]string) bool {
	if rest, ok := strings.CutPrefix(check, x.Pattern); ok && (rest == "" || rest[0] == '[') {
		return true
	}
	if x.label == "" {
		return x.glob.Match(check)
	}
	value, has := labels[x.label]
	return has && (value == x.Pattern[len(x.label)+1:] || x.glob.Match(value))
}

func (m *mutes) load(stored map[string]State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = nil
	for key, st := range stored {
		if st.Mute == nil || !strings.HasPrefix(key, mutePrefix) {
			continue
		}
		x, _ := parseMute(*st.Mute) // one that is no glob was the name of a check
		m.list = append(m.list, x)
	}
	m.sort()
}

func (m *mutes) sort() {
	slices.SortFunc(m.list, func(a, b mute) int { return strings.Compare(a.Pattern, b.Pattern) })
}

// match returns the mute in force that silences a check for longest.
func (m *mutes) match(at *place, now time.Time) (Mute, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found Mute
	for i := range m.list {
		x := &m.list[i]
		if now.Before(x.Until) && x.Until.After(found.Until) && x.matches(at.Name, at.Labels) {
			found = x.Mute
		}
	}
	return found, !found.Until.IsZero()
}

// Mute silences the checks that match m.Pattern until m.Until; one of the
// same pattern is replaced. It returns the names of the configured checks
// that match. It is kept across restarts. An error is a sentence for the
// user, or the Store's.
func (e *Engine) Mute(ctx context.Context, m Mute) ([]string, error) {
	now := e.time()
	m.Since, m.Until = now.UTC(), m.Until.UTC()
	m.Why, m.Who = shorten(oneLine(m.Why), maxLine), shorten(oneLine(m.Who), maxLine)
	x, err := parseMute(m)
	names := e.named(&x)
	switch {
	case m.Pattern == "":
		return nil, &MuteError{"the pattern is empty"}
	case err != nil && len(names) == 0:
		return nil, &MuteError{err.Error()}
	case !m.Until.After(now):
		return nil, &MuteError{"the end lies in the past"}
	case m.Until.Sub(now) > MaxMute:
		return nil, &MuteError{"a mute lasts at most 366 days; enabled = false turns a check off"}
	}
	e.mutes.changing.Lock()
	defer e.mutes.changing.Unlock()
	others := slices.DeleteFunc(e.Mutes(), func(other Mute) bool { return other.Pattern == m.Pattern })
	if len(others) >= maxMutes {
		return nil, &MuteError{fmt.Sprintf("there are %d mutes already: end some first", maxMutes)}
	}
	err = e.Store.Update(ctx, mutePrefix+m.Pattern, func(State) Change { return Change{State: State{Mute: &m}} })
	if err != nil {
		return nil, fmt.Errorf("muting %s: %w", m.Pattern, err)
	}
	e.mutes.set(m.Pattern, &x)
	return names, nil
}

// MuteError says what is wrong with a [Mute] that was asked for.
type MuteError struct{ Text string }

func (e *MuteError) Error() string { return e.Text }

// Unmute ends the mute of this very pattern and says whether there was one.
// What is due of its checks is told within a second.
func (e *Engine) Unmute(ctx context.Context, pattern string) (bool, error) {
	e.mutes.changing.Lock()
	defer e.mutes.changing.Unlock()
	there := slices.ContainsFunc(e.Mutes(), func(m Mute) bool { return m.Pattern == pattern })
	if !there {
		return false, nil
	}
	err := e.Store.Update(ctx, mutePrefix+pattern, func(State) Change { return Change{} })
	if err != nil {
		return true, fmt.Errorf("unmuting %s: %w", pattern, err)
	}
	e.mutes.set(pattern, nil)
	return true, nil
}

// Mutes returns the mutes in force, by pattern.
func (e *Engine) Mutes() []Mute {
	now := e.time()
	e.mutes.mu.RLock()
	defer e.mutes.mu.RUnlock()
	var out []Mute
	for i := range e.mutes.list {
		if now.Before(e.mutes.list[i].Until) {
			out = append(out, e.mutes.list[i].Mute)
		}
	}
	return out
}

// set replaces the mute of a pattern, or removes it.
func (m *mutes) set(pattern string, to *mute) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = slices.DeleteFunc(m.list, func(old mute) bool { return old.Pattern == pattern })
	if to != nil {
		m.list = append(m.list, *to)
		m.sort()
	}
}

// endMutes forgets those that are over.
func (e *Engine) endMutes(ctx context.Context, now time.Time) {
	e.mutes.mu.RLock()
	var over []string
	for i := range e.mutes.list {
		if !now.Before(e.mutes.list[i].Until) {
			over = append(over, e.mutes.list[i].Pattern)
		}
	}
	e.mutes.mu.RUnlock()
	for _, pattern := range over {
		if err := e.endMute(ctx, pattern, now); err != nil && !errors.Is(err, context.Canceled) {
			e.log().ErrorContext(ctx, "state could not be stored", "mute", pattern, "error", err)
		}
	}
}

func (e *Engine) endMute(ctx context.Context, pattern string, now time.Time) error {
	e.mutes.changing.Lock()
	defer e.mutes.changing.Unlock()
	if slices.ContainsFunc(e.Mutes(), func(m Mute) bool { return m.Pattern == pattern && now.Before(m.Until) }) {
		return nil // renewed meanwhile
	}
	err := e.Store.Update(ctx, mutePrefix+pattern, func(State) Change { return Change{} })
	if err == nil {
		e.mutes.set(pattern, nil)
	}
	return err
}

// named returns the configured checks that match, sorted.
func (e *Engine) named(x *mute) []string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []string
	for name, s := range e.subjects {
		if x.matches(name, s.place.Load().Labels) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Matching returns the names of the configured checks that a mute with this
// pattern silences, sorted; `*` matches them all.
func (e *Engine) Matching(pattern string) []string {
	x, _ := parseMute(Mute{Pattern: pattern})
	return e.named(&x)
}
