package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
)

// A trial is a configuration with receivers that reach a fake Slack.
type trial struct {
	t     *testing.T
	dir   string
	slack *alertstest.Slack
}

const trialToken = "xoxb-canary-9b2e" // must never be seen outside of requests to Slack

func newTrial(t *testing.T) *trial {
	t.Helper()
	tr := &trial{t: t, dir: t.TempDir(), slack: &alertstest.Slack{Token: trialToken}}
	if err := tr.slack.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.slack.Close)
	write(t, tr.dir, "main.hcl", `
settings {
  location = "fra1"
  state    = "state.db"
}
secret "slack" { file = "token" }
secret "none" { file = "none" }
receiver "slack" "oncall" {
  token   = secret.slack
  channel = "#oncall"
  api_url = "%[1]s"
  mention = "@here"
}
receiver "slack" "hook" { webhook_url = "%[2]s" }
receiver "slack" "unread" {
  token   = secret.none
  channel = "#oncall"
  api_url = "%[1]s"
}
`, tr.slack.APIURL(), tr.slack.WebhookURL())
	write(t, tr.dir, "token", trialToken)
	return tr
}

// run runs `watchword alerts test` with args, and returns what it printed.
func (tr *trial) run(want int, args ...string) string {
	tr.t.Helper()
	var out bytes.Buffer
	code := run(tr.t.Context(), append([]string{"alerts", "test", "-c", tr.dir}, args...), strings.NewReader(""), &out, &out)
	if code != want {
		tr.t.Errorf("%q exits with %d, want %d:\n%s", args, code, want, out.String())
	}
	if strings.Contains(out.String(), trialToken) || strings.Contains(out.String(), tr.slack.WebhookURL()) {
		tr.t.Errorf("%q prints a secret:\n%s", args, out.String())
	}
	if files, err := os.ReadDir(tr.dir); err != nil || len(files) != 2 {
		tr.t.Errorf("%q leaves %v, error %v", args, files, err)
	}
	return out.String()
}

// TestAlertsTest sends one sample of each kind, and looks at what stands in
// the channel then.
func TestAlertsTest(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	began := time.Now()
	out := tr.run(exitOK, "oncall")
	var got []string
	for _, m := range tr.slack.Messages() {
		how := ""
		if m.Thread != "" {
			how += "reply, "
		}
		if m.Broadcast {
			how += "in the channel, "
		}
		if m.Edited {
			how += "edited, "
		}
		text, _, _ := strings.Cut(m.Text, " UTC")
		got = append(got, how+text)
		if !strings.Contains(m.Text, "sample") {
			t.Errorf("%q is not marked as a sample", m.Text)
		}
		if !m.Broadcast && !strings.Contains(m.Reader, "This is a sample that `watchword alerts test` has sent.") {
			t.Errorf("it does not say that it is a sample:\n%s", m.Reader)
		}
		if strings.Contains(string(m.Blocks), "<!here>") {
			t.Errorf("%q mentions someone", m.Text)
		}
	}
	clock := cmp.Transformer("clock", func(s string) string {
		words := strings.Fields(s)
		for i, w := range words {
			if len(w) == 5 && w[2] == ':' {
				words[i] = "HH:MM"
			}
		}
		return strings.Join(words, " ")
	})
	want := []string{
		"edited, 🟢 sample/checkout recovered after 4h6m",
		`reply, 🔴 sample/checkout is still failing after 4h: step "order": status is 422, want 201`,
		"reply, in the channel, 🟢 sample/checkout recovered after 4h6m",
		"edited, ⚪ sample/search was removed or disabled while failing: status is 422, want 201",
		"reply, in the channel, 🔴 sample/search is failing: status is 422, want 201",
		"🟢 sample/payments was failing from HH:MM to HH:MM",
		"🟢 sample/payments was failing from HH:MM to HH:MM",
		"edited, 🟢 27 checks recovered after 12m: all on *.sample.example, all tls_unknown_ca",
		"reply, in the channel, 🟢 27 checks recovered after 12m: all on *.sample.example, all tls_unknown_ca",
		"edited, 🟢 certificate sample was replaced: the new one expires in 365 days",
		`edited, 🟢 watchword at fra1 (sample): no longer so: certificate "acme" cannot be loaded: open certs/acme.key: permission denied`,
		"edited, 🟢 watchword at fra1 (sample) is no longer cut off: it may have been from HH:MM to HH:MM",
	}
	if diff := cmp.Diff(want, got, clock); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, s := range alerts.Samples("fra1", alerts.Links{}, began) {
		if !strings.Contains(out, fmt.Sprintf("✓ %-15s  %s", s.Kind, s.Message.Headline[:12])) {
			t.Errorf("%s is missing in\n%s", s.Kind, out)
		}
	}
	if !strings.HasSuffix(out, "\n16 messages taken by slack.oncall\n") {
		t.Errorf("it ends with\n%s", out[max(0, len(out)-100):])
	}
	// Twelve posts, and at most one a second.
	if took := time.Since(began); took < 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAlertsTestFindsTheFirst(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	tr.slack.History = true
	out := tr.run(exitOK, "slack.oncall", "--only", "possible-repeat")
	if n := len(tr.slack.Messages()); n != 1 || !strings.Contains(out, "found by its id in the history: nothing is posted twice") {
		t.Errorf("%d messages:\n%s", n, out)
	}
}

func TestAlertsTestMentions(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	tr.run(exitOK, "oncall", "--only", "failed", "--mention")
	if m := tr.slack.Messages(); len(m) != 1 || !strings.Contains(string(m[0].Blocks), `\u003c!here\u003e`) && !strings.Contains(string(m[0].Blocks), "<!here>") {
		t.Errorf("nobody is mentioned in %+v", m)
	}
}

func TestAlertsTestWebhook(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	out := tr.run(exitOK, "receiver.slack.hook", "--only", "removed")
	if n := len(tr.slack.Messages()); n != 1 || !strings.Contains(out, "nothing is posted for it") {
		t.Errorf("%d messages:\n%s", n, out)
	}
}

// TestAlertsTestRefused lets things go wrong: each says what to do.
func TestAlertsTestRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		receiver string
		fault    alertstest.Fault
		want     []string
	}{
		"invalid_auth":      {"oncall", alertstest.Fault{Code: "invalid_auth"}, []string{"✗ failed", "#oncall: invalid_auth: the token is not valid (any more): copy the app's bot token, xoxb-…, once more", "would block the receiver until the next reload"}},
		"channel_not_found": {"oncall", alertstest.Fault{Code: "channel_not_found"}, []string{"no such channel in the token's workspace, or a private one that the bot was not invited to"}},
		"not_in_channel":    {"oncall", alertstest.Fault{Code: "not_in_channel"}, []string{"invite the bot to the channel, with /invite"}},
		"missing_scope":     {"oncall", alertstest.Fault{Code: "missing_scope"}, []string{"the token lacks the scope chat:write"}},
		"is_archived":       {"oncall", alertstest.Fault{Code: "is_archived"}, []string{"the channel was archived"}},
		"webhook removed":   {"hook", alertstest.Fault{Code: "no_service"}, []string{"posting to the Slack webhook: no_service: the webhook was removed"}},
		"out of order":      {"oncall", alertstest.Fault{Status: 503}, []string{"the answer is 503 Service Unavailable", "would try again"}},
		"broken connection": {"hook", alertstest.Fault{Dropped: true}, []string{"posting to the Slack webhook: ", "would try again"}},
		"unread secret":     {"unread", alertstest.Fault{}, []string{"secret.none is not available", "would block the receiver until the next reload"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTrial(t)
			tr.slack.Fault = func(alertstest.Call) alertstest.Fault { return tt.fault }
			out := tr.run(exitFailed, tt.receiver)
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("%q is missing in\n%s", want, out)
				}
			}
			if n := len(tr.slack.Calls()); n > 1 {
				t.Errorf("%d requests after a refusal", n)
			}
		})
	}
}

