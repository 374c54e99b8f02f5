package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/certs"
	"watchword/checks"
)

func names(c *Config) []string {
	var list []string
	for _, m := range c.Monitors {
		list = append(list, m.Check.Name)
	}
	return list
}

func monitor(t *testing.T, c *Config, name string) *Monitor {
	t.Helper()
	i := slices.IndexFunc(c.Monitors, func(m *Monitor) bool { return m.Check.Name == name })
	if i < 0 {
		t.Fatalf("no check %s among %q", name, names(c))
	}
	return c.Monitors[i]
}

// The innermost of defaults, groups outside in and check wins; maps merge.
func TestGroups(t *testing.T) {
	c := load(t, write(t, "b.hcl", `
defaults {
  schedule = "@every 1m"
  labels   = { a = "defaults", b = "defaults", c = "defaults", d = "defaults" }
  request {
    headers = { A = "defaults", B = "defaults", C = "defaults", D = "defaults" }
    json    = { from = "defaults" }
    method  = "POST"
  }
  retry { delay = "7s" }
  expect = [status == 200]
}
group "outer" {
  labels  = { b = "outer", c = "outer", d = "outer" }
  timeout = "3s"
  request {
    url          = "https://outer.example/"
    headers      = { B = "outer", C = "outer", D = "outer" }
    bearer_token = "outer-token"
  }
  retry { attempts = 2 }
  alert { after = 3 }
  check "one" {}
  group "inner" {
    labels = { c = "inner", d = "inner" }
    request {
      headers = { C = "inner", D = "inner" }
      body    = "inner"
    }
    retry { backoff = "linear" }
    alert { severity = "critical" }
    expect = [status == 201, body != ""]
    check "two" {
      labels = { d = "check" }
      request {
        headers    = { D = "check" }
        basic_auth = { username = "u", password = "p" }
      }
      retry { attempts = 4 }
    }
  }
}
`, "a.hcl", `
check "first" {
  request { url = "https://a.example/" }
}
`), Options{})
	if diff := cmp.Diff([]string{"first", "outer/one", "outer/inner/two"}, names(c)); diff != "" {
		t.Fatalf("names (-want +got):\n%s", diff)
	}
	one, two := c.Monitors[1], c.Monitors[2]
	if one.Check.Group != "outer" || two.Check.Group != "outer/inner" || c.Monitors[0].Check.Group != "" {
		t.Errorf("groups are %q and %q", one.Check.Group, two.Check.Group)
	}
	if diff := cmp.Diff(map[string]string{"a": "defaults", "b": "outer", "c": "inner", "d": "check"}, two.Check.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(checks.Retry{Attempts: 4, Delay: 7 * time.Second, Backoff: checks.Linear}, two.Check.Retry); diff != "" {
		t.Errorf("retry (-want +got):\n%s", diff)
	}
	if p := two.Policy; p.After != 3 || p.Severity != "critical" || two.Check.Timeout != 3*time.Second || len(two.Check.Steps[0].Expect) != 2 {
		t.Errorf("two is %+v of %+v", two.Check, p)
	}
	r := rendered(t, two.Check)
	got := fmt.Sprint(r.Method, " ", r.URL, " ", r.Header["A"], r.Header["B"], r.Header["C"], r.Header["D"], string(r.Body), " ", strings.Fields(r.Header.Get("Authorization"))[0])
	if want := "POST https://outer.example/ [defaults] [outer] [inner] [check]inner Basic"; got != want {
		t.Errorf("the request is %s, want %s", got, want)
	}
	if one := rendered(t, one.Check); string(one.Body) != `{"from":"defaults"}` || one.Header.Get("Authorization") != "Bearer outer-token" {
		t.Errorf("the request of one is %+v", one)
	}
}

func TestSteps(t *testing.T) {
	c := load(t, write(t, "a.hcl", `
certificate "shop" {
  host = "*.shop.example"
  pem  = "shop.pem"
}
defaults {
  schedule = "@every 1m"
  expect   = [status == 418]
  request {
    headers = { A = "defaults" }
    mtls    = true
  }
}
check "c" {
  step "login" {
    request { url = "https://a.shop.example/" }
    expect         = [status == 200, json.token != ""]
    degraded_if    = [timing.total > 1]
    show_body      = true
  }
  step "computed" {
    request {
      url          = "https://${step.login.json.host}/"
      bearer_token = step.login.json.token
    }
  }
  step "again" {
    request { url = "https://b.shop.example/${step.computed.json.id}" }
    always = true
  }
  step "stranger" {
    request {
      url  = "https://a.shop.example/"
      mtls = false
    }
    expect_failure = ["client_cert_required"]
  }
}
`), Options{Offline: true})
	m := c.Monitors[0]
	if diff := cmp.Diff([]string{"a.shop.example", "", "b.shop.example", "a.shop.example"}, m.StepHosts); diff != "" {
		t.Errorf("hosts by step (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a.shop.example", "b.shop.example"}, m.Hosts); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c"}, c.Sources[0].Checks); diff != "" {
		t.Errorf("who uses the certificate (-want +got):\n%s", diff)
	}
	var got []string
	for _, s := range m.Check.Steps {
		got = append(got, fmt.Sprintf("%s %d %d %d %t %t %t", s.Name, len(s.Expect), len(s.DegradedIf), len(s.ExpectFailure), s.Always, s.ShowBody, s.Secrets != nil))
		if want := map[bool]certs.Mode{true: certs.ModeNone, false: certs.ModeRequired}[s.Name == "stranger"]; s.Request.MTLS != want {
			t.Errorf("%s: mtls is %v", s.Name, s.Request.MTLS)
		}
	}
	want := []string{"login 2 1 0 false true true", "computed 1 0 0 false false true", "again 1 0 0 true false false", "stranger 0 0 1 false false false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	login := m.Check.Steps[0].Secrets(&checks.Exchange{Body: []byte(`{"token": "t0ken", "host": "x.shop.example"}`)})
	if diff := cmp.Diff([]string{"t0ken"}, login); diff != "" {
		t.Errorf("secrets of login (-want +got):\n%s", diff)
	}
}

func TestForEach(t *testing.T) {
	c := load(t, write(t, "a.hcl", `
variable "regions" {
  type    = set(string)
  default = ["nyc", "fra"]
}
secret "key" { env = "KEY" }
defaults {
  schedule = "@every 1m"
}
check "map" {
  for_each    = { nyc = { host = "n.example", port = 1 }, fra = { host = "f.example", port = 2 } }
  description = "in ${each.key}"
  labels      = { region = each.key, port = each.value.port }
  enabled     = each.key != "nyc"
  depends_on  = [check.set[each.key]]
  request { url = "https://${each.value.host}:${each.value.port}/" }
  expect = [json.region == each.key, status == 200]
}
check "set" {
  for_each   = var.regions
  depends_on = [check.list]
  request { url = "https://${each.value}.example/${each.key}" }
}
check "list" {
  for_each = ["z", "a-1", "eu/west 1"]
  request { url = "https://a.example/" }
}
check "secret-values" {
  for_each = { a = secret.key }
  request {
    url          = "https://a.example/"
    bearer_token = each.value
  }
}
check "none" {
  for_each = {}
  request { url = "https://a.example/" }
}
group "g" {
  depends_on = [check.g.base, check.none]
  request { url = "https://g.example/" }
  check "base" {}
  check "steps" {
    for_each = ["x"]
    step "one" {
      request { url = "https://${each.key}.example/" }
    }
    step "two" {
      request { url = "https://${each.key}.example/${step.one.json.id}" }
      expect = [json.x == step.one.json.x && json.at == each.key]
    }
  }
}
`), Options{Environ: environ("KEY", "hunter2")})
	want := []string{
		"map[fra]", "map[nyc]", "set[fra]", "set[nyc]", "list[z]", "list[a-1]", "list[eu/west 1]",
		"secret-values[a]", "g/base", "g/steps[x]",
	}
	if diff := cmp.Diff(want, names(c)); diff != "" {
		t.Fatalf("names (-want +got):\n%s", diff)
	}
	fra := monitor(t, c, "map[fra]")
	got := fmt.Sprint(fra.Check.Description, fra.Check.Labels, fra.Hosts, fra.Parents, fra.Enabled, monitor(t, c, "map[nyc]").Enabled)
	if want := "in framap[port:2 region:fra] [f.example] [set[fra]] true false"; got != want {
		t.Errorf("map[fra] is %s, want %s", got, want)
	}
	for name, want := range map[string][]string{
		"set[nyc]": {"list[a-1]", "list[eu/west 1]", "list[z]"}, "g/base": {}, "g/steps[x]": {"g/base"}, "list[z]": nil,
	} {
		if got := monitor(t, c, name).Parents; !slices.Equal(got, want) {
			t.Errorf("%s depends on %q, want %q", name, got, want)
		}
	}
	if got := rendered(t, monitor(t, c, "secret-values[a]").Check).Header.Get("Authorization"); got != "Bearer hunter2" {
		t.Errorf("Authorization is %q", got)
	}
	if m := monitor(t, c, "list[eu/west 1]"); m.Check.Group != "" {
		t.Errorf("group is %q", m.Check.Group)
	}
	v := fra.Check.Steps[0].Expect[0].Judge(&checks.Vars{Exchange: &checks.Exchange{Status: 200, Body: []byte(`{"region": "x"}`)}})
	if want := `json.region is "x", want "fra"`; v.Explanation.Message != want {
		t.Errorf("message is %q, want %q", v.Explanation.Message, want)
	}
}

func TestOwnReceivers(t *testing.T) {
	c := load(t, write(t, "a.hcl", `
secret "t" { env = "T" }
receiver "slack" "a" {
  token   = secret.t
  channel = "#a"
}
receiver "slack" "b" {
  token   = secret.t
  channel = "#b"
}
route { receivers = [receiver.slack.a] }
defaults {
  schedule = "@every 1m"
  request { url = "https://a.example/" }
  alert { max_reminders = 3 }
}
group "g" {
  alert { receivers = [receiver.slack.b] }
  check "own" {}
  check "routed" {
    alert { receivers = null }
  }
}
check "routed" {}
`), Options{Environ: environ("T", "xoxb-1")})
	var got []string
	for _, m := range c.Monitors {
		got = append(got, fmt.Sprint(m.Check.Name, m.Receivers, m.Policy.MaxReminders))
	}
	want := []string{"g/own[slack.b] 3", "g/routed[slack.b] 3", "routed[slack.a] 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receivers (-want +got):\n%s", diff)
	}
}

