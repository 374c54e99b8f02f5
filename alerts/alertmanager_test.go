package alerts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
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

// posted is one alert as it arrived.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`

	at time.Time
}

func (p posted) firing() bool { return p.EndsAt.After(p.at) }

// manager is Alertmanagers that need no network. It remembers what each was
// posted.
type manager struct {
	mu       sync.Mutex
	fault    func(*http.Request) (int, error) // 0: taken
	posts    map[string][][]posted            // by URL
	largest  int                              // body
	requests []*http.Request
}

func (m *manager) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	m.requests = append(m.requests, r)
	if m.fault != nil {
		status, err := m.fault(r)
		if err != nil {
			return nil, err
		}
		if status != 0 {
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(`"no for ` + r.Header.Get("Authorization") + `"`)), Request: r}, nil
		}
	}
	var list []posted
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	for i := range list {
		list[i].at = time.Now()
	}
	if m.posts == nil {
		m.posts = make(map[string][][]posted)
	}
	url := r.URL.String()
	m.posts[url] = append(m.posts[url], list)
	m.largest = max(m.largest, len(body))
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

func (m *manager) setFault(f func(*http.Request) (int, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = f
}

// take returns the alerts that arrived since the last call at an instance.
func (m *manager) take(url string) []posted {
	m.mu.Lock()
	defer m.mu.Unlock()
	url += "/api/v2/alerts"
	out := slices.Concat(m.posts[url]...)
	m.posts[url] = nil
	return out
}

// count returns how many requests were made.
func (m *manager) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.requests)
}

const (
	amURL   = "http://am.test:9093/prefix"
	amOther = "http://am2.test:9093"
)

// wire is an engine and a feed inside a synctest bubble.
type wire struct {
	t        *testing.T
	am       *manager
	store    *alertstest.Memory
	log      bytes.Buffer
	engine   *alerts.Engine
	feed     *alerts.Feed
	setup    alerts.Setup
	names    map[string]*alerts.Alertmanager
	blocked  []string
	stopping context.CancelFunc
	parts    sync.WaitGroup
}

func startWire(t *testing.T, setup alerts.Setup) *wire {
	t.Helper()
	w := &wire{t: t, am: &manager{}, store: &alertstest.Memory{}, setup: setup}
	w.names = map[string]*alerts.Alertmanager{"alertmanager.main": w.receiver(amURL)}
	w.start()
	return w
}

func (w *wire) receiver(urls ...string) *alerts.Alertmanager {
	return &alerts.Alertmanager{URLs: urls, Username: "probe", Password: "canary", Client: &http.Client{Transport: w.am}}
}

func (w *wire) start() {
	w.t.Helper()
	w.feed = &alerts.Feed{
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		Blocked: func(_ context.Context, receiver string, err error) {
			w.blocked = append(w.blocked, fmt.Sprint(receiver, ": ", err))
		},
	}
	w.engine = &alerts.Engine{Store: w.store, Changed: w.feed.Wake}
	w.feed.Engine = w.engine
	w.load()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stopping = cancel
	w.parts.Go(func() { _ = w.feed.Run(ctx) })
	w.parts.Go(func() { _ = w.engine.Run(ctx) })
}

func (w *wire) stop() {
	w.stopping()
	w.parts.Wait()
}

func (w *wire) load() {
	w.t.Helper()
	w.setup.Fed = slices.Sorted(maps.Keys(w.names))
	if err := w.engine.Load(w.t.Context(), w.setup); err != nil {
		w.t.Fatal(err)
	}
	w.feed.SetReceivers(w.names)
}

