package alerts_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
)

// at runs a check at the present moment; tick lets time go by, second by
// second, as Engine.Run does.
func (r *rig) at(check string, o checks.Outcome, reason checks.Reason) {
	r.t.Helper()
	res := checks.Result{Check: check, Outcome: o, Started: r.now}
	switch o {
	case checks.Failed:
		res.Reason, res.Message = reason, string(reason)
	case checks.Degraded:
		res.Message = "timing.total is 1.2"
	default:
	}
	if err := r.engine.Handle(r.t.Context(), res); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) tick(d time.Duration) {
	for range int(d / time.Second) {
		r.now = r.now.Add(time.Second)
		r.engine.Look(r.t.Context(), r.now)
	}
}

// wantSorted is want for what is told at the same moment.
func (r *rig) wantSorted(want ...string) {
	r.t.Helper()
	got := r.told()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("told: -want +got\n%s", diff)
	}
}

const refused = checks.ReasonConnectRefused

// family is a parent with children and a grandchild.
func family() alerts.Setup {
	s := alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{{Name: "db", Interval: time.Minute}}}
	for _, n := range []string{"x", "y"} {
		s.Subjects = append(s.Subjects, alerts.Subject{Name: n, Parents: []string{"db", "gone"}, Interval: time.Minute})
	}
	s.Subjects = append(s.Subjects, alerts.Subject{Name: "z", Parents: []string{"y"}})
	return s
}

func TestDependents(t *testing.T) {
	r := newRig(t, family())
	for _, n := range []string{"z", "x", "y"} { // the children are found first
		r.at(n, checks.Failed, refused)
		r.tick(time.Second)
	}
	r.want()
	if st := r.engine.State("x"); st.Status() != alerts.Pending || st.Held != alerts.ByDependency {
		t.Errorf("state %+v", st)
	}
	r.at("db", checks.Failed, refused)
	r.want("a: 🔴 db is failing: connect_refused (and 3 checks that depend on it)")
	if m, u, d := r.engine.Muted("x"); m || u || !d {
		t.Errorf("muted %v %v %v", m, u, d)
	}
	r.tick(time.Minute)
	r.restart()
	r.at("y", checks.Failed, refused)
	r.at("x", checks.Passed, "")
	r.tick(20 * time.Second)
	r.want("a: 🔴 db is failing: connect_refused (and 2 checks that depend on it)")
	if q := r.store.Queued(); q[1].Message.Kind != alerts.Amended || q[1].Thread != q[0].Thread || len(q[1].Message.Members) != 2 {
		t.Errorf("amended by %+v", q[1])
	}
	r.at("db", checks.Passed, "")
	r.tick(10 * time.Second)
	r.want("a: 🟢 db recovered after 1m20s")
	r.at("y", checks.Failed, refused) // still fails
	r.tick(time.Second)
	r.want("a: 🔴 y is failing: connect_refused (and 1 check that depends on it)")
	r.at("z", checks.Failed, refused)
	r.tick(time.Minute)
	r.at("y", checks.Passed, "")
	r.tick(time.Second)
	r.at("z", checks.Passed, "")
	r.tick(time.Minute)
	r.want("a: 🟢 y recovered after 2m32s")
	for _, n := range []string{"db", "x", "y", "z"} {
		if st := r.engine.State(n); st.Status() != alerts.OK {
			t.Errorf("%s is %+v", n, st)
		}
	}
}

func TestDependsOnAParentThatIsWell(t *testing.T) {
	r := newRig(t, family())
	r.at("db", checks.Passed, "")
	r.tick(time.Second)
	r.at("x", checks.Failed, refused)
	r.tick(30 * time.Second)
	r.want() // until the parent has run
	r.at("db", checks.Passed, "")
	r.tick(time.Second)
	r.want("a: 🔴 x is failing: connect_refused")
	r.at("y", checks.Failed, refused)
	r.tick(2 * time.Minute)
	r.want()
	r.tick(2 * time.Minute) // a parent that does not run explains nothing
	if got := r.told(); !slices.Contains(got, "a: 🔴 y is failing: connect_refused") {
		t.Errorf("told %q", got)
	}
	// A parent that is removed holds nothing, and its removal tells nothing.
	r.at("db", checks.Failed, refused)
	r.tick(time.Second)
	r.at("z", checks.Passed, "")
	setup := family()
	setup.Subjects = setup.Subjects[1:]
	r.load(setup)
	r.told()
	r.at("x", checks.Passed, "")
	r.tick(time.Second)
	r.want("a: 🟢 x recovered after 4m32s")
}

func TestDependencyCycleHoldsNothing(t *testing.T) {
	r := newRig(t, alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{
		{Name: "x", Parents: []string{"y"}}, {Name: "y", Parents: []string{"x"}}, {Name: "z", Parents: []string{"z"}},
	}})
	for _, n := range []string{"x", "y", "z"} {
		r.at(n, checks.Failed, refused)
	}
	r.want("a: 🔴 x is failing: connect_refused", "a: 🔴 y is failing: connect_refused", "a: 🔴 z is failing: connect_refused")
}

