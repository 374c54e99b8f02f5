package alerts_test

import (
	"context"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// A check that goes away together with its receiver leaves nothing in a queue
// that nobody reads any more.
func TestCheckIsRemovedWithItsReceiver(t *testing.T) {
	setup := alerts.Setup{Receivers: []string{"slack.a", "slack.b"}, Subjects: []alerts.Subject{
		{Name: "x", Receivers: []string{"slack.a"}},
		{Name: "y", Receivers: []string{"slack.a", "slack.b"}},
	}}
	r := newRig(t, setup)
	r.run("x", checks.Failed)
	r.run("y", checks.Failed)
	r.told()
	r.load(alerts.Setup{Receivers: []string{"slack.b"}})
	r.want("slack.b: ⚪ y was removed or disabled while failing: status is 422, want 201")
}

// The problems of watchword itself are read while one of them is written: the
// status page is there when the disk is not.
func TestProblemsWaitForNoDisk(t *testing.T) {
	r := newRig(t, alerts.Setup{Receivers: []string{"slack.a"}})
	if err := r.engine.Notice(t.Context(), alerts.Problem{Cause: "one", Text: "one is wrong"}); err != nil {
		t.Fatal(err)
	}
	stuck := &slowDisk{Store: r.store, arrived: make(chan struct{}), open: make(chan struct{})}
	r.engine.Store = stuck
	done := make(chan error)
	go func() {
		done <- r.engine.Notice(context.WithoutCancel(t.Context()), alerts.Problem{Cause: "two", Text: "two is wrong"})
	}()
	<-stuck.arrived
	read := make(chan []alerts.OpenProblem, 1)
	go func() { read <- r.engine.Problems() }()
	select {
	case list := <-read:
		if len(list) != 1 || list[0].Text != "one is wrong" {
			t.Errorf("problems %+v", list)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for the disk")
	}
	close(stuck.open)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if list := r.engine.Problems(); len(list) != 2 {
		t.Errorf("problems %+v", list)
	}
}

// slowDisk is a store of which every update waits.
type slowDisk struct {
	alerts.Store
	arrived, open chan struct{}
}

func (s *slowDisk) Update(ctx context.Context, key string, fn func(alerts.State) alerts.Change) error {
	s.arrived <- struct{}{}
	<-s.open
	return s.Store.Update(ctx, key, fn)
}
