package metrics_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchword/alerts"
	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
	"watchword/cmd/internal/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when everything in these tests happens.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// full returns metrics with at least one series in every family.
func full(tb testing.TB) *metrics.Metrics {
	tb.Helper()
	m := metrics.New(metrics.Build{Version: "1.2.3", Revision: "abcdef0", GoVersion: "go1.26.0"})
	m.SetLocation("fra1")
	m.SetChecks([]metrics.Check{
		{
			Name: "orders/health", Group: "orders", Schedule: "*/5 * * * *", Severity: "critical",
			Labels: map[string]string{"team": "orders", "area": `say "hi" \o/` + "\n"}, Hosts: []string{"api.acme.com"},
		},
		{Name: "edge[fra]", Schedule: "@every 10s", Severity: "warning"},
	})
	m.SetCertificates(identities(tb), map[string]int{"acme": 14})
	m.AlertState = func(check string) alerts.State {
		if check == "orders/health" {
			return alerts.State{Phase: alerts.Firing, Level: alerts.LevelFailed, Reason: checks.ReasonExpectation, Since: noon.Add(-time.Minute)}
		}
		return alerts.State{}
	}
	m.NextRun = func(string) (time.Time, bool) { return noon.Add(5 * time.Minute), true }
	m.InFlight = func() int { return 3 }
	m.Store = func() metrics.StoreStats { return metrics.StoreStats{WriteErrors: 2, Quarantined: 1} }
	m.Outbox = func() []alerts.QueueStats {
		return []alerts.QueueStats{{Receiver: "slack.oncall", Sent: 5, Failed: 2, PossibleRepeat: 1, Pending: 4, Oldest: noon, Blocked: "invalid_auth"}}
	}
	m.SetReload(true, noon)
	m.Started("orders/health", 20*time.Millisecond)
	m.Skipped("orders/health", "overlap", 2)
	m.Record("orders/health", failed())
	return m
}

// failed is a run that got an answer which was not the expected one.
func failed() checks.Result {
	return checks.Result{
		Check: "orders/health", Outcome: checks.Failed, Reason: checks.ReasonExpectation,
		Message: "status is 503, want 200", Started: noon, Duration: 250 * time.Millisecond, Attempts: 2,
		Steps: []checks.StepResult{{
			Status: 503,
			Timing: checks.Timing{
				DNS: time.Millisecond, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond,
				Wait: 40 * time.Millisecond, Transfer: 5 * time.Millisecond, Total: 51 * time.Millisecond,
			},
			Servers:    []checks.ServerCertificate{{Host: "api.acme.com", Fingerprint: strings.Repeat("ab", 32), NotAfter: noon.Add(time.Hour)}},
			Handshakes: []checks.Handshake{{Certificate: "acme", Accepted: true}},
		}},
	}
}

// passed is a run that found all as it should be.
func passed() checks.Result {
	return checks.Result{Outcome: checks.Passed, Started: noon, Duration: 20 * time.Millisecond, Attempts: 1}
}

// identities are a certificate, one whose files are missing, and a block that only brings a ca.
func identities(tb testing.TB) []*certs.Identity {
	tb.Helper()
	dir := tb.TempDir()
	ca := certstest.NewCA(tb)
	return []*certs.Identity{
		certs.Load(certs.Source{Name: "acme", Hosts: []string{"*.acme.com"}, PEM: ca.Client("probe.acme.com").WritePEM(dir), Primary: true}),
		certs.Load(certs.Source{Name: "broken", Hosts: []string{"broken.example"}, PEM: dir + "/missing.pem"}),
		certs.Load(certs.Source{Name: "roots", Hosts: []string{"partner.example"}, CA: ca.WriteFile(dir)}),
	}
}

// get scrapes m as curl would, and returns the lines of the named metrics, or of all.
func get(tb testing.TB, m *metrics.Metrics, names ...string) string {
	tb.Helper()
	var query strings.Builder
	for _, name := range names {
		query.WriteString("&name[]=" + name)
	}
	w := scrape(tb, m, http.MethodGet, "/metrics?"+query.String(), nil)
	if w.Code != http.StatusOK {
		tb.Fatalf("status is %d, want 200", w.Code)
	}
	var body io.Reader = w.Body
	if w.Header().Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			tb.Fatal(err)
		}
		body = z
	}
	text, err := io.ReadAll(body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// scrape makes a request of m's handler.
func scrape(tb testing.TB, m *metrics.Metrics, method, target string, header http.Header) *httptest.ResponseRecorder {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, target, nil)
	maps.Copy(r.Header, header)
	w := httptest.NewRecorder()
	m.Handler(discard()).ServeHTTP(w, r)
	return w
}

// series returns the lines of text that are not comments, each without the
// labels that every series of the test's check has.
func series(text string) []string {
	lines := slices.Collect(strings.Lines(text))
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "#") })
	for i, l := range lines {
		l = strings.TrimSuffix(l, "\n")
		l = strings.Replace(l, `check="orders/health",group="orders",location="fra1"`, "…", 1)
		lines[i] = strings.TrimPrefix(l, "watchword_")
	}
	return lines
}

// one returns metrics of the check orders/health alone, which has not run.
func one() *metrics.Metrics {
	m := metrics.New(metrics.Build{})
	m.SetLocation("fra1")
	m.SetChecks([]metrics.Check{health()})
	return m
}

func health() metrics.Check {
	return metrics.Check{Name: "orders/health", Group: "orders", Schedule: "@every 1m", Severity: "warning", Hosts: []string{"api.acme.com"}}
}