// nightly is a window of an hour from `from` on, for team a.
func nightly(from time.Time) alerts.Maintenance {
	team, err := alerts.ParsePattern("a*")
	if err != nil {
		panic(err)
	}
	return alerts.Maintenance{Name: "nightly", Spec: from.String(), Match: map[string]alerts.Pattern{"team": team}, Next: func(at time.Time) (time.Time, time.Time) {
		if !at.Before(from.Add(time.Hour)) {
			return time.Time{}, time.Time{}
		}
		return from, from.Add(time.Hour)
	}}
}

func TestMaintenance(t *testing.T) {
	setup := alerts.Setup{Receivers: []string{"a"}}
	for _, n := range []string{"before", "during", "short", "level"} {
		setup.Subjects = append(setup.Subjects, alerts.Subject{
			Name: n, Labels: map[string]string{"team": "alpha"}, Policy: alerts.Policy{RemindEvery: 20 * time.Minute, MaxReminders: 1},
		})
	}
	setup.Subjects = append(setup.Subjects, alerts.Subject{Name: "other", Labels: map[string]string{"team": "b"}})
	r := newRig(t, setup)
	setup.Maintenance = []alerts.Maintenance{nightly(r.now.Add(time.Minute))}
	r.load(setup)
	r.at("before", checks.Failed, refused)
	r.at("level", checks.Degraded, "")
	r.want("a: 🔴 before is failing: connect_refused", "a: 🟡 level is degraded: timing.total is 1.2")
	r.tick(5 * time.Minute)
	r.at("during", checks.Failed, refused)
	r.at("short", checks.Failed, refused)
	r.at("level", checks.Failed, refused)
	r.at("other", checks.Failed, refused)
	r.want("a: 🔴 other is failing: connect_refused")
	if m, u, d := r.engine.Muted("short"); !m || u || d {
		t.Errorf("muted %v %v %v", m, u, d)
	}
	r.tick(10 * time.Minute)
	r.restart()
	r.at("before", checks.Passed, "")
	r.at("short", checks.Passed, "")
	r.tick(44 * time.Minute)
	r.want()
	r.tick(2 * time.Minute)
	r.wantSorted("a: 🔴 level is failing: connect_refused", "a: 🟢 before recovered after 15m", "a: 🔴 during is failing: connect_refused")
	r.tick(time.Hour)
	r.wantSorted("a: 🔴 during is still failing after 1h16m: connect_refused", "a: 🔴 level is still failing after 1h21m: connect_refused")
}

func TestReloadThatEndsMaintenanceTellsNothing(t *testing.T) {
	setup := alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{{Name: "x", Labels: map[string]string{"team": "a"}}}}
	r := newRig(t, setup)
	with := setup
	with.Maintenance = []alerts.Maintenance{nightly(r.now)}
	r.load(with)
	r.at("x", checks.Failed, refused)
	r.tick(time.Minute)
	r.load(setup)
	r.tick(time.Minute)
	r.want()
	r.at("x", checks.Failed, refused)
	r.want("a: 🔴 x is failing: connect_refused")
}

func TestMute(t *testing.T) {
	setup := alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{{Name: "orders/x"}, {Name: "orders/y"}, {Name: "pay"}}}
	r := newRig(t, setup)
	for pattern, until := range map[string]time.Duration{"[": time.Hour, "x": 0} {
		if _, err := r.engine.Mute(t.Context(), alerts.Mute{Pattern: pattern, Until: r.now.Add(until)}); err == nil {
			t.Errorf("muted %q for %v", pattern, until)
		}
	}
	names, err := r.engine.Mute(t.Context(), alerts.Mute{Pattern: "orders/*", Until: r.now.Add(time.Hour), Why: "migration"})
	if diff := cmp.Diff([]string{"orders/x", "orders/y"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	r.at("orders/x", checks.Failed, refused)
	r.at("pay", checks.Failed, refused)
	r.restart()
	r.tick(30 * time.Minute)
	r.want("a: 🔴 pay is failing: connect_refused")
	if m := r.engine.Mutes(); len(m) != 1 || m[0].Why != "migration" || m[0].Pattern != "orders/*" {
		t.Errorf("mutes %+v", m)
	}
	in := r.engine.Incidents()
	if len(in) != 2 || in[0].Check != "orders/x" || len(in[0].Silences) != 1 || in[0].State.Held != alerts.ByMute || len(in[1].Silences) != 0 {
		t.Errorf("incidents %+v", in)
	}
	r.tick(31 * time.Minute)
	r.want("a: 🔴 orders/x is failing: connect_refused")
	if m := r.engine.Mutes(); len(m) != 0 {
		t.Errorf("mutes %+v", m)
	}
	r.restart()
	if _, err := r.engine.Mute(t.Context(), alerts.Mute{Pattern: "orders/*", Until: r.now.Add(time.Hour)}); err != nil {
		t.Error(err)
	}
	r.at("orders/x", checks.Passed, "")
	r.tick(time.Minute)
	r.want()
	if there, err := r.engine.Unmute(t.Context(), "orders/*"); !there || err != nil {
		t.Error(there, err)
	}
	if there, err := r.engine.Unmute(t.Context(), "orders/*"); there || err != nil {
		t.Error(there, err)
	}
	r.tick(time.Second)
	r.want("a: 🟢 orders/x recovered after 1h1m")
}

func TestMaxReminders(t *testing.T) {
	setup := alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{{Name: "x", Policy: alerts.Policy{RemindEvery: time.Hour, MaxReminders: 2}}}}
	r := newRig(t, setup)
	for range 2 { // the second incident has reminders of its own
		r.at("x", checks.Failed, refused)
		r.tick(5 * time.Hour)
		r.at("x", checks.Passed, "")
		if got := r.told(); len(got) != 4 || !strings.Contains(got[2], "still failing after 2h") {
			t.Errorf("told %q", got)
		}
	}
}

