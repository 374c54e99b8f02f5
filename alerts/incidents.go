package alerts

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Incident is a check that fails, or has not recovered for long enough yet:
// told, or not told yet. See [Engine.Incidents].
type Incident struct {
	Check    string
	Group    string
	Labels   []Label // the user's, by name
	Severity string
	Runbook  string
	Links    []Link
	Policy   Policy
	Fed      []string // full names of the receivers that a [Feed] tells, beside those of State
	State    State    // Held says why a pending one that is due is not told
	Failures []Failure
	Silences []Silence // why nothing is told now
}

// Incidents returns every configured check whose phase is not [OK], the
// oldest first. It reads no disk.
func (e *Engine) Incidents() []Incident {
	var out []Incident
	for _, s := range e.awake() {
		at, st := s.place.Load(), s.state()
		if st.Status() == OK {
			continue
		}
		i := Incident{
			Check: s.name, Group: at.Group, Labels: pairs(at.Labels), Severity: at.severity(), Runbook: at.Runbook,
			Links: at.links.of(&at.Subject), Policy: at.Policy, Fed: at.fed, State: st, Failures: s.failures(),
			Silences: e.silences(s, e.time()),
		}
		out = append(out, i)
	}
	slices.SortStableFunc(out, func(a, b Incident) int {
		return cmp.Or(a.State.Since.Compare(b.State.Since), strings.Compare(a.Check, b.Check))
	})
	return out
}

// OpenProblem is a problem of watchword itself that was told and is not over.
type OpenProblem struct {
	Text  string // without a heading
	Since time.Time
}

// Problems returns the problems of watchword itself, the oldest first; an
// outage is one of them. It reads no disk and waits for none.
func (e *Engine) Problems() []OpenProblem {
	var out []OpenProblem
	for _, st := range e.problems.open() {
		out = append(out, OpenProblem{st.Message, st.Since})
	}
	if st, _ := e.outage.live(); st.Open() {
		out = append(out, OpenProblem{strings.TrimPrefix(st.Message, "⚠️ "), st.Since})
	}
	slices.SortFunc(out, func(a, b OpenProblem) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Text, b.Text))
	})
	return out
}
