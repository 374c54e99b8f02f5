package alerts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// crowd is n checks of two teams that are told in groups.
func crowd(n int) alerts.Setup {
	s := alerts.Setup{Location: "fra1", Receivers: []string{"a"}, GroupWait: 15 * time.Second}
	for i := range n {
		s.Subjects = append(s.Subjects, alerts.Subject{
			Name: fmt.Sprintf("c%02d", i), Hosts: []string{fmt.Sprintf("h%d.acme.com", i%5)},
			Labels: map[string]string{"team": fmt.Sprintf("t%d", i%2)},
		})
	}
	return s
}

const unknownCA = checks.ReasonTLSUnknownCA

func TestGroup(t *testing.T) {
	for name, again := range map[string]func(*rig){"": func(*rig) {}, "restarts": (*rig).restart} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, crowd(28))
			for i := range 28 {
				r.at(fmt.Sprintf("c%02d", i), checks.Failed, unknownCA)
			}
			r.want("a: 🔴 c00 is failing: tls_unknown_ca")
			r.tick(14 * time.Second)
			r.want()
			r.tick(2 * time.Second)
			r.want("a: 🔴 27 checks are failing: all on *.acme.com, all tls_unknown_ca")
			again(r)
			m := r.store.Queued()[1].Message
			if len(m.Members) != 20 || m.More != 7 || m.Members[0] != (alerts.MemberLine{Check: "c01", Level: alerts.LevelFailed}) || m.Detail != "tls_unknown_ca" {
				t.Errorf("members %+v and %d, detail %q", m.Members, m.More, m.Detail)
			}
			r.tick(time.Minute)
			r.want()
			for i := range 28 {
				if i%2 == 0 {
					r.at(fmt.Sprintf("c%02d", i), checks.Passed, "")
				}
			}
			again(r)
			r.tick(time.Second)
			r.want("a: 🟢 c00 recovered after 1m16s", "a: 🔴 14 of 27 checks are failing: all on *.acme.com, all tls_unknown_ca")
			again(r)
			for i := range 28 {
				if i%2 == 1 {
					r.at(fmt.Sprintf("c%02d", i), checks.Passed, "")
				}
			}
			again(r)
			r.tick(time.Second)
			r.want("a: 🟢 27 checks recovered after 1m18s: all on *.acme.com, all tls_unknown_ca")
			q := r.store.Queued()
			if last := q[len(q)-1]; last.Thread != q[1].Thread || q[3].Thread != q[1].Thread {
				t.Errorf("threads %q %q %q", q[1].Thread, q[3].Thread, last.Thread)
			}
			again(r)
			r.tick(time.Minute)
			r.want()
			if n := len(mustLoad(t, r.store)); n != 28 { // the numbers of the incidents
				t.Errorf("%d states are kept", n)
			}
		})
	}
}

func mustLoad(t *testing.T, s alerts.Store) map[string]alerts.State {
	t.Helper()
	snap, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap.States
}

// TestGroupWindow: what follows in the next window is one message too, one
// that waits alone is told as itself, and what was well again before it could
// be told is told all the same.
func TestGroupWindow(t *testing.T) {
	r := newRig(t, crowd(10))
	fail := func(numbers ...int) {
		for _, i := range numbers {
			r.at(fmt.Sprintf("c%02d", i), checks.Failed, unknownCA)
		}
	}
	fail(0, 1, 2)
	r.tick(16 * time.Second)
	r.want("a: 🔴 c00 is failing: tls_unknown_ca", "a: 🔴 2 checks are failing: all on *.acme.com, all tls_unknown_ca")
	fail(3, 4)
	r.tick(16 * time.Second)
	r.want("a: 🔴 2 checks are failing: all on *.acme.com, all tls_unknown_ca")
	fail(5)
	r.tick(16 * time.Second)
	r.want("a: 🔴 c05 is failing: tls_unknown_ca")
	r.tick(20 * time.Second)
	fail(6, 7, 8)
	r.at("c07", checks.Passed, "")
	r.at("c08", checks.Passed, "")
	got := r.told()
	if len(got) != 3 || got[0] != "a: 🔴 c06 is failing: tls_unknown_ca" || !strings.HasPrefix(got[1], "a: 🟢 c07 was failing from 10:01:08 to 10:01:08 UTC: tls_unknown_ca") {
		t.Errorf("told %q", got)
	}
	r.tick(time.Minute)
	r.want()
}

func TestGroupMemberGetsWorse(t *testing.T) {
	r := newRig(t, crowd(4))
	for i := range 4 {
		r.at(fmt.Sprintf("c%02d", i), checks.Degraded, "")
	}
	r.tick(16 * time.Second)
	r.want("a: 🟡 c00 is degraded: timing.total is 1.2", "a: 🟡 3 checks are degraded: all on *.acme.com")
	r.at("c01", checks.Failed, unknownCA)
	r.want("a: 🔴 c01 is failing: tls_unknown_ca")
	r.tick(30 * time.Second)
	r.want("a: 🟡 2 checks are degraded: all on *.acme.com")
	for i := range 4 {
		r.at(fmt.Sprintf("c%02d", i), checks.Passed, "")
	}
	r.tick(time.Second)
	r.want("a: 🟢 c00 recovered after 46s", "a: 🟢 c01 recovered after 46s", "a: 🟢 2 checks recovered after 47s: all on *.acme.com")
}

