package web_test

import (
	"fmt"
	"testing"
	"time"

	"watchword/checks"
	"watchword/cmd/internal/web"
)

// ran is what one run of a check found, made anew as each run does.
func ran(name string, outcome checks.Outcome) checks.Result {
	now := time.Now()
	r := checks.Result{
		Check: name, Outcome: outcome, Started: now, Duration: 20 * time.Millisecond, Attempts: 1,
		Steps: []checks.StepResult{{
			Outcome: outcome, Method: "GET", URL: "https://" + name + ".acme.test/health", Status: 200, Certificate: "acme", Rule: "pattern",
			RemoteIP: fmt.Sprintf("10.0.0.%d", len(name)),
			Timing:   checks.Timing{DNS: time.Millisecond, Connect: time.Millisecond, TLS: 4 * time.Millisecond, Wait: 13 * time.Millisecond, Transfer: time.Millisecond, Total: 20 * time.Millisecond},
			Servers: []checks.ServerCertificate{{
				Host: name + ".acme.test", Fingerprint: fmt.Sprintf("%064x", 7), Subject: "*.acme." + "test", NotAfter: now.Truncate(time.Hour).Add(90 * 24 * time.Hour),
				Issuing: &checks.IssuingCertificate{Fingerprint: fmt.Sprintf("%064x", 8)},
			}},
			Handshakes: []checks.Handshake{{Certificate: "acme", Accepted: true}},
		}},
	}
	if outcome != checks.Passed {
		r.Reason, r.Message = checks.ReasonExpectation, "status is 503, want 200"
		r.Steps[0].Reason, r.Steps[0].Message, r.Steps[0].Curl = r.Reason, r.Message, "curl -sS 'https://"+name+".acme.test/health'"
		r.Steps[0].Failed = []checks.Explanation{{Expression: "status == 200", Message: r.Message, File: "main.hcl", Line: 7}}
	}
	return r
}

// BenchmarkRecord is what the pages cost each run.
func BenchmarkRecord(b *testing.B) {
	board := new(web.Board)
	board.Load(web.Setup{Checks: []web.Check{{Name: "orders"}}})
	for range 100 {
		board.Record(ran("orders", checks.Passed))
	}
	r := ran("orders", checks.Passed)
	b.ReportAllocs()
	for b.Loop() {
		board.Record(r)
	}
}
