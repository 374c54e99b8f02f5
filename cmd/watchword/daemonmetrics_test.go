package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"watchword/cmd/internal/metrics"
)

// A row is what the design says of a metric.
type row struct {
	name   string // without the prefix
	kind   dto.MetricType
	labels string             // beside location
	values func(float64) bool // what each of its series may be
}

const (
	counter   = dto.MetricType_COUNTER
	gauge     = dto.MetricType_GAUGE
	histogram = dto.MetricType_HISTOGRAM

	ofCheck = "check group" // labels of every series of a check
)

func isOne(v float64) bool  { return v == 1 }
func flag01(v float64) bool { return v == 0 || v == 1 }
func whole(v float64) bool  { return v >= 0 && v == float64(int64(v)) }
func lasted(v float64) bool { return v >= 0 && v < 3600 }

// when is a time of this test, or 0: nothing in it lies before 2020 or after 2100.
func when(v float64) bool { return v == 0 || v > 1.577e9 && v < 4.1e9 }

func httpStatus(v float64) bool { return v == 0 || v >= 200 && v < 600 && v == float64(int64(v)) }

// rows is every metric there is: one without a row here fails the test.
func rows() []row {
	return []row{
		{name: "build_info", kind: gauge, labels: "goversion revision version", values: isOne},
		{name: "check_alert_state", kind: gauge, labels: ofCheck + " state", values: flag01},
		{name: "check_attempts_total", kind: counter, labels: ofCheck, values: whole},
		{name: "check_duration_seconds", kind: histogram, labels: ofCheck},
		{name: "check_failing_info", kind: gauge, labels: "check group level reason", values: isOne},
		{name: "check_failing_since_timestamp_seconds", kind: gauge, labels: ofCheck, values: when},
		{name: "check_failures_total", kind: counter, labels: ofCheck + " reason", values: whole},
		{name: "check_http_status_code", kind: gauge, labels: ofCheck + " step", values: httpStatus},
		{name: "check_info", kind: gauge, labels: ofCheck + " schedule severity", values: isOne},
		{name: "check_last_duration_seconds", kind: gauge, labels: ofCheck, values: lasted},
		{name: "check_last_run_timestamp_seconds", kind: gauge, labels: ofCheck, values: when},
		{name: "check_last_success_timestamp_seconds", kind: gauge, labels: ofCheck, values: when},
		{name: "check_muted", kind: gauge, labels: "by check group", values: flag01},
		{name: "check_next_run_timestamp_seconds", kind: gauge, labels: ofCheck, values: when},
		{name: "check_phase_seconds", kind: gauge, labels: ofCheck + " phase step", values: lasted},
		{name: "check_runs_total", kind: counter, labels: ofCheck + " outcome", values: whole},
		{name: "check_skipped_total", kind: counter, labels: ofCheck + " reason", values: whole},
		{name: "check_status", kind: gauge, labels: ofCheck + " status", values: flag01},
		{name: "checks", kind: gauge, values: whole},
		{name: "client_certificate_checks", kind: gauge, labels: "certificate", values: whole},
		{name: "client_certificate_handshakes_total", kind: counter, labels: "certificate result", values: whole},
		{name: "client_certificate_info", kind: gauge, labels: "certificate issuer primary serial subject", values: isOne},
		{name: "client_certificate_load_failed", kind: gauge, labels: "certificate", values: flag01},
		{name: "client_certificate_not_after_timestamp_seconds", kind: gauge, labels: "certificate fingerprint", values: when},
		{name: "client_certificate_not_before_timestamp_seconds", kind: gauge, labels: "certificate fingerprint", values: when},
		{name: "config_last_reload_success_timestamp_seconds", kind: gauge, values: when},
		{name: "config_last_reload_successful", kind: gauge, values: flag01},
		{name: "notifications_total", kind: counter, labels: "receiver result", values: whole},
		{name: "outbox_oldest_timestamp_seconds", kind: gauge, labels: "receiver", values: when},
		{name: "outbox_pending", kind: gauge, labels: "receiver", values: whole},
		{name: "receiver_blocked", kind: gauge, labels: "receiver", values: flag01},
		{name: "runs_in_flight", kind: gauge, values: whole},
		{name: "schedule_delay_seconds", kind: histogram},
		{name: "secret_load_failed", kind: gauge, labels: "secret", values: flag01},
		{name: "server_certificate_not_after_timestamp_seconds", kind: gauge, labels: "check fingerprint group host", values: when},
		{name: "store_quarantined_total", kind: counter, values: whole},
		{name: "store_write_errors_total", kind: counter, values: whole},
	}
}

