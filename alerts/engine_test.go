package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

// rig is an engine on a store in memory, with a clock that the test sets.
type rig struct {
	t      *testing.T
	store  *alertstest.Memory
	engine *alerts.Engine
	now    time.Time
	setup  alerts.Setup
	seen   int // notifications that told has returned
}

func newRig(t *testing.T, setup alerts.Setup) *rig {
	t.Helper()
	r := &rig{t: t, store: &alertstest.Memory{Twice: true}, now: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), setup: setup}
	r.restart()
	return r
}

// restart begins again with a new engine on the same store.
func (r *rig) restart() {
	r.t.Helper()
	r.engine = &alerts.Engine{Store: r.store, Now: func() time.Time { return r.now }}
	r.load(r.setup)
}

func (r *rig) load(s alerts.Setup) {
	r.t.Helper()
	r.setup = s
	if err := r.engine.Load(r.t.Context(), s); err != nil {
		r.t.Fatal(err)
	}
}

// run hands in a result and lets a minute go by.
func (r *rig) run(check string, o checks.Outcome) {
	r.t.Helper()
	res := checks.Result{Check: check, Outcome: o, Started: r.now}
	if o == checks.Failed || o == checks.Degraded {
		res.Reason, res.Message = checks.ReasonExpectation, "status is 422, want 201"
	}
	if err := r.engine.Handle(r.t.Context(), res); err != nil {
		r.t.Fatal(err)
	}
	r.now = r.now.Add(time.Minute)
}

// told returns what was queued since the last call, as "receiver: headline".
func (r *rig) told() []string {
	var out []string
	all := r.store.Queued()
	for _, n := range all[r.seen:] {
		out = append(out, n.Receiver+": "+n.Message.Headline)
	}
	r.seen = len(all)
	return out
}

func (r *rig) want(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.told()); diff != "" {
		r.t.Errorf("told: -want +got\n%s", diff)
	}
}

func one(p alerts.Policy) alerts.Setup {
	return alerts.Setup{Location: "fra1", Receivers: []string{"slack.a"}, Subjects: []alerts.Subject{{Name: "orders/checkout", Group: "orders", Policy: p}}}
}

const (
	failing   = "slack.a: 🔴 orders/checkout is failing: status is 422, want 201"
	recovered = "slack.a: 🟢 orders/checkout recovered after "
)

func TestEngineTellsAnIncident(t *testing.T) {
	r := newRig(t, one(alerts.Policy{After: 2}))
	r.run("orders/checkout", checks.Passed)
	r.run("orders/checkout", checks.Failed)
	if got := r.engine.State("orders/checkout"); got.Status() != alerts.Pending || got.Since != r.now.Add(-time.Minute) {
		t.Errorf("state %+v", got)
	}
	r.want()
	r.run("orders/checkout", checks.Failed)
	r.want(failing)
	r.run("orders/checkout", checks.Unknown)
	r.run("orders/checkout", checks.Failed)
	r.want()
	r.run("orders/checkout", checks.Passed)
	r.want(recovered + "4m")
	if got := r.engine.State("orders/checkout"); got.Status() != alerts.OK || got.LastGood != r.now.Add(-time.Minute) {
		t.Errorf("state %+v", got)
	}
	if got := r.engine.State("nobody"); got.Status() != alerts.OK {
		t.Errorf("state of an unknown check %+v", got)
	}
}

func TestEngineWritesNothingWhileAllIsWell(t *testing.T) {
	r := newRig(t, one(alerts.Policy{}))
	for range 100 {
		r.run("orders/checkout", checks.Passed)
		r.run("orders/checkout", checks.Unknown)
	}
	if n := r.store.Updates(); n != 0 {
		t.Errorf("%d updates of the store", n)
	}
	r.run("orders/checkout", checks.Failed)
	if n := r.store.Queued()[0]; n.Message.LastGood != r.now.Add(-3*time.Minute) {
		t.Errorf("last good run %v although it was never written", n.Message.LastGood)
	}
}