func TestAlertsTestWaits(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	tr.slack.Fault = func(c alertstest.Call) alertstest.Fault {
		if c.Number == 1 {
			return alertstest.Fault{Status: 429, RetryAfter: 1}
		}
		return alertstest.Fault{}
	}
	out := tr.run(exitOK, "oncall", "--only", "failed")
	if n := len(tr.slack.Messages()); n != 1 || !strings.Contains(out, "rate limited; trying again in 1s") {
		t.Errorf("%d messages:\n%s", n, out)
	}
}

func TestAlertsTestUsage(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "want the name of a RECEIVER, got 0 arguments"},
		{[]string{"slack.onkall"}, `there is no receiver "slack.onkall"; did you mean "slack.oncall"?`},
		{[]string{"x"}, `there is no receiver "x"; there is slack.oncall, slack.hook, slack.unread`},
		{[]string{"oncall", "--only", "failing"}, `there is no message of kind "failing"; there is failed, reminder,`},
	} {
		if out := tr.run(exitInvalid, tt.args...); !strings.Contains(out, tt.want) {
			t.Errorf("%q prints\n%swant %s", tt.args, out, tt.want)
		}
	}
	out := tr.run(exitOK, "oncall", "--dry-run")
	for _, s := range alerts.Samples("fra1", alerts.Links{}, time.Now()) {
		if !strings.Contains(out, s.Kind+"\n  ") {
			t.Errorf("--dry-run does not show %s:\n%s", s.Kind, out)
		}
	}
	if n := len(tr.slack.Calls()); n != 0 {
		t.Errorf("%d requests, want 0", n)
	}
	var names bytes.Buffer
	if code := run(t.Context(), []string{"__complete", "alerts", "test", "-c", tr.dir, ""}, strings.NewReader(""), &names, &bytes.Buffer{}); code != exitOK ||
		!slices.Equal(strings.Fields(names.String()), []string{"slack.oncall", "slack.hook", "slack.unread", ":4"}) {
		t.Errorf("completion proposes %q, exit code %d", names.String(), code)
	}
}
