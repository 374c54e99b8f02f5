package alerts

import (
	"time"

	"watchword/checks"
)

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
			return p.passed(s, started, now)
		case checks.Failed:
			s = s.observe(LevelFailed, e, started)
		case checks.Degraded:
			s = s.observe(LevelDegraded, e, started)
		case checks.Unknown:
		default: // an outcome of a later version says nothing either
		}
		if next, t, ok := p.shift(s, e, now); ok {
			return next, []Transition{t}
		}
	}
	return p.due(s, now)
}

// notAfter takes times that lie in the future for now.
func (s State) notAfter(now time.Time) State {
	for _, t := range []*time.Time{&s.Since, &s.Fired, &s.Told, &s.LastGood} {
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

// passed counts a passed run.
func (p Policy) passed(s State, started, now time.Time) (State, []Transition) {
	if !s.Open() {
		return State{Incident: s.Incident, LastGood: started}, nil
	}
	s.Failing = 0
	s.Passing++
	s.Milder++
	if s.Passing < max(p.RecoverAfter, 1) {
		s.Phase = Recovering
		return s, nil
	}
	t := s.transition(Recovered, now)
	return State{Incident: s.Incident, LastGood: started}, []Transition{t}
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
	s.Passing = 0
	s.Failing++
	s.Runs++
	s.Reason, s.Message = e.Reason, e.Message
	return s
}

// shift changes the level of an open incident.
func (p Policy) shift(s State, e Event, now time.Time) (State, Transition, bool) {
	if s.Phase != Firing {
		return s, Transition{}, false
	}
	kind := TransitionKind("")
	switch {
	case e.Outcome == checks.Failed && s.Level == LevelDegraded:
		kind, s.Level = Escalated, LevelFailed
	case e.Outcome == checks.Degraded && s.Level == LevelFailed && s.Milder >= max(p.RecoverAfter, 1):
		kind, s.Level = Eased, LevelDegraded
	default:
		return s, Transition{}, false
	}
	s.Told = now
	return s, s.transition(kind, now), true
}

// due does what time alone brings about: the incident of a streak that is old
// enough, and reminders.
func (p Policy) due(s State, now time.Time) (State, []Transition) {
	switch {
	case s.Phase == Pending && s.Failing >= max(p.After, 1) && now.Sub(s.Since) >= p.For:
		s.Phase, s.Fired, s.Told = Firing, now, now
		s.Incident++
		return s, []Transition{s.transition(Fired, now)}
	case s.Phase == Firing && p.RemindEvery > 0 && now.Sub(s.Told) >= p.RemindEvery:
		s.Told = now
		return s, []Transition{s.transition(Reminded, now)}
	default:
		return s, nil
	}
}

// transition describes the open incident.
func (s State) transition(kind TransitionKind, now time.Time) Transition {
	return Transition{
		Kind: kind, Incident: s.Incident, Level: s.Level, At: now, Since: s.Since,
		Runs: s.Runs, LastGood: s.LastGood, Reason: s.Reason, Message: s.Message,
	}
}
