package alerts_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

func TestFeedWhileAlertmanagerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a", "b", "c"))
		defer w.stop()
		w.run("a", checks.Failed)
		w.run("b", checks.Failed)
		wait(time.Second)
		w.want(failingA, "+CheckFailing b warning")
		w.am.setFault(func(*http.Request) (int, error) {
			return 0, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		})
		for range 12 * 60 {
			w.run("c", checks.Failed)
			wait(30 * time.Second)
			w.run("c", checks.Passed)
			wait(30 * time.Second)
		}
		w.run("a", checks.Passed)
		wait(time.Hour)
		s := w.feed.Stats()[0]
		if s.Pending != 2 || time.Since(s.Oldest) < 12*time.Hour || s.Blocked != "" || s.Failed < 700 || s.Failed > 1600 || !strings.Contains(s.LastError, "connection refused") {
			t.Errorf("stats %+v", s)
		}
		if in := w.engine.Incidents(); len(in) != 1 || !slices.Equal(in[0].Fed, []string{"alertmanager.main"}) || len(in[0].State.Receivers) != 0 {
			t.Errorf("incidents %+v", in)
		}
		if n := strings.Count(w.log.String(), "\n"); n != 1 || !strings.Contains(w.log.String(), "connection refused") {
			t.Errorf("%d lines in the log:\n%s", n, w.log.String())
		}
		w.am.setFault(nil)
		wait(time.Minute)
		got := w.am.take(amURL)
		if diff := cmp.Diff([]string{"+CheckFailing b warning", "-CheckFailing a warning"}, lines(got)[:2]); diff != "" {
			t.Error(diff)
		}
		wait(14 * time.Minute)
		got = w.am.take(amURL)
		if n := strings.Count(strings.Join(lines(got), "\n"), "-CheckFailing a"); n < 13 {
			t.Errorf("what was over is sent %d times, want it for 15 minutes", n)
		}
		if strings.Contains(strings.Join(lines(got), "\n"), " c ") {
			t.Errorf("what nobody knows of was told to be over")
		}
		wait(5 * time.Minute)
		if s := w.feed.Stats()[0]; s.Pending != 0 || !s.Oldest.IsZero() || s.LastError != "" {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestFeedToldThatItIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		defer w.stop()
		wait(time.Second)
		w.am.setFault(func(*http.Request) (int, error) { return http.StatusUnauthorized, nil })
		w.run("a", checks.Failed)
		wait(30 * time.Minute)
		if s := w.feed.Stats()[0]; !strings.Contains(s.Blocked, "the answer is 401 Unauthorized: no for") || s.Pending != 1 {
			t.Errorf("stats %+v", s)
		}
		w.am.setFault(nil)
		wait(time.Minute)
		want := []string{
			"alertmanager.main: <nil>",
			"alertmanager.main: posting to http://am.test:9093/prefix: the answer is 401 Unauthorized: no for Basic cHJvYmU6Y2FuYXJ5",
			"alertmanager.main: <nil>",
		}
		want[1] = strings.Replace(want[1], "cHJvYmU6Y2FuYXJ5", "***", 1)
		if diff := cmp.Diff(want, w.blocked); diff != "" {
			t.Errorf("told: -want +got\n%s", diff)
		}
		if s := w.feed.Stats()[0]; s.Blocked != "" || s.Pending != 0 {
			t.Errorf("stats %+v", s)
		}
		if text := w.log.String() + strings.Join(w.blocked, ""); strings.Contains(text, "canary") || strings.Contains(text, "cHJvYmU6Y2FuYXJ5") {
			t.Errorf("it shows the password: %s", text)
		}
		if n := strings.Count(w.log.String(), "\n"); n != 2 {
			t.Errorf("%d lines in the log:\n%s", n, w.log.String())
		}
	})
}