func (w *wire) run(check string, o checks.Outcome) {
	w.t.Helper()
	r := checks.Result{Check: check, Outcome: o, Started: time.Now()}
	if o == checks.Failed || o == checks.Degraded {
		r.Reason, r.Message = checks.ReasonExpectation, "status is 422, want 201"
	}
	if err := w.engine.Handle(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

// lines are alerts as "NAME check", those that are over with a minus.
func lines(list []posted) []string {
	var out []string
	for _, p := range list {
		line := "+"
		if !p.firing() {
			line = "-"
		}
		line += strings.TrimPrefix(p.Labels["alertname"], "Watchword")
		for _, name := range []string{"check", "certificate", "host", "receiver", "cause", "threshold", "severity"} {
			if v := p.Labels[name]; v != "" {
				line += " " + v
			}
		}
		out = append(out, line)
	}
	return out
}

// want holds what has arrived at the first instance since the last call.
func (w *wire) want(want ...string) []posted {
	w.t.Helper()
	got := w.am.take(amURL)
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		w.t.Errorf("posted: -want +got\n%s", diff)
	}
	return got
}

func subjects(names ...string) alerts.Setup {
	s := alerts.Setup{Location: "fra1", Links: alerts.Links{External: "https://watch.test", Grafana: "https://grafana.test"}}
	for _, n := range names {
		s.Subjects = append(s.Subjects, alerts.Subject{
			Name: n, Group: "orders", Labels: map[string]string{"team": "orders"}, Runbook: "https://wiki.test/run",
		})
	}
	return s
}

const failingA = "+CheckFailing a warning"

func TestFeedTellsAnIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a", "b"))
		defer w.stop()
		wait(10 * time.Second)
		w.want()
		began := time.Now()
		w.run("a", checks.Failed)
		wait(time.Second)
		first := w.want(failingA)[0]
		want := map[string]string{
			"alertname": "WatchwordCheckFailing", "check": "a", "group": "orders", "location": "fra1", "severity": "warning", "label_team": "orders",
		}
		if diff := cmp.Diff(want, first.Labels); diff != "" {
			t.Errorf("labels: -want +got\n%s", diff)
		}
		if !first.StartsAt.Equal(began) || first.EndsAt.Sub(first.at) != 4*time.Minute || first.GeneratorURL != "https://watch.test/checks/a" {
			t.Errorf("starts %v ends %v by %q", first.StartsAt.Sub(began), first.EndsAt.Sub(first.at), first.GeneratorURL)
		}
		if got := first.Annotations; got["summary"] != "a is failing: status is 422, want 201" || got["runbook_url"] != "https://wiki.test/run" ||
			!strings.HasPrefix(got["dashboard_url"], "https://grafana.test/") || !strings.Contains(got["description"], "last good run: none seen") {
			t.Errorf("annotations %q", got)
		}
		// Each minute again, with an end that moves on.
		wait(5 * time.Minute)
		again := w.want(failingA, failingA, failingA, failingA, failingA)
		for i, p := range again {
			if !p.StartsAt.Equal(began) || p.EndsAt.Sub(p.at) != 4*time.Minute || i > 0 && p.at.Sub(again[i-1].at) != time.Minute {
				t.Errorf("repeat %d: starts %v ends %v", i, p.StartsAt.Sub(began), p.EndsAt.Sub(p.at))
			}
		}
		ended := time.Now()
		w.run("a", checks.Passed)
		wait(time.Second)
		if over := w.want("-CheckFailing a warning")[0]; over.EndsAt.Sub(ended) > time.Second || over.Annotations["summary"] != first.Annotations["summary"] {
			t.Errorf("resolved %v after, %q", over.EndsAt.Sub(ended), over.Annotations)
		}
		wait(16 * time.Minute)
		rest := w.am.take(amURL)
		if n := len(rest); n < 14 || n > 15 || slices.ContainsFunc(rest, posted.firing) || rest[n-1].at.Sub(ended) > 15*time.Minute+time.Second {
			t.Errorf("resolved was sent %d times: %v", n, lines(rest))
		}
		if s := w.feed.Stats(); len(s) != 1 || s[0].Receiver != "alertmanager.main" || s[0].Sent != 2 || s[0].Failed != 0 || s[0].Pending != 0 || s[0].Blocked != "" {
			t.Errorf("stats %+v", s)
		}
		if n := len(w.store.Queued()); n != 0 {
			t.Errorf("%d notifications were queued", n)
		}
	})
}

