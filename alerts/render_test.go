package alerts

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
)

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", -time.Second: "0s", 900 * time.Millisecond: "0s", 12 * time.Second: "12s", 312 * time.Second: "5m12s", 5 * time.Minute: "5m",
		4 * time.Hour: "4h", 4*time.Hour + 30*time.Second: "4h", 4*time.Hour + 2*time.Minute: "4h2m", 76 * time.Hour: "3d4h", 72 * time.Hour: "3d",
		999 * time.Millisecond: "0s", 59 * time.Second: "59s", time.Minute: "1m", 61 * time.Second: "1m1s", 3*time.Hour + time.Minute: "3h1m",
		4*time.Hour + 59*time.Second: "4h", 10*time.Hour + 10*time.Minute: "10h10m", 49 * time.Hour: "2d1h", 240 * time.Hour: "10d",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestRemaining(t *testing.T) {
	for d, want := range map[time.Duration]string{
		7*day - time.Second: "7 days", 30 * day: "30 days", day - time.Second: "1 day", 30 * time.Hour: "1 day", 40 * time.Hour: "2 days",
		5*time.Hour + 10*time.Minute: "5 hours", 61 * time.Minute: "1 hour", 12 * time.Minute: "12 minutes", time.Second: "1 minute",
	} {
		if got := remaining(d); got != want {
			t.Errorf("remaining(%v) = %q, want %q", d, got, want)
		}
	}
}

// sample is the failure of the design's example.
func sample() Message {
	s := Subject{
		Name: "orders/checkout", Group: "orders", Labels: map[string]string{"team": "orders"}, Policy: Policy{Severity: "critical"},
		Runbook: "https://wiki.example/orders", Source: checks.Source{File: "orders.hcl", Line: 40},
	}
	r := checks.Result{
		Check: "orders/checkout", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Message: `step "order": status is 422, want 201`,
		Steps: []checks.StepResult{
			{Step: "login", Outcome: checks.Passed},
			{
				Step: "order", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Message: "status is 422, want 201",
				Method: "POST", URL: "https://api.acme.com/orders", Status: 422, Certificate: "acme-wildcard", Rule: "pattern", RemoteIP: "192.0.2.7",
				Timing: checks.Timing{DNS: 2 * time.Millisecond, Connect: 3 * time.Millisecond, TLS: 11 * time.Millisecond, Wait: 120 * time.Millisecond, Total: 136 * time.Millisecond},
				Failed: []checks.Explanation{{
					Expression: "status == 201", File: "orders.hcl", Line: 58, Message: "status is 422, want 201",
					Values: []checks.Value{{Name: "status", Value: 422}},
				}},
				Body: "{\"error\":\"<b>\"}", Curl: "curl --cert acme.crt --key acme.key https://api.acme.com/orders",
			},
		},
	}
	tr := Transition{Kind: Fired, Incident: 1, Level: LevelFailed, At: start.Add(2 * time.Minute), Since: start, Runs: 2, LastGood: start.Add(-time.Minute), Reason: r.Reason, Message: summary(r)}
	at := place{Subject: s, location: "fra1"}
	return at.message(tr, failures(r))
}