func TestGroupBy(t *testing.T) {
	setup := crowd(8)
	setup.Routes = alerts.Routes{{Receivers: []string{"a"}, GroupBy: []string{"team"}, GroupWait: 10 * time.Second}}
	setup.Subjects[7].Policy.RemindEvery = time.Hour
	r := newRig(t, setup)
	for i := range 8 {
		r.at(fmt.Sprintf("c%02d", i), checks.Failed, []checks.Reason{unknownCA, refused}[i/2%2])
	}
	r.tick(11 * time.Second)
	r.wantSorted(
		"a: 🔴 c00 is failing: tls_unknown_ca", "a: 🔴 c01 is failing: tls_unknown_ca",
		"a: 🔴 3 checks are failing: all on *.acme.com, 2 connect_refused, 1 tls_unknown_ca",
		"a: 🔴 3 checks are failing: all on *.acme.com, 2 connect_refused, 1 tls_unknown_ca",
	)
	r.tick(time.Hour)
	r.want("a: 🔴 3 checks are still failing after 1h: all on *.acme.com, 2 connect_refused, 1 tls_unknown_ca")
	setup.Subjects = nil
	r.load(setup)
	r.tick(time.Second)
	got := r.told()
	if len(got) != 4 || !strings.HasPrefix(got[3], "a: ⚪ 3 checks were removed") {
		t.Errorf("told %q", got)
	}
}

// failingStore fails after so many updates, as if the process died then.
type failingStore struct {
	alerts.Store
	left atomic.Int64
}

func (s *failingStore) Update(ctx context.Context, key string, fn func(alerts.State) alerts.Change) error {
	if s.left.Add(-1) < 0 {
		return context.Canceled
	}
	return s.Store.Update(ctx, key, fn)
}

