package alerts

import (
	"time"

	"watchword/checks"
)

// amendEvery is how far apart edits of one message are that only follow what
// becomes of others.
const amendEvery = 15 * time.Second

// Next decides what an event does to a state, and what is told of it. It is
// pure: the same arguments give the same answer, and nothing else happens.
//
// A run that failed or was degraded adds to one streak; when it is After runs
// and For long, an incident is opened. While one is open, degraded to failed
// is told at once, failed to degraded after RecoverAfter runs that did not
// fail; RecoverAfter passed runs end it. A run with the outcome unknown
// changes no streak. For and RemindEvery also take effect between two runs,
// by [Ticked]: nothing has shown since that the check is well.
//
// What is held by the event changes nothing that people know: a check stays
// pending or recovering until an event comes that holds it no longer. One
// that is well again by then has had no incident, except that a check which
// was only to be told together with others is [Folded]. A check that is told
// with a group is not reminded of and eased by itself, and leaves the group
// when it gets worse.
//
// A clock that was set back neither delays nor repeats anything by more than
// the step: times in the state that lie in the future count as now.
func (p Policy) Next(s State, e Event, now time.Time) (State, []Transition) {
	s = s.notAfter(now)
	if e.Kind == Removed {
		return s.withdraw(now)
	}
	if e.Kind == Ran {
		started := e.Started
		if started.IsZero() || started.After(now) {
			started = now
		}
		switch e.Outcome {
		case checks.Passed:
			if !s.Open() {
				return s.well(started, now)
			}
			s = p.pass(s, started, now)
		case checks.Failed:
			s = s.observe(LevelFailed, e, started)
		case checks.Degraded:
			s = s.observe(LevelDegraded, e, started)
		case checks.Unknown:
		default: // an outcome of a later version says nothing either
		}
	}
	return p.due(s, e, now)
}

// notAfter takes times that lie in the future for now.
func (s State) notAfter(now time.Time) State {
	for _, t := range []*time.Time{&s.Since, &s.Fired, &s.Told, &s.Over, &s.PassedAt, &s.Edited, &s.LastGood} {
		if t.After(now) {
			*t = now
		}
	}
	return s
}

// withdraw ends what the state was about. Only the number of the last
// incident stays, so that a number is never used twice.
func (s State) withdraw(now time.Time) (State, []Transition) {
	end := State{Incident: s.Incident}
	if !s.Open() {
		return end, nil
	}
	return end, []Transition{s.transition(Withdrawn, now)}
}

// well ends a streak that was not told. What was only waiting for its group
// is told all the same.
func (s State) well(started, now time.Time) (State, []Transition) {
	var ts []Transition
	if s.Phase == Pending && s.Held == ByGroup {
		s.Incident++
		ts = []Transition{s.transition(Folded, now)}
	}
	return State{Incident: s.Incident, LastGood: started}, ts
}

// pass counts a passed run while an incident is open.
func (p Policy) pass(s State, started, now time.Time) State {
	s.Phase = Recovering
	s.Failing = 0
	s.Passing++
	s.Milder++
	if s.Over.IsZero() && s.Passing >= max(p.RecoverAfter, 1) {
		s.Over = now
	}
	s.PassedAt = started
	return s
}

// observe counts a run that failed or was degraded.
func (s State) observe(level Level, e Event, started time.Time) State {
	switch s.Status() {
	case OK:
		s.Phase, s.Since = Pending, started
	case Recovering:
		s.Phase = Firing
	case Pending, Firing:
	}
	if s.Phase == Pending {
		s.Level = level
	}
	if level == LevelFailed {
		s.Milder = 0
	} else {
		s.Milder++
	}
	s.Seen, s.Over, s.Passing = level, time.Time{}, 0
	s.Failing++
	s.Runs++
	s.Reason, s.Message = e.Reason, e.Message
	return s
}

// due tells what the state asks for and the event does not hold.
func (p Policy) due(s State, e Event, now time.Time) (State, []Transition) {
	if s.Phase == Pending {
		return p.open(s, e, now)
	}
	if !s.Open() || e.Hold != NotHeld && !e.Hold.opening() {
		return s, nil
	}
	if s.Phase == Recovering {
		if s.Passing < max(p.RecoverAfter, 1) {
			return s, nil
		}
		t := s.transition(Recovered, now)
		if !s.Over.IsZero() {
			t.At = s.Over
		}
		return State{Incident: s.Incident, LastGood: s.PassedAt}, []Transition{t}
	}
	kind := TransitionKind("")
	switch {
	case s.Seen == LevelFailed && s.Level == LevelDegraded:
		kind, s.Level = Escalated, LevelFailed
	case s.Seen == LevelDegraded && s.Level == LevelFailed && s.Milder >= max(p.RecoverAfter, 1):
		kind, s.Level = Eased, LevelDegraded
	case s.Group != "":
	case p.RemindEvery > 0 && now.Sub(s.Told) >= p.RemindEvery && (p.MaxReminders <= 0 || s.Reminders < p.MaxReminders):
		kind = Reminded
		s.Reminders++
	case s.Dependents != e.Dependents && e.Kind == Ticked && now.Sub(s.Edited) >= amendEvery:
		kind, s.Edited = Amended, now
	}
	return s.tell(kind, e, now)
}

// open begins an incident if the streak is long enough.
func (p Policy) open(s State, e Event, now time.Time) (State, []Transition) {
	s.Held = NotHeld
	if s.Failing < max(p.After, 1) || now.Sub(s.Since) < p.For {
		return s, nil
	}
	if e.Hold != NotHeld {
		s.Held = e.Hold
		return s, nil
	}
	s.Phase, s.Fired, s.Edited, s.Group = Firing, now, now, e.Group
	s.Incident++
	s.Told, s.Dependents = now, e.Dependents
	return s, []Transition{s.transition(Fired, now)}
}

// tell describes a change of an incident that goes on.
func (s State) tell(kind TransitionKind, e Event, now time.Time) (State, []Transition) {
	switch {
	case kind == "", kind == Eased && s.Group != "":
		return s, nil
	case kind != Amended:
		s.Told = now
	}
	s.Dependents = e.Dependents
	if kind == Escalated {
		t := s.transition(kind, now)
		s.Group = ""
		return s, []Transition{t}
	}
	return s, []Transition{s.transition(kind, now)}
}

// transition describes the open incident.
func (s State) transition(kind TransitionKind, now time.Time) Transition {
	return Transition{
		Kind: kind, Incident: s.Incident, Level: s.Level, At: now, Since: s.Since,
		Runs: s.Runs, LastGood: s.LastGood, Reason: s.Reason, Message: s.Message,
		Group: s.Group, Dependents: s.Dependents,
	}
}
