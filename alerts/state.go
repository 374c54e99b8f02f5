package alerts

import (
	"time"

	"watchword/checks"
)

// Phase is where a check stands between well and told.
type Phase string

// The phases, in the order in which a check goes through them.
const (
	OK         Phase = "ok"
	Pending    Phase = "pending"    // failing, but not yet for Policy.After runs and Policy.For long
	Firing     Phase = "firing"     // an incident is open and was told
	Recovering Phase = "recovering" // passing again, but not yet for Policy.RecoverAfter runs
)

// Level is how badly a check fails.
type Level string

// The levels. The zero value is the level of a check that passes.
const (
	NoLevel       Level = ""
	LevelDegraded Level = "degraded"
	LevelFailed   Level = "failed"
)

// State is what is remembered of a check between its runs, across restarts.
// The zero value is a check that has never run: use [State.Status] rather
// than the Phase field to read it. Certificates and the problems of watchword
// itself have a State too, which is [OK] or [Firing].
type State struct {
	Phase   Phase `json:"phase,omitempty"`   // empty counts as OK
	Level   Level `json:"level,omitempty"`   // while firing: the level that was told last
	Failing int   `json:"failing,omitempty"` // consecutive runs that failed or were degraded
	Passing int   `json:"passing,omitempty"` // consecutive passed runs while an incident is open
	Milder  int   `json:"milder,omitempty"`  // consecutive runs that did not fail while the level is failed
	Runs    int   `json:"runs,omitempty"`    // runs that failed or were degraded since Since

	Since    time.Time `json:"since,omitzero"`     // start of the first failing run; zero when ok
	Fired    time.Time `json:"fired,omitzero"`     // when the incident was opened; zero when none is
	Told     time.Time `json:"told,omitzero"`      // last transition or reminder of the incident
	LastGood time.Time `json:"last_good,omitzero"` // start of the last passed run; on disk only as fresh as the last write

	Incident  uint64        `json:"incident,omitempty"`  // number of the latest incident, from 1
	Reason    checks.Reason `json:"reason,omitempty"`    // of the last failing run
	Message   string        `json:"message,omitempty"`   // of the last failing run, one line
	Receivers []string      `json:"receivers,omitempty"` // who was told of the open incident

	Certificate *CertificateState `json:"certificate,omitempty"` // only under a certificate's key
}

// Status is the phase, with the zero State being [OK].
func (s State) Status() Phase {
	if s.Phase == "" {
		return OK
	}
	return s.Phase
}

// Open says whether an incident is open: [Firing] or [Recovering].
func (s State) Open() bool { return s.Phase == Firing || s.Phase == Recovering }

// EventKind says what happened.
type EventKind int

// What can happen to a check.
const (
	Ran     EventKind = iota // a run has ended
	Ticked                   // time has gone by
	Removed                  // the check is no longer configured
)

// Event is one thing that happened to a check. All but Kind belongs to [Ran].
type Event struct {
	Kind    EventKind
	Outcome checks.Outcome
	Reason  checks.Reason
	Message string    // one line, free of secrets
	Started time.Time // of the run; zero counts as now
}

// TransitionKind says what is to be told.
type TransitionKind string

// What can be told of an incident. An incident begins with [Fired] and ends
// with [Recovered] or [Withdrawn].
const (
	Fired     TransitionKind = "fired"     // an incident was opened
	Escalated TransitionKind = "escalated" // worse: degraded to failed, a tighter threshold, a new text
	Eased     TransitionKind = "eased"     // failed to degraded
	Reminded  TransitionKind = "reminded"  // still failing
	Recovered TransitionKind = "recovered" // the incident is over
	Withdrawn TransitionKind = "withdrawn" // what it was about is no longer configured: the message is edited, nothing is posted
)

// Closes says whether the incident ends with this transition.
func (k TransitionKind) Closes() bool { return k == Recovered || k == Withdrawn }

// Transition is a change of a [State] that people are told.
type Transition struct {
	Kind     TransitionKind
	Incident uint64
	Level    Level // of the incident after the transition; before it for one that closes
	At       time.Time
	Since    time.Time // start of the first failing run
	Runs     int       // failing runs since then
	LastGood time.Time // start of the last passed run before Since; zero if there was none
	Reason   checks.Reason
	Message  string
}
