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

// Mute silences the checks whose names match a pattern for a while, as a
// [Maintenance] window would.
type Mute struct {
	Pattern string    `json:"pattern"` // glob over the names of checks
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Why     string    `json:"why,omitempty"`
}

// mutes are those in force.
type mutes struct {
	changing sync.Mutex // held across Store.Update

	mu   sync.RWMutex // guards list
	list []mute       // by pattern
}

type mute struct {
	Mute
	pattern Pattern
}

func (m *mutes) load(stored map[string]State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = nil
	for key, st := range stored {
		if st.Mute == nil || !strings.HasPrefix(key, mutePrefix) {
			continue
		}
		if p, err := ParsePattern(st.Mute.Pattern); err == nil {
			m.list = append(m.list, mute{*st.Mute, p})
		}
	}
	m.sort()
}

func (m *mutes) sort() {
	slices.SortFunc(m.list, func(a, b mute) int { return strings.Compare(a.Pattern, b.Pattern) })
}

// match says whether a check is muted.
func (m *mutes) match(check string, now time.Time) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for i := range m.list {
		if now.Before(m.list[i].Until) && m.list[i].pattern.Match(check) {
			return true
		}
	}
	return false
}

// Mute silences the checks whose names match a glob until then; one of the
// same pattern is replaced. It returns the names of the configured checks
// that match. It is kept across restarts. An error is a sentence for the
// user, or the Store's.
func (e *Engine) Mute(ctx context.Context, pattern string, until time.Time, why string) ([]string, error) {
	p, err := ParsePattern(pattern)
	if err != nil {
		return nil, err
	}
	now := e.time()
	if !until.After(now) {
		return nil, errors.New("the end lies in the past")
	}
	m := Mute{Pattern: pattern, Since: now, Until: until, Why: shorten(oneLine(why), maxLine)}
	e.mutes.changing.Lock()
	defer e.mutes.changing.Unlock()
	err = e.Store.Update(ctx, mutePrefix+pattern, func(State) (State, []Notification) { return State{Mute: &m}, nil })
	if err != nil {
		return nil, fmt.Errorf("muting %s: %w", pattern, err)
	}
	e.mutes.set(pattern, &mute{m, p})
	return e.named(p), nil
}

// Unmute ends the mute of this very pattern and says whether there was one.
// What is due of its checks is told within a second.
func (e *Engine) Unmute(ctx context.Context, pattern string) (bool, error) {
	e.mutes.changing.Lock()
	defer e.mutes.changing.Unlock()
	there := slices.ContainsFunc(e.Mutes(), func(m Mute) bool { return m.Pattern == pattern })
	if !there {
		return false, nil
	}
	err := e.Store.Update(ctx, mutePrefix+pattern, func(State) (State, []Notification) { return State{}, nil })
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
	err := e.Store.Update(ctx, mutePrefix+pattern, func(State) (State, []Notification) { return State{}, nil })
	if err == nil {
		e.mutes.set(pattern, nil)
	}
	return err
}

// named returns the configured checks whose names match, sorted.
func (e *Engine) named(p Pattern) []string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []string
	for name := range e.subjects {
		if p.Match(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
