package alerts

import (
	"context"
	"slices"
	"time"

	"watchword/checks"
)

// decide applies an event to a subject, whose mu is held, unless it is to be
// told in a moment together with others.
func (e *Engine) decide(ctx context.Context, s *subject, ev Event, now time.Time) error {
	at, old := s.place.Load(), s.state()
	ev = e.surroundings(s, at, old, ev, now)
	next, ts := at.Policy.Next(old, ev, now)
	if opens(ts) && !e.groups.admit(s, at, now) {
		ev.Hold = ByGroup
		next, ts = at.Policy.Next(old, ev, now)
	}
	if len(ts) == 0 && !changes(ev) && next.Held == old.Held {
		return nil
	}
	return e.apply(ctx, s, ev, now)
}

// surroundings adds to an event what the others have to do with it.
func (e *Engine) surroundings(s *subject, at *place, old State, ev Event, now time.Time) Event {
	if ev.Kind == Removed {
		return ev
	}
	ev.Hold = ByMaintenance // while it is not known
	then, _ := at.Policy.Next(old, ev, now)
	ev.Hold = NotHeld
	if then.Status() != OK {
		ev.Hold = e.hold(s, at, then, now)
		ev.Dependents = len(dependents(at))
	}
	return ev
}

// opens says whether an incident begins.
func opens(ts []Transition) bool { return len(ts) > 0 && ts[0].Kind == Fired }

// apply stores what an event does to a subject, whose mu is held, together
// with what is told of it.
func (e *Engine) apply(ctx context.Context, s *subject, ev Event, now time.Time) error {
	at, old := s.place.Load(), s.state()
	told := old.Group == "" || e.groups.isTold(old.Group)
	var next State
	var queued []Notification
	err := e.Store.Update(ctx, checkPrefix+s.name, func(stored State) Change {
		if stored.LastGood.Before(old.LastGood) { // passed runs are not written while all is well
			stored.LastGood = old.LastGood
		}
		var ts []Transition
		next, ts = at.Policy.Next(stored, ev, now)
		queued = nil
		var over *ClosedIncident
		for _, t := range ts {
			if t.Kind.Closes() {
				over = t.closed(s.name)
			}
			if t.Kind == Fired {
				next.Receivers = at.all
			}
			kind, ok := alone(t, told)
			if !ok {
				continue
			}
			t.Kind = kind
			to := at.audience(t.Kind, stored.Receivers)
			m := at.message(t, s.failures())
			queued = append(queued, notifications(to, thread(checkPrefix+s.name, t.Incident), m, now)...)
		}
		return Change{State: next, Queue: queued, Closed: over}
	})
	if err != nil {
		return err
	}
	s.set(next)
	e.settle(s, next)
	if old.Open() != next.Open() || old.Level != next.Level {
		e.changed()
	}
	if len(queued) > 0 {
		e.wake()
	}
	return nil
}

// alone says as what a transition is told by itself, if it is: a check that
// was told with a group ends with it too, but one whose group was not told
// yet is told alone.
func alone(t Transition, told bool) (TransitionKind, bool) {
	switch {
	case t.Group == "" || t.Kind == Escalated:
		return t.Kind, true
	case t.Kind == Recovered && !told:
		return Folded, true
	default:
		return "", false
	}
}

// changes says whether an event changes the state even if nothing is told.
func changes(ev Event) bool {
	return ev.Kind == Removed || ev.Kind == Ran && (ev.Outcome == checks.Passed || ev.Outcome == checks.Failed || ev.Outcome == checks.Degraded)
}

// audience is who is told: what follows in an incident goes to those who were
// told of its beginning and are still there; if none is, to whom it would go
// now.
func (p *place) audience(kind TransitionKind, told []string) []string {
	if kind == Fired || kind == Folded && len(told) == 0 {
		return p.all
	}
	return audience(told, p.known, p.all)
}

func audience(told, known, otherwise []string) []string {
	var out []string
	for _, r := range told {
		if slices.Contains(known, r) {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return otherwise
	}
	return out
}

// settle keeps the set of subjects that the clock looks at.
func (e *Engine) settle(s *subject, st State) {
	restless := st.Status() != OK
	if s.waits.Load() != nil && st.Phase != Pending {
		e.groups.leave(s)
	}
	e.mu.RLock()
	_, is := e.restless[s]
	e.mu.RUnlock()
	if restless == is {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if restless {
		e.restless[s] = struct{}{}
	} else {
		delete(e.restless, s)
		s.setFailures(nil)
	}
}