// Each instance gets every alert, whatever becomes of the others.
func TestFeedToACluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a", "b"))
		w.names["alertmanager.main"] = w.receiver(amOther, amURL)
		w.load()
		defer w.stop()
		w.am.setFault(func(r *http.Request) (int, error) {
			if strings.HasPrefix(r.URL.Host, "am2.") {
				return http.StatusServiceUnavailable, nil
			}
			return 0, nil
		})
		w.run("a", checks.Failed)
		wait(time.Second)
		w.want(failingA)
		w.run("b", checks.Failed)
		wait(time.Second)
		w.want("+CheckFailing b warning")
		w.am.setFault(nil)
		wait(time.Minute)
		if got := lines(w.am.take(amOther)); len(got) < 2 || got[0] != failingA || got[1] != "+CheckFailing b warning" {
			t.Errorf("the other instance got %q", got)
		}
		w.am.take(amURL)
		if err := w.feed.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		for _, url := range []string{amURL, amOther} {
			if got := w.am.take(url); len(got) != 2 || time.Until(got[0].EndsAt) != 4*time.Minute {
				t.Errorf("at the end %s got %q", url, lines(got))
			}
		}
	})
}

func TestFeedOfManyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 3_000
		names := make([]string, many)
		for i := range names {
			names[i] = fmt.Sprintf("c%05d", i)
		}
		setup := subjects(names...)
		for i := range setup.Subjects { // so that the size of requests counts, and not only the number of alerts
			setup.Subjects[i].Runbook = "https://wiki.test/" + strings.Repeat("x", 1500)
		}
		w := startWire(t, setup)
		w.stop()
		ctx, cancel := context.WithCancel(t.Context())
		w.stopping = cancel
		w.parts.Go(func() { _ = w.feed.Run(ctx) }) // alone: the engine's clock has nothing to do here, and that takes its time
		defer w.stop()
		refused := false
		w.am.setFault(func(*http.Request) (int, error) {
			refused = !refused
			if refused { // one alert that is not liked keeps none of the others back
				return http.StatusBadRequest, nil
			}
			return 0, nil
		})
		for _, n := range names {
			w.run(n, checks.Failed)
		}
		wait(2 * time.Second)
		if s := w.feed.Stats()[0]; s.Blocked == "" || s.Pending == 0 || s.Pending == many {
			t.Errorf("stats %+v", s)
		}
		w.am.setFault(nil)
		wait(61 * time.Second)
		told := make(map[string]bool)
		for _, p := range w.am.take(amURL) {
			told[p.Labels["check"]] = true
		}
		if len(told) != many {
			t.Errorf("%d checks were told, want %d", len(told), many)
		}
		if w.am.largest > 512<<10 {
			t.Errorf("a request has %d bytes", w.am.largest)
		}
		before := w.am.count()
		wait(time.Minute)
		if n := w.am.count() - before; n < many/500 || n > many/100 {
			t.Errorf("%d requests for one repeat of all", n)
		}
	})
}

// An Alertmanager that does not answer keeps nobody from stopping.
func TestFlushNeverOutlivesItsContext(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 10), make(chan struct{})
	hangs := roundTrip(func(*http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-release
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	})
	engine := &alerts.Engine{Store: &alertstest.Memory{}}
	feed := &alerts.Feed{Engine: engine}
	feed.SetReceivers(map[string]*alerts.Alertmanager{"alertmanager.main": {URLs: []string{amURL}, Client: &http.Client{Transport: hangs}}})
	ctx, cancel := context.WithCancel(t.Context())
	done, flushed := make(chan error), make(chan error, 1)
	go func() { done <- feed.Run(ctx) }()
	<-asked
	ended, end := context.WithCancel(t.Context())
	end()
	go func() { flushed <- feed.Flush(ended) }()
	select {
	case err := <-flushed:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that it was cut short", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Flush goes on after its context has ended")
	}
	cancel()
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestFlushSaysWhatItCouldNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		defer w.stop()
		w.run("a", checks.Failed)
		wait(time.Second)
		w.want(failingA)
		ended, end := context.WithCancel(t.Context())
		end()
		if err := w.feed.Flush(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("without any time: got %v", err)
		}
		w.want()
		w.am.setFault(func(*http.Request) (int, error) { return http.StatusServiceUnavailable, nil })
		if err := w.feed.Flush(t.Context()); err == nil || err.Error() != "sending 1 alert to Alertmanager: not taken" {
			t.Errorf("while it is down: got %v", err)
		}
	})
}

