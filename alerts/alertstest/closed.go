package alertstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
)

// closed is an incident with everything filled in that a store might lose. The
// later its number, the later it ends.
func closed(check string, number uint64) alerts.ClosedIncident {
	since := moment.Add(time.Duration(number) * time.Hour) //nolint:gosec // small numbers
	return alerts.ClosedIncident{
		Check: check, Incident: number, Level: alerts.LevelDegraded, Since: since, Until: since.Add(90 * time.Second),
		Reason: checks.ReasonExpectation, Message: fmt.Sprintf("incident %d", number),
	}
}

// end closes an incident, and nothing else.
func end(t *testing.T, s alerts.Store, c alerts.ClosedIncident) {
	t.Helper()
	err := s.Update(t.Context(), "check:"+c.Check, func(alerts.State) alerts.Change {
		return alerts.Change{State: alerts.State{Incident: c.Incident}, Closed: &c}
	})
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func past(t *testing.T, s alerts.Store) []alerts.ClosedIncident {
	t.Helper()
	snap, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return snap.Closed
}

// wantPast holds what is kept, before and after reopening.
func wantPast(t *testing.T, s alerts.Store, reopen func(*testing.T) alerts.Store, want []alerts.ClosedIncident) {
	t.Helper()
	if diff := cmp.Diff(want, past(t, s)); diff != "" {
		t.Error(diff)
	}
	if reopen == nil {
		return
	}
	if diff := cmp.Diff(want, past(t, reopen(t))); diff != "" {
		t.Errorf("after reopening: %s", diff)
	}
}

func testClosed(t *testing.T, open OpenStore) {
	t.Helper()
	s, reopen := open(t)
	end(t, s, closed("k", 1))
	update(t, s, "check:k", state(1), note("a", "k#2", alerts.Fired)) // closes nothing
	end(t, s, closed("l", 2))
	update(t, s, "check:k", alerts.State{}) // nor does a key that is forgotten take them along
	want := []alerts.ClosedIncident{closed("k", 1), closed("l", 2)}
	wantPast(t, s, reopen, want)
}

func testClosedAreBounded(t *testing.T, open OpenStore) {
	t.Helper()
	s, reopen := open(t)
	const ended = alerts.MaxClosed + 3
	var want []alerts.ClosedIncident
	for i := range uint64(ended) {
		end(t, s, closed("k", i+1))
		if ended-i <= alerts.MaxClosed {
			want = append(want, closed("k", i+1))
		}
	}
	end(t, s, closed("l", ended+1))
	want = append(want, closed("l", ended+1))
	wantPast(t, s, reopen, want)
}
