package alerts_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

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

// What an answer repeats of a secret is not shown, wherever it stands and
// however it is written.
func TestAlertmanagerHidesSecrets(t *testing.T) {
	for _, said := range []string{
		strings.Repeat("x", 290) + "canary  secret", // cut in the middle
		"canary  secret", // on one line it has one space
		"cHJvYmU6Y2FuYXJ5ICBzZWNyZXQ=",
		"canary%20%20secret",
	} {
		a := &alerts.Alertmanager{URLs: []string{amURL}, Username: "probe", Password: "canary  secret", Client: &http.Client{
			Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return jsonAnswer(http.StatusForbidden, said), nil
			}),
		}}
		err := a.Sample(t.Context(), "")
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "cHJvYmU6") {
			t.Errorf("%q: got %v", said, err)
		}
	}
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

func jsonAnswer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}
}
