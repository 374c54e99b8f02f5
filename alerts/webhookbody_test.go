package alerts

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
)

var update = flag.Bool("update", false, "write examples/webhook/bodies anew")

// bodies are one delivery of each kind and topic, by the name of its file.
func bodies() map[string]Delivery {
	fired := sample()
	at := place{Subject: Subject{
		Name: "orders/checkout", Group: "orders", Labels: map[string]string{"team": "orders"}, Policy: Policy{Severity: "critical"},
		Runbook: "https://wiki.example/orders", Source: checks.Source{File: "orders.hcl", Line: 40},
	}, location: "fra1", links: Links{External: "https://watchword.example", Grafana: "https://grafana.example"}}
	tr := Transition{
		Incident: 3, Level: LevelFailed, Since: start, Runs: 5, LastGood: start.Add(-time.Minute),
		Reason: checks.ReasonExpectation, Message: `step "order": status is 422, want 201`,
	}
	told := func(kind TransitionKind, level Level, after time.Duration) Message {
		tr.Kind, tr.Level, tr.At = kind, level, start.Add(after)
		if kind.Closes() {
			return at.message(tr, nil)
		}
		return at.message(tr, fired.Failures)
	}
	out := map[string]Delivery{
		"fired":     {Message: told(Fired, LevelFailed, 2*time.Minute)},
		"escalated": {Message: told(Escalated, LevelFailed, 3*time.Minute)},
		"eased":     {Message: told(Eased, LevelDegraded, 4*time.Minute)},
		"reminded":  {Message: told(Reminded, LevelFailed, 4*time.Hour)},
		"recovered": {Message: told(Recovered, LevelFailed, 312*time.Second)},
		"withdrawn": {Message: told(Withdrawn, LevelFailed, time.Hour)},
		"folded":    {Message: folded(told(Fired, LevelFailed, time.Minute), told(Recovered, LevelFailed, 5*time.Minute))},
		"group": {Thread: "group:#rs1#1", Message: Message{
			Topic: AboutGroup, Kind: Fired, Headline: "🔴 22 checks are failing: all on *.acme.com, all tls_unknown_ca", Text: "all on *.acme.com, all tls_unknown_ca",
			Level: LevelFailed, Location: "fra1", Severity: "critical", At: start.Add(20 * time.Second), Since: start,
			Members: []MemberLine{{"orders/checkout", LevelFailed, "unknown authority"}, {"orders/health", NoLevel, ""}}, More: 20,
		}},
		"certificate": {Thread: "certificate:9f86#1"},
		"watchword":   {Thread: "notice:receiver slack.oncall#1"},
	}
	w := watched{
		Certificate: Certificate{Name: "acme-wildcard", Fingerprint: strings.Repeat("9f86", 16), NotAfter: start.Add(7 * day)},
		users:       map[string]struct{}{"orders/checkout": {}, "orders/health": {}},
	}
	_, expiring, _ := w.next(State{}, DefaultExpiry(), "fra1", start)
	_, blocked := Problem{Text: "receiver slack.oncall refuses messages: invalid_auth"}.next(State{}, "fra1", start)
	out["certificate"] = Delivery{Thread: out["certificate"].Thread, Message: expiring}
	out["watchword"] = Delivery{Thread: out["watchword"].Thread, Message: blocked}
	for name, d := range out {
		if d.Thread == "" {
			d.Thread = thread("check:orders/checkout", 3)
		}
		d.ID = opaqueID(Notification{ID: 7, Receiver: "webhook.tickets", Thread: d.Thread, Queued: d.Message.At, Message: d.Message})
		d.Message.PossibleRepeat = name == "escalated"
		out[name] = d
	}
	return out
}

// The bodies are those that examples/webhook shows.
func TestWebhookBodies(t *testing.T) {
	for name, d := range bodies() {
		var got bytes.Buffer
		if err := json.Indent(&got, newWebhookBody(d).encode(), "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		path := filepath.Join("..", "examples", "webhook", "bodies", name+".json")
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Whatever a target says, a body is JSON of bounded size that keeps what
// matters, and holds nothing that cannot be seen.
func TestWebhookBodyIsBounded(t *testing.T) {
	m := sample()
	hostile := "\u202e\x00\x1b[31m<!channel>" + strings.Repeat(`"\\🔥`, 300)
	f := m.Failures[0]
	f.Message, f.Body, f.Curl = hostile, hostile, hostile
	for range 30 {
		f.Conditions = append(f.Conditions, Condition{Expression: hostile, Message: hostile, Values: []Label{{"body", hostile}, {"json.a", `"cut…`}}})
	}
	m.Failures = nil
	for range maxFailures {
		m.Failures = append(m.Failures, f)
	}
	m.Headline = hostile
	raw := newWebhookBody(Delivery{ID: "i", Thread: "t", Message: m}).encode()
	if len(raw) > maxWebhookBody || !json.Valid(raw) {
		t.Errorf("%d bytes, valid: %v", len(raw), json.Valid(raw))
	}
	var body struct {
		Headline  string
		Truncated bool
		Failures  []struct {
			Failed []struct{ Values map[string]any }
		}
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	if !body.Truncated || len(body.Failures) == 0 || len(body.Failures[0].Failed) == 0 {
		t.Errorf("left of it: %+v", body)
	}
	if strings.ContainsAny(string(raw), "\u202e\x00\x1b") || strings.Contains(string(raw), `\u001b`) || !strings.HasPrefix(body.Headline, "[31m<!channel>") {
		t.Errorf("headline is %q", body.Headline)
	}
	for range 100 {
		m.Labels = append(m.Labels, Label{"long", hostile})
	}
	if raw := newWebhookBody(Delivery{Message: m}).encode(); len(raw) > maxWebhookBody || !json.Valid(raw) {
		t.Errorf("with many labels: %d bytes, valid: %v", len(raw), json.Valid(raw))
	}
}
