package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"watchword/checks"
)

// The same configuration in both syntaxes means the same.
func TestJSONSyntax(t *testing.T) {
	native := write(t, "main.hcl", `
settings {
  listen             = "127.0.0.1:1234"
  certificate_expiry = ["7d", "30d"]
}
variable "env" {
  type    = string
  default = "live"
}
locals {
  host = "${var.env}.example"
}
secret "token" { env = "TOKEN" }
certificate "c" {
  hosts = ["*.example", "a.b"]
  pem   = "c.pem"
}
defaults {
  schedule = "@every 1m"
  alert { after = 2 }
}
check "a" {
  labels = { team = "x" }
  request {
    url          = "https://${local.host}/"
    headers      = { Accept = "text/${var.env}" }
    bearer_token = secret.token
    certificate  = certificate.c
    json         = { n = 1, list = [true, null, "s"] }
  }
  expect      = [status == 200, json.items[0] == "x"]
  degraded_if = [timing.total > 0.5]
}
receiver "slack" "r" {
  token   = secret.token
  channel = "#a"
}
route {
  match     = { team = "x" }
  receivers = [receiver.slack.r]
}
route {
  receivers = []
}
`)
	jsonDir := write(t, "main.hcl.json", `{
  "//": "a comment",
  "settings": {"listen": "127.0.0.1:1234", "certificate_expiry": ["7d", "30d"]},
  "variable": {"env": {"type": "string", "default": "live"}},
  "locals": {"host": "${var.env}.example"},
  "secret": {"token": {"env": "TOKEN"}},
  "certificate": {"c": {"hosts": ["*.example", "a.b"], "pem": "c.pem"}},
  "defaults": {"schedule": "@every 1m", "alert": {"after": 2}},
  "check": {"a": {
    "labels": {"team": "x"},
    "request": {
      "url": "https://${local.host}/",
      "headers": {"Accept": "text/${var.env}"},
      "bearer_token": "${secret.token}",
      "certificate": "certificate.c",
      "json": {"n": 1, "list": [true, null, "s"]}
    },
    "expect": ["status == 200", "${json.items[0] == \"x\"}"],
    "degraded_if": ["timing.total > 0.5"]
  }},
  "receiver": {"slack": {"r": {"token": "${secret.token}", "channel": "#a"}}},
  "route": [
    {"match": {"team": "x"}, "receivers": ["receiver.slack.r"]},
    {"receivers": []}
  ]
}`)
	o := Options{Environ: environ("TOKEN", "xoxb-1"), WorkDir: "/srv"}
	a, b := load(t, native, o), load(t, jsonDir, o)

	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(a.Settings, b.Settings, sameZone); diff != "" {
		t.Errorf("settings (-native +json):\n%s", diff)
	}
	ignored := cmp.Options{
		cmpopts.IgnoreFields(checks.Check{}, "Source", "Redactor"),
		cmpopts.IgnoreFields(checks.Step{}, "Expect", "DegradedIf"),
		cmpopts.IgnoreFields(checks.Request{}, "Template", "Certificate"),
		cmpopts.IgnoreFields(Monitor{}, "Schedule"),
		cmpopts.IgnoreFields(Receiver{}, "Source"),
	}
	if diff := cmp.Diff(a.Monitors, b.Monitors, ignored); diff != "" {
		t.Errorf("monitors (-native +json):\n%s", diff)
	}
	if diff := cmp.Diff(a.Receivers, b.Receivers, ignored); diff != "" {
		t.Errorf("receivers (-native +json):\n%s", diff)
	}
	if len(a.Routes) != 2 || len(b.Routes) != 2 || a.Routes[0].Match["team"].String() != b.Routes[0].Match["team"].String() {
		t.Errorf("routes are %v and %v", a.Routes, b.Routes)
	}
	one, two := a.Monitors[0].Check.Steps[0], b.Monitors[0].Check.Steps[0]
	if len(one.Expect) != 2 || len(two.Expect) != 2 || len(two.DegradedIf) != 1 {
		t.Errorf("conditions are %d and %d", len(one.Expect), len(two.Expect))
	}
	if one.Request.Certificate.Name() != "c" || two.Request.Certificate.Name() != "c" {
		t.Error("the certificate is not the same")
	}
	r1, r2 := rendered(t, a.Monitors[0].Check), rendered(t, b.Monitors[0].Check)
	if r1.URL.String() != r2.URL.String() || string(r1.Body) != string(r2.Body) || !cmp.Equal(r1.Header, r2.Header) {
		t.Errorf("requests are %+v and %+v", r1, r2)
	}
	answer := &checks.Vars{Exchange: &checks.Exchange{Status: 200, Body: []byte(`{"items": ["y"]}`)}}
	for i := range one.Expect {
		v1, v2 := one.Expect[i].Judge(answer), two.Expect[i].Judge(answer)
		if v1.Holds != v2.Holds || v1.Explanation.Expression != v2.Explanation.Expression {
			t.Errorf("verdicts are %+v and %+v", v1, v2)
		}
	}
}
