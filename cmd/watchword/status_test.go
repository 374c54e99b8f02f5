package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/control"
)

// night is when somebody looks at a status.
func night() time.Time { return time.Date(2026, 3, 1, 2, 30, 0, 0, time.UTC) }

func ago(d time.Duration) *time.Time {
	t := night().Add(-d)
	return &t
}

// quiet is a status without anything that fails.
func quiet() control.Status {
	return control.Status{
		Version: "1.2.3", Location: "fra1", PID: 4711, Listen: "127.0.0.1:9780", Now: night(), Started: *ago(76 * time.Hour), Uptime: 76 * 3600,
		Checks:    control.Counts{Total: 12, Passing: 12},
		Receivers: []control.Receiver{{Receiver: "slack.oncall", Sent: 5}},
		State:     control.StateFile{File: "/var/lib/watchword/watchword.db", Writing: true},
		Config:    control.ConfigurationNow{Loaded: true},
	}
}

// awful is one with everything that a status can hold.
func awful() control.Status {
	s := quiet()
	s.Checks = control.Counts{Total: 12, Passing: 6, Degraded: 1, Failing: 4, Unknown: 1, Silenced: 2}
	mute := alerts.Silence{By: alerts.ByMute, Name: "pay/*", Until: night().Add(90 * time.Minute), Why: "migration of the ledger", Who: "anna"}
	s.Incidents = []control.Incident{
		{
			Check: "edge[fra]", Status: "recovering", AlertState: alerts.Recovering, Since: *ago(time.Hour), For: 3600, Runs: 50, Severity: "warning",
			Reason: checks.ReasonExpectation, Message: "status is 503, want 200", Told: ago(58 * time.Minute), Receivers: []string{"slack.oncall"},
			Recovery: "told as recovered after 3 passed runs in a row: 1 so far",
		},
		{
			Check: "orders/checkout", Labels: map[string]string{"team": "orders", "tier": "1"}, Severity: "critical", Status: "failing", AlertState: alerts.Firing,
			Since: *ago(26 * time.Hour), For: 26 * 3600, Runs: 1560, Reason: checks.ReasonClientCertUnknownCA, Dependents: 3,
			Message: `step "order": orders.acme.example refuses the client certificate acme (CN=probe, issued by CN=Old CA, expires 2026-09-01): it does not know the CA`,
			Advice:  "The server does not trust the CA that issued the client certificate: ask for it to be added, or present another certificate.",
			Runbook: "https://wiki.acme.example/runbooks/a-path-that-is-longer-than-the-terminal-is-wide/checkout",
			Told:    ago(25 * time.Hour), Receivers: []string{"slack.oncall", "slack.orders"}, Waiting: []string{"slack.orders"},
		},
		{
			Check: "pay/refund", Severity: "warning", Status: "failing", AlertState: alerts.Pending, Since: *ago(time.Minute), For: 60, Runs: 2,
			Reason: checks.ReasonExpectation, Message: "evil \x1b[2J\x1b]0;owned\x07 \u202egnitirw\r\n<!channel> \xff", Untold: mute.String(), Silences: []alerts.Silence{mute},
		},
		{
			Check: "pay/charge", Severity: "warning", Status: "failing", AlertState: alerts.Firing, Since: *ago(10 * time.Minute), For: 600, Runs: 20,
			Reason: checks.ReasonExpectation, Message: "status is 503, want 200", Told: ago(9 * time.Minute), Receivers: []string{"slack.oncall"}, Silences: []alerts.Silence{mute},
		},
		{
			Check: "login", Severity: "warning", Status: "degraded", AlertState: alerts.Pending, Since: *ago(time.Minute), For: 60, Runs: 1,
			Reason: checks.ReasonExpectation, Message: "timing.total is 1.2", Untold: "not before 3 failing runs in a row: 1 run so far",
		},
		{
			Check: "alone", Severity: "warning", Status: "failing", AlertState: alerts.Firing, Since: *ago(5 * time.Second), For: 5, Runs: 1,
			Reason: checks.ReasonConnectRefused, Message: "h refuses connections", Told: ago(0), Untold: "no route leads to a receiver",
		},
	}
	s.Problems = []control.Problem{
		{Text: "receiver slack.orders refuses messages: invalid_auth: the token is not valid (any more)", Since: ago(25 * time.Hour)},
		{Text: "certificate acme cannot be used, and the checks that need it fail: a.key does not exist"},
	}
	s.Mutes = []control.Mute{
		{Mute: alerts.Mute{Pattern: "pay/*", Until: night().Add(90 * time.Minute), Why: "migration of the ledger", Who: "anna"}, Left: 5400, Checks: 2},
		{Mute: alerts.Mute{Pattern: "a-pattern-that-is-quite-long-*", Until: night().Add(30 * 24 * time.Hour), Why: "\x1b[31mred"}, Left: 30 * 86400},
	}
	s.Receivers = []control.Receiver{
		{Receiver: "slack.gone", Pending: 2, Oldest: ago(time.Hour), Blocked: "the receiver is not configured"},
		{Receiver: "slack.oncall", Pending: 1, Oldest: ago(3 * time.Second), Sent: 5, Failed: 1},
		{Receiver: "slack.late", Pending: 2, Oldest: ago(time.Minute), Failed: 6, Error: "posting to Slack channel #late: dial tcp 192.0.2.1:443: connect: connection refused"},
		{Receiver: "slack.orders", Pending: 4, Oldest: ago(25 * time.Hour), Failed: 1, Blocked: "invalid_auth: the token is not valid (any more)"},
	}
	s.State.Writing, s.State.WriteErrors, s.State.Dropped, s.Config.Loaded = false, 4, 2, false
	return s
}

