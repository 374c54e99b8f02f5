package alerts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const groupPrefix = "group:"

// Members is what is remembered of a group of checks that were told in one
// message, or of an outage.
type Members struct {
	Shared string   `json:"shared,omitempty"` // what those that failed had in common when they were told last
	List   []Member `json:"list,omitempty"`   // in the order of the message
	Open   int      `json:"open"`             // how many of them failed when the message was last written
}

// Member is an incident of a group.
type Member struct {
	Check    string `json:"check"`
	Incident uint64 `json:"incident"`
	Text     string `json:"text,omitempty"`
}

// groups puts together what is told at the same time. After an incident was
// told by itself, those of the same group that follow within its wait are
// told in one message, and so are those that follow within the next.
//
// A check that is told with a group has its incident stored first, with the
// group's key, and then the group: after a crash in between, the group is
// told of what the checks say.
type groups struct {
	telling sync.RWMutex // held for writing while a group is told: taken before any subject's mu

	mu      sync.Mutex         // guards the following
	windows map[string]*window // by what is told together
	told    map[string]State   // open groups by key
}

// window is the time in which incidents are put together.
type window struct {
	group   string
	opened  time.Time
	until   time.Time
	wait    time.Duration
	waiting map[*subject]struct{}
}

// groupOf names what is told together: the same receivers, and the same
// values of some labels.
func groupOf(receivers, by []string, labels map[string]string) string {
	var b strings.Builder
	b.WriteString(strings.Join(receivers, ","))
	for _, name := range by {
		b.WriteString("|" + strconv.Quote(name) + "=" + strconv.Quote(labels[name]))
	}
	return b.String()
}

func (g *groups) load(stored map[string]State) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = make(map[string]State)
	for key, st := range stored {
		if strings.HasPrefix(key, groupPrefix) && st.Members != nil {
			g.told[key] = st
		}
	}
}

func (g *groups) isTold(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.told[key]
	return ok
}

// admit says whether an incident is told at once; otherwise it is noted to be
// told with others.
func (g *groups) admit(s *subject, at *place, now time.Time) bool {
	if at.wait <= 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.windows[at.group]
	if w == nil || now.Before(w.opened) || !now.Before(w.until) && len(w.waiting) == 0 {
		if w != nil && len(w.waiting) > 0 { // the clock was set back
			return true
		}
		g.begin(at.group, at.wait, now)
		return true
	}
	w.waiting[s] = struct{}{}
	s.waits.Store(w)
	return false
}

// begin opens a window; mu is held.
func (g *groups) begin(group string, wait time.Duration, now time.Time) {
	if g.windows == nil {
		g.windows = make(map[string]*window)
	}
	g.windows[group] = &window{group: group, opened: now, until: now.Add(wait), wait: wait, waiting: make(map[*subject]struct{})}
}

// leave takes a subject out of the window that it waits for.
func (g *groups) leave(s *subject) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w := s.waits.Swap(nil); w != nil {
		delete(w.waiting, s)
	}
}

// due closes the windows whose time is up and returns those that have
// someone waiting.
func (g *groups) due(now time.Time) []*window {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []*window
	for _, group := range slices.Sorted(maps.Keys(g.windows)) {
		w := g.windows[group]
		if now.Before(w.until) && !now.Before(w.opened) {
			continue
		}
		delete(g.windows, group)
		if len(w.waiting) > 0 {
			out = append(out, w)
			g.begin(group, w.wait, now)
		}
	}
	return out
}

// tellGroups tells of the groups whose time has come, and edits what was told
// of others.
func (e *Engine) tellGroups(ctx context.Context, now time.Time) {
	for _, w := range e.groups.due(now) {
		e.closeWindow(ctx, w, now)
	}
	orphans := make(map[string][]*subject)
	for _, s := range e.awake() {
		if st := s.state(); st.Group != "" && !e.groups.isTold(st.Group) {
			orphans[st.Group] = append(orphans[st.Group], s)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(orphans)) {
		e.groups.telling.Lock()
		e.tellGroup(ctx, key, orphans[key], now)
		e.groups.telling.Unlock()
	}
	e.groups.mu.Lock()
	told := maps.Clone(e.groups.told)
	e.groups.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(told)) {
		e.followGroup(ctx, key, told[key], now)
	}
}

// closeWindow tells of those that have waited: in one message, unless it is
// just one.
func (e *Engine) closeWindow(ctx context.Context, w *window, now time.Time) {
	e.groups.telling.Lock()
	defer e.groups.telling.Unlock()
	e.groups.mu.Lock()
	list := slices.Collect(maps.Keys(w.waiting))
	for _, s := range list {
		s.waits.Store(nil)
	}
	w.waiting = nil
	e.groups.mu.Unlock()
	byName(list)
	key := ""
	if len(list) > 1 {
		key = groupPrefix + w.group + "@" + strconv.FormatInt(w.opened.UnixNano(), 36)
	}
	each(list, func(s *subject) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.gone {
			return
		}
		ev := e.surroundings(s, s.place.Load(), s.state(), Event{Kind: Ticked, Group: key}, now)
		if err := e.apply(ctx, s, ev, now); err != nil && !errors.Is(err, context.Canceled) {
			e.log().ErrorContext(ctx, "state could not be stored", "check", s.name, "error", err)
		}
	})
	if key != "" {
		e.tellGroup(ctx, key, list, now)
	}
}

// tellGroup tells of the checks among list that have an incident of the group
// with this key. groups.telling is held.
func (e *Engine) tellGroup(ctx context.Context, key string, list []*subject, now time.Time) {
	var in []*subject
	var to []string
	st := State{Phase: Firing, Incident: 1, Fired: now, Told: now, Edited: now, Level: LevelDegraded, Members: &Members{}}
	for _, s := range list {
		state := s.state()
		if state.Group != key || !state.Open() {
			continue
		}
		in = append(in, s)
		st.Members.List = append(st.Members.List, Member{Check: s.name, Incident: state.Incident, Text: state.Message})
		if st.Since.IsZero() || state.Since.Before(st.Since) {
			st.Since = state.Since
		}
		if state.Level == LevelFailed {
			st.Level = LevelFailed
		}
		st.Receivers = state.Receivers
	}
	if len(in) == 0 || e.groups.isTold(key) {
		return
	}
	to = st.Receivers
	st.Members.Open, st.Members.Shared = len(in), shared(in)
	m := e.groupMessage(Fired, &st, in, now)
	if len(in) == 1 { // the others were well again before they could be told
		m = in[0].place.Load().message(Transition{
			Kind: Fired, Level: st.Level, At: now, Since: st.Since, Runs: in[0].state().Runs,
			LastGood: in[0].state().LastGood, Reason: in[0].state().Reason, Message: in[0].state().Message,
		}, in[0].failures())
	}
	e.storeGroup(ctx, key, st, notifications(to, thread(key, st.Incident), m, now))
}

// storeGroup stores what was told of a group.
func (e *Engine) storeGroup(ctx context.Context, key string, st State, list []Notification) {
	err := e.Store.Update(ctx, key, func(State) Change { return Change{State: st, Queue: list} })
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			e.log().ErrorContext(ctx, "state could not be stored", "group", key, "error", err)
		}
		return // the next tick tries again
	}
	e.groups.mu.Lock()
	if st.Members == nil {
		delete(e.groups.told, key)
	} else {
		e.groups.told[key] = st
	}
	e.groups.mu.Unlock()
	if len(list) > 0 {
		e.wake()
	}
}
