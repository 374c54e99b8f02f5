package metrics_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/metrics"
)

// prometheusAccept is what Prometheus 2.42 sends.
const prometheusAccept = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

// protobufAccept is what Prometheus sends that ingests native histograms.
const protobufAccept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;version=0.0.4;q=0.5"

// fill returns metrics of n checks that have all run, each with every series.
func fill(n int) *metrics.Metrics {
	started := time.Date(2026, 5, 4, 10, 2, 30, 123e6, time.UTC)
	list := make([]metrics.Check, n)
	for i := range list {
		group := fmt.Sprintf("team-%d", i%100)
		list[i] = metrics.Check{
			Name: fmt.Sprintf("%s/service-%d-health", group, i), Group: group,
			Labels:   map[string]string{"team": group, "tier": "gold"},
			Schedule: "*/5 * * * *", Severity: "critical",
			Hosts: []string{fmt.Sprintf("service-%d.acme.com", i)},
		}
	}
	m := metrics.New(metrics.Build{Version: "1.2.3", Revision: "abcdef0", GoVersion: "go1.26"})
	m.SetLocation("fra1")
	m.SetChecks(list)
	m.AlertState = func(string) alerts.State { return alerts.State{Phase: alerts.Firing, Since: started} }
	m.NextRun = func(string) (time.Time, bool) { return started.Add(5 * time.Minute), true }
	for i, c := range list {
		step := checks.StepResult{
			Status: 200,
			Timing: checks.Timing{DNS: 1234567, Connect: 2345678, TLS: 4567890, Wait: 34567891, Transfer: 234567},
			Servers: []checks.ServerCertificate{{
				Host: c.Hosts[0], NotAfter: started.Add(90 * 24 * time.Hour),
				Fingerprint: fmt.Sprintf("%064x", i),
			}},
		}
		r := checks.Result{Outcome: checks.Passed, Started: started, Duration: 43210987, Attempts: 1, Steps: []checks.StepResult{step}}
		m.Record(c.Name, r)
		r.Outcome, r.Reason = checks.Failed, checks.ReasonExpectation
		m.Record(c.Name, r)
	}
	return m
}

func BenchmarkScrape(b *testing.B) {
	const n = 10_000
	m := fill(n)
	ours := m.Handler(slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name     string
		handler  http.Handler
		accept   string
		encoding string
	}{
		{"text", ours, "text/plain;version=0.0.4", "identity"},
		{"prometheus", ours, prometheusAccept, "gzip"},
		{"protobuf", ours, protobufAccept, "identity"},
		{"promhttp-text", promhttp.HandlerFor(m.Gatherer(), promhttp.HandlerOpts{}), "text/plain;version=0.0.4", "identity"},
		{"promhttp-prometheus", promhttp.HandlerFor(m.Gatherer(), promhttp.HandlerOpts{}), prometheusAccept, "gzip"},
	} {
		b.Run(c.name, func(b *testing.B) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			b.ReportAllocs()
			var size int64
			for b.Loop() {
				req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL, nil)
				req.Header.Set("Accept", c.accept)
				req.Header.Set("Accept-Encoding", c.encoding)
				res, err := server.Client().Do(req)
				if err != nil {
					b.Fatal(err)
				}
				size, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if err != nil || res.StatusCode != http.StatusOK {
					b.Fatalf("status %d, %v", res.StatusCode, err)
				}
			}
			b.ReportMetric(float64(size)/(1<<20), "MiB")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/scrape")
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	m := fill(1000)
	r := checks.Result{
		Outcome: checks.Passed, Started: time.Now(), Duration: time.Millisecond, Attempts: 1,
		Steps: []checks.StepResult{{Status: 200, Servers: []checks.ServerCertificate{{Host: "service-7.acme.com", Fingerprint: fmt.Sprintf("%064x", 7)}}}},
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Record("team-7/service-7-health", r)
	}
}
