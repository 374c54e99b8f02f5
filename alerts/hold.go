package alerts

import (
	"slices"
	"strings"
	"time"
)

// hold says what keeps a check from being told of now. st is its state with
// what has just happened to it.
func (e *Engine) hold(s *subject, at *place, st State, now time.Time) Hold {
	_, muted := e.mutes.match(at, now)
	switch {
	case inMaintenance(at, now):
		return ByMaintenance
	case muted:
		return ByMute
	case s.holdingParent(at, st, now) != nil:
		return ByDependency
	case st.Open():
		return NotHeld
	case e.outage.holds(s, st):
		return ByOutage
	case s.waits.Load() != nil:
		return ByGroup
	default:
		return NotHeld
	}
}

func inMaintenance(at *place, now time.Time) bool {
	return slices.ContainsFunc(at.windows, func(c *calendar) bool { _, open := c.open(now); return open })
}

// holdingParent returns the check because of which one that depends on it is
// held, or nil: while that fails, or its incident is open; and, as long as
// the check has no incident of its own, until the parent has run after the
// check began to fail, and until the check has run after the parent was well
// again.
func (s *subject) holdingParent(at *place, st State, now time.Time) *subject {
	if len(at.parents) == 0 {
		return nil
	}
	ran := s.lastRun()
	for _, p := range at.parents {
		parent, run := p.shown()
		if parent.down() || parent.Phase == Pending && parent.Seen == LevelFailed && !run.stale(p.place.Load().Interval, now) {
			return p
		}
		if st.Open() || st.Status() == OK || run.stale(p.place.Load().Interval, now) {
			continue
		}
		if !run.began || run.start.Before(st.Since) || !ran.began || ran.start.Before(run.well) {
			return p
		}
	}
	return nil
}

// down says whether an incident is open that explains why others fail.
func (s State) down() bool {
	return s.Open() && (s.Level == LevelFailed || s.Seen == LevelFailed && s.Phase == Firing)
}

// lastRun is what is known of the runs of a check in this process.
type lastRun struct {
	start time.Time // of the last run; before the first, when the check was loaded
	began bool      // there was one
	well  time.Time // start of the first run that passed after one that did not; before the first, when the check was loaded
}

// intervalsUntilStale is how many intervals a check may be without a run.
const intervalsUntilStale = 3

// stale says whether there was no run for too long.
func (r lastRun) stale(interval time.Duration, now time.Time) bool {
	return interval > 0 && now.Sub(r.start) > intervalsUntilStale*interval
}

func (s *subject) lastRun() lastRun {
	s.live.Lock()
	defer s.live.Unlock()
	return s.run
}

// shown is what those see of a check that depend on it.
func (s *subject) shown() (State, lastRun) {
	s.live.Lock()
	defer s.live.Unlock()
	return s.whole(), s.seen
}

// show lets those see the last run that depend on the check, once its state
// says what came of it.
func (s *subject) show() {
	s.live.Lock()
	s.seen = s.run
	s.live.Unlock()
}

// dependents returns the failing checks that are not told because they
// depend on this one, directly or not.
func dependents(at *place) []*subject {
	var out []*subject
	for _, c := range at.dependents {
		if st := c.state(); st.Phase == Pending && st.Held == ByDependency {
			out = append(out, c)
		}
	}
	return out
}

// byName sorts subjects.
func byName(list []*subject) {
	slices.SortFunc(list, func(a, b *subject) int { return strings.Compare(a.name, b.name) })
}

// link resolves the names of parents. Those that are not configured hold
// nothing, nor do those that depend on the check themselves.
func link(subjects map[string]*subject, places map[*subject]*place) {
	children := make(map[*subject][]*subject)
	for s, at := range places {
		for _, name := range at.Parents {
			if p := subjects[name]; p != nil && p != s && !slices.Contains(at.parents, p) {
				at.parents = append(at.parents, p)
				children[p] = append(children[p], s)
			}
		}
	}
	for p := range children {
		places[p].dependents = descendants(p, children)
		byName(places[p].dependents)
	}
	for _, at := range places {
		at.parents = slices.DeleteFunc(at.parents, func(p *subject) bool { return slices.Contains(at.dependents, p) })
	}
}

// descendants are all below s, each once, s itself left out.
func descendants(s *subject, children map[*subject][]*subject) []*subject {
	seen := map[*subject]bool{s: true}
	var out []*subject
	next := children[s]
	for len(next) > 0 {
		c := next[0]
		next = next[1:]
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
			next = append(slices.Clip(next), children[c]...)
		}
	}
	return out
}
