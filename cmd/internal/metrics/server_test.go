package metrics_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
	"watchword/cmd/internal/metrics"
)

// met is a run in which these hosts presented a certificate each.
func met(outcome checks.Outcome, certs ...checks.ServerCertificate) checks.Result {
	r := checks.Result{Outcome: outcome, Started: noon, Steps: []checks.StepResult{{Servers: certs}}}
	if outcome == checks.Failed {
		r.Reason = checks.ReasonTLSExpired
	}
	return r
}

func cert(host, fingerprint string, left time.Duration) checks.ServerCertificate {
	return checks.ServerCertificate{Host: host, Fingerprint: fingerprint, NotAfter: noon.Add(left)}
}

func servers(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	lines := series(get(t, m, "watchword_server_certificate_not_after_timestamp_seconds"))
	for i, l := range lines {
		l = strings.TrimPrefix(l, `server_certificate_not_after_timestamp_seconds{check="orders/health",fingerprint=`)
		l = strings.ReplaceAll(strings.ReplaceAll(l, `group="orders",host=`, ""), `,location="fra1"`, "")
		lines[i] = l
	}
	return lines
}

func TestServerCertificates(t *testing.T) {
	api, next := cert("api.acme.com", "aa", time.Hour), cert("api.acme.com", "bb", 24*time.Hour)
	login := cert("login.acme.com", "cc", time.Hour)
	for _, c := range []struct {
		name string
		runs []checks.Result
		want []string
	}{
		{"one", []checks.Result{met(checks.Passed, api)}, []string{`"aa","api.acme.com"} 1.7778996e+09`}},
		{"replaced", []checks.Result{met(checks.Passed, api), met(checks.Passed, next)}, []string{`"bb","api.acme.com"} 1.7779824e+09`}},
		{"verification failed", []checks.Result{met(checks.Failed, api)}, []string{`"aa","api.acme.com"} 1.7778996e+09`}},
		{"kept when nobody answers", []checks.Result{met(checks.Passed, api), met(checks.Failed)}, []string{`"aa","api.acme.com"} 1.7778996e+09`}},
		{"two hops", []checks.Result{met(checks.Passed, api, login)}, []string{`"aa","api.acme.com"} 1.7778996e+09`, `"cc","login.acme.com"} 1.7778996e+09`}},
		{"second hop gone", []checks.Result{met(checks.Passed, api, login), met(checks.Passed, api)}, []string{`"aa","api.acme.com"} 1.7778996e+09`}},
		{"second hop not reached", []checks.Result{met(checks.Passed, login), met(checks.Failed, api)}, []string{`"cc","login.acme.com"} 1.7778996e+09`, `"aa","api.acme.com"} 1.7778996e+09`}},
		{"nonsense", []checks.Result{met(checks.Passed, cert("a\xff\n"+strings.Repeat("x", 300), strings.Repeat("f", 100), 0))}, []string{
			fmt.Sprintf(`"%s","a%s%s"} 1.777896e+09`, strings.Repeat("f", 64), "\uFFFD\uFFFD", strings.Repeat("x", 253-7)),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := one()
			for _, r := range c.runs {
				m.Record("orders/health", r)
			}
			if diff := cmp.Diff(c.want, servers(t, m)); diff != "" {
				t.Errorf("server certificates (-want +got):\n%s", diff)
			}
		})
	}
}

// A server that redirects somewhere else each time does not make a series each time.
func TestRedirectsMakeFewSeries(t *testing.T) {
	m := one()
	seen := make(map[string]bool)
	for i := range 100 {
		m.Record("orders/health", met(checks.Passed, cert("api.acme.com", "aa", time.Hour), cert(fmt.Sprintf("%d.evil.example", i), "cc", time.Hour)))
		for _, line := range servers(t, m) {
			seen[line] = true
		}
	}
	if want := 1 + metrics.MaxHosts; len(seen) != want {
		t.Errorf("there were %d series, want %d", len(seen), want)
	}
}