func TestRenderText(t *testing.T) {
	want := `🔴 orders/checkout is failing: step "order": status is 422, want 201
step "order" POST https://api.acme.com/orders → 422 expectation
    orders.hcl:58: status == 201
      status is 422, want 201
failing since 2026-03-01 10:00:00 UTC (2 runs)
last good run: 2026-03-01 09:59:00 UTC
location: fra1 · severity: critical
labels: team=orders
runbook https://wiki.example/orders · defined at orders.hcl:40
the answer's body begins with
    {"error":"<b>"}
client certificate: acme-wildcard (pattern) · address: 192.0.2.7
dns 2ms · connect 3ms · tls 11ms · wait 120ms · total 136ms
    curl --cert acme.crt --key acme.key https://api.acme.com/orders`
	if diff := cmp.Diff(want, RenderText(sample())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestRenderLongHeadline goes on below the header where that is too short.
func TestRenderLongHeadline(t *testing.T) {
	long := `🔴 partner is failing: api.partner.test accepted the connection, then refused certificate partner (CN=probe.acme.test, issued by "Acme CA", expires 2027-09-23). It accepts: "Partner CA".`
	for headline, want := range map[string]string{
		long: `🔴 partner is failing: api.partner.test accepted the connection, then refused certificate partner (CN=probe.acme.test, issued by "Acme CA", expires…
…2027-09-23). It accepts: "Partner CA".`,
		strings.Repeat("<", 37) + "aa":           strings.Repeat("<", 37) + "aa",
		strings.Repeat("<", 37) + "aab":          strings.Repeat("<", 37) + "a…\n…ab",
		"🔴 " + strings.Repeat("a", 147):          "🔴 " + strings.Repeat("a", 147),
		"🔴 " + strings.Repeat("a", 148):          "🔴 " + strings.Repeat("a", 146) + "…\n…aa",
		strings.Repeat("a", 140) + " @here is x": strings.Repeat("a", 140) + " @here…\n…is x",
	} {
		m := Message{Topic: AboutWatchword, Headline: headline}
		if got := RenderText(m); got != want {
			t.Errorf("%q is shown as\n%s\nwant\n%s", headline, got, want)
		}
		m.PossibleRepeat = true
		head, _, _ := strings.Cut(RenderText(m), "\n")
		if !strings.HasSuffix(head, " (possible repeat)") || len16(head) > maxHeader {
			t.Errorf("%q is shown as %q if it may be a repeat", headline, head)
		}
	}
}

// TestRenderMembers lists checks that say the same together.
func TestRenderMembers(t *testing.T) {
	m := Message{Topic: AboutGroup, Kind: Fired, Level: LevelFailed, Headline: "🔴 30 checks are failing", Severity: "critical", More: 24}
	m.Members = []MemberLine{
		{Check: "a", Level: LevelFailed, Text: "status is 503, want 200"},
		{Check: "b", Level: LevelDegraded, Text: "timing.total is 1.2"},
		{Check: "c", Level: LevelFailed, Text: "status is 503, want 200"},
		{Check: "d", Level: LevelFailed, Text: "no answer within 10s"},
		{Check: "e"},
		{Check: "f"},
	}
	want := `🔴 30 checks are failing
status is 503, want 200
🔴 a
🔴 c

🟡 b: timing.total is 1.2
🔴 d: no answer within 10s
🟢 e
🟢 f
and 24 more
severity: critical`
	if diff := cmp.Diff(want, RenderText(m)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// Links lead to the web, whole or not at all.
func TestRenderLinks(t *testing.T) {
	m := sample()
	m.Runbook = "javascript://wiki.example/%0aalert(1)"
	m.Links = []Link{{"dashboard", "https://grafana.example/" + strings.Repeat("x", maxURL)}, {"status", "https://watchword.example/a"}}
	raw, err := json.Marshal(render(m).blocks)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`"url":"https://watchword.example/a"`: true, `"url":"javascript:`: false, "runbook: javascript:": true, "grafana.example": false,
	} {
		if strings.Contains(string(raw), text) != want {
			t.Errorf("%s: %v, want %v, in\n%s", text, !want, want, raw)
		}
	}
}

// What there is no room for is counted.
func TestRenderManySteps(t *testing.T) {
	m := sample()
	f := m.Failures[0]
	f.Advice = strings.Repeat("advice ", 200)
	f.Conditions = []Condition{{Expression: strings.Repeat("expression ", 100)}}
	m.Failures = nil
	for range maxFailures {
		m.Failures = append(m.Failures, f)
	}
	text := RenderText(m)
	told := strings.Count(text, "step \"order\"") - 1 // one is the headline's
	if want := "and " + strconv.Itoa(maxFailures-told) + " more steps"; told < 2 || !strings.Contains(text, want) {
		t.Errorf("%d steps are told, and not %q:\n%s", told, want, text)
	}
}

func TestHeadlines(t *testing.T) {
	tr := Transition{Level: LevelFailed, Since: start, At: start.Add(4 * time.Hour), Message: `step "order": status is 422, want 201`}
	for _, tc := range []struct {
		kind  TransitionKind
		level Level
		at    time.Duration
		text  string
		want  string
	}{
		{Fired, LevelFailed, 0, `step "order": status is 422, want 201`, `🔴 orders/checkout is failing: step "order": status is 422, want 201`},
		{Fired, LevelDegraded, 0, "timing.total is 1.2", `🟡 orders/checkout is degraded: timing.total is 1.2`},
		{Escalated, LevelFailed, 0, "x", `🔴 orders/checkout is failing: x`},
		{Eased, LevelDegraded, 0, "x", `🟡 orders/checkout is degraded: x`},
		{Reminded, LevelFailed, 4 * time.Hour, "x", `🔴 orders/checkout is still failing after 4h: x`},
		{Reminded, LevelDegraded, 4 * time.Hour, "x", `🟡 orders/checkout is still degraded after 4h: x`},
		{Recovered, LevelFailed, 312 * time.Second, "x", `🟢 orders/checkout recovered after 5m12s`},
	} {
		tr.Kind, tr.Level, tr.At, tr.Message = tc.kind, tc.level, start.Add(tc.at), tc.text
		if got := headline("orders/checkout", tr); got != tc.want {
			t.Errorf("got %q\nwant %q", got, tc.want)
		}
	}
}

func TestPossibleRepeatIsLast(t *testing.T) {
	m := sample()
	m.Headline = "🔴 a is failing: " + strings.Repeat("long ", 1000)
	m.PossibleRepeat = true
	out := render(m)
	if !strings.HasSuffix(out.text, "… (possible repeat)") || len16(out.text) > maxText {
		t.Errorf("text of %d units ends with %q", len16(out.text), out.text[len(out.text)-40:])
	}
}

func TestRenderLimits(t *testing.T) {
	m := sample()
	long := strings.Repeat("<!channel> & 🔥", 2000)
	m.Headline, m.Detail = long, long
	f := m.Failures[0]
	f.Message, f.Body, f.Curl, f.Advice, f.URL = long, long, long, long, long
	f.Conditions[0].Expression = long
	m.Failures = nil
	for range 40 {
		m.Failures = append(m.Failures, f)
	}
	out := render(m)
	if len(out.blocks) > 50 {
		t.Errorf("%d blocks", len(out.blocks))
	}
	raw, err := json.Marshal(out.blocks)
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Type string
		Text textObject
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	if list[0].Type != "header" || len16(list[0].Text.Text) > 150 {
		t.Errorf("first block is %s of %d units", list[0].Type, len16(list[0].Text.Text))
	}
	text := ReadBlocks("", raw)
	if n := len16(text); n > maxTotal {
		t.Errorf("%d units in all", n)
	}
	for _, want := range []string{"failing since 2026", "location: fra1", "runbook https://wiki.example/orders", " more steps\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestEscape(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"a & b < c > d", "a &amp; b &lt; c &gt; d"},
		{"<!channel>", "&lt;!channel&gt;"},
		{"ping @here and @Channel, not a@b.com", "ping @\u2060here and @\u2060Channel, not a@b.com"},
		{"<https://evil.example|safe>", "&lt;https://evil.example|safe&gt;"},
		{"a\x00b\x1b[31mc\r\nd\u202ee\u200bf\xffg", "ab[31mc defg"},
	} {
		if got := escape(tc.in, 1000); got != tc.want {
			t.Errorf("escape(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
	if got := escape("<<<<<<", 10); got != "&lt;&lt;…" {
		t.Errorf("cut to %q: no half entities", got)
	}
	if got := escape("abcde", 5); got != "abcde" {
		t.Errorf("cut to %q although it fits", got)
	}
}

// FuzzSlackEscape puts a text where a target can put one, and looks at what
// would be sent: no mention, no link, no unescaped `<`, `>` or `&`.
func FuzzSlackEscape(f *testing.F) {
	for _, s := range []string{
		"plain", "<!channel>", "<@U123|x>", "<#C1>", "<https://evil.example|click>", "&lt;!here&gt;", "@here @everyone", "`a` ```b```",
		"\u202eabc", "\x00\x1b]8;;https://evil\x07", "http://evil.example", "<mailto:a@b>", "<mailto", "&amp;amp;", "< !channel>", "<\u200b!channel>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := sample()
		m.Headline, m.Detail = "🔴 x is failing: "+s, s
		fl := &m.Failures[0]
		fl.Message, fl.Body, fl.Curl, fl.URL, fl.Advice, fl.Conditions[0].Expression, fl.Conditions[0].Message = s, s, s, s, s, s, s
		m.Labels = []Label{{"l", s}}
		out := render(m)
		checkEscaped(t, out.text)
		if len16(out.text) > maxText {
			t.Errorf("text of %d units", len16(out.text))
		}
		raw, err := json.Marshal(out.blocks)
		if err != nil {
			t.Fatal(err)
		}
		var list []map[string]any
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatal(err)
		}
		if len(list) > maxBlocks {
			t.Errorf("%d blocks", len(list))
		}
		for _, b := range list {
			checkNode(t, b)
		}
	})
}

func checkEscaped(t *testing.T, s string) {
	t.Helper()
	if strings.ContainsAny(s, "<>") || strings.Contains(strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(s), "&") {
		t.Errorf("unescaped: %q", s)
	}
	checkText(t, s)
}

func checkText(t *testing.T, s string) {
	t.Helper()
	if s == "" || s != clean(s, true) && strings.ReplaceAll(s, string(joiner), "") != clean(s, true) {
		t.Errorf("empty or unclean: %q", s)
	}
	lower := strings.ToLower(s)
	for _, bad := range []string{"@here", "@channel", "@everyone", "<!", "<@", "<#", "<http", "<mailto"} {
		if strings.Contains(lower, bad) {
			t.Errorf("%q in %q", bad, s)
		}
	}
}

func checkNode(t *testing.T, node map[string]any) {
	t.Helper()
	switch kind, _ := node["type"].(string); kind {
	case "header":
		text, _ := node["text"].(map[string]any)
		if text["type"] != "plain_text" {
			t.Errorf("header of type %v", text["type"])
		}
		s, _ := text["text"].(string)
		checkEscaped(t, s)
		if len16(s) > maxHeader {
			t.Errorf("header of %d units", len16(s))
		}
	case "rich_text", "rich_text_section", "rich_text_preformatted":
		elements, _ := node["elements"].([]any)
		for _, e := range elements {
			sub, _ := e.(map[string]any)
			checkNode(t, sub)
		}
	case "text":
		s, _ := node["text"].(string)
		checkText(t, s)
		if len16(s) > maxSection+1 {
			t.Errorf("element of %d units", len16(s))
		}
	case "link":
		if node["url"] != sample().Runbook {
			t.Errorf("link to %v", node["url"])
		}
	default:
		t.Errorf("unexpected %q", kind)
	}
}

// Where no connection came about, that no certificate went along explains
// nothing.
func TestRenderWithoutHandshake(t *testing.T) {
	m := sample()
	f := &m.Failures[0]
	f.Status, f.Certificate, f.Rule, f.RemoteIP, f.Timing.TLS = 0, "", "", "", 0
	if text := RenderText(m); strings.Contains(text, "client certificate") || !strings.Contains(text, "dns 2ms · connect 3ms") {
		t.Error(text)
	}
	f.Timing.TLS = time.Millisecond
	if text := RenderText(m); !strings.Contains(text, "client certificate: none\n") {
		t.Error(text)
	}
}
