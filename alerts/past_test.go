package alerts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
)

// TestClosedIncidents holds what is kept of an incident, and of what none is
// kept.
func TestClosedIncidents(t *testing.T) {
	began := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	runs := func(r *rig, outcomes ...checks.Outcome) {
		for _, o := range outcomes {
			r.run("orders/checkout", o)
		}
	}
	kept := func(level alerts.Level, since, until time.Duration) []alerts.ClosedIncident {
		return []alerts.ClosedIncident{{
			Check: "orders/checkout", Incident: 1, Level: level, Since: began.Add(since), Until: began.Add(until),
			Reason: checks.ReasonExpectation, Message: "status is 422, want 201",
		}}
	}
	grouped := one(alerts.Policy{})
	grouped.GroupWait = time.Hour
	nobody := one(alerts.Policy{})
	nobody.Receivers = nil
	for name, tc := range map[string]struct {
		setup alerts.Setup
		do    func(r *rig)
		want  []alerts.ClosedIncident
	}{
		"passed":                       {one(alerts.Policy{}), func(r *rig) { runs(r, checks.Passed, checks.Passed) }, nil},
		"still open":                   {one(alerts.Policy{}), func(r *rig) { runs(r, checks.Failed, checks.Failed) }, nil},
		"pending, and then well":       {one(alerts.Policy{After: 2}), func(r *rig) { runs(r, checks.Failed, checks.Passed) }, nil},
		"failed":                       {one(alerts.Policy{}), func(r *rig) { runs(r, checks.Passed, checks.Failed, checks.Passed) }, kept(alerts.LevelFailed, time.Minute, 2*time.Minute)},
		"degraded, and nobody is told": {nobody, func(r *rig) { runs(r, checks.Degraded, checks.Passed) }, kept(alerts.LevelDegraded, 0, time.Minute)},
		"enough runs passed": {
			one(alerts.Policy{RecoverAfter: 2}),
			func(r *rig) { runs(r, checks.Failed, checks.Passed, checks.Unknown, checks.Passed) }, kept(alerts.LevelFailed, 0, 3*time.Minute),
		},
		"removed": {one(alerts.Policy{}), func(r *rig) {
			runs(r, checks.Failed)
			r.load(alerts.Setup{})
		}, kept(alerts.LevelFailed, 0, time.Minute)},
		"removed while pending": {one(alerts.Policy{After: 2}), func(r *rig) {
			runs(r, checks.Failed)
			r.load(alerts.Setup{})
		}, nil},
		"in a group": {grouped, func(r *rig) { runs(r, checks.Failed, checks.Passed) }, kept(alerts.LevelFailed, 0, time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, tc.setup)
			tc.do(r)
			snap, err := r.store.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, snap.Closed); diff != "" {
				t.Errorf("kept: -want +got\n%s", diff)
			}
		})
	}
}

// TestPast fills a Past in any order, and beyond its bounds.
func TestPast(t *testing.T) {
	began := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	incident := func(check string, n int) alerts.ClosedIncident {
		return alerts.ClosedIncident{Check: check, Incident: uint64(n), Until: began.Add(time.Duration(n) * time.Second)}
	}
	list := []alerts.ClosedIncident{incident("b", 3), incident("a", 3), incident("b", 1), incident("a", 2)}
	want := []alerts.ClosedIncident{list[2], list[3], list[1], list[0]}
	p := alerts.PastOf(list)
	if diff := cmp.Diff(want, p.All()); diff != "" {
		t.Error(diff)
	}
	earlier := incident("a", 4) // after the clock was set back
	earlier.Until = began
	if diff := cmp.Diff([]alerts.ClosedIncident{list[3], list[1], earlier}, alerts.PastOf(append(list, earlier)).Of("a")); diff != "" {
		t.Errorf("after a clock was set back: %s", diff)
	}
	again := incident("a", 2)
	again.Message = "again"
	if dropped := p.Add(again); dropped != nil {
		t.Errorf("dropped %v for one of the same number", dropped)
	}
	if diff := cmp.Diff([]alerts.ClosedIncident{list[1], again}, p.Of("a")); diff != "" || p.Of("c") != nil {
		t.Error(diff, p.Of("c"))
	}

	p = new(alerts.Past)
	var dropped []alerts.ClosedIncident
	for i := range alerts.MaxClosed + 2 {
		dropped = append(dropped, p.Add(incident("a", i))...)
	}
	if diff := cmp.Diff([]alerts.ClosedIncident{incident("a", 0), incident("a", 1)}, dropped); diff != "" || len(p.All()) != alerts.MaxClosed {
		t.Errorf("%d kept; dropped: %s", len(p.All()), diff)
	}
	dropped = nil
	for i := range alerts.MaxClosedInAll {
		dropped = append(dropped, p.Add(incident(fmt.Sprint(i), 100+i))...)
	}
	all := p.All()
	if len(all) != alerts.MaxClosedInAll || len(dropped) != alerts.MaxClosed || slices.ContainsFunc(dropped, func(c alerts.ClosedIncident) bool { return c.Check != "a" }) {
		t.Errorf("%d kept, dropped %v", len(all), dropped)
	}
	if len(p.Of("a")) != 0 || len(p.Of("0")) != 1 {
		t.Errorf("kept are %v and %v", p.Of("a"), p.Of("0"))
	}
}