func TestEngineSurvivesRestartAndReload(t *testing.T) {
	for name, again := range map[string]func(*rig){
		"restart": (*rig).restart,
		"reload":  func(r *rig) { r.load(r.setup) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, one(alerts.Policy{After: 3, RecoverAfter: 2}))
			for _, o := range []checks.Outcome{checks.Failed, checks.Failed} {
				r.run("orders/checkout", o)
				again(r)
			}
			r.want()
			r.run("orders/checkout", checks.Failed)
			again(r)
			r.want(failing)
			before := r.engine.State("orders/checkout")
			again(r)
			if diff := cmp.Diff(before, r.engine.State("orders/checkout")); diff != "" {
				t.Error(diff)
			}
			r.run("orders/checkout", checks.Passed)
			again(r)
			r.run("orders/checkout", checks.Passed)
			again(r)
			r.want(recovered + "4m")
			r.run("orders/checkout", checks.Failed)
			r.run("orders/checkout", checks.Failed)
			again(r)
			r.run("orders/checkout", checks.Failed)
			r.want(failing)
			if got := r.engine.State("orders/checkout").Incident; got != 2 {
				t.Errorf("incident %d, want 2", got)
			}
			threads := map[string]int{}
			for _, n := range r.store.Queued() {
				threads[n.Thread]++
			}
			if want := map[string]int{"check:orders/checkout#1": 2, "check:orders/checkout#2": 1}; !cmp.Equal(threads, want) {
				t.Errorf("threads %v, want %v", threads, want)
			}
		})
	}
}

func TestEngineRemovedCheck(t *testing.T) {
	setup := one(alerts.Policy{})
	for name, remove := range map[string]func(*rig, alerts.Setup){
		"reload":        func(r *rig, s alerts.Setup) { r.load(s) },
		"while stopped": func(r *rig, s alerts.Setup) { r.setup = s; r.restart() },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, setup)
			r.run("orders/checkout", checks.Failed)
			r.want(failing)
			renamed := setup
			renamed.Subjects = []alerts.Subject{{Name: "orders/pay"}}
			remove(r, renamed)
			r.want("slack.a: ⚪ orders/checkout was removed or disabled while failing: status is 422, want 201")
			if q := r.store.Queued(); q[1].Message.Kind != alerts.Withdrawn {
				t.Errorf("kind %s", q[1].Message.Kind)
			}
			r.run("orders/checkout", checks.Failed) // a run that was in flight
			r.want()
			remove(r, setup)
			r.run("orders/checkout", checks.Passed)
			r.want()
			r.run("orders/checkout", checks.Failed)
			r.want(failing)
			if got := r.engine.State("orders/checkout").Incident; got != 2 {
				t.Errorf("incident %d: a number was used twice", got)
			}
		})
	}
}

func TestEngineClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &alertstest.Memory{}
		e := &alerts.Engine{Store: store}
		setup := one(alerts.Policy{For: 90 * time.Second, RemindEvery: time.Hour})
		if err := e.Load(t.Context(), setup); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- e.Run(ctx) }()
		if err := e.Handle(ctx, checks.Result{Check: "orders/checkout", Outcome: checks.Failed, Message: "x", Started: time.Now()}); err != nil {
			t.Fatal(err)
		}
		wait(89 * time.Second)
		if n := len(store.Queued()); n != 0 {
			t.Errorf("told after 89 s: %d", n)
		}
		wait(3*time.Hour + 5*time.Second)
		var got []string
		for _, n := range store.Queued() {
			got = append(got, n.Message.Headline)
		}
		want := []string{
			"🔴 orders/checkout is failing: x", "🔴 orders/checkout is still failing after 1h1m: x",
			"🔴 orders/checkout is still failing after 2h1m: x", "🔴 orders/checkout is still failing after 3h1m: x",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		// A policy that makes a reminder due tells nothing before the next run.
		setup.Subjects[0].Policy.RemindEvery = time.Second
		if err := e.Load(ctx, setup); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		if n := len(store.Queued()); n != len(want) {
			t.Errorf("the reload told something: %d messages", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestEngineReloadTellsNothing(t *testing.T) {
	setup := alerts.Setup{Receivers: []string{"slack.a"}}
	for i := range 50 {
		setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprintf("c%d", i), Policy: alerts.Policy{After: 1 + i%3}})
	}
	r := newRig(t, setup)
	for i := range 50 {
		for range i % 4 {
			r.run(fmt.Sprintf("c%d", i), checks.Failed)
		}
	}
	r.told()
	for range 100 {
		slices.Reverse(setup.Subjects)
		r.load(setup)
	}
	r.want()
}

func TestEngineWhoIsTold(t *testing.T) {
	critical, err := alerts.CompileRoute(map[string]string{"severity": "critical"}, []string{"slack.oncall"}, true)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := alerts.CompileRoute(nil, []string{"slack.all"}, false)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"slack.all", "slack.oncall", "slack.own"}
	setup := alerts.Setup{
		Receivers: all, Routes: alerts.Routes{critical, rest},
		Subjects: []alerts.Subject{
			{Name: "a"},
			{Name: "b", Policy: alerts.Policy{Severity: "critical"}},
			{Name: "c", Policy: alerts.Policy{Severity: "critical"}, Receivers: []string{"slack.own"}},
		},
	}
	r := newRig(t, setup)
	to := func(check string, o checks.Outcome) []string {
		r.run(check, o)
		var out []string
		for _, line := range r.told() {
			out = append(out, strings.SplitN(line, ":", 2)[0])
		}
		return out
	}
	for check, want := range map[string][]string{"a": {"slack.all"}, "b": {"slack.oncall", "slack.all"}, "c": {"slack.own"}} {
		if got := to(check, checks.Failed); !cmp.Equal(got, want) {
			t.Errorf("%s went to %v, want %v", check, got, want)
		}
	}
	// The recovery goes to those who know of the incident, and to the current
	// ones if none of them is left.
	setup.Routes = nil
	setup.Receivers = []string{"slack.all", "slack.new"}
	setup.Subjects[2].Receivers = []string{"slack.new"}
	r.load(setup)
	for check, want := range map[string][]string{"a": {"slack.all"}, "b": {"slack.all"}, "c": {"slack.new"}} {
		if got := to(check, checks.Passed); !cmp.Equal(got, want) {
			t.Errorf("recovery of %s went to %v, want %v", check, got, want)
		}
	}
}

func TestEngineStoreFails(t *testing.T) {
	r := newRig(t, one(alerts.Policy{After: 2}))
	r.run("orders/checkout", checks.Failed)
	r.store.Fail(true)
	err := r.engine.Handle(t.Context(), checks.Result{Check: "orders/checkout", Outcome: checks.Failed, Started: r.now})
	if !errors.Is(err, alertstest.ErrStore) {
		t.Errorf("got %v", err)
	}
	if got := r.engine.State("orders/checkout"); got.Failing != 1 {
		t.Errorf("state changed without the store: %+v", got)
	}
	r.store.Fail(false)
	r.run("orders/checkout", checks.Failed)
	r.want(failing)
}

// slowStore takes a second for each Update, however many there are at once.
type slowStore struct{ *alertstest.Memory }

func (s slowStore) Update(ctx context.Context, key string, fn func(alerts.State) alerts.Change) error {
	<-time.After(time.Second)
	return s.Memory.Update(ctx, key, fn)
}