var updateStatus = flag.Bool("update-status", false, "write testdata/status")

func TestStatusText(t *testing.T) {
	few := quiet()
	few.Checks = control.Counts{Total: 3, Passing: 1, Unknown: 2}
	few.Receivers = nil
	none := quiet()
	none.Checks, none.Location = control.Counts{}, ""
	many := quiet()
	many.Checks = control.Counts{Total: 40, Failing: 40}
	for range 40 {
		many.Incidents = append(many.Incidents, control.Incident{Check: "x", Status: "failing", Since: night(), Message: "m", Severity: "warning", Untold: "in a moment"})
	}
	for name, s := range map[string]control.Status{"quiet": quiet(), "awful": awful(), "few": few, "none": none} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			writeStatus(&b, screen{width: 80}, &s)
			golden := filepath.Join("testdata", "status", name+".txt")
			if *updateStatus {
				if err := os.WriteFile(golden, b.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			for line := range strings.Lines(b.String()) {
				line = strings.TrimSuffix(line, "\n")
				if n := utf8.RuneCountInString(line); n > 80 && !strings.Contains(line, "runbook ") {
					t.Errorf("%d columns: %s", n, line)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("a character that moves the cursor or hides: %q", line)
				}
			}
		})
	}
	var b bytes.Buffer
	writeStatus(&b, screen{}, &many)
	if got := strings.Count(b.String(), "✗ x"); got != shownIncidents || !strings.Contains(b.String(), "and 15 more: watchword status -o json has all") {
		t.Errorf("%d of 40 are shown:\n%s", got, b.String())
	}
	b.Reset()
	bad := awful()
	writeStatus(&b, screen{width: 80, color: true}, &bad)
	if !strings.Contains(b.String(), "\x1b[31m✗\x1b[0m") || strings.Contains(b.String(), "\x1b[2J") {
		t.Errorf("in colour:\n%q", b.String())
	}
}

