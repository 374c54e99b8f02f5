package alertstest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
)

// OpenStore makes a new, empty store for a test. reopen ends it, in an
// orderly way or not, and returns one that knows what the first one knew; it
// is nil for a store that remembers nothing.
type OpenStore func(t *testing.T) (s alerts.Store, reopen func(t *testing.T) alerts.Store)

// TestStore holds what every [alerts.Store] must do.
func TestStore(t *testing.T, open OpenStore) {
	t.Helper()
	for _, tc := range []struct {
		name string
		test func(t *testing.T, open OpenStore)
	}{
		{"an empty store", testEmpty},
		{"update replaces state and queues", testUpdate},
		{"an error changes nothing", testCancelled},
		{"the zero state forgets", testForget},
		{"queues are apart and in order", testOrder},
		{"stages of a delivery", testStages},
		{"what is folded leaves together", testFolded},
		{"references live as long as their thread", testReferences},
		{"incidents that are over are kept", testClosed},
		{"and no more of them than there is room for", testClosedAreBounded},
		{"concurrent updates are not lost", testConcurrent},
		{"nothing is lost by reopening", testReopen},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, open) })
	}
}

var moment = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// note is a notification with everything filled in that a store might lose.
func note(receiver, thread string, kind alerts.TransitionKind) alerts.Notification {
	return alerts.Notification{
		Receiver: receiver, Thread: thread, Queued: moment,
		Message: alerts.Message{
			Topic: alerts.AboutCheck, Kind: kind, Headline: thread + " " + string(kind), Check: thread, Labels: []alerts.Label{{Name: "team", Value: "a"}},
			At: moment, Since: moment, Failures: []alerts.Failure{{Step: "s", Conditions: []alerts.Condition{{Expression: "status == 200"}}}},
		},
	}
}

func state(n int) alerts.State {
	return alerts.State{
		Phase: alerts.Firing, Level: alerts.LevelFailed, Failing: n, Runs: n, Since: moment, Incident: 3, Message: "m", Receivers: []string{"a", "b"},
		Certificate: &alerts.CertificateState{Name: "c", Threshold: time.Hour},
	}
}

func update(t *testing.T, s alerts.Store, key string, st alerts.State, list ...alerts.Notification) {
	t.Helper()
	err := s.Update(t.Context(), key, func(alerts.State) alerts.Change { return alerts.Change{State: st, Queue: list} })
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func states(t *testing.T, s alerts.Store) map[string]alerts.State {
	t.Helper()
	snap, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return snap.States
}

func pending(t *testing.T, s alerts.Store, receiver string, limit int) alerts.Queue {
	t.Helper()
	q, err := s.Pending(t.Context(), receiver, limit)
	if err != nil {
		t.Fatalf("Pending: %v", err)
	}
	return q
}

func ack(t *testing.T, s alerts.Store, r alerts.Receipt) {
	t.Helper()
	if err := s.Ack(t.Context(), r); err != nil {
		t.Fatalf("Ack: %v", err)
	}
}

func headlines(q alerts.Queue) []string {
	var out []string
	for _, n := range q.Notifications {
		out = append(out, n.Message.Headline)
	}
	return out
}

func testEmpty(t *testing.T, open OpenStore) {
	t.Helper()
	s, _ := open(t)
	snap, err := s.Load(t.Context())
	if err != nil || len(snap.States) != 0 || len(snap.Receivers) != 0 || len(snap.Closed) != 0 {
		t.Errorf("Load: %+v, %v", snap, err)
	}
	if q := pending(t, s, "a", 10); q.Total != 0 || len(q.Notifications) != 0 || !q.Oldest.IsZero() {
		t.Errorf("Pending: %+v", q)
	}
	ack(t, s, alerts.Receipt{ID: 99, Stage: alerts.Taken})
}

func testUpdate(t *testing.T, open OpenStore) {
	t.Helper()
	s, _ := open(t)
	calls := 0
	err := s.Update(t.Context(), "k", func(old alerts.State) alerts.Change {
		calls++
		if diff := cmp.Diff(alerts.State{}, old); diff != "" {
			t.Errorf("an unknown key gave %s", diff)
		}
		return alerts.Change{State: state(1), Queue: []alerts.Notification{note("a", "k#1", alerts.Fired)}}
	})
	if err != nil || calls == 0 {
		t.Fatalf("Update: %v after %d calls", err, calls)
	}
	if diff := cmp.Diff(map[string]alerts.State{"k": state(1)}, states(t, s)); diff != "" {
		t.Error(diff)
	}
	q := pending(t, s, "a", 10)
	if q.Total != 1 || len(q.Notifications) != 1 || !q.Oldest.Equal(moment) {
		t.Fatalf("Pending: %+v", q)
	}
	want := note("a", "k#1", alerts.Fired)
	want.ID = q.Notifications[0].ID
	if diff := cmp.Diff(want, q.Notifications[0]); diff != "" || want.ID == 0 {
		t.Errorf("id %d, %s", want.ID, diff)
	}
	err = s.Update(t.Context(), "k", func(old alerts.State) alerts.Change {
		old.Failing++
		return alerts.Change{State: old}
	})
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	if got := states(t, s)["k"]; got.Failing != 2 {
		t.Errorf("the second update did not see the first: %+v", got)
	}
}

func testForget(t *testing.T, open OpenStore) {
	t.Helper()
	s, reopen := open(t)
	update(t, s, "k", state(1))
	update(t, s, "k", alerts.State{}, note("a", "k#1", alerts.Recovered))
	if reopen != nil {
		s = reopen(t)
	}
	if got := states(t, s); len(got) != 0 {
		t.Errorf("states %v", got)
	}
	if q := pending(t, s, "a", 1); q.Total != 1 {
		t.Errorf("queue %+v", q)
	}
}

func testCancelled(t *testing.T, open OpenStore) {
	t.Helper()
	s, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ctx, "k", func(alerts.State) alerts.Change {
		over := closed("k", 1)
		return alerts.Change{State: state(1), Queue: []alerts.Notification{note("a", "k#1", alerts.Fired)}, Closed: &over}
	})
	if err == nil {
		t.Fatal("no error with a context that has ended")
	}
	if got := past(t, s); len(got) != 0 {
		t.Errorf("closed incidents %v", got)
	}
	if got := states(t, s); len(got) != 0 {
		t.Errorf("states %v", got)
	}
	if q := pending(t, s, "a", 1); q.Total != 0 {
		t.Errorf("queue %+v", q)
	}
}