// TestEngineManyAtOnce has a thousand incidents reminded of, and then
// withdrawn, at the same moment.
func TestEngineManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := slowStore{&alertstest.Memory{}}
		e := &alerts.Engine{Store: store}
		setup := alerts.Setup{Receivers: []string{"slack.a"}}
		for i := range 1000 {
			setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprint(i), Policy: alerts.Policy{RemindEvery: time.Minute}})
		}
		if err := e.Load(t.Context(), setup); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for _, s := range setup.Subjects {
			wg.Go(func() {
				_ = e.Handle(t.Context(), checks.Result{Check: s.Name, Outcome: checks.Failed, Started: time.Now()})
			})
		}
		wg.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() { _ = e.Run(ctx) })
		wait(time.Minute + 10*time.Second)
		if n := len(store.Queued()); n != 2000 {
			t.Errorf("%d notifications, want 1000 incidents and 1000 reminders", n)
		}
		cancel()
		wg.Wait()
		begin := time.Now()
		if err := e.Load(t.Context(), alerts.Setup{Receivers: []string{"slack.a"}}); err != nil {
			t.Fatal(err)
		}
		if took, n := time.Since(begin), len(store.Queued()); took > 10*time.Second || n != 3000 {
			t.Errorf("%d notifications after a reload of %v", n, took)
		}
	})
}

func TestNotices(t *testing.T) {
	setup := alerts.Setup{Location: "fra1", Receivers: []string{"slack.a", "slack.b"}}
	r := newRig(t, setup)
	notice := func(p alerts.Problem) {
		t.Helper()
		if err := r.engine.Notice(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	blocked := alerts.Problem{Cause: "receiver slack.b", Text: "receiver slack.b is blocked: is_archived", Receiver: "slack.b"}
	notice(blocked)
	r.want("slack.a: ⚠️ watchword at fra1: receiver slack.b is blocked: is_archived")
	notice(blocked)
	r.restart()
	notice(blocked)
	r.want()
	blocked.Text = "receiver slack.b is blocked: invalid_auth"
	notice(blocked)
	r.want("slack.a: ⚠️ watchword at fra1: receiver slack.b is blocked: invalid_auth")
	blocked.Text = ""
	notice(blocked)
	notice(blocked)
	r.want("slack.a: 🟢 watchword at fra1: no longer so: receiver slack.b is blocked: invalid_auth")

	setup.Problems = []alerts.Problem{{Cause: "secret token", Text: "secret token cannot be read"}, {Cause: "certificate x", Text: "certificate x cannot be loaded"}}
	r.load(setup)
	r.load(setup)
	r.want(
		"slack.a: ⚠️ watchword at fra1: secret token cannot be read", "slack.b: ⚠️ watchword at fra1: secret token cannot be read",
		"slack.a: ⚠️ watchword at fra1: certificate x cannot be loaded", "slack.b: ⚠️ watchword at fra1: certificate x cannot be loaded",
	)
	setup.Problems = setup.Problems[:1]
	r.setup = setup
	r.restart()
	r.want("slack.a: 🟢 watchword at fra1: no longer so: certificate x cannot be loaded", "slack.b: 🟢 watchword at fra1: no longer so: certificate x cannot be loaded")
}

func TestEngineAllocations(t *testing.T) {
	e, ctx := wellEngine(t), context.Background()
	r := passing(0)
	if err := e.Handle(ctx, r); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() { _ = e.Handle(ctx, r) }); n > 0 {
		t.Errorf("a run of a check that stays ok costs %v allocations", n)
	}
}

func wellEngine(tb testing.TB) *alerts.Engine {
	tb.Helper()
	var setup alerts.Setup
	for i := range 10_000 {
		setup.Subjects = append(setup.Subjects, alerts.Subject{Name: fmt.Sprintf("check-%d", i)})
	}
	e := &alerts.Engine{Store: &alertstest.Memory{}}
	if err := e.Load(context.Background(), setup); err != nil {
		tb.Fatal(err)
	}
	return e
}

func passing(i int) checks.Result {
	now := time.Now()
	return checks.Result{
		Check: fmt.Sprintf("check-%d", i), Outcome: checks.Passed, Started: now,
		Steps: []checks.StepResult{{Servers: []checks.ServerCertificate{{
			Host: fmt.Sprintf("host-%d", i), Fingerprint: fmt.Sprintf("%064d", i), NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
		}}}},
	}
}

func BenchmarkHandlePassing(b *testing.B) {
	e, ctx := wellEngine(b), context.Background()
	results := make([]checks.Result, 10_000)
	for i := range results {
		results[i] = passing(i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := e.Handle(ctx, results[i%len(results)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
