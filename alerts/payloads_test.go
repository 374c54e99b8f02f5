package alerts_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

var payloads = flag.String("payloads", "", "write every kind of request to Slack into this `FOLDER`, as JSON: for testdata/slacktypes and testdata/slackpictures")

// payload is a request as Slack's own library has it.
type payload struct {
	Name      string         `json:"name"` // of the message
	Method    string         `json:"method"`
	Arguments map[string]any `json:"arguments"`
}

// tap notes what goes to the fake Slack.
type tap struct {
	to   http.RoundTripper
	name string // of the message that is being sent
	seen []payload
}

func (c *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p := payload{Name: c.name, Method: strings.TrimPrefix(r.URL.Path, "/api/"), Arguments: make(map[string]any)}
	if method, ok := strings.CutPrefix(r.URL.Path, "/services/"); ok && method != "" {
		p.Method = "webhook"
		if err := json.Unmarshal(body, &p.Arguments); err != nil {
			return nil, err
		}
		c.seen = append(c.seen, p)
		return c.to.RoundTrip(r)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	for name, value := range form {
		switch name {
		case "token":
		case "blocks", "metadata":
			p.Arguments[name] = json.RawMessage(value[0])
		case "reply_broadcast", "unfurl_links", "unfurl_media":
			p.Arguments[name] = value[0] == "true"
		default:
			p.Arguments[name] = value[0]
		}
	}
	c.seen = append(c.seen, p)
	return c.to.RoundTrip(r)
}

// kinds are the messages of every kind, and the worst of them.
func kinds() []alerts.Sample {
	now := time.Date(2026, 3, 1, 14, 6, 0, 0, time.UTC)
	links := alerts.Links{External: "https://watchword.example", Grafana: "https://grafana.example", Source: "https://git.example/checks/blob/main"}
	list := alerts.Samples("fra1", links, now)
	for _, s := range []alerts.Sample{
		{Kind: "hostile", Message: worst("<!channel> <@U1> `a` ```b``` *c* _d_ ~e~ <https://evil.example|click> @here &amp; \u202e\x00\x1b[31m ")},
		{Kind: "maximal", Message: worst(strings.Repeat("🔥 long & <long> ", 300))},
		{Kind: "crowd", Message: crowded(200)},
		{Kind: "advice", Message: strangers()},
	} {
		s.Thread = s.Kind
		list = append(list, s)
	}
	return list
}

// worst is a message with a text wherever one can stand, as often as it can.
func worst(s string) alerts.Message {
	m := alerts.Message{
		Topic: alerts.AboutCheck, Kind: alerts.Fired, Level: alerts.LevelFailed, Headline: "🔴 orders/checkout is failing: " + s, Detail: s, Text: s,
		Check: "orders/checkout", Location: s, Severity: s, Runbook: "https://wiki.example/" + url.PathEscape(s), Source: checks.Source{File: s, Line: 40},
		At: time.Date(2026, 3, 1, 10, 2, 0, 0, time.UTC), Since: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), Runs: 3,
	}
	for _, name := range []string{"dashboard", "status", "source"} {
		m.Links = append(m.Links, alerts.Link{Name: name, URL: "https://" + name + ".example/" + url.PathEscape(s)})
	}
	for range 30 {
		m.Labels = append(m.Labels, alerts.Label{Name: "label", Value: s})
		m.Members = append(m.Members, alerts.MemberLine{Check: s, Level: alerts.LevelFailed, Text: s})
	}
	for range 10 {
		f := alerts.Failure{
			Step: s, Reason: checks.ReasonExpectation, Message: s, Advice: s, Method: "POST", URL: s, Status: 422, Certificate: s, Rule: "pattern",
			RemoteIP: "192.0.2.7", Timing: checks.Timing{Total: time.Second}, Body: s, Curl: s,
		}
		for range 10 {
			f.Conditions = append(f.Conditions, alerts.Condition{Expression: s, File: s, Line: 1, Message: s, Values: []alerts.Label{{Name: s, Value: s}}})
		}
		m.Failures = append(m.Failures, f)
	}
	return m
}

