package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/web"
)

// board is one with a check that fails, one that passes and one that has not run.
func board() *web.Board {
	now := time.Now()
	b := &web.Board{
		State: func(check string) alerts.State {
			if check == "orders/checkout" {
				return alerts.State{
					Phase: alerts.Firing, Level: alerts.LevelFailed, Since: now.Add(-time.Hour), Incident: 3,
					Reason: checks.ReasonExpectation, Message: "status is 422, want 201",
				}
			}
			return alerts.State{}
		},
		Next: func(string) (time.Time, bool) { return now.Add(time.Minute), true },
		Silences: func(check string) []alerts.Silence {
			if check == "edge[fra 1]" {
				return nil
			}
			return []alerts.Silence{{By: alerts.ByMute, Name: "*<b>", Until: time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC), Why: "migration"}}
		},
	}
	b.Load(web.Setup{
		Location: "fra1",
		Checks: []web.Check{
			{Name: "health", Schedule: "@every 1m", Severity: "warning"},
			{Name: "orders/checkout", Group: "orders", Schedule: "@every 1m", Severity: "critical", Labels: map[string]string{"team": "orders"}, Runbook: "https://runbooks.example/checkout", Source: checks.Source{File: "orders.hcl", Line: 12}},
			{Name: "edge[fra 1]", Schedule: "@every 1m", Severity: "warning"},
		},
		Certificates: []web.Certificate{
			{Name: "acme", Hosts: []string{"*.acme.com"}, NotAfter: now.Add(6 * 24 * time.Hour), Checks: []string{"health", "orders/checkout"}},
			{Name: "broken", Error: "key.pem is empty"},
		},
	})
	b.Record(checks.Result{Check: "health", Outcome: checks.Passed, Started: now, Duration: 20 * time.Millisecond, Steps: []checks.StepResult{{
		Outcome: checks.Passed, Status: 200, Timing: checks.Timing{TLS: time.Millisecond, Total: 2 * time.Millisecond},
		Servers: []checks.ServerCertificate{{Host: "api.acme.com", Subject: "api.acme.com", Fingerprint: "ab", NotAfter: now.Add(90 * 24 * time.Hour)}},
	}}})
	b.Record(checks.Result{
		Check: "orders/checkout", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Message: `step "order": status is 422, want 201`,
		Started: now, Duration: 30 * time.Millisecond, Steps: []checks.StepResult{{
			Step: "order", Outcome: checks.Failed, Method: "POST", URL: "https://api.acme.com/<script>alert(1)</script>", Status: 422,
			Certificate: "acme", Rule: "pattern", Message: "status is 422, want 201", Curl: "curl 'https://api.acme.com/'",
			Failed: []checks.Explanation{{Expression: `status == 201 && "</code><img src=x>" != ""`, File: "orders.hcl", Line: 58, Message: "status is 422, want 201"}},
		}},
	})
	return b
}

func TestStatusPage(t *testing.T) {
	s := &web.Server{Board: board()}
	start(t, s)
	get := func(path string) answer {
		return ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+path))
	}
	for _, c := range []struct {
		path     string
		want     []string
		unwanted []string
	}{
		{
			"/",
			[]string{
				"1 check of 3 needs attention", "at fra1", `href="/checks/orders/checkout"`, "for 1h0m", "status is 422, want 201", "orders.hcl:58",
				"step order", "POST https://api.acme.com/&lt;script&gt;", "acme, chosen by rule pattern", "last 1 run: 1 failed", `href="/checks/edge%5Bfra%201%5D"`,
				"no runs yet", "cannot be used", "key.pem is empty", ">6 days<", "api.acme.com", "?refresh=off",
				"<small class=\"silent\">muted until 2026-03-01 04:00 UTC (*&lt;b&gt;): migration</small>",
			},
			[]string{"<script", "<img"},
		},
		{
			"/checks/orders/checkout",
			[]string{"<h1>orders/checkout", "@every 1m", "critical", "<dt>team</dt><dd>orders</dd>", "<dt>messages</dt><dd>muted until 2026-03-01 04:00 UTC (*&lt;b&gt;): migration</dd>", "https://runbooks.example/checkout", "Recent runs", "to now: status is 422, want 201"},
			[]string{"<script", "<img"},
		},
		{"/checks/health", []string{"<h1>health", "passing", "share of tls", "api.acme.com", "None are remembered."}, []string{"Why"}},
		{"/checks/edge%5Bfra%201%5D", []string{"<h1>edge[fra 1]", "It has not run yet."}, nil},
	} {
		got := get(c.path)
		if got.status != http.StatusOK {
			t.Fatalf("%s: status is %d, want 200", c.path, got.status)
		}
		for _, want := range c.want {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s has no %q:\n%s", c.path, want, got.body)
			}
		}
		for _, unwanted := range c.unwanted {
			if strings.Contains(got.body, unwanted) {
				t.Errorf("%s has %q", c.path, unwanted)
			}
		}
	}
	if got := get("/").header.Get("Refresh"); got != "30" {
		t.Errorf("Refresh is %q, want 30", got)
	}
	if got := get("/?refresh=off").header.Get("Refresh"); got != "" {
		t.Errorf("Refresh is %q where the reader stopped it", got)
	}
}

