package metrics_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/metrics"
)

func TestSeriesOfACheckThatHasNotRun(t *testing.T) {
	want := []string{
		`check_alert_state{…,state="ok"} 1`,
		`check_alert_state{…,state="pending"} 0`,
		`check_alert_state{…,state="firing"} 0`,
		`check_alert_state{…,state="recovering"} 0`,
		`check_attempts_total{…} 0`,
		`check_duration_seconds_bucket{…,le="0.03"} 0`,
		`check_duration_seconds_bucket{…,le="0.1"} 0`,
		`check_duration_seconds_bucket{…,le="0.3"} 0`,
		`check_duration_seconds_bucket{…,le="1"} 0`,
		`check_duration_seconds_bucket{…,le="3"} 0`,
		`check_duration_seconds_bucket{…,le="10"} 0`,
		`check_duration_seconds_bucket{…,le="+Inf"} 0`,
		`check_duration_seconds_sum{…} 0`,
		`check_duration_seconds_count{…} 0`,
		`check_failing_since_timestamp_seconds{…} 0`,
		`check_http_status_code{…,step=""} 0`,
		`check_info{…,schedule="@every 1m",severity="warning"} 1`,
		`check_last_duration_seconds{…} 0`,
		`check_last_run_timestamp_seconds{…} 0`,
		`check_last_success_timestamp_seconds{…} 0`,
		`check_next_run_timestamp_seconds{…} 0`,
		`check_phase_seconds{…,phase="dns",step=""} 0`,
		`check_phase_seconds{…,phase="connect",step=""} 0`,
		`check_phase_seconds{…,phase="tls",step=""} 0`,
		`check_phase_seconds{…,phase="wait",step=""} 0`,
		`check_phase_seconds{…,phase="transfer",step=""} 0`,
		`check_runs_total{…,outcome="passed"} 0`,
		`check_runs_total{…,outcome="degraded"} 0`,
		`check_runs_total{…,outcome="failed"} 0`,
		`check_runs_total{…,outcome="unknown"} 0`,
		`check_status{…,status="passing"} 0`,
		`check_status{…,status="degraded"} 0`,
		`check_status{…,status="failing"} 0`,
		`check_status{…,status="unknown"} 1`,
	}
	if diff := cmp.Diff(want, checkSeries(t, one())); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

// checkSeries returns the series of m's check.
func checkSeries(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	list := series(get(t, m))
	return slices.DeleteFunc(list, func(l string) bool { return !strings.Contains(l, "…") })
}

// TestRecord tells what changes with each run: lines that appear, or have
// another value than before.
func TestRecord(t *testing.T) {
	failedRun := failed()
	unknown := checks.Result{Outcome: checks.Unknown, Reason: checks.ReasonInternal, Started: noon.Add(time.Minute), Duration: 7 * time.Second}
	nonsense := failedRun
	nonsense.Reason = "made_up"
	for _, c := range []struct {
		name string
		run  checks.Result
		want []string
	}{
		{"passed", passed(), []string{
			`check_attempts_total{…} 1`,
			`check_duration_seconds_bucket{…,le="0.03"} 1`,
			`check_duration_seconds_bucket{…,le="0.1"} 1`,
			`check_duration_seconds_bucket{…,le="0.3"} 1`,
			`check_duration_seconds_bucket{…,le="1"} 1`,
			`check_duration_seconds_bucket{…,le="3"} 1`,
			`check_duration_seconds_bucket{…,le="10"} 1`,
			`check_duration_seconds_bucket{…,le="+Inf"} 1`,
			`check_duration_seconds_sum{…} 0.02`,
			`check_duration_seconds_count{…} 1`,
			`check_last_duration_seconds{…} 0.02`,
			`check_last_run_timestamp_seconds{…} 1.777896e+09`,
			`check_last_success_timestamp_seconds{…} 1.777896e+09`,
			`check_runs_total{…,outcome="passed"} 1`,
			`check_status{…,status="passing"} 1`,
			`check_status{…,status="unknown"} 0`,
		}},
		{"failed", failedRun, []string{
			`check_attempts_total{…} 2`,
			`check_duration_seconds_bucket{…,le="0.3"} 1`,
			`check_duration_seconds_bucket{…,le="1"} 1`,
			`check_duration_seconds_bucket{…,le="3"} 1`,
			`check_duration_seconds_bucket{…,le="10"} 1`,
			`check_duration_seconds_bucket{…,le="+Inf"} 1`,
			`check_duration_seconds_sum{…} 0.25`,
			`check_duration_seconds_count{…} 1`,
			`check_failures_total{…,reason="expectation"} 1`,
			`check_http_status_code{…,step=""} 503`,
			`check_last_duration_seconds{…} 0.25`,
			`check_last_run_timestamp_seconds{…} 1.777896e+09`,
			`check_phase_seconds{…,phase="dns",step=""} 0.001`,
			`check_phase_seconds{…,phase="connect",step=""} 0.002`,
			`check_phase_seconds{…,phase="tls",step=""} 0.003`,
			`check_phase_seconds{…,phase="wait",step=""} 0.04`,
			`check_phase_seconds{…,phase="transfer",step=""} 0.005`,
			`check_runs_total{…,outcome="failed"} 1`,
			`check_status{…,status="failing"} 1`,
			`check_status{…,status="unknown"} 0`,
		}},
		{"unknown is not measured", unknown, []string{
			`check_failures_total{…,reason="internal"} 1`,
			`check_last_run_timestamp_seconds{…} 1.77789606e+09`,
			`check_runs_total{…,outcome="unknown"} 1`,
		}},
		{"no outcome", checks.Result{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := one()
			before := checkSeries(t, m)
			m.Record("orders/health", c.run)
			var got []string
			for _, line := range checkSeries(t, m) {
				if !slices.Contains(before, line) {
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("new series (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("reason off the list", func(t *testing.T) {
		m := one()
		m.Record("orders/health", nonsense)
		if text := get(t, m, "watchword_check_failures_total"); strings.Contains(text, "made_up") || !strings.Contains(text, `reason="internal"} 1`) {
			t.Errorf("got %s, want the reason internal", text)
		}
	})
}

func TestValuesOfTheLastRunDoNotOutliveIt(t *testing.T) {
	m := one()
	m.Record("orders/health", failed())
	m.Record("orders/health", checks.Result{Outcome: checks.Failed, Reason: checks.ReasonConnectRefused, Started: noon, Steps: []checks.StepResult{{}}})
	for _, line := range series(get(t, m, "watchword_check_phase_seconds", "watchword_check_http_status_code")) {
		if !strings.HasSuffix(line, " 0") {
			t.Errorf("%s: want 0", line)
		}
	}
	want := []string{`check_failures_total{…,reason="expectation"} 1`, `check_failures_total{…,reason="connect_refused"} 1`}
	if diff := cmp.Diff(want, series(get(t, m, "watchword_check_failures_total"))); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestStateSets(t *testing.T) {
	for phase, want := range map[alerts.Phase]string{
		"": "ok", alerts.OK: "ok", alerts.Pending: "pending", alerts.Firing: "firing", alerts.Recovering: "recovering",
	} {
		m := one()
		m.AlertState = func(string) alerts.State { return alerts.State{Phase: phase} }
		var ones []string
		lines := series(get(t, m, "watchword_check_alert_state"))
		for _, line := range lines {
			if strings.HasSuffix(line, "} 1") {
				ones = append(ones, line)
			}
		}
		if line := fmt.Sprintf(`check_alert_state{…,state=%q} 1`, want); len(lines) != 4 || !slices.Equal(ones, []string{line}) {
			t.Errorf("phase %q: %v are 1, want %s alone", phase, ones, line)
		}
	}
	for outcome, want := range map[checks.Outcome]string{
		checks.Passed: "passing", checks.Degraded: "degraded", checks.Failed: "failing", checks.Unknown: "unknown",
	} {
		m := one()
		m.Record("orders/health", checks.Result{Outcome: outcome})
		if text := get(t, m, "watchword_check_status"); strings.Count(text, "} 1\n") != 1 || !strings.Contains(text, fmt.Sprintf("status=%q} 1\n", want)) {
			t.Errorf("outcome %q: got\n%swant %s alone to be 1", outcome, text, want)
		}
	}
}

func TestMuted(t *testing.T) {
	m := one()
	var maintenance, mute, dependency bool
	m.Muted = func(string) (bool, bool, bool) { return maintenance, mute, dependency }
	want := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, series(get(t, m, "watchword_check_muted")), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("muted (-want +got):\n%s", diff)
		}
	}
	want()
	dependency = true
	want(`check_muted{by="dependency",…} 1`)
	maintenance, dependency = true, false
	want(`check_muted{by="maintenance",…} 1`, `check_muted{by="dependency",…} 0`)
	maintenance, mute = false, true
	want(`check_muted{by="maintenance",…} 0`, `check_muted{by="mute",…} 1`, `check_muted{by="dependency",…} 0`)
}

func TestFailingSince(t *testing.T) {
	m := one()
	m.AlertState = func(string) alerts.State { return alerts.State{Phase: alerts.Recovering, Since: noon} }
	line := func() string { return series(get(t, m, "watchword_check_failing_since_timestamp_seconds"))[0] }
	if got, want := line(), `check_failing_since_timestamp_seconds{…} 1.777896e+09`; got != want {
		t.Errorf("after a restart: got %s, want %s", got, want)
	}
	m.Record("orders/health", passed())
	if got, want := line(), `check_failing_since_timestamp_seconds{…} 0`; got != want {
		t.Errorf("while it passes again: got %s, want %s", got, want)
	}
}

func TestFailingInfo(t *testing.T) {
	m := one()
	var state alerts.State
	m.AlertState = func(string) alerts.State { return state }
	for _, c := range []struct {
		state alerts.State
		want  []string
	}{
		{alerts.State{Phase: alerts.OK, Level: alerts.LevelFailed, Reason: checks.ReasonExpectation}, nil},
		{
			alerts.State{Phase: alerts.Pending, Level: alerts.LevelDegraded},
			[]string{`check_failing_info{check="orders/health",group="orders",level="degraded",location="fra1",reason="degraded_if"} 1`},
		},
		{
			alerts.State{Phase: alerts.Recovering, Level: alerts.LevelFailed, Reason: checks.ReasonTLSExpired},
			[]string{`check_failing_info{check="orders/health",group="orders",level="failed",location="fra1",reason="tls_expired"} 1`},
		},
	} {
		state = c.state
		got := series(get(t, m, "watchword_check_failing_info"))
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.state.Phase, diff)
		}
	}
}

func TestSteps(t *testing.T) {
	m := one()
	conf := health()
	conf.Steps = []string{"login", "order", "login"}
	m.SetChecks([]metrics.Check{conf})
	m.Record("orders/health", checks.Result{Outcome: checks.Passed, Steps: []checks.StepResult{
		{Step: "login", Status: 200}, {Step: "order", Status: 201}, {Step: "somewhere", Status: 299},
	}})
	want := []string{`check_http_status_code{…,step="login"} 200`, `check_http_status_code{…,step="order"} 201`}
	if diff := cmp.Diff(want, series(get(t, m, "watchword_check_http_status_code"))); diff != "" {
		t.Errorf("status codes (-want +got):\n%s", diff)
	}
	conf.Steps = []string{"order", "cancel"}
	m.SetChecks([]metrics.Check{conf})
	want = []string{`check_http_status_code{…,step="order"} 201`, `check_http_status_code{…,step="cancel"} 0`}
	if diff := cmp.Diff(want, series(get(t, m, "watchword_check_http_status_code"))); diff != "" {
		t.Errorf("status codes after a reload (-want +got):\n%s", diff)
	}
}

func TestSkipped(t *testing.T) {
	m := one()
	m.Skipped("orders/health", "missed", 3)
	m.Skipped("orders/health", "missed", 1)
	m.Skipped("orders/health", "overlap", 1)
	m.Skipped("orders/health", "saturated", 0)
	m.Skipped("orders/health", "laziness", 1)
	m.Skipped("gone", "overlap", 1)
	want := []string{`check_skipped_total{…,reason="overlap"} 1`, `check_skipped_total{…,reason="missed"} 4`}
	if diff := cmp.Diff(want, series(get(t, m, "watchword_check_skipped_total"))); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

func TestReload(t *testing.T) {
	runs := func(m *metrics.Metrics) string {
		return get(t, m, "watchword_check_runs_total", "watchword_check_info")
	}
	for _, c := range []struct {
		name   string
		change func(*metrics.Check)
		kept   bool
	}{
		{"nothing", func(*metrics.Check) {}, true},
		{"labels", func(c *metrics.Check) { c.Labels = map[string]string{"team": "other"} }, true},
		{"schedule", func(c *metrics.Check) { c.Schedule = "@every 2m" }, true},
		{"severity", func(c *metrics.Check) { c.Severity = "critical" }, true},
		{"name", func(c *metrics.Check) { c.Name = "orders/alive" }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := one()
			m.Record("orders/health", passed())
			conf := health()
			c.change(&conf)
			m.SetChecks([]metrics.Check{conf})
			text := runs(m)
			if kept := strings.Contains(text, `outcome="passed"} 1`); kept != c.kept {
				t.Errorf("counters kept is %t, want %t", kept, c.kept)
			}
			if !strings.Contains(text, fmt.Sprintf(`schedule=%q,severity=%q`, conf.Schedule, conf.Severity)) || strings.Count(text, "watchword_check_info{") != 1 {
				t.Errorf("got\n%swant the new labels alone", text)
			}
			if !c.kept && strings.Contains(text, `"orders/health"`) {
				t.Errorf("got\n%swant nothing of the check that is gone", text)
			}
		})
	}
	t.Run("gone and back", func(t *testing.T) {
		m := one()
		m.Record("orders/health", passed())
		m.SetChecks(nil)
		if text := runs(m); text != "" {
			t.Errorf("got %q, want nothing", text)
		}
		m.Record("orders/health", passed()) // the run that was under way
		m.SetChecks([]metrics.Check{health()})
		if text := runs(m); strings.Contains(text, `outcome="passed"} 1`) {
			t.Errorf("got\n%swant counters from 0", text)
		}
	})
	t.Run("location", func(t *testing.T) {
		m := one()
		m.Record("orders/health", failed())
		m.SetLocation("nyc3")
		text := get(t, m)
		if strings.Contains(text, "fra1") || !strings.Contains(text, `watchword_check_runs_total{check="orders/health",group="orders",location="nyc3",outcome="failed"} 1`) {
			t.Errorf("got\n%swant the new location everywhere, and the counters kept", text)
		}
	})
}

func TestLabelsThatCannotBe(t *testing.T) {
	m := one()
	odd := health()
	odd.Labels = map[string]string{"ok_1": "a\x00\xff\"b", "not-valid": "x", "": "y", "größe": "z"}
	twice := health()
	twice.Name = "orders/health" // the name of another
	m.SetChecks([]metrics.Check{odd, twice})
	want := []string{`check_info{check="orders/health",group="orders",label_ok_1="a` + "\uFFFD\uFFFD" + `\"b",location="fra1",schedule="@every 1m",severity="warning"} 1`}
	if diff := cmp.Diff(want, series(get(t, m, "watchword_check_info"))); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
}

func TestAtMost30SeriesACheck(t *testing.T) {
	m := one()
	for _, reason := range []checks.Reason{checks.ReasonExpectation, checks.ReasonConnectRefused, checks.ReasonTLSExpired} {
		r := failed()
		r.Reason = reason
		m.Record("orders/health", r)
	}
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range families {
		for _, s := range f.GetMetric() {
			for _, l := range s.GetLabel() {
				if l.GetName() == "check" {
					n++
				}
			}
		}
	}
	if n != 30 { // 27 and the three reasons
		t.Errorf("a check has %d series, want 30", n)
	}
}