// crowded is a message about n checks with three kinds of failures.
func crowded(n int) alerts.Message {
	m := alerts.Message{
		Topic: alerts.AboutGroup, Kind: alerts.Fired, Level: alerts.LevelFailed, Location: "fra1", Severity: "critical",
		Headline: fmt.Sprintf("🔴 %d checks are failing: all on *.acme.com, 120 expectation, 70 timeout, 10 tls_unknown_ca", n), More: n - 20,
		At: time.Date(2026, 3, 1, 10, 0, 15, 0, time.UTC), Since: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC),
	}
	texts := []string{"status is 503, want 200", `step "order": no answer within 10s`, "x509: certificate signed by unknown authority"}
	for i := range 20 {
		m.Members = append(m.Members, alerts.MemberLine{Check: fmt.Sprintf("payments/settlement-%03d", i+1), Level: alerts.LevelFailed, Text: texts[i%len(texts)]})
	}
	return m
}

// strangers is a failed handshake, whose reason has advice.
func strangers() alerts.Message {
	f := alerts.Failure{
		Reason: checks.ReasonClientCertUnknownCA, Message: `the server does not know the CA that issued certificate "acme" (CN=Acme Old CA)`,
		Advice: checks.ReasonClientCertUnknownCA.Sentence(), Method: "GET", URL: "https://orders.acme.com/health", Certificate: "acme", Rule: "pattern",
		RemoteIP: "192.0.2.7", Timing: checks.Timing{DNS: 2 * time.Millisecond, Connect: 3 * time.Millisecond, TLS: 11 * time.Millisecond, Total: 16 * time.Millisecond},
		Curl: "curl --cert certs/acme.crt --key certs/acme.key https://orders.acme.com/health",
	}
	return alerts.Message{
		Topic: alerts.AboutCheck, Kind: alerts.Fired, Level: alerts.LevelFailed, Headline: "🔴 orders/health is failing: " + f.Message, Text: f.Message,
		Check: "orders/health", Location: "fra1", Severity: "critical", Labels: []alerts.Label{{Name: "team", Value: "orders"}}, Runbook: "https://wiki.acme.com/orders",
		Source: checks.Source{File: "teams/orders.hcl", Line: 12}, Failures: []alerts.Failure{f}, Runs: 2,
		Links: []alerts.Link{{Name: "dashboard", URL: "https://grafana.acme.com/d/watchword-check?var-check=orders%2Fhealth"}, {Name: "status", URL: "https://watchword.acme.com/checks/orders/health"}},
		At:    time.Date(2026, 3, 1, 10, 2, 0, 0, time.UTC), Since: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), LastGood: time.Date(2026, 3, 1, 9, 59, 0, 0, time.UTC),
	}
}

// TestSlackPayloads sends every kind of message in every way. The fake Slack
// holds the limits of the real one.
func TestSlackPayloads(t *testing.T) {
	fake := &alertstest.Slack{}
	wire := &tap{to: fake.Client().Transport}
	client := &http.Client{Transport: wire}
	quick := &alerts.Pacer{Post: time.Nanosecond, Edit: time.Nanosecond}
	bot := &alerts.Slack{Token: token, Channel: "#oncall", APIURL: fake.APIURL(), Mention: "<!here>", Client: client, Pacer: quick}
	hook := &alerts.Slack{WebhookURL: fake.WebhookURL(), Mention: "<@U0123>", Client: client, Pacer: quick}
	threads := make(map[string]alerts.Reference)
	for _, s := range kinds() {
		d := alerts.Delivery{ID: "0123456789abcdef0123456789abcdef", Queued: s.Message.At, Message: s.Message, Reference: threads[s.Thread]}
		wire.name = s.Kind
		ref, err := bot.Send(t.Context(), d)
		if err != nil {
			t.Errorf("%s: %v", s.Kind, err)
		}
		if ref != (alerts.Reference{}) {
			threads[s.Thread] = ref
		}
		if _, err := hook.Send(t.Context(), d); err != nil {
			t.Errorf("%s by webhook: %v", s.Kind, err)
		}
	}
	ways := make(map[string]int)
	for i, call := range fake.Calls() {
		if call.Result != "ok" && !strings.HasPrefix(call.Method, "conversations.") {
			t.Errorf("%s of %s is answered by %s", call.Method, wire.seen[i].Name, call.Result)
		}
	}
	number := 0
	for _, p := range wire.seen {
		if strings.HasPrefix(p.Method, "conversations.") {
			continue
		}
		ways[p.Method]++
		number++
		if *payloads == "" {
			continue
		}
		out, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		file := fmt.Sprintf("%02d-%s-%s.json", number, p.Name, strings.TrimPrefix(p.Method, "chat."))
		if err := os.WriteFile(filepath.Join(*payloads, file), out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, method := range []string{"chat.postMessage", "chat.update", "webhook"} {
		if ways[method] < 5 {
			t.Errorf("%d requests by %s", ways[method], method)
		}
	}
}
