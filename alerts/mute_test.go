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

func TestMutePatterns(t *testing.T) {
	r := newRig(t, alerts.Setup{Subjects: []alerts.Subject{
		{Name: "edge[fra]"},
		{Name: "edge[ams]"},
		{Name: "edge[z-a]"},
		{Name: "edger"},
		{Name: "orders/a", Labels: map[string]string{"team": "orders", "tier": "1"}},
		{Name: "orders/b", Labels: map[string]string{"team": "ops"}},
	}})
	for pattern, want := range map[string]string{
		"*":           "edge[ams] edge[fra] edge[z-a] edger orders/a orders/b",
		"edge":        "edge[ams] edge[fra] edge[z-a]",
		"edge[fra]":   "edge[fra] edger", // also the glob that it is
		"edge[z-a]":   "edge[z-a]",       // no glob at all
		"edge*":       "edge[ams] edge[fra] edge[z-a] edger",
		"orders/*":    "orders/a orders/b",
		"orders":      "",
		"team=orders": "orders/a",
		"team=o*":     "orders/a orders/b",
		"tier=":       "",
		"owner=*":     "",
		"nothing":     "",
	} {
		if got := strings.Join(r.engine.Matching(pattern), " "); got != want {
			t.Errorf("%q matches %q, want %q", pattern, got, want)
		}
		_, err := r.engine.Mute(t.Context(), alerts.Mute{Pattern: pattern, Until: r.now.Add(time.Hour), Who: "anna"})
		if err != nil {
			t.Errorf("muting %q: %v", pattern, err)
			continue
		}
		r.restart() // a name that is no glob is remembered too
		var muted []string
		for _, name := range r.engine.Matching("*") {
			if _, m, _ := r.engine.Muted(name); m {
				muted = append(muted, name)
			}
		}
		if got := strings.Join(muted, " "); got != want {
			t.Errorf("%q mutes %q, want %q", pattern, got, want)
		}
		if _, err := r.engine.Unmute(t.Context(), pattern); err != nil {
			t.Error(err)
		}
	}
}

func TestMutesThatCannotBe(t *testing.T) {
	r := newRig(t, alerts.Setup{Subjects: []alerts.Subject{{Name: "x"}}})
	for _, m := range []alerts.Mute{
		{Pattern: "", Until: r.now.Add(time.Hour)},
		{Pattern: "[", Until: r.now.Add(time.Hour)},
		{Pattern: strings.Repeat("x", 300), Until: r.now.Add(time.Hour)},
		{Pattern: strings.Repeat("x", 300) + "=y", Until: r.now.Add(time.Hour)}, // a key of the state file cannot be of any length
		{Pattern: "x", Until: r.now},
		{Pattern: "x", Until: r.now.Add(alerts.MaxMute + time.Minute)},
		{Pattern: "x"},
	} {
		if _, err := r.engine.Mute(t.Context(), m); !errors.As(err, new(*alerts.MuteError)) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if list := r.engine.Mutes(); len(list) != 0 {
		t.Errorf("mutes %+v", list)
	}
}

func TestSilences(t *testing.T) {
	setup := family()
	r := newRig(t, setup)
	setup.Maintenance = []alerts.Maintenance{{Name: "always", Next: func(time.Time) (from, to time.Time) {
		return r.now.Add(-time.Hour), r.now.Add(time.Hour)
	}}}
	r.load(setup)
	r.at("db", checks.Failed, refused)
	for _, m := range []alerts.Mute{
		{Pattern: "x", Until: r.now.Add(2 * time.Hour), Why: "long\nstory", Who: "anna"},
		{Pattern: "*", Until: r.now.Add(time.Minute)}, // ends before, and so does the next
		{Pattern: "x*", Until: r.now.Add(time.Minute)},
	} {
		if _, err := r.engine.Mute(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := r.engine.Silences("x")
	want := []alerts.Silence{
		{By: alerts.ByMaintenance, Name: "always", Until: r.now.Add(time.Hour)},
		{By: alerts.ByMute, Name: "x", Until: r.now.Add(2 * time.Hour).UTC(), Why: "long story", Who: "anna"},
		{By: alerts.ByDependency, Name: "db"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if list := r.engine.Silences("nobody"); list != nil {
		t.Errorf("silences of nobody: %v", list)
	}
	until := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	for want, s := range map[string]alerts.Silence{
		"muted until 2026-03-01 04:00 UTC (x)":               {By: alerts.ByMute, Name: "x", Until: until},
		"muted until 2026-03-01 04:00 UTC (x, by u): why":    {By: alerts.ByMute, Name: "x", Until: until, Who: "u", Why: "why"},
		"maintenance nightly until 2026-03-01 04:00 UTC":     {By: alerts.ByMaintenance, Name: "nightly", Until: until},
		"it depends on db, which fails or has not run since": {By: alerts.ByDependency, Name: "db"},
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestMuteEndsByTime runs the engine and the outbox by the clock: what fails
// while it is muted is told when the mute ends, not before, and not later.
func TestMuteEndsByTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(alertstest.Memory)
		var mu sync.Mutex
		var told []string
		began := time.Now()
		outbox := &alerts.Outbox{Store: store}
		engine := &alerts.Engine{Store: store, Wake: outbox.Wake}
		if err := engine.Load(t.Context(), alerts.Setup{Receivers: []string{"a"}, Subjects: []alerts.Subject{{Name: "x"}, {Name: "y"}}}); err != nil {
			t.Fatal(err)
		}
		outbox.SetReceivers(map[string]alerts.Receiver{"a": taker(func(m alerts.Message) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, time.Since(began).Truncate(time.Minute).String()+" "+m.Headline)
		})})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = engine.Run(ctx) })
		wg.Go(func() { _ = outbox.Run(ctx) })
		if _, err := engine.Mute(t.Context(), alerts.Mute{Pattern: "*", Until: time.Now().Add(2 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		for range 3 * 60 {
			for _, name := range []string{"x", "y"} {
				r := checks.Result{Check: name, Outcome: checks.Failed, Reason: refused, Message: "m", Started: time.Now()}
				if name == "y" && time.Since(began) > time.Hour { // began and ended inside
					r.Outcome = checks.Passed
				}
				if err := engine.Handle(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			<-time.After(time.Minute)
		}
		cancel()
		wg.Wait()
		if want := []string{"2h0m0s 🔴 x is failing: m"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		if list := engine.Mutes(); len(list) != 0 {
			t.Errorf("mutes %+v", list)
		}
	})
}

// taker is a receiver that takes everything.
type taker func(alerts.Message)

func (f taker) Send(_ context.Context, d alerts.Delivery) (alerts.Reference, error) {
	f(d.Message)
	return alerts.Reference{}, nil
}

func TestMutesAreBounded(t *testing.T) {
	r := newRig(t, alerts.Setup{Subjects: []alerts.Subject{{Name: "x"}}})
	mute := func(i int) error {
		_, err := r.engine.Mute(t.Context(), alerts.Mute{Pattern: fmt.Sprintf("n%d", i), Until: r.now.Add(time.Hour)})
		return err
	}
	for i := range 1000 {
		if err := mute(i); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := mute(1000); !errors.As(err, new(*alerts.MuteError)) {
		t.Errorf("one more: %v", err)
	}
	if err := mute(0); err != nil {
		t.Errorf("the same again: %v", err)
	}
}