// words are the values that a label may have, where the list is closed.
func words() map[string][]string {
	return map[string][]string{
		"status":  {"passing", "degraded", "failing", "unknown"},
		"outcome": {"passed", "degraded", "failed", "unknown"},
		"state":   {"ok", "pending", "firing", "recovering"},
		"level":   {"failed", "degraded"},
		"phase":   {"dns", "connect", "tls", "wait", "transfer"},
		"by":      {"maintenance", "dependency"},
		"result":  {"sent", "failed", "possible_repeat", "accepted", "rejected"},
		"primary": {"true", "false"},
	}
}

// TestEveryMetricHasARow holds the table of this test against what there is.
func TestEveryMetricHasARow(t *testing.T) {
	var want, got []string
	for _, r := range rows() {
		labels := append(strings.Fields(r.labels), "location")
		slices.Sort(labels)
		want = append(want, fmt.Sprintf("watchword_%s %s %v", r.name, strings.ToLower(r.kind.String()), labels))
	}
	for _, d := range metrics.Descriptions() {
		labels := slices.Sorted(slices.Values(d.Labels))
		got = append(got, fmt.Sprintf("%s %s %v", d.Name, d.Type, labels))
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s is no row of this test", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("there is no metric %s", line)
		}
	}
}

// buckets are the bounds of each histogram.
func buckets() map[string]string {
	return map[string]string{
		"watchword_check_duration_seconds": "0.03 0.1 0.3 1 3 10 +Inf",
		"watchword_schedule_delay_seconds": "0.001 0.005 0.01 0.05 0.1 0.5 1 5 30 +Inf",
	}
}

// judge looks at everything that must hold of every scrape, and notes which
// metrics it has seen.
func (s scrape) judge(t *testing.T, seen map[string]bool) {
	t.Helper()
	table := make(map[string]row)
	for _, r := range rows() {
		table["watchword_"+r.name] = r
	}
	for name, f := range s.families {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		r, ok := table[name]
		if !ok || f.GetType() != r.kind || f.GetHelp() == "" {
			t.Errorf("%s %v %q is not in the table", name, f.GetType(), f.GetHelp())
			continue
		}
		seen[name] = true
		for _, m := range f.GetMetric() {
			judgeSeries(t, r, m)
		}
	}
	for _, set := range []string{"watchword_check_status", "watchword_check_alert_state"} {
		holds, all := make(map[string]float64), make(map[string]int)
		for _, m := range s.families[set].GetMetric() {
			name := labelsOf(m)["check"]
			holds[name] += m.GetGauge().GetValue()
			all[name]++
		}
		for name, n := range holds {
			if n != 1 || all[name] != 4 {
				t.Errorf("%s: %g of %d states of %s hold, want one of four", set, n, all[name], name)
			}
		}
	}
}

func judgeSeries(t *testing.T, r row, m *dto.Metric) {
	t.Helper()
	labels := labelsOf(m)
	var names []string
	for _, l := range slices.Sorted(maps.Keys(labels)) {
		if r.name == "check_info" && strings.HasPrefix(l, "label_") {
			continue
		}
		names = append(names, l)
		if closed := words()[l]; closed != nil && !slices.Contains(closed, labels[l]) {
			t.Errorf("%s has %s=%q, want one of %q", r.name, l, labels[l], closed)
		}
	}
	want := append(strings.Fields(r.labels), "location")
	slices.Sort(want)
	if !slices.Equal(names, want) || labels["location"] != "fra1" {
		t.Errorf("%s has the labels %v, want those of %v", r.name, labels, want)
	}
	h := m.GetHistogram()
	if h == nil {
		if v := m.GetGauge().GetValue() + m.GetCounter().GetValue(); !r.values(v) {
			t.Errorf("%s is %g", key(r.name, m), v)
		}
		return
	}
	var bounds []string
	var below uint64
	for _, b := range h.GetBucket() {
		bounds = append(bounds, bound(b))
		if b.GetCumulativeCount() < below {
			t.Errorf("%s: its buckets decrease", key(r.name, m))
		}
		below = b.GetCumulativeCount()
	}
	if got := strings.Join(bounds, " "); got != buckets()["watchword_"+r.name] || below != h.GetSampleCount() || h.GetSampleSum() < 0 {
		t.Errorf("%s: buckets %s, %d of %d runs, sum %g", key(r.name, m), got, below, h.GetSampleCount(), h.GetSampleSum())
	}
}