// TestGroupCrash lets the process die between any two writes of a group's
// life. In the end every check must have been told that it fails and that it
// is well, by itself or in a group, and no incident twice.
func TestGroupCrash(t *testing.T) {
	const n = 5
	finished := false
	points := 0
	for left := int64(0); !finished; left++ {
		r := newRig(t, crowd(n))
		dying := &failingStore{Store: r.store}
		dying.left.Store(left)
		crashed := false
		r.engine = &alerts.Engine{Store: dying, Now: func() time.Time { return r.now }}
		if err := r.engine.Load(t.Context(), r.setup); err != nil {
			t.Fatal(err)
		}
		run := func(o checks.Outcome) {
			for i := range n {
				res := checks.Result{Check: fmt.Sprintf("c%02d", i), Outcome: o, Started: r.now, Reason: unknownCA, Message: "m"}
				if err := r.engine.Handle(t.Context(), res); err != nil || dying.left.Load() < 0 {
					crashed = true
				}
				if crashed {
					crashed = false
					dying.left.Store(1 << 30)
					points++
					r.restart()
					if err := r.engine.Handle(t.Context(), res); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		wait := func(d time.Duration) {
			for range int(d / time.Second) {
				r.tick(time.Second)
				if dying.left.Load() < 0 {
					dying.left.Store(1 << 30)
					points++
					r.restart()
				}
			}
		}
		run(checks.Failed)
		wait(40 * time.Second)
		run(checks.Failed)
		wait(40 * time.Second)
		run(checks.Passed)
		wait(40 * time.Second)
		finished = dying.left.Load() > 0 && dying.left.Load() < 1<<20
		checkStory(t, int(left), r.store.Queued(), n)
	}
	t.Logf("died at %d points", points)
	if points < 3*n {
		t.Errorf("only %d points", points)
	}
}

// checkStory counts what was told of each check.
func checkStory(t *testing.T, point int, list []alerts.Notification, n int) {
	t.Helper()
	fired, over := map[string]int{}, map[string]int{}
	members := map[string][]string{}
	for _, q := range list {
		m := q.Message
		if m.Kind == alerts.Fired {
			members[q.Thread] = []string{m.Check}
		}
		if m.Topic == alerts.AboutGroup && m.Kind == alerts.Fired {
			members[q.Thread] = nil
			for _, line := range m.Members {
				members[q.Thread] = append(members[q.Thread], line.Check)
			}
		}
		names := members[q.Thread]
		if m.Kind == alerts.Folded {
			names = []string{m.Check}
		}
		for _, name := range names {
			switch m.Kind {
			case alerts.Fired:
				fired[name]++
			case alerts.Recovered:
				over[name]++
			case alerts.Folded:
				fired[name]++
				over[name]++
			default:
			}
		}
	}
	for i := range n {
		name := fmt.Sprintf("c%02d", i)
		if fired[name] != 1 || over[name] != 1 {
			var lines []string
			for _, q := range list {
				lines = append(lines, string(q.Message.Kind)+" "+q.Message.Headline)
			}
			t.Fatalf("point %d: %s was told %d times to fail and %d times to be well:\n%s", point, name, fired[name], over[name], strings.Join(lines, "\n"))
		}
	}
}

func TestOutage(t *testing.T) {
	setup := crowd(0)
	for i := range 20 {
		setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprintf("c%02d", i), Hosts: []string{fmt.Sprintf("h%02d.example", i)}, Interval: time.Minute})
	}
	r := newRig(t, setup)
	all := func(o checks.Outcome, from, to int) {
		for i := from; i < to; i++ {
			r.at(fmt.Sprintf("c%02d", i), o, checks.ReasonConnectTimeout)
		}
	}
	all(checks.Failed, 0, 10)
	r.tick(time.Second)
	r.want("a: 🔴 c00 is failing: connect_timeout")
	all(checks.Failed, 10, 12)
	r.tick(time.Second)
	r.want("a: ⚠️ watchword at fra1 may be cut off itself: 12 of 20 hosts cannot be reached, all connect_timeout")
	all(checks.Failed, 12, 20)
	r.tick(20 * time.Second)
	r.want("a: ⚠️ watchword at fra1 may be cut off itself: 20 of 20 hosts cannot be reached, all connect_timeout")
	r.restart()
	all(checks.Failed, 0, 20)
	r.tick(time.Minute)
	r.want()
	if p := r.engine.Problems(); len(p) != 1 || !strings.Contains(p[0].Text, "may be cut off itself") {
		t.Errorf("problems %+v", p)
	}
	all(checks.Passed, 0, 10)
	r.tick(time.Second)
	r.want("a: 🟢 c00 recovered after 1m22s", "a: 🟢 watchword at fra1 is no longer cut off: it may have been from 10:00 to 10:01 UTC")
	r.tick(20 * time.Second)
	r.want() // the others have not run since
	all(checks.Passed, 10, 18)
	all(checks.Failed, 18, 20)
	r.tick(20 * time.Second)
	r.wantSorted("a: 🔴 c18 is failing: connect_timeout", "a: 🔴 c19 is failing: connect_timeout")
}

// TestNoOutage: hosts that have been away for long, few hosts, and answers
// that come are no outage.
func TestNoOutage(t *testing.T) {
	for name, tc := range map[string]struct {
		hosts  int
		apart  time.Duration
		reason checks.Reason
	}{
		"few hosts": {9, 0, refused}, "long ago": {20, 10 * time.Second, refused}, "answers": {20, 0, checks.ReasonExpectation},
	} {
		t.Run(name, func(t *testing.T) {
			setup := alerts.Setup{Receivers: []string{"a"}}
			for i := range tc.hosts {
				setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprintf("c%02d", i), Hosts: []string{fmt.Sprintf("h%02d.example", i)}, Interval: 90 * time.Second})
			}
			r := newRig(t, setup)
			for i := range tc.hosts {
				r.at(fmt.Sprintf("c%02d", i), checks.Failed, tc.reason)
				r.tick(tc.apart)
			}
			r.tick(2 * time.Second)
			got := r.told()
			if len(got) != tc.hosts {
				t.Errorf("told %d: %q", len(got), got)
			}
		})
	}
}

// What a headline says that all have in common is what those have that fail
// now, and where that is an expectation, what was found.
func TestGroupFailsOtherwise(t *testing.T) {
	r := newRig(t, crowd(5))
	for i := range 5 {
		r.at(fmt.Sprintf("c%02d", i), checks.Failed, unknownCA)
	}
	r.tick(16 * time.Second)
	r.want("a: 🔴 c00 is failing: tls_unknown_ca", "a: 🔴 4 checks are failing: all on *.acme.com, all tls_unknown_ca")
	for i := range 4 {
		r.at(fmt.Sprintf("c%02d", i), checks.Failed, checks.ReasonExpectation)
	}
	r.at("c04", checks.Passed, "")
	r.tick(time.Minute)
	got := r.store.Queued()
	if m := got[len(got)-1].Message; m.Headline != "🔴 3 of 4 checks are failing: all on *.acme.com, all say expectation" {
		t.Errorf("then: %s", m.Headline)
	}
}

// What is about no single check leads to the page of all.
func TestLinksToTheOverview(t *testing.T) {
	setup := crowd(3)
	setup.Links = alerts.Links{External: "https://watch.test/night/"}
	r := newRig(t, setup)
	for i := range 3 {
		r.at(fmt.Sprintf("c%02d", i), checks.Failed, unknownCA)
	}
	r.tick(16 * time.Second)
	if err := r.engine.Notice(t.Context(), alerts.Problem{Cause: "x", Text: "a problem"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"https://watch.test/night/checks/c00", "https://watch.test/night/", "https://watch.test/night/"}
	got := r.store.Queued()
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i, n := range got {
		if l := n.Message.Links; !slices.Equal(l, []alerts.Link{{Name: "status", URL: want[i]}}) {
			t.Errorf("%s: links %v, want %s", n.Message.Headline, l, want[i])
		}
	}
}
