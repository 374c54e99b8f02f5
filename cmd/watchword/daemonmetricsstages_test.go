//go:build linux

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"watchword/alerts/alertstest"
	"watchword/certs/certstest"
)

// The stages of the life that TestMetricsOfALife looks at, in their order.

// runs are those of the check that is followed, by outcome.
func runs(s scrape, outcome string) float64 {
	return s.samples[fmt.Sprintf(`check_runs_total{…,outcome=%q}`, outcome)]
}

// settled says whether no run ended during the scrape, so that all that counts
// runs agrees: they are collected one after the other.
func settled(s scrape) bool {
	failed := runs(s, "failed")
	good := runs(s, "passed") + runs(s, "degraded")
	return s.samples[`check_duration_seconds_count{…}`] == good+failed &&
		s.sum("check_failures_total", `…,`) == failed &&
		s.samples[`check_attempts_total{…}`] == good+2*failed
}

func (l *life) passes(t *testing.T) {
	t.Helper()
	began := float64(time.Now().Add(-time.Minute).Unix())
	s := l.await("the check passes", []string{
		`check_status{…,status="passing"} = 1`,
		`check_runs_total{…,outcome="passed"} > 1`,
		`check_runs_total{…,outcome="degraded"} = 0`,
		`check_runs_total{…,outcome="failed"} = 0`,
		`check_runs_total{…,outcome="unknown"} = 0`,
		`check_alert_state{…,state="ok"} = 1`,
		`check_failing_since_timestamp_seconds{…} = 0`,
		`check_http_status_code{…,step="login"} = 200`,
		`check_http_status_code{…,step="order"} = 200`,
		`check_http_status_code{…,step="pay"} = 200`,
		`check_duration_seconds_sum{…} > 0`,
		`check_last_duration_seconds{…} > 0`,
		`check_info{…,label_team="shop",schedule="@every 1s",severity="critical"} = 1`,
		`check_failing_info{…,level="failed",reason="expectation"} is gone`,
		`check_failures_total{…,reason="expectation"} is gone`,
		fmt.Sprintf(`check_last_run_timestamp_seconds{…} > %f`, began),
		`checks = 8`,
		`config_last_reload_successful = 1`,
		fmt.Sprintf(`config_last_reload_success_timestamp_seconds > %f`, began),
		`secret_load_failed{secret="slack"} = 0`,
		`secret_load_failed{secret="unset"} = 1`,
		`store_quarantined_total = 1`,
		`store_write_errors_total = 0`,
		`receiver_blocked{receiver="slack.oncall"} = 0`,
		`schedule_delay_seconds_count > 1`,
	}, settled, func(s scrape) bool {
		return s.samples[`check_last_run_timestamp_seconds{…}`] == s.samples[`check_last_success_timestamp_seconds{…}`] &&
			s.samples[`check_next_run_timestamp_seconds{…}`] > s.samples[`check_last_run_timestamp_seconds{…}`]
	})
	for _, step := range []string{"login", "order", "pay"} {
		for _, phase := range []string{"dns", "connect", "tls", "wait", "transfer"} {
			s.is(t, fmt.Sprintf(`check_phase_seconds{…,phase=%q,step=%q} > 0`, phase, step))
		}
	}
	if total := s.sum("check_runs_total"); s.samples["schedule_delay_seconds_count"] < total {
		t.Errorf("the delay of %g runs was counted, want %g at least", s.samples["schedule_delay_seconds_count"], total)
	}
	if n := s.sum("build_info", `version="`+version+`"`); n != 1 {
		t.Errorf("build_info tells %g builds of version %s, want 1", n, version)
	}
	_, text := l.p.get("/metrics")
	promtoolIsSilent(t, text)
}