func TestAPI(t *testing.T) {
	s := &web.Server{Board: board()}
	start(t, s)
	get := func(path string, to any) {
		t.Helper()
		got := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+path))
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: status %d, %s", path, got.status, got.header.Get("Content-Type"))
		}
		if err := json.Unmarshal([]byte(got.body), to); err != nil {
			t.Fatal(err)
		}
	}
	var list []struct {
		Check, Status, Reason, Message string
		AlertState                     string     `json:"alert_state"`
		LastRun                        *time.Time `json:"last_run"`
		Since                          *time.Time
		Runs                           []struct{ Outcome string }
		Silences                       []struct{ By, Name, Why string }
	}
	get("/api/v1/checks", &list)
	var lines []string
	for _, c := range list {
		lines = append(lines, fmt.Sprintf("%s %s %s %s %d %t %t %v", c.Check, c.Status, c.AlertState, c.Reason, len(c.Runs), c.LastRun != nil, c.Since != nil, c.Silences))
	}
	want := "health passing ok  1 true false [{mute *<b> migration}]\n" +
		"orders/checkout failing firing expectation 1 true true [{mute *<b> migration}]\nedge[fra 1] unknown ok  0 false false []"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("checks are\n%s\nwant\n%s", got, want)
	}

	var certificates struct {
		Client []struct {
			Certificate string
			DaysLeft    *float64 `json:"days_left"`
			Checks      []string
		}
		Server []struct {
			Host   string
			Checks []string
		}
	}
	get("/api/v1/certificates", &certificates)
	if c := certificates.Client; len(c) != 2 || c[0].Certificate != "broken" || c[0].DaysLeft != nil || len(c[1].Checks) != 2 || *c[1].DaysLeft != 5.9 {
		t.Errorf("client certificates are %+v", c)
	}
	if c := certificates.Server; len(c) != 1 || c[0].Host != "api.acme.com" || len(c[0].Checks) != 1 {
		t.Errorf("server certificates are %+v", c)
	}

	var incidents []struct {
		Check    string
		Incident int
		Until    *time.Time
	}
	get("/api/v1/incidents", &incidents)
	if len(incidents) != 1 || incidents[0].Check != "orders/checkout" || incidents[0].Incident != 3 || incidents[0].Until != nil {
		t.Errorf("incidents are %+v", incidents)
	}
}

// A certificate has expired from the first moment on.
func TestExpiredCertificate(t *testing.T) {
	b := new(web.Board)
	b.Load(web.Setup{Certificates: []web.Certificate{{Name: "old", NotAfter: time.Now().Add(-time.Minute)}}})
	s := &web.Server{Board: b}
	start(t, s)
	get := func(path string) string {
		return ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+path)).body
	}
	if page := get("/"); !strings.Contains(page, `<span class="state failing">expired</span>`) {
		t.Errorf("the page does not say that the certificate has expired:\n%s", page)
	}
	if text := get("/api/v1/certificates"); !strings.Contains(text, `"days_left":-0.1`) {
		t.Errorf("the API says %s", text)
	}
}

// A status that there is none of picks nothing, and is not repeated.
func TestOnlyKnownStatuses(t *testing.T) {
	s := &web.Server{Board: board()}
	start(t, s)
	page := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/?status=call+0900-123")).body
	if strings.Contains(page, "0900") || !strings.Contains(page, "orders/checkout") {
		t.Errorf("the page is\n%s", page)
	}
}

// What is remembered is bounded, survives a reload, and goes with its check.
func TestBoardRemembers(t *testing.T) {
	b := new(web.Board)
	setup := web.Setup{Checks: []web.Check{{Name: "a"}}}
	b.Load(setup)
	b.Record(checks.Result{Check: "a", Outcome: checks.Failed, Started: time.Now(), Message: "was bad"})
	for range 100 {
		b.Record(checks.Result{Check: "a", Outcome: checks.Passed, Started: time.Now()})
	}
	b.Record(checks.Result{Check: "unknown", Outcome: checks.Failed})
	b.Load(web.Setup{Checks: []web.Check{{Name: "b"}, {Name: "a"}}})
	s := &web.Server{Board: b}
	start(t, s)
	get := func(path string) string {
		return ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+path)).body
	}
	page := get("/checks/a")
	if !strings.Contains(page, "last 30 runs: 30 passed") || !strings.Contains(page, "The last run that did not pass") {
		t.Errorf("the page does not show 30 runs and the failure that they pushed out:\n%s", page)
	}
	b.Load(web.Setup{Checks: []web.Check{{Name: "b"}}})
	b.Load(setup)
	if page := get("/checks/a"); !strings.Contains(page, "It has not run yet.") {
		t.Error("a check that was gone has runs")
	}
}

func BenchmarkPage(b *testing.B) {
	const n = 1000
	board := new(web.Board)
	var setup web.Setup
	for i := range n {
		setup.Checks = append(setup.Checks, web.Check{Name: fmt.Sprintf("group%d/check%d", i%20, i), Group: fmt.Sprintf("group%d", i%20)})
	}
	board.Load(setup)
	for _, c := range setup.Checks {
		for range 30 {
			board.Record(checks.Result{Check: c.Name, Outcome: checks.Passed, Started: time.Now()})
		}
	}
	s := &web.Server{Board: board}
	start(b, s)
	for b.Loop() {
		if got := ask(b, client(), request(b, http.MethodGet, "http://"+s.Addr().String()+"/")); got.status != http.StatusOK {
			b.Fatalf("status is %d", got.status)
		}
	}
}
