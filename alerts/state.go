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

// Hold is why an incident that is due is not told yet.
type Hold string

// The reasons to hold what would be told. The zero value holds nothing. All
// but [ByGroup] and [ByOutage] hold every transition of a check, those two
// only its first.
const (
	NotHeld       Hold = ""
	ByMaintenance Hold = "maintenance" // a maintenance window is open
	ByMute        Hold = "mute"        // someone has muted the check
	ByDependency  Hold = "dependency"  // a check that it depends on fails, or has not run since
	ByOutage      Hold = "outage"      // watchword may be cut off itself
	ByGroup       Hold = "group"       // it is told together with others in a moment
)

// opening says whether only the beginning of an incident is held.
func (h Hold) opening() bool { return h == ByOutage || h == ByGroup }

// State is what is remembered of a check between its runs, across restarts.
// The zero value is a check that has never run: use [State.Status] rather
// than the Phase field to read it. Certificates and the problems of watchword
// itself have a State too, which is [OK] or [Firing].
type State struct {
	Phase   Phase `json:"phase,omitempty"`   // empty counts as OK
	Level   Level `json:"level,omitempty"`   // while firing: the level that was told last
	Failing int   `json:"failing,omitempty"` // consecutive runs that failed or were degraded
	Passing int   `json:"passing,omitempty"` // consecutive passed runs while an incident is open
	Seen    Level `json:"seen,omitempty"`    // of the last run that failed or was degraded
	Milder  int   `json:"milder,omitempty"`  // consecutive runs that did not fail while the level is failed
	Runs    int   `json:"runs,omitempty"`    // runs that failed or were degraded since Since

	Since    time.Time `json:"since,omitzero"`     // start of the first failing run; zero when ok
	Fired    time.Time `json:"fired,omitzero"`     // when the incident was opened; zero when none is
	Told     time.Time `json:"told,omitzero"`      // last transition or reminder of the incident
	Over     time.Time `json:"over,omitzero"`      // while recovering: when enough runs had passed, although that is held
	PassedAt time.Time `json:"passed_at,omitzero"` // while recovering: start of the last passed run
	Edited   time.Time `json:"edited,omitzero"`    // when the message was last edited for what has become of others
	LastGood time.Time `json:"last_good,omitzero"` // start of the last passed run; on disk only as fresh as the last write

	Incident  uint64        `json:"incident,omitempty"`  // number of the latest incident, from 1
	Reason    checks.Reason `json:"reason,omitempty"`    // of the last failing run
	Message   string        `json:"message,omitempty"`   // of the last failing run, one line
	Receivers []string      `json:"receivers,omitempty"` // who was told of the open incident

	Held       Hold   `json:"held,omitempty"`       // while pending: why an incident that is due is not told
	Group      string `json:"group,omitempty"`      // while open: the key of the group that it is told with
	Reminders  int    `json:"reminders,omitempty"`  // of the open incident
	Dependents int    `json:"dependents,omitempty"` // failing checks that the open incident's message counts because they depend on this one

	Certificate *CertificateState `json:"certificate,omitempty"` // only under a certificate's key
	Members     *Members          `json:"members,omitempty"`     // only under the key of a group or an outage
	Mute        *Mute             `json:"mute,omitempty"`        // only under a mute's key
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
	Ticked                   // time has gone by, or something else has changed: what holds the check, or those that depend on it
	Removed                  // the check is no longer configured
)

// Event is one thing that happened to a check.
type Event struct {
	Kind    EventKind
	Outcome checks.Outcome // of a run, like the following
	Reason  checks.Reason
	Message string    // one line, free of secrets
	Started time.Time // zero counts as now

	Hold       Hold   // what must not be told now
	Group      string // an incident that this event opens is told with the group of this key; empty: by itself
	Dependents int    // failing checks that are held because they depend on this one
}

// TransitionKind says what is to be told.
type TransitionKind string

// What can be told of an incident. An incident begins with [Fired] and ends
// with [Recovered] or [Withdrawn], or is [Folded] into one.
const (
	Fired     TransitionKind = "fired"     // an incident was opened
	Escalated TransitionKind = "escalated" // worse: degraded to failed, a tighter threshold, a new text
	Eased     TransitionKind = "eased"     // failed to degraded
	Reminded  TransitionKind = "reminded"  // still failing
	Amended   TransitionKind = "amended"   // what the message counts has changed: it is edited, nothing is posted
	Recovered TransitionKind = "recovered" // the incident is over
	Folded    TransitionKind = "folded"    // the incident is over and nobody was told that it began
	Withdrawn TransitionKind = "withdrawn" // what it was about is no longer configured: the message is edited, nothing is posted (but to machines)
)

// Closes says whether the incident ends with this transition.
func (k TransitionKind) Closes() bool { return k == Recovered || k == Withdrawn || k == Folded }

// Transition is a change of a [State] that people are told.
type Transition struct {
	Kind     TransitionKind
	Incident uint64
	Level    Level     // of the incident after the transition; before it for one that closes
	At       time.Time // of one that closes: when enough runs had passed, which may be before it is told
	Since    time.Time // start of the first failing run
	Runs     int       // failing runs since then
	LastGood time.Time // start of the last passed run before Since; zero if there was none
	Reason   checks.Reason
	Message  string

	Group      string // the group that the incident is or was told with
	Dependents int    // failing checks that depend on this one
}