// before looks at a check that has not run: its series are there.
func (l *life) before(t *testing.T) {
	t.Helper()
	s := l.p.scrape()
	const yearly = `check="yearly",group=""`
	s.is(t,
		`check_status{`+yearly+`,status="unknown"} = 1`,
		`check_alert_state{`+yearly+`,state="ok"} = 1`,
		`check_runs_total{`+yearly+`,outcome="passed"} = 0`,
		`check_duration_seconds_count{`+yearly+`} = 0`,
		`check_last_run_timestamp_seconds{`+yearly+`} = 0`,
		`check_last_success_timestamp_seconds{`+yearly+`} = 0`,
		fmt.Sprintf(`check_next_run_timestamp_seconds{`+yearly+`} > %d`, time.Now().Unix()),
		`check_http_status_code{`+yearly+`,step=""} = 0`,
		`check_phase_seconds{`+yearly+`,phase="tls",step=""} = 0`,
		`check_attempts_total{`+yearly+`} = 0`,
		`check_skipped_total{`+yearly+`,reason="missed"} is gone`,
	)
}

func (l *life) certificates(t *testing.T) {
	t.Helper()
	line := func(check, host string, pair *certstest.Pair) string {
		group, _, found := strings.Cut(check, "/")
		if !found {
			group = ""
		}
		return fmt.Sprintf(`server_certificate_not_after_timestamp_seconds{check=%q,fingerprint=%q,group=%q,host=%q} = %d`,
			check, pair.Fingerprint(), group, host, pair.Leaf.NotAfter.Unix())
	}
	s := l.await("certificates are known", []string{
		line("shop/checkout", "login.acme.test", l.api.Pair),
		line("shop/checkout", "orders.acme.test", l.api.Pair),
		line("shop/checkout", "pay.acme.test", l.api.Pair),
		line("expired", "expired.acme.test", l.expired.Pair), // although its verification fails
		line("refuses", "refuses.acme.test", l.refuses.Pair),
		`check_failures_total{check="expired",group="",reason="tls_expired"} > 0`,
		`check_failures_total{check="refuses",group="",reason="client_cert_unknown_ca"} > 0`,
		`check_failures_total{check="missing",group="",reason="client_cert_local"} > 0`,
		`client_certificate_handshakes_total{certificate="probe",result="accepted"} > 2`,
		`client_certificate_handshakes_total{certificate="probe",result="rejected"} = 0`,
		`client_certificate_handshakes_total{certificate="second",result="accepted"} = 0`,
		`client_certificate_handshakes_total{certificate="second",result="rejected"} > 0`,
		`client_certificate_load_failed{certificate="probe"} = 0`,
		`client_certificate_load_failed{certificate="missing"} = 1`,
		`client_certificate_checks{certificate="second"} = 1`,
		`client_certificate_checks{certificate="missing"} = 1`,
	})
	leaf := l.api.Requests()[0].Peer
	var dated []string
	for series, v := range s.samples {
		for name, want := range map[string]time.Time{"not_after": leaf.NotAfter, "not_before": leaf.NotBefore} {
			if strings.HasPrefix(series, "client_certificate_"+name) && strings.Contains(series, `certificate="probe"`) {
				if dated = append(dated, name); v != float64(want.Unix()) {
					t.Errorf("%s is %g, want %d", series, v, want.Unix())
				}
			}
		}
	}
	if len(dated) != 2 {
		t.Errorf("of the certificate probe there are %v, want both times once", dated)
	}
	s.is(t, fmt.Sprintf(`client_certificate_info{certificate="probe",issuer=%q,primary="false",serial="%x",subject=%q} = 1`,
		leaf.Issuer, leaf.SerialNumber, leaf.Subject))
}

func (l *life) degrades(t *testing.T) {
	t.Helper()
	l.slack.SetFault(func(alertstest.Call) alertstest.Fault {
		return alertstest.Fault{Code: "accesslimited"}
	})
	failures := l.p.scrape().sum("check_failures_total", `…,`)
	l.mode.Store("degrades")
	l.await("the alert waits for a second run", []string{`check_alert_state{…,state="pending"} = 1`})
	s := l.await("the check is degraded and told", []string{
		`check_status{…,status="degraded"} = 1`,
		`check_runs_total{…,outcome="degraded"} > 1`,
		`check_alert_state{…,state="firing"} = 1`,
		`check_failing_info{…,level="degraded",reason="degraded_if"} = 1`,
		`check_http_status_code{…,step="pay"} = 200`,
		`notifications_total{receiver="slack.oncall",result="failed"} > 0`,
		`outbox_pending{receiver="slack.oncall"} > 0`,
		`outbox_oldest_timestamp_seconds{receiver="slack.oncall"} > 1577000000`,
		`check_failing_since_timestamp_seconds{…} > 1577000000`,
	}, settled)
	if got := s.sum("check_failures_total", `…,`); got != failures {
		t.Errorf("a degraded run counts as failed: %g failures, want %g", got, failures)
	}
}

