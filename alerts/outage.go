package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"watchword/checks"
)

const (
	outageKey = "outage:"

	minHosts = 10 // fewer say nothing about watchword's own network
)

// outage watches whether watchword itself is cut off: over half of at least
// ten hosts cannot be reached, since one interval or less. While it lasts,
// checks that begin to fail for such a reason are counted in one message and
// not told; who still fails in its first run after it is told then.
type outage struct {
	mu    sync.Mutex // guards the following
	state State      // Firing while it lasts
	ended time.Time
}

func (o *outage) load(stored map[string]State) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state = stored[outageKey]
}

func (o *outage) live() (State, time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state, o.ended
}

// holds says whether a check that begins to fail is covered by the outage.
func (o *outage) holds(s *subject, st State) bool {
	if !cutOff(st) {
		return false
	}
	state, ended := o.live()
	if state.Open() {
		return true
	}
	return !ended.IsZero() && st.Since.Before(ended) && !s.lastRun().start.After(ended)
}

// cutOff says whether a check fails as one would that has no network.
func cutOff(st State) bool {
	if st.Phase != Pending && st.Phase != Firing || st.Seen != LevelFailed {
		return false
	}
	switch st.Reason {
	case checks.ReasonDNSNotFound, checks.ReasonDNSTimeout, checks.ReasonDNSError, checks.ReasonConnectRefused,
		checks.ReasonConnectTimeout, checks.ReasonConnectUnreachable, checks.ReasonProxy, checks.ReasonTLSTimeout:
		return true
	default:
		return false
	}
}

// watchOutage looks whether an outage has begun or ended.
func (e *Engine) watchOutage(ctx context.Context, now time.Time) {
	e.mu.RLock()
	total := e.hosts
	e.mu.RUnlock()
	state, _ := e.outage.live()
	if total < minHosts && !state.Open() {
		return
	}
	var list []*subject
	var newest time.Time
	for _, s := range e.awake() {
		if st := s.state(); cutOff(st) && s.host() != "" {
			list = append(list, s)
			if st.Since.After(newest) {
				newest = st.Since
			}
		}
	}
	if state.Open() {
		e.followOutage(ctx, state, list, total, now)
		return
	}
	fresh := slices.DeleteFunc(slices.Clone(list), func(s *subject) bool {
		return newest.Sub(s.state().Since) > s.place.Load().Interval
	})
	if 2*hostsOf(fresh) > total {
		e.beginOutage(ctx, fresh, total, now)
	}
}

// host is the one that stands for a check when hosts are counted.
func (s *subject) host() string {
	if hosts := s.place.Load().Hosts; len(hosts) > 0 {
		return hosts[0]
	}
	return ""
}

func hostsOf(list []*subject) int {
	seen := make(map[string]struct{}, len(list))
	for _, s := range list {
		seen[s.host()] = struct{}{}
	}
	return len(seen)
}

// beginOutage tells that watchword may be cut off: everyone who would be told
// of the checks.
func (e *Engine) beginOutage(ctx context.Context, list []*subject, total int, now time.Time) {
	st := State{Phase: Firing, Fired: now, Told: now, Edited: now, Members: &Members{Open: hostsOf(list), Shared: shared(list)}}
	for _, s := range list {
		at, state := s.place.Load(), s.state()
		if st.Since.IsZero() || state.Since.Before(st.Since) {
			st.Since = state.Since
		}
		for _, r := range at.all {
			if !slices.Contains(st.Receivers, r) {
				st.Receivers = append(st.Receivers, r)
			}
		}
	}
	m := e.outageMessage(Fired, &st, list, total, now)
	e.storeOutage(ctx, func(old State) (State, []Notification) {
		next := st
		next.Incident = old.Incident + 1
		next.Message = m.Headline
		return next, notifications(st.Receivers, thread(outageKey, next.Incident), m, now)
	})
}

// followOutage edits what was told as hosts come and go, and ends it.
func (e *Engine) followOutage(ctx context.Context, st State, list []*subject, total int, now time.Time) {
	hosts := hostsOf(list)
	kind, next := Amended, st
	members := *st.Members
	members.Open = hosts
	next.Members, next.Edited = &members, now
	switch {
	case 2*hosts <= total:
		kind = Recovered
	case hosts == st.Members.Open || now.Sub(st.Edited) < amendEvery:
		return
	}
	m := e.outageMessage(kind, &next, list, total, now)
	e.storeOutage(ctx, func(State) (State, []Notification) {
		n := next
		if kind == Recovered {
			n = State{Incident: st.Incident}
		}
		return n, notifications(e.stillThere(st.Receivers), thread(outageKey, st.Incident), m, now)
	})
	if after, _ := e.outage.live(); kind == Recovered && !after.Open() {
		e.outage.mu.Lock()
		e.outage.ended = now
		e.outage.mu.Unlock()
	}
}

func (e *Engine) storeOutage(ctx context.Context, fn func(State) (State, []Notification)) {
	var next State
	err := e.Store.Update(ctx, outageKey, func(old State) Change {
		n, list := fn(old)
		next = n
		return Change{State: n, Queue: list}
	})
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			e.log().ErrorContext(ctx, "state could not be stored", "outage", "own", "error", err)
		}
		return // the next tick tries again
	}
	e.outage.mu.Lock()
	e.outage.state = next
	e.outage.mu.Unlock()
	e.changed()
	e.wake()
}

func (e *Engine) outageMessage(kind TransitionKind, st *State, list []*subject, total int, now time.Time) Message {
	heading := heading(e.location())
	m := Message{
		Topic: AboutWatchword, Kind: kind, Level: LevelFailed, Location: e.location(), Severity: "critical", At: now, Since: st.Since,
		Links: e.links().overview(),
	}
	if kind == Recovered {
		m.Headline = fmt.Sprintf("🟢 %s is no longer cut off: it may have been from %s", heading, span(st.Since, now))
		m.Detail = "Checks that still fail in their next run are told then."
		return m
	}
	m.Headline = fmt.Sprintf("⚠️ %s may be cut off itself: %d of %d hosts cannot be reached, %s", heading, hostsOf(list), total, st.Members.Shared)
	m.Detail = "Since " + clock(st.Since) + ". As long as this lasts, checks that cannot reach their hosts are counted here and not told one by one."
	m.Members, m.More = members(list, nil)
	return m
}

// heading names this watchword.
func heading(location string) string {
	if location == "" {
		return "watchword"
	}
	return "watchword at " + location
}