func TestFeedFollowsStates(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*wire) // at the beginning, "a" fails and was sent
		want []string    // within a second after
	}{
		{"it recovers", func(w *wire) { w.run("a", checks.Passed) }, []string{"-CheckFailing a warning"}},
		{"it fails again", func(w *wire) {
			w.run("a", checks.Passed)
			wait(2 * time.Second)
			w.want("-CheckFailing a warning")
			w.run("a", checks.Failed)
		}, []string{failingA}},
		{"it gets better", func(w *wire) { w.run("a", checks.Degraded) }, []string{"+CheckDegraded a warning", "-CheckFailing a warning"}},
		{"another run fails", func(w *wire) { w.run("a", checks.Failed) }, nil},
		{"nothing is known", func(w *wire) { w.run("a", checks.Unknown) }, nil},
		{"it is removed", func(w *wire) {
			w.setup.Subjects = w.setup.Subjects[1:]
			w.load()
		}, []string{"-CheckFailing a warning"}},
		{"another severity", func(w *wire) {
			w.setup.Subjects[0].Policy.Severity = "critical"
			w.load()
		}, []string{"+CheckFailing a critical", "-CheckFailing a warning"}},
		{"a reload that changes nothing", func(w *wire) { w.load() }, []string{failingA}},
		{"another route", func(w *wire) {
			w.names["alertmanager.second"] = w.receiver(amOther)
			w.setup.Subjects[0].Receivers = []string{"alertmanager.second"}
			w.load()
			wait(time.Second)
			if diff := cmp.Diff([]string{failingA}, lines(w.am.take(amOther))); diff != "" {
				w.t.Errorf("the other one got: -want +got\n%s", diff)
			}
		}, []string{"-CheckFailing a warning"}},
		{"a mute goes on with what was sent", func(w *wire) {
			if _, err := w.engine.Mute(w.t.Context(), alerts.Mute{Pattern: "*", Until: time.Now().Add(time.Hour)}); err != nil {
				w.t.Fatal(err)
			}
			w.run("b", checks.Failed)
			wait(59 * time.Second)
			w.want(failingA)
		}, nil},
		{"the other receiver is removed", func(w *wire) {
			delete(w.names, "alertmanager.main")
			w.load()
		}, nil},
		{"what depends on it fails too", func(w *wire) {
			w.setup.Subjects[1].Parents = []string{"a"}
			w.load()
			wait(time.Second)
			w.want(failingA)
			w.run("b", checks.Failed)
			w.run("a", checks.Failed)
			w.run("b", checks.Failed)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := startWire(t, subjects("a", "b"))
				defer w.stop()
				wait(time.Second)
				w.run("a", checks.Failed)
				wait(5 * time.Second)
				w.want(failingA)
				c.do(w)
				wait(time.Second)
				got := lines(w.am.take(amURL))
				slices.Sort(got)
				got = slices.Compact(got) // a reload sends all once more
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("posted: -want +got\n%s", diff)
				}
			})
		})
	}
}

func TestFeedDoesNotTellWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := subjects("a", "b", "c")
		setup.Receivers = []string{"slack.a"} // so that there are groups
		setup.GroupWait = 10 * time.Second
		setup.Subjects[0].Policy.After = 2
		w := startWire(t, setup)
		defer w.stop()
		if _, err := w.engine.Mute(t.Context(), alerts.Mute{Pattern: "b", Until: time.Now().Add(30 * time.Second)}); err != nil {
			t.Fatal(err)
		}
		w.run("a", checks.Failed)
		w.run("b", checks.Failed)
		wait(2 * time.Second)
		w.want()
		w.run("a", checks.Failed)
		wait(time.Second)
		w.want(failingA)
		w.run("c", checks.Failed) // waits for its group
		wait(9 * time.Second)
		w.want("+CheckFailing c warning")
		wait(20 * time.Second)
		w.want("+CheckFailing b warning")
	})
}