func (l *life) fails(t *testing.T) {
	t.Helper()
	l.mode.Store("fails")
	s := l.await("the check fails, and the one that depends on it", []string{
		`check_status{…,status="failing"} = 1`,
		`check_alert_state{…,state="firing"} = 1`,
		`check_failing_info{…,level="failed",reason="expectation"} = 1`,
		`check_failures_total{…,reason="expectation"} > 1`,
		`check_http_status_code{…,step="login"} = 200`,
		`check_http_status_code{…,step="order"} = 503`,
		`check_http_status_code{…,step="pay"} = 0`,
		`check_phase_seconds{…,phase="wait",step="order"} > 0`,
		`check_phase_seconds{…,phase="connect",step="pay"} = 0`,
		`check_muted{by="dependency",check="child",group=""} = 1`,
		`check_muted{by="dependency",…} is gone`,
	}, settled)
	if last := s.samples[`check_last_success_timestamp_seconds{…}`]; last >= s.samples[`check_last_run_timestamp_seconds{…}`] {
		t.Errorf("the last success, %f, is not before the last run", last)
	}
	// At most 30 series for a check of one step, 7 more for each further one:
	// its phases, its status, and the certificate of its host. A histogram
	// counts as one.
	const most = 30 + 2*7
	n := 0
	for _, f := range s.families {
		for _, m := range f.GetMetric() {
			if labelsOf(m)["check"] == "shop/checkout" {
				n++
			}
		}
	}
	t.Logf("a failing check of three steps and three hosts has %d series", n)
	if n > most {
		t.Errorf("want %d at most", most)
	}
	_, text := l.p.get("/metrics")
	promtoolIsSilent(t, text)
}

func (l *life) blocks(_ *testing.T) {
	l.slack.SetFault(func(alertstest.Call) alertstest.Fault { return alertstest.Fault{Code: "is_archived"} })
	l.await("the receiver is blocked", []string{`receiver_blocked{receiver="slack.oncall"} = 1`, `outbox_pending{receiver="slack.oncall"} > 0`})
	l.slack.SetFault(nil)
	l.reload(shopCheck)
	l.await("everything was sent", []string{
		`receiver_blocked{receiver="slack.oncall"} = 0`,
		`outbox_pending{receiver="slack.oncall"} = 0`,
		`outbox_oldest_timestamp_seconds{receiver="slack.oncall"} = 0`,
		`notifications_total{receiver="slack.oncall",result="sent"} > 0`,
		`notifications_total{receiver="slack.oncall",result="possible_repeat"} = 0`,
	})
}

func (l *life) recovers(_ *testing.T) {
	var dropped atomic.Bool
	l.slack.SetFault(func(c alertstest.Call) alertstest.Fault { // takes the message, but the answer is lost
		return alertstest.Fault{Dropped: strings.Contains(c.Text, "recovered") && c.Method == "chat.postMessage" && !dropped.Swap(true)}
	})
	l.mode.Store("passes")
	l.await("the alert waits for a second run", []string{
		`check_alert_state{…,state="recovering"} = 1`,
		`check_failing_since_timestamp_seconds{…} = 0`,
		`check_status{…,status="passing"} = 1`,
	})
	l.await("the check has recovered", []string{
		`check_alert_state{…,state="ok"} = 1`,
		`check_failing_info{…,level="failed",reason="expectation"} is gone`,
		`check_http_status_code{…,step="pay"} = 200`,
		`check_failures_total{…,reason="expectation"} > 1`,
		`check_muted{by="dependency",check="child",group=""} = 0`,
		`notifications_total{receiver="slack.oncall",result="possible_repeat"} = 1`,
	}, settled)
	l.slack.SetFault(nil)
}

