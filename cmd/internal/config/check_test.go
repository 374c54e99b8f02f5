package config

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/certs"
	"watchword/checks"
)

func TestInheritance(t *testing.T) {
	dir := write(t, "defaults.hcl", `
defaults {
  schedule = "@every 1m"
  timezone = "Europe/Berlin"
  timeout  = "5s"
  labels   = { team = "a", env = "live" }
  expect   = [status == 200]
  runbook  = "https://wiki.example/"
  request {
    url              = "https://a.example/"
    method           = "POST"
    headers          = { Accept = "a", X-One = "1" }
    query            = { q = "outer", page = "1" }
    json             = { outer = true }
    bearer_token     = "outer-token"
    mtls             = false
    follow_redirects = false
    max_body         = "2KiB"
  }
  alert {
    after        = 3
    for          = "1h30m"
    remind_every = "1d"
  }
}
`, "checks.hcl", `
check "inherits" {}
check "overrides" {
  schedule = "0 * * * *"
  splay    = "1m"
  labels   = { team = "b" }
  expect   = [status == 204, body == ""]
  timeout  = null
  request {
    headers    = { X-One = "2" }
    query      = { q = "inner" }
    body       = "inner"
    basic_auth = { username = "u", password = "p" }
    follow_redirects = true
  }
  alert {
    after    = 1
    severity = "critical"
  }
}
check "expects-failure" {
  expect_failure = ["tls_expired", "tls_unknown_ca"]
}
check "expects-another-answer" {
  expect_failure = ["expectation"]
  request {
    headers = { authorization = "Custom inner" }
  }
}
`)
	c := load(t, dir, Options{})
	one, two, three, four := c.Monitors[0], c.Monitors[1], c.Monitors[2], c.Monitors[3]

	if one.Spec != "@every 1m" || one.Check.Timeout != 5*time.Second || len(one.Check.Steps[0].Expect) != 1 || !one.Enabled {
		t.Errorf("inherits: %+v", one)
	}
	if want := (alerts.Policy{After: 3, For: 90 * time.Minute, RecoverAfter: 1, RemindEvery: 24 * time.Hour, Severity: "warning"}); one.Policy != want {
		t.Errorf("inherits: policy is %+v, want %+v", one.Policy, want)
	}
	if want := (alerts.Policy{After: 1, For: 90 * time.Minute, RecoverAfter: 1, RemindEvery: 24 * time.Hour, Severity: "critical"}); two.Policy != want {
		t.Errorf("overrides: policy is %+v, want %+v", two.Policy, want)
	}
	if diff := cmp.Diff(map[string]string{"team": "b", "env": "live"}, two.Check.Labels); diff != "" {
		t.Errorf("overrides: labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"team": "a", "env": "live"}, one.Check.Labels); diff != "" {
		t.Errorf("inherits: labels (-want +got):\n%s", diff)
	}
	if len(two.Check.Steps[0].Expect) != 2 || two.Check.Timeout != 5*time.Second || two.Splay != time.Minute {
		t.Errorf("overrides: %+v", two)
	}
	if step := three.Check.Steps[0]; len(step.Expect) != 0 || len(step.ExpectFailure) != 2 {
		t.Errorf("expects-failure: %+v", step)
	}
	if step := four.Check.Steps[0]; len(step.Expect) != 1 || len(step.ExpectFailure) != 1 {
		t.Errorf("expects-another-answer: %+v", step)
	}
	if got := rendered(t, four.Check).Header.Get("Authorization"); got != "Custom inner" {
		t.Errorf("expects-another-answer: Authorization is %q", got)
	}

	first, second := rendered(t, one.Check), rendered(t, two.Check)
	if first.Method != http.MethodPost || first.Header.Get("Authorization") != "Bearer outer-token" || string(first.Body) != `{"outer":true}` {
		t.Errorf("inherits: request is %+v", first)
	}
	if second.Method != http.MethodPost || !strings.HasPrefix(second.Header.Get("Authorization"), "Basic ") || string(second.Body) != "inner" {
		t.Errorf("overrides: request is %+v", second)
	}
	if q := second.URL.Query(); q.Get("q") != "inner" || q.Get("page") != "1" {
		t.Errorf("overrides: query is %v", q)
	}
	if h := second.Header; h.Get("Accept") != "a" || h.Get("X-One") != "2" {
		t.Errorf("overrides: headers are %v", h)
	}
	r1, r2 := one.Check.Steps[0].Request, two.Check.Steps[0].Request
	if r1.MaxRedirects != 0 || r2.MaxRedirects != checks.DefaultMaxRedirects || r2.MaxBody != 2048 || r2.MTLS != certs.ModeNone {
		t.Errorf("requests are %+v and %+v", r1, r2)
	}
}

// A failed expectation can be expected only where something is expected.
func TestExpectedExpectation(t *testing.T) {
	c := load(t, write(t, "a.hcl", `
check "a" {
  schedule       = "@every 1m"
  expect_failure = ["expectation"]
  request { url = "https://a.example/" }
}
`), Options{})
	if step := c.Monitors[0].Check.Steps[0]; len(step.Expect) != 1 {
		t.Errorf("%d expectations, want that of the status", len(step.Expect))
	}
}

// Setting one of certificate and mtls = false clears the other, inherited one.
func TestInheritedCertificate(t *testing.T) {
	const certificate = `
certificate "c" {
  host = "b.example"
  pem  = "c.pem"
}
`
	without := load(t, write(t, "a.hcl", certificate+`
defaults {
  schedule = "@every 1m"
  request {
    url  = "https://a.example/"
    mtls = false
  }
}
check "a" {
  request { certificate = certificate.c }
}
`), Options{Offline: true})
	if r := without.Monitors[0].Check.Steps[0].Request; r.Certificate == nil || r.MTLS != certs.ModeUnset {
		t.Errorf("certificate over mtls = false: %+v", r)
	}
	with := load(t, write(t, "a.hcl", certificate+`
defaults {
  schedule = "@every 1m"
  request {
    url         = "https://a.example/"
    certificate = certificate.c
  }
}
check "a" {
  request { mtls = false }
}
check "b" {
  request { mtls = true }
}
`), Options{Offline: true})
	if r := with.Monitors[0].Check.Steps[0].Request; r.Certificate != nil || r.MTLS != certs.ModeNone {
		t.Errorf("mtls = false over certificate: %+v", r)
	}
	if r := with.Monitors[1].Check.Steps[0].Request; r.Certificate == nil || r.MTLS != certs.ModeRequired {
		t.Errorf("mtls = true over certificate: %+v", r)
	}
	if got := with.Sources[0].Checks; !slices.Equal(got, []string{"b"}) {
		t.Errorf("used by %q, want b", got)
	}
}

func TestRoutes(t *testing.T) {
	conf := `
secret "t" { env = "T" }
receiver "slack" "a" {
  token   = secret.t
  channel = "#a"
}
receiver "slack" "b" {
  token   = secret.t
  channel = "#b"
}
check "critical" {
  schedule = "@every 1m"
  labels   = { team = "cards" }
  request { url = "https://a.example/" }
  alert { severity = "critical" }
}
` + named("other")
	environment := Options{Environ: environ("T", "xoxb-1")}

	everyone := load(t, write(t, "a.hcl", conf), environment)
	for _, m := range everyone.Monitors {
		if !slices.Equal(m.Receivers, []string{"slack.a", "slack.b"}) {
			t.Errorf("without routes %s goes to %q", m.Check.Name, m.Receivers)
		}
	}
	routed := load(t, write(t, "a.hcl", conf+`
route {
  match     = { severity = "critical", team = "card*" }
  receivers = [receiver.slack.b]
  continue  = true
}
route {
  match     = { check = "crit*" }
  receivers = [receiver.slack.a, receiver.slack.b]
}
`), environment)
	if got := routed.Monitors[0].Receivers; !slices.Equal(got, []string{"slack.b", "slack.a"}) {
		t.Errorf("critical goes to %q", got)
	}
	if got := routed.Monitors[1].Receivers; len(got) != 0 {
		t.Errorf("other goes to %q, want nobody", got)
	}
	if got := routed.Receivers[0].FullName(); got != "slack.a" {
		t.Errorf("full name is %s", got)
	}
}

func TestSharedSchedules(t *testing.T) {
	c := load(t, write(t, "a.hcl", named("a")+named("b")), Options{})
	if c.Monitors[0].Schedule != c.Monitors[1].Schedule {
		t.Error("equal schedules are parsed twice")
	}
}