// What is wrong now comes first, by severity, then by since when, whatever
// order the incidents come in.
func TestStatusOrder(t *testing.T) {
	s := quiet()
	incident := func(check, status, severity string, minutes int) {
		s.Incidents = append(s.Incidents, control.Incident{
			Check: check, Status: status, Severity: severity, Since: night().Add(-time.Duration(minutes) * time.Minute),
		})
	}
	incident("recovering", "recovering", "critical", 90)
	incident("degraded", "degraded", "critical", 80)
	incident("warned-long", "failing", "warning", 70)
	incident("b", "failing", "warning", 5)
	incident("a", "failing", "warning", 5)
	incident("page-new", "failing", "critical", 1)
	incident("page-old", "failing", "critical", 2)
	incident("told-only", "failing", "info", 100)
	want := []string{"page-old", "page-new", "warned-long", "a", "b", "told-only", "degraded", "recovering"}
	for range 2 {
		var b bytes.Buffer
		writeStatus(&b, screen{}, &s)
		var got []string
		for _, found := range regexp.MustCompile(`(?m)^[✗!…] (\S+)`).FindAllStringSubmatch(b.String(), -1) {
			got = append(got, found[1])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		slices.Reverse(s.Incidents)
	}
}

// TestFields: the help names every field of the JSON.
func TestFields(t *testing.T) {
	s := awful()
	s.Incidents[0].Links = []alerts.Link{{Name: "status", URL: "https://watch.example/"}}
	a := new(app)
	namesFields(t, a.statusCommand(), s)
	namesFields(t, a.muteCommand(), control.MuteAnswer{Mute: s.Mutes[0].Mute})
	namesFields(t, a.unmuteCommand(), control.UnmuteAnswer{Mutes: s.Mutes})
}

// namesFields wants the help of a command to name the fields of v.
func namesFields(t *testing.T, cmd *cobra.Command, answer any) {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	words := strings.FieldsFunc(cmd.Long, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) })
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				if !slices.Contains(words, name) {
					t.Errorf("the help of %s does not name the field %q", cmd.Name(), name)
				}
				if name != "labels" {
					look(value)
				}
			}
		case []any:
			for _, value := range v {
				look(value)
			}
		}
	}
	look(v)
}

func TestNear(t *testing.T) {
	names := []string{"orders/checkout", "orders/eu/refund", "pay", "edge[fra]"}
	for pattern, want := range map[string]string{
		"ordres/*": "orders/*", "checkout": "*checkout*", "payy": "pay", "orders/ue/*": "orders/eu/*", "refund": "*refund*", "zzz": "", "*zzz*": "",
	} {
		if got := strings.Join(near(pattern, names), " "); got != want {
			t.Errorf("near %q are %q, want %q", pattern, got, want)
		}
	}
}

func TestMuteEnd(t *testing.T) {
	now := night()
	for _, c := range []struct{ length, until, want string }{
		{"2h", "", "2026-03-01T04:30:00Z"},
		{"1d", "", "2026-03-02T02:30:00Z"},
		{"1d12h", "", "2026-03-02T14:30:00Z"},
		{"", "2026-03-01T06:00:00+02:00", "2026-03-01T04:00:00Z"},
		{"", "", "say how long"},
		{"2h", "2026-03-01T06:00:00Z", "say how long"},
		{"2", "", "--for 2:"},
		{"0s", "", "--for 0s: want a duration up to 366d"},
		{"400d", "", "--for 400d: want a duration up to 366d"},
		{"", "tomorrow", "--until tomorrow: want a time such as 2026-03-01T04:30:00Z"},
		{"", "2026-03-01T02:00:00Z", "that has passed; it is 2026-03-01T02:30:00Z"},
	} {
		end, err := muteEnd(c.length, c.until, now)
		got := end.UTC().Format(time.RFC3339)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("--for %q --until %q: %s, want %s", c.length, c.until, got, c.want)
		}
	}
}

// TestIncidentAtAlertmanager: who is told by a feed counts as told, and waits
// while it has not taken what is newer than what it has.
func TestIncidentAtAlertmanager(t *testing.T) {
	fired := night().Add(-time.Minute)
	in := alerts.Incident{Check: "a", Fed: []string{"alertmanager.am"}, State: alerts.State{
		Phase: alerts.Firing, Incident: 1, Level: alerts.LevelFailed, Since: fired, Fired: fired, Runs: 1,
	}}
	for name, tt := range map[string]struct {
		queue alerts.QueueStats
		want  string
	}{
		"taken":               {alerts.QueueStats{}, "told alertmanager.am at 02:29:00 UTC"},
		"down":                {alerts.QueueStats{Pending: 1, Oldest: fired.Add(time.Second / 2)}, "waits for alertmanager.am since 02:29:00 UTC"},
		"down since, another": {alerts.QueueStats{Pending: 1, Oldest: night()}, "told alertmanager.am at 02:29:00 UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.queue.Receiver = "alertmanager.am"
			i := incidentNow(&in, []alerts.QueueStats{tt.queue}, night())
			if got := telling(&i, night()); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	in.Fed = nil
	if i := incidentNow(&in, nil, night()); i.Untold != "no route leads to a receiver" {
		t.Errorf("without receivers: %q", i.Untold)
	}
}