// That an Alertmanager refuses for good is over when it takes something, and
// not when it does not answer at all.
func TestFeedRefusalLastsUntilSomethingIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		defer w.stop()
		unreachable := func(*http.Request) (int, error) {
			return 0, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		status := func(code int) func(*http.Request) (int, error) {
			return func(*http.Request) (int, error) { return code, nil }
		}
		w.am.setFault(unreachable)
		wait(10 * time.Minute)
		for range 3 {
			w.am.setFault(status(http.StatusUnauthorized))
			wait(2 * time.Minute)
			w.am.setFault(unreachable)
			wait(2 * time.Minute)
			w.am.setFault(status(http.StatusBadGateway))
			wait(2 * time.Minute)
		}
		const refused = "alertmanager.main: posting to http://am.test:9093/prefix: the answer is 401 Unauthorized: no for Basic ***"
		if diff := cmp.Diff([]string{refused}, w.blocked); diff != "" {
			t.Errorf("told: -want +got\n%s", diff)
		}
		w.am.setFault(nil)
		wait(2 * time.Minute)
		if diff := cmp.Diff([]string{refused, "alertmanager.main: <nil>"}, w.blocked); diff != "" {
			t.Errorf("told: -want +got\n%s", diff)
		}
		if s := w.feed.Stats()[0]; s.Blocked != "" {
			t.Errorf("stats %+v", s)
		}
	})
}

// What an instance had taken before it failed for a while is not counted again.
func TestFeedCountsEachAlertOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		defer w.stop()
		w.run("a", checks.Failed)
		for range 3 {
			wait(time.Minute)
			w.am.setFault(func(*http.Request) (int, error) { return http.StatusServiceUnavailable, nil })
			wait(2 * time.Minute)
			w.am.setFault(nil)
		}
		w.run("a", checks.Passed)
		wait(2 * time.Minute)
		if s := w.feed.Stats()[0]; s.Sent != 2 || s.Pending != 0 {
			t.Errorf("stats %+v, want 2 sent: that it fails and that it is over", s)
		}
	})
}

// An instance that is named twice is one instance.
func TestFeedWithTheSameInstanceTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		defer w.stop()
		for range 2 {
			w.names["alertmanager.main"] = w.receiver(amURL, amURL)
			w.load()
		}
		w.run("a", checks.Failed)
		wait(time.Second)
		w.want(failingA)
		delete(w.names, "alertmanager.main")
		w.load()
	})
}

// An Alertmanager that asks to be left alone is, but not for so long that what
// stands would end.
func TestFeedHonoursRetryAfter(t *testing.T) {
	for asked, want := range map[string]time.Duration{"20": 20 * time.Second, "3600": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := startWire(t, subjects("a"))
			defer w.stop()
			wait(time.Second)
			times := make(chan time.Time, 100)
			w.names["alertmanager.main"] = &alerts.Alertmanager{URLs: []string{amURL}, Client: &http.Client{
				Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					times <- time.Now()
					resp := jsonAnswer(http.StatusServiceUnavailable, "later")
					resp.Header = http.Header{"Retry-After": {asked}}
					return resp, nil
				}),
			}}
			w.load()
			for last, n := <-times, 0; n < 3; n++ {
				next := <-times
				if got := next.Sub(last); got < want || got > want+time.Second {
					t.Errorf("asked for %s s, tried again after %v, want %v", asked, got, want)
				}
				last = next
			}
		})
	}
}