func (l *life) mutes(_ *testing.T) {
	const layout = "2006-01-02T15:04:05Z"
	now := time.Now().UTC()
	l.reload(shopCheck, fmt.Sprintf("maintenance \"now\" {\n  from = %q\n  to = %q\n  match = { team = \"shop\" }\n}\n",
		now.Add(-time.Hour).Format(layout), now.Add(time.Hour).Format(layout)))
	l.await("the check is muted", []string{`check_muted{by="maintenance",…} = 1`, `check_muted{by="maintenance",check="slow",group=""} is gone`})
	l.reload(shopCheck)
	l.await("the check is told of again", []string{`check_muted{by="maintenance",…} = 0`})
}

func (l *life) skips(_ *testing.T) {
	hold := make(chan struct{})
	l.held.Store(hold)
	l.await("the next run is due while one is under way", []string{
		`check_skipped_total{check="slow",group="",reason="overlap"} > 0`,
		`runs_in_flight > 0`,
	})
	l.places = "max_concurrent = 1"
	l.reload(shopCheck)
	l.await("others wait for a place for too long", []string{`check_skipped_total{…,reason="saturated"} > 0`})
	close(hold)
	l.places = ""
	l.reload(shopCheck)
	l.p.signal(syscall.SIGSTOP)
	<-time.After(4 * time.Second)
	l.p.signal(syscall.SIGCONT)
	l.await("the time in which the process stood still is noticed", []string{`check_skipped_total{…,reason="missed"} > 0`})
}

// knowsNothing takes all file descriptors away for a while.
func (l *life) knowsNothing(_ *testing.T) {
	restore := l.prlimit(unix.RLIMIT_NOFILE, 4)
	l.p.await(`"msg":"check unknown","check":"shop/checkout"`)
	restore()
	l.await("the check passes again", []string{
		`check_runs_total{…,outcome="unknown"} > 0`,
		`check_failures_total{…,reason="internal"} > 0`,
		`check_alert_state{…,state="ok"} = 1`,
		`check_status{…,status="passing"} = 1`,
	}, func(s scrape) bool { // what is unknown has no duration
		return s.samples[`check_duration_seconds_count{…}`] == runs(s, "passed")+runs(s, "degraded")+runs(s, "failed")
	})
}

func (l *life) refusesFiles(t *testing.T) {
	t.Helper()
	refused := func() float64 {
		l.load(shopCheck, "check {}")
		l.p.signal(syscall.SIGHUP)
		l.p.await("configuration not reloaded")
		s := l.await("the mistake shows", []string{`config_last_reload_successful = 0`})
		return s.samples["config_last_reload_success_timestamp_seconds"]
	}
	before := refused()
	if after := refused(); after != before {
		t.Errorf("a reload that failed has set the time of the last good one from %f to %f", before, after)
	}
	l.reload(shopCheck)
	l.await("the configuration is loaded again", []string{
		`config_last_reload_successful = 1`, fmt.Sprintf(`config_last_reload_success_timestamp_seconds > %f`, before),
	})
}

func (l *life) fillsTheDisk(_ *testing.T) {
	restore := l.prlimit(unix.RLIMIT_FSIZE, 1)
	defer restore()
	l.mode.Store("fails")
	l.await("a write fails, and checks go on", []string{
		`store_write_errors_total > 0`,
		`check_alert_state{…,state="firing"} = 1`,
		`check_status{…,status="failing"} = 1`,
	})
}

// goes removes the checks: nothing of them stays.
func (l *life) goes(t *testing.T) {
	t.Helper()
	l.reload()
	s := l.await("the series are gone", []string{`checks = 6`})
	for series := range s.samples {
		if strings.Contains(series, "…") || strings.Contains(series, `"shop`) || strings.Contains(series, `check="child"`) {
			t.Errorf("%s is still there", series)
		}
	}
	if got := slices.Sorted(maps.Keys(s.samples)); !slices.Contains(got, `check_status{check="slow",group="",status="passing"}`) {
		t.Errorf("of the others there are only %d series", len(got))
	}
	l.reload(shopCheck)
	l.await("a check that comes back begins anew", []string{
		`check_runs_total{…,outcome="degraded"} = 0`,
		`check_skipped_total{…,reason="missed"} is gone`,
	})
}
