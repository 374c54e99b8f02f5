package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"watchword/checks"
	"watchword/cmd/internal/config"
)

// What a target answers can neither break the XML nor add a workflow command.
func TestReportsOfHostileAnswers(t *testing.T) {
	t.Parallel()
	const hostile = "</failure>\x00\x1b[31m ]]> \"&<\n::error::no\r\n%0A::stop"
	m := &config.Monitor{Check: &checks.Check{Name: "orders/health", Group: "orders", Source: checks.Source{File: "a,b:c.hcl", Line: 3}}}
	failed := checks.Result{
		Check: "orders/health", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Message: hostile, Duration: 1500 * time.Millisecond,
		Steps: []checks.StepResult{{Outcome: checks.Failed, Failed: []checks.Explanation{{Expression: "body == 1", File: "a,b:c.hcl", Line: 4, Message: hostile}}}},
	}
	unknown := checks.Result{Check: "orders/health", Outcome: checks.Unknown, Reason: checks.ReasonInternal, Message: hostile}
	degraded := failed
	degraded.Outcome, degraded.Reason = checks.Degraded, ""

	var b bytes.Buffer
	report := &junitReport{began: time.Now()}
	for _, r := range []checks.Result{failed, unknown, degraded, {Check: "orders/health", Outcome: checks.Passed}} {
		report.add(m, r)
	}
	if err := report.write(&b, time.Second); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	s := got.Suites[0]
	if got.Tests != 4 || s.Failures != 1 || s.Errors != 1 || s.Cases[0].Time != "1.500" || s.Cases[0].Class != "watchword.orders" {
		t.Errorf("report %+v", got)
	}
	if text := s.Cases[0].Failure.Text; !strings.Contains(text, "a,b:c.hcl:4: body == 1\n") || !strings.Contains(text, "</failure>") {
		t.Errorf("failure %q", text)
	}
	if s.Cases[3].Failure != nil || s.Cases[3].Error != nil || !strings.HasPrefix(s.Cases[2].Output, "degraded: ") {
		t.Errorf("cases %+v", s.Cases)
	}

	var out bytes.Buffer
	a := &app{stdout: &out}
	for _, r := range []checks.Result{failed, unknown, degraded} {
		a.annotate(m, r)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 3 || strings.Contains(out.String(), "\r") {
		t.Fatalf("annotations %q, want 3 lines", lines)
	}
	for i, start := range []string{
		"::error file=a%2Cb%3Ac.hcl,line=4,title=orders/health failed::body == 1%0A</failure>",
		"::error file=a%2Cb%3Ac.hcl,line=3,title=orders/health unknown::internal: </failure>",
		"::warning file=a%2Cb%3Ac.hcl,line=4,title=orders/health degraded::",
	} {
		if !strings.HasPrefix(lines[i], start) || !strings.Contains(lines[i], "%250A") {
			t.Errorf("annotation %q, want it to begin with %q", lines[i], start)
		}
	}
}

// A check that was interrupted is not told as one that has a result.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hangs" {
			cancel()
			<-r.Context().Done()
		}
	}))
	defer api.Close()
	path := write(t, t.TempDir(), "main.hcl", `
check "hangs" {
  schedule = "@every 1h"
  request { url = "%s/hangs" }
}
`, api.URL)
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"test", "-c", path, "hangs"}, nil, &stdout, &stderr)
	if code != exitFailed || strings.Contains(stdout.String(), "hangs") || stderr.String() != "watchword: interrupted: 1 check did not finish\n" {
		t.Errorf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
}