// Whichever side begins again, what stands is there within a minute with the
// same start.
func TestFeedAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		w.run("a", checks.Failed)
		wait(30 * time.Second)
		first := w.want(failingA)[0]
		w.stop()
		wait(time.Minute)
		w.start()
		defer w.stop()
		wait(time.Second)
		if again := w.want(failingA)[0]; !again.StartsAt.Equal(first.StartsAt) || !cmp.Equal(again.Labels, first.Labels) {
			t.Errorf("%+v\nbefore the restart\n%+v", again, first)
		}
		w.run("a", checks.Passed)
		wait(time.Second)
		w.want("-CheckFailing a warning")
	})
}

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
		const many = 10_000
		names := make([]string, many)
		for i := range names {
			names[i] = fmt.Sprintf("c%05d", i)
		}
		w := startWire(t, subjects(names...))
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

// Certificates and problems of watchword itself are alerts, too.
func TestFeedTellsOfItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := subjects("a")
		setup.Receivers = []string{"slack.a"}
		setup.Certificates = []alerts.Certificate{
			{Kind: alerts.ClientCertificate, Name: "acme", Fingerprint: "f1", NotBefore: time.Now().Add(-720 * time.Hour), NotAfter: time.Now().Add(6*24*time.Hour + 365*24*time.Hour), Checks: []string{"a"}},
			{Kind: alerts.ClientCertificate, Name: "soon", Fingerprint: "f2", NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: time.Now().Add(6 * 24 * time.Hour), Checks: []string{"a"}},
			{Kind: alerts.CAFile, Name: "/etc/ca.pem", Fingerprint: "f3", NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: time.Now().Add(-time.Hour)},
		}
		setup.Problems = []alerts.Problem{
			{Cause: "secret token", Text: "secret token cannot be read"},
			{Cause: "certificate acme", Text: "certificate acme cannot be loaded"},
		}
		w := startWire(t, setup)
		defer w.stop()
		if err := w.engine.Notice(t.Context(), alerts.Problem{Cause: "receiver slack.a", Receiver: "slack.a", Text: "receiver slack.a refuses messages: x"}); err != nil {
			t.Fatal(err)
		}
		wait(3 * time.Second)
		got := make(map[string]posted)
		for _, p := range w.am.take(amURL) {
			got[strings.Join(lines([]posted{p}), "")] = p
		}
		want := []string{
			"+CACertificateExpired critical",
			"+ClientCertificateExpires soon 7d warning",
			"+ClientCertificateLoadFailed acme critical",
			"+Problem secret token warning",
			"+ReceiverBlocked slack.a critical",
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Fatalf("posted: -want +got\n%s", diff)
		}
		p := got[want[1]]
		if p.Annotations["summary"] != "certificate soon expires in 6 days: 1 check uses it" || !strings.Contains(p.Annotations["description"], "used by a") {
			t.Errorf("annotations %q", p.Annotations)
		}
		if text := got[want[4]].Annotations["summary"]; text != "watchword at fra1: receiver slack.a refuses messages: x" {
			t.Errorf("summary %q", text)
		}
		w.setup.Certificates, w.setup.Problems = w.setup.Certificates[:1], nil
		w.load()
		if err := w.engine.Notice(t.Context(), alerts.Problem{Cause: "receiver slack.a", Receiver: "slack.a"}); err != nil {
			t.Fatal(err)
		}
		wait(5 * time.Second)
		over := make(map[string]bool)
		for _, p := range w.am.take(amURL) {
			if !p.firing() {
				over["+"+strings.TrimPrefix(lines([]posted{p})[0], "-")] = true
			}
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(over))); diff != "" {
			t.Errorf("resolved: -want +got\n%s", diff)
		}
	})
}