func testOrder(t *testing.T, open OpenStore) {
	t.Helper()
	s, _ := open(t)
	for i := range 5 {
		key := fmt.Sprintf("k%d", i)
		update(t, s, key, state(1), note("a", key, alerts.Fired), note("b", key, alerts.Fired))
	}
	if got, want := headlines(pending(t, s, "a", 3)), []string{"k0 fired", "k1 fired", "k2 fired"}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	q := pending(t, s, "a", 2)
	ack(t, s, alerts.Receipt{ID: q.Notifications[1].ID, Stage: alerts.Taken})
	if got, want := headlines(pending(t, s, "a", 10)), []string{"k0 fired", "k2 fired", "k3 fired", "k4 fired"}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if q := pending(t, s, "b", 0); q.Total != 5 || len(q.Notifications) != 0 {
		t.Errorf("b: %+v", q)
	}
	snap, err := s.Load(t.Context())
	if want := []string{"a", "b"}; err != nil || !cmp.Equal(snap.Receivers, want) {
		t.Errorf("receivers %v, %v, want %v", snap.Receivers, err, want)
	}
	last := uint64(0)
	for _, n := range pending(t, s, "b", 10).Notifications {
		if n.ID <= last {
			t.Errorf("id %d after %d", n.ID, last)
		}
		last = n.ID
	}
}

func testStages(t *testing.T, open OpenStore) {
	t.Helper()
	s, _ := open(t)
	update(t, s, "k", state(1), note("a", "k#1", alerts.Fired))
	first := func() alerts.Notification { return pending(t, s, "a", 1).Notifications[0] }
	if first().Attempted {
		t.Error("attempted before any attempt")
	}
	ack(t, s, alerts.Receipt{ID: first().ID, Stage: alerts.Begun})
	if !first().Attempted {
		t.Error("not attempted although an attempt has begun")
	}
	ack(t, s, alerts.Receipt{ID: first().ID, Stage: alerts.Refused})
	if first().Attempted {
		t.Error("attempted although the attempt was refused")
	}
	ack(t, s, alerts.Receipt{ID: first().ID, Stage: alerts.Taken})
	if q := pending(t, s, "a", 1); q.Total != 0 {
		t.Errorf("taken, but %+v", q)
	}
}

func testFolded(t *testing.T, open OpenStore) {
	t.Helper()
	s, reopen := open(t)
	update(t, s, "k", state(1), note("a", "k#1", alerts.Fired), note("a", "l#1", alerts.Fired), note("a", "k#1", alerts.Reminded), note("a", "k#1", alerts.Recovered))
	list := pending(t, s, "a", 10).Notifications
	if later := list[0].Later; len(later) != 2 || later[0].ID != list[2].ID || later[1].Message.Kind != alerts.Recovered || list[1].Later != nil {
		t.Fatalf("the first one is followed by %+v", later)
	}
	for _, stage := range []alerts.Stage{alerts.Begun, alerts.Refused, alerts.Begun} {
		ack(t, s, alerts.Receipt{ID: list[0].ID, Stage: stage, Folded: []uint64{list[2].ID, list[3].ID}})
		for i, n := range pending(t, s, "a", 10).Notifications {
			if want := stage == alerts.Begun && i != 1; n.Attempted != want {
				t.Errorf("stage %d: notification %d was attempted: %v", stage, i, n.Attempted)
			}
		}
	}
	if later := pending(t, s, "a", 1).Notifications[0].Later; len(later) != 2 || !later[1].Attempted {
		t.Errorf("the first one is followed by %+v", later)
	}
	ack(t, s, alerts.Receipt{
		ID: list[0].ID, Stage: alerts.Taken, Reference: alerts.Reference{Channel: "C1", ID: "1.2"}, Folded: []uint64{list[2].ID, list[3].ID, 99},
	})
	if reopen != nil {
		s = reopen(t)
	}
	if got, want := headlines(pending(t, s, "a", 10)), []string{"l#1 fired"}; !cmp.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
	update(t, s, "k", state(1), note("a", "k#1", alerts.Reminded))
	if n := pending(t, s, "a", 10).Notifications[1]; n.Reference != (alerts.Reference{}) {
		t.Errorf("a thread that is over has reference %v", n.Reference)
	}
}