// elementsOf writes a check with so many elements.
func elementsOf(n int) string {
	var b strings.Builder
	b.WriteString("defaults { schedule = \"@every 1m\" }\ncheck \"c\" {\n  for_each = [")
	for i := range n {
		fmt.Fprintf(&b, "%q, ", fmt.Sprintf("k%d", i))
	}
	b.WriteString(`]
  labels = { n = each.key }
  request { url = "https://${each.key}.example/" }
  expect = [status == 200, json.a == "x", json.name == each.key]
}
`)
	return b.String()
}

// The limits hold, and what is below them loads.
func TestLimitsOfForEach(t *testing.T) {
	if c := load(t, write(t, "a.hcl", elementsOf(10_000)), Options{}); len(c.Monitors) != 10_000 || c.Monitors[9999].Check.Labels["n"] != "k9999" {
		t.Errorf("%d monitors", len(c.Monitors))
	}
	if got := said(t, write(t, "a.hcl", elementsOf(10_001)), Options{}); !strings.Contains(got, "for_each has 10001 elements; a check has at most 10,000") {
		t.Errorf("10,001 elements: %.300s", got)
	}
	product := write(t, "a.hcl", `
defaults {
  schedule = "@every 1m"
  request { url = "https://a.example/" }
}
check "a" { for_each = [for n in range(1000) : "k${n}"] }
check "b" {
  for_each   = [for n in range(1000) : "k${n}"]
  depends_on = [check.a]
}
`)
	if got := said(t, product, Options{}); !strings.Contains(got, "All checks together depend on more than 200,000 others") {
		t.Errorf("a million dependencies: %s", got)
	}
}

// One page of nearly all of the language.
func TestPage(t *testing.T) {
	c := load(t, "testdata/page.hcl", Options{Offline: true})
	want := []string{"orders/health", "orders/checkout", "edge[fra]", "edge[nyc]", "orders-refuses-strangers"}
	if diff := cmp.Diff(want, names(c)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	checkout := monitor(t, c, "orders/checkout")
	if diff := cmp.Diff([]string{"orders/health"}, checkout.Parents); diff != "" {
		t.Errorf("what the checkout depends on (-want +got):\n%s", diff)
	}
	if p := checkout.Policy; p.After != 2 || p.Severity != "critical" || checkout.Check.Labels["team"] != "orders" {
		t.Errorf("policy is %+v, labels %v", p, checkout.Check.Labels)
	}
	if len(c.Maintenance) != 1 || len(c.Routes) != 2 || len(c.Receivers) != 2 || len(c.Sources) != 3 || len(c.Secrets) != 4 {
		t.Errorf("%d maintenance windows, %d routes, %d receivers, %d certificates and %d secrets, want 1, 2, 2, 3 and 4",
			len(c.Maintenance), len(c.Routes), len(c.Receivers), len(c.Sources), len(c.Secrets))
	}
}