// Who tells of what another receiver refuses: those that remain, even where
// the routes name none of them.
func TestBlockedReceiverIsToldToTheOthers(t *testing.T) {
	route, err := alerts.CompileRoute(nil, []string{"alertmanager.main"}, false)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, alerts.Setup{Receivers: []string{"slack.a"}, Fed: []string{"alertmanager.main"}, Routes: alerts.Routes{route}})
	if err := r.engine.Notice(t.Context(), alerts.Problem{Cause: "receiver alertmanager.main", Receiver: "alertmanager.main", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	r.want("slack.a: ⚠️ watchword: x")
	if err := r.engine.Notice(t.Context(), alerts.Problem{Cause: "other", Text: "y"}); err != nil {
		t.Fatal(err)
	}
	r.want()
}

// What a target says reaches whoever Alertmanager tells, but not as markup.
func TestFeedDisarmsTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		defer w.stop()
		err := w.engine.Handle(t.Context(), checks.Result{
			Check: "a", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Started: time.Now(), Message: "<!channel> \u202e\x1b[31m @here",
			Steps: []checks.StepResult{{
				Step: "order", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Method: "GET", URL: "https://a.test/", Status: 422, Certificate: "acme",
				Body:   "<!everyone>" + strings.Repeat("ü", 5000),
				Failed: []checks.Explanation{{Expression: "status == 201", File: "main.hcl", Line: 7, Message: "status is 422, want 201"}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		got := w.want(failingA)[0].Annotations
		for _, want := range []string{`step "order": GET https://a.test/ → 422: expectation`, "main.hcl:7: status == 201\n  status is 422, want 201", "client certificate: acme"} {
			if !strings.Contains(got["description"], want) {
				t.Errorf("the description lacks %q:\n%s", want, got["description"])
			}
		}
		for name, text := range got {
			if strings.Contains(text, "<!") || strings.ContainsAny(text, "\u202e\x1b") || strings.Contains(text, "@here") || len(text) > 9000 {
				t.Errorf("%s is %q", name, text)
			}
		}
	})
}

func TestAlertmanagerSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		am := &manager{}
		r := &alerts.Alertmanager{URLs: []string{amURL + "/", amOther}, BearerToken: "canary", Client: &http.Client{Transport: am}}
		if err := r.Sample(t.Context(), "fra1"); err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{amURL, amOther} {
			got := am.take(url)
			if len(got) != 1 || got[0].Labels["alertname"] != "WatchwordSample" || got[0].Labels["location"] != "fra1" || got[0].EndsAt.Sub(got[0].StartsAt) != 2*time.Minute {
				t.Errorf("%s got %+v", url, got)
			}
		}
		if h := am.requests[0].Header.Get("Authorization"); h != "Bearer canary" {
			t.Errorf("authorization %q", h)
		}
		am.setFault(func(r *http.Request) (int, error) {
			if r.URL.Host == "am.test:9093" {
				return http.StatusFound, nil
			}
			return 0, nil
		})
		if err := r.Sample(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "the answer is 302 Found: no for Bearer ***") || len(am.take(amOther)) != 1 {
			t.Errorf("error %v", err)
		}
		if err := (&alerts.Alertmanager{Err: errors.New("no secret")}).Sample(t.Context(), ""); err == nil {
			t.Error("an unusable one says nothing")
		}
	})
}

// While watchword may be cut off itself, that is the alert, and not each check
// that it cannot reach; everyone who would be told of the checks gets it.
func TestFeedTellsOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}}
		nobody, err := alerts.CompileRoute(map[string]string{"alertname": "Watchword"}, []string{"slack.a"}, false)
		if err != nil {
			t.Fatal(err)
		}
		setup.Routes = alerts.Routes{nobody}
		for i := range 12 {
			setup.Subjects = append(setup.Subjects, alerts.Subject{
				Name: fmt.Sprintf("c%02d", i), Hosts: []string{fmt.Sprintf("h%02d.test", i)}, Interval: time.Minute,
				Receivers: []string{"alertmanager.main"}, Policy: alerts.Policy{After: 2},
			})
		}
		w := startWire(t, setup)
		defer w.stop()
		for range 2 {
			for i := range 10 {
				err := w.engine.Handle(t.Context(), checks.Result{
					Check: fmt.Sprintf("c%02d", i), Outcome: checks.Failed, Reason: checks.ReasonDNSTimeout, Message: "m", Started: time.Now(),
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			wait(2 * time.Second)
		}
		if got := w.want("+CutOff critical"); len(got) > 0 && !strings.HasPrefix(got[0].Annotations["summary"], "watchword may be cut off itself: 10 of 12 hosts") {
			t.Errorf("annotations %q", got[0].Annotations)
		}
		for i := range 10 {
			w.run(fmt.Sprintf("c%02d", i), checks.Passed)
		}
		wait(2 * time.Second)
		w.want("-CutOff critical")
		if n := len(w.store.Queued()); n != 0 {
			t.Errorf("%d messages were queued for someone who was told of none of the checks", n)
		}
	})
}