func testReferences(t *testing.T, open OpenStore) {
	t.Helper()
	s, _ := open(t)
	ref := alerts.Reference{Channel: "C1", ID: "1.2"}
	update(t, s, "k", state(1), note("a", "k#1", alerts.Fired), note("b", "k#1", alerts.Fired))
	ack(t, s, alerts.Receipt{ID: pending(t, s, "a", 1).Notifications[0].ID, Stage: alerts.Taken, Reference: ref})
	update(t, s, "k", state(2), note("a", "k#1", alerts.Reminded), note("a", "k#1", alerts.Recovered), note("a", "k#1", alerts.Reminded), note("a", "k#2", alerts.Fired))
	for i, want := range []alerts.Reference{ref, ref, {}, {}} {
		n := pending(t, s, "a", 1).Notifications[0]
		if n.Reference != want {
			t.Errorf("notification %d (%s) has reference %v, want %v", i, n.Message.Headline, n.Reference, want)
		}
		ack(t, s, alerts.Receipt{ID: n.ID, Stage: alerts.Taken}) // the zero Reference keeps the old one
	}
	if n := pending(t, s, "b", 1).Notifications[0]; n.Reference != (alerts.Reference{}) {
		t.Errorf("the other receiver has %v", n.Reference)
	}
}

func testConcurrent(t *testing.T, open OpenStore) {
	t.Helper()
	const workers, each = 20, 20
	s, _ := open(t)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				err := s.Update(t.Context(), "shared", func(old alerts.State) alerts.Change {
					old.Failing++
					return alerts.Change{State: old, Queue: []alerts.Notification{note("a", fmt.Sprintf("%d/%d", w, i), alerts.Fired)}}
				})
				if err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := states(t, s)["shared"].Failing; got != workers*each {
		t.Errorf("%d of %d updates count", got, workers*each)
	}
	q := pending(t, s, "a", workers*each+1)
	next := make([]int, workers)
	for _, n := range q.Notifications {
		var w, i int
		if _, err := fmt.Sscanf(n.Thread, "%d/%d", &w, &i); err != nil || next[w] != i {
			t.Fatalf("worker %d: notification %d where %d is due", w, i, next[w])
		}
		next[w]++
	}
	if q.Total != workers*each || len(q.Notifications) != workers*each {
		t.Errorf("%d queued, %d seen", q.Total, len(q.Notifications))
	}
}

func testReopen(t *testing.T, open OpenStore) {
	t.Helper()
	s, reopen := open(t)
	if reopen == nil {
		t.Skip("this store remembers nothing")
	}
	ref := alerts.Reference{Channel: "C1", ID: "1.2"}
	update(t, s, "k", state(1), note("a", "k#1", alerts.Fired), note("a", "k#1", alerts.Reminded), note("a", "k#1", alerts.Recovered))
	update(t, s, "l", state(7))
	end(t, s, closed("l", 1))
	end(t, s, closed("k", 2))
	ack(t, s, alerts.Receipt{ID: pending(t, s, "a", 1).Notifications[0].ID, Stage: alerts.Taken, Reference: ref})
	ack(t, s, alerts.Receipt{ID: pending(t, s, "a", 1).Notifications[0].ID, Stage: alerts.Begun})
	before, queue := states(t, s), pending(t, s, "a", 10)

	s = reopen(t)
	if diff := cmp.Diff([]alerts.ClosedIncident{closed("l", 1), closed("k", 2)}, past(t, s)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, states(t, s)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(queue, pending(t, s, "a", 10)); diff != "" {
		t.Error(diff)
	}
	if n := queue.Notifications[0]; !n.Attempted || n.Reference != ref {
		t.Errorf("before: %+v", n)
	}
	update(t, s, "m", state(1), note("a", "m#1", alerts.Fired))
	if got, want := headlines(pending(t, s, "a", 10)), []string{"k#1 reminded", "k#1 recovered", "m#1 fired"}; !cmp.Equal(got, want) {
		t.Errorf("after reopening: %v, want %v", got, want)
	}
}
