package alerts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
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
	skew     atomic.Int64 // nanoseconds: of the engine's clock beside the feed's: that is set back
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
	w.engine = &alerts.Engine{Store: w.store, Changed: w.feed.Wake, Now: w.now}
	w.feed.Engine = w.engine
	w.load()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stopping = cancel
	w.parts.Go(func() { _ = w.feed.Run(ctx) })
	w.parts.Go(func() { _ = w.engine.Run(ctx) })
}

func (w *wire) now() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }

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
	r := checks.Result{Check: check, Outcome: o, Started: w.now()}
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