// active are the checks that an Alertmanager holds for failing that knows
// nothing but what it was posted.
func (m *manager) active(url string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	ends := make(map[string]posted)
	for _, list := range m.posts[url+"/api/v2/alerts"] {
		for _, p := range list {
			ends[p.Labels["alertname"]+" "+p.Labels["check"]] = p
		}
	}
	var out []string
	for name, p := range ends {
		if p.EndsAt.After(time.Now()) {
			out = append(out, strings.TrimPrefix(name, "WatchwordCheck")+" "+p.StartsAt.Format(time.RFC3339Nano))
		}
	}
	slices.Sort(out)
	return out
}

// open are the incidents that are open, in the same words.
func (w *wire) open() []string {
	var out []string
	for _, i := range w.engine.Incidents() {
		if !i.State.Open() {
			continue
		}
		name := "Failing "
		if i.State.Level == alerts.LevelDegraded {
			name = "Degraded "
		}
		out = append(out, name+i.Check+" "+i.State.Since.UTC().Format(time.RFC3339Nano))
	}
	slices.Sort(out)
	return out
}

// Whatever happens, a minute after an Alertmanager can be reached it has what
// the states say. What was over when neither could tell has ended by itself
// three minutes later.
func TestFeedConverges(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			w := startWire(t, subjects("a", "b", "c", "d"))
			w.names["alertmanager.main"] = w.receiver(amURL, amOther)
			w.load()
			outcomes := []checks.Outcome{checks.Passed, checks.Passed, checks.Failed, checks.Degraded, checks.Unknown}
			var done []string
			for range 30 {
				for range 1 + random.IntN(20) {
					what := random.IntN(20)
					done = append(done, fmt.Sprint(what))
					switch what {
					case 0:
						w.stop()
						wait(time.Duration(random.IntN(200)) * time.Second)
						w.start()
					case 1:
						broken := []int{0, 0, http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusBadRequest}[random.IntN(5)]
						half := random.IntN(2) == 0
						w.am.setFault(func(r *http.Request) (int, error) {
							if half && r.URL.Host != "am2.test:9093" {
								return 0, nil
							}
							return broken, nil
						})
					case 2:
						w.setup.Subjects[random.IntN(4)].Policy = alerts.Policy{After: 1 + random.IntN(2), RecoverAfter: 1 + random.IntN(2)}
						w.load()
					case 3:
						if _, err := w.engine.Mute(t.Context(), alerts.Mute{Pattern: "[ab]", Until: time.Now().Add(time.Minute)}); err != nil {
							t.Fatal(err)
						}
					default:
						w.run(string(rune('a'+random.IntN(4))), outcomes[random.IntN(len(outcomes))])
					}
					wait(time.Duration(random.IntN(3000)) * time.Millisecond)
				}
				w.am.setFault(nil)
				wait(61 * time.Second)
				for _, url := range []string{amURL, amOther} {
					has := w.am.active(url)
					for _, name := range w.open() {
						if !slices.Contains(has, name) {
							t.Fatalf("seed %d, after %v: %s has %q and lacks %s", seed, done, url, has, name)
						}
					}
				}
				wait(3*time.Minute + time.Second)
				for _, url := range []string{amURL, amOther} {
					if diff := cmp.Diff(w.open(), w.am.active(url)); diff != "" {
						t.Fatalf("seed %d, after %v: %s has, -want +got\n%s", seed, done, url, diff)
					}
				}
			}
			w.stop()
		})
	}
}
