package control_test

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/control"
)

var update = flag.Bool("update", false, "write testdata/status.json")

// TestShape holds what programs read: a field that changes here breaks them.
func TestShape(t *testing.T) {
	at := func(minutes int) time.Time {
		return time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC).Add(time.Duration(minutes) * time.Minute)
	}
	told, good, oldest := at(-9), at(-11), at(-5)
	s := control.Status{
		Version: "1.2", Location: "fra1", PID: 7, Listen: "127.0.0.1:9780", Now: at(0), Started: at(-60), Uptime: 3600,
		Checks: control.Counts{Total: 4, Passing: 2, Degraded: 0, Failing: 1, Unknown: 1, Silenced: 1},
		Incidents: []control.Incident{{
			Check: "orders/checkout", Group: "orders", Labels: map[string]string{"team": "orders"}, Severity: "critical",
			Runbook: "https://runbooks.example/checkout", Links: []alerts.Link{{Name: "status", URL: "https://watch.example/checks/orders/checkout"}},
			Status: "failing", AlertState: alerts.Firing, Since: at(-10), For: 600, Runs: 20, LastGood: &good,
			Reason: checks.ReasonConnectRefused, Message: "m", Advice: "a", Dependents: 2,
			Told: &told, Receivers: []string{"slack.oncall"}, Waiting: []string{"slack.oncall"},
			Silences: []alerts.Silence{
				{By: alerts.ByMute, Name: "orders/*", Until: at(60), Why: "migration", Who: "anna"},
				{By: alerts.ByDependency, Name: "db"},
			},
		}},
		Problems:  []control.Problem{{Text: "p", Since: &oldest}},
		Mutes:     []control.Mute{{Mute: alerts.Mute{Pattern: "orders/*", Since: at(-1), Until: at(60), Why: "migration", Who: "anna"}, Left: 3600, Checks: 3}},
		Receivers: []control.Receiver{{Receiver: "slack.oncall", Pending: 1, Oldest: &oldest, Blocked: "invalid_auth", Sent: 3, Failed: 2, PossibleRepeats: 1}},
		State:     control.StateFile{File: "/var/lib/watchword/watchword.db", Writing: true, WriteErrors: 1, Dropped: 2},
		Config:    control.ConfigurationNow{Loaded: true},
	}
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/status.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var back control.Status
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Errorf("read back: -want +got\n%s", diff)
	}
}