func TestStale(t *testing.T) {
	setup := alerts.Setup{Location: "fra1", Receivers: []string{"a"}}
	for i := range 7 {
		setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprintf("c%d", i), Interval: time.Minute})
	}
	setup.Subjects = append(setup.Subjects, alerts.Subject{Name: "weekly", Interval: 7 * 24 * time.Hour}, alerts.Subject{Name: "never"})
	r := newRig(t, setup)
	for range 5 {
		r.tick(time.Minute)
		for i := range 6 {
			r.at(fmt.Sprintf("c%d", i), checks.Unknown, "") // a run, if not of much use
		}
	}
	r.want("a: ⚠️ watchword at fra1: c6 has not run for three intervals")
	r.tick(5 * time.Minute)
	r.want()
	r.tick(10 * time.Minute)
	r.want("a: ⚠️ watchword at fra1: 7 checks have not run for three intervals: c0, c1, c2, c3, c4 and 2 more")
	for i := range 7 {
		r.at(fmt.Sprintf("c%d", i), checks.Passed, "")
	}
	r.tick(11 * time.Second)
	r.want("a: 🟢 watchword at fra1: no longer so: 7 checks have not run for three intervals: c0, c1, c2, c3, c4 and 2 more")
}

// A run may take longer than three intervals of a second.
func TestStaleHasAMinutesGrace(t *testing.T) {
	r := newRig(t, alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{{Name: "x", Interval: time.Second}}})
	r.at("x", checks.Passed, "")
	r.tick(time.Minute)
	r.want()
	r.tick(20 * time.Second)
	r.want("a: ⚠️ watchword: x has not run for three intervals")
}

// A process that stood still has not seen its checks run, which says nothing
// of them.
func TestStaleAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{{Name: "x", Interval: 10 * time.Second}}})
		pass := func(d time.Duration) {
			for end := r.now.Add(d); r.now.Before(end); {
				wait(time.Second)
				r.tick(time.Second)
			}
		}
		r.at("x", checks.Passed, "")
		pass(30 * time.Second)
		wait(10 * time.Minute)
		r.now = r.now.Add(10 * time.Minute)
		pass(4 * time.Minute)
		r.want()
		pass(2 * time.Minute)
		r.want("a: ⚠️ watchword: x has not run for three intervals")
	})
}

// gate is a store in which the state of one check waits to be written.
type gate struct {
	alerts.Store
	arrived, open chan struct{}
}

func (g *gate) Update(ctx context.Context, key string, fn func(alerts.State) (alerts.State, []alerts.Notification)) error {
	if key == "check:db" {
		g.arrived <- struct{}{}
		<-g.open
	}
	return g.Store.Update(ctx, key, fn)
}

// TestDependentsWhileTheParentIsStored: children are not told while it is
// being written that their parent fails.
func TestDependentsWhileTheParentIsStored(t *testing.T) {
	r := newRig(t, family())
	g := &gate{r.store, make(chan struct{}), make(chan struct{})}
	r.engine = &alerts.Engine{Store: g, Now: func() time.Time { return r.now }}
	r.load(r.setup)
	r.at("db", checks.Passed, "")
	r.tick(time.Second)
	r.at("x", checks.Failed, refused)
	r.tick(time.Second)
	done := make(chan error)
	go func() {
		done <- r.engine.Handle(t.Context(), checks.Result{Check: "db", Outcome: checks.Failed, Reason: refused, Message: "m", Started: r.now})
	}()
	<-g.arrived
	r.engine.Look(t.Context(), r.now)
	r.want()
	close(g.open)
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.want("a: 🔴 db is failing: m (and 1 check that depends on it)")
}
