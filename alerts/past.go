package alerts

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"watchword/checks"
)

// A ClosedIncident is one of a check that is over.
type ClosedIncident struct {
	Check    string        `json:"check"`
	Incident uint64        `json:"incident"` // its number, from 1; a check has none twice
	Level    Level         `json:"level"`    // that was told last
	Since    time.Time     `json:"since"`    // start of the first failing run
	Until    time.Time     `json:"until"`    // when enough runs had passed, or the check was removed
	Reason   checks.Reason `json:"reason"`   // of the last failing run
	Message  string        `json:"message"`  // of that run, one line, free of secrets
}

// closed is the incident that a transition of a check has ended.
func (t Transition) closed(check string) *ClosedIncident {
	return &ClosedIncident{check, t.Incident, t.Level, t.Since, t.At, t.Reason, t.Message}
}

// How many closed incidents a [Past] holds. That takes a few MiB: of each, its
// message is the longest part, and that is a line.
const (
	MaxClosed      = 10 // of one check, configured or not
	MaxClosedInAll = 10_000
)

// Past is what a [Store] keeps of incidents that are over: the latest
// [MaxClosed] of each check, and the latest [MaxClosedInAll] of them all. The
// zero value is empty. It is not safe for concurrent use.
type Past struct {
	all     []*ClosedIncident // in the order in which they came
	byCheck map[string][]*ClosedIncident
}

// PastOf holds incidents in the order in which they ended, and those of one
// check in that of their numbers, whatever order they come in: the clock may
// have been set back between two of them.
func PastOf(list []ClosedIncident) *Past {
	list = slices.SortedStableFunc(slices.Values(list), func(a, b ClosedIncident) int {
		return cmp.Or(a.Until.Compare(b.Until), strings.Compare(a.Check, b.Check), cmp.Compare(a.Incident, b.Incident))
	})
	p := new(Past)
	for _, c := range list {
		p.Add(c)
	}
	for _, ended := range p.byCheck {
		slices.SortFunc(ended, func(a, b *ClosedIncident) int { return cmp.Compare(a.Incident, b.Incident) })
	}
	return p
}

// Add takes in an incident that has ended after all the others, and returns
// those that there is no room for any more. It replaces one of its number.
func (p *Past) Add(c ClosedIncident) (dropped []ClosedIncident) {
	if p.byCheck == nil {
		p.byCheck = make(map[string][]*ClosedIncident)
	}
	if i := slices.IndexFunc(p.byCheck[c.Check], func(old *ClosedIncident) bool { return old.Incident == c.Incident }); i >= 0 {
		p.remove(p.byCheck[c.Check][i])
	}
	for len(p.byCheck[c.Check]) >= MaxClosed {
		dropped = append(dropped, p.remove(p.byCheck[c.Check][0]))
	}
	for len(p.all) >= MaxClosedInAll {
		dropped = append(dropped, p.remove(p.all[0]))
	}
	p.all = append(p.all, &c)
	p.byCheck[c.Check] = append(p.byCheck[c.Check], &c)
	return dropped
}

func (p *Past) remove(c *ClosedIncident) ClosedIncident {
	without := func(list []*ClosedIncident) []*ClosedIncident {
		i := slices.Index(list, c)
		return slices.Delete(list, i, i+1)
	}
	p.all = without(p.all)
	if p.byCheck[c.Check] = without(p.byCheck[c.Check]); len(p.byCheck[c.Check]) == 0 {
		delete(p.byCheck, c.Check)
	}
	return *c
}

// Of returns those of a check, the oldest first.
func (p *Past) Of(check string) []ClosedIncident { return values(p.byCheck[check]) }

// All returns all of them, the oldest first.
func (p *Past) All() []ClosedIncident { return values(p.all) }

func values(list []*ClosedIncident) []ClosedIncident {
	var out []ClosedIncident
	for _, c := range list {
		out = append(out, *c)
	}
	return out
}
