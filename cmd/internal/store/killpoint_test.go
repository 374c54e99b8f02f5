//go:build linux

package store

import (
	"fmt"
	"path/filepath"
	"testing"

	"watchword/alerts/alertstest"
	"watchword/cmd/internal/store/storetest"
)

// TestKilledAtEveryWrite kills a process right before and right after every
// single write to its state file while it tells of incidents, and starts it
// anew. Each incident must be told, in order, and be kept, and what is told twice must be
// marked and be one message at most.
func TestKilledAtEveryWrite(t *testing.T) {
	program := storetest.BuildWithKillpoints(t, "test", "-c")
	l := load{checks: 2, incidents: 1}
	if *full {
		l = load{checks: 4, incidents: 3}
	}
	points, repeats := storetest.AtPoints(t, 1, func(t *testing.T, point int) (bool, int) {
		t.Helper()
		return dieAt(t, program, l, point)
	})
	t.Logf("killed at %d points of %d incidents, %d messages repeated, 0 lost", points, l.checks*l.incidents, repeats)
	if points < 50 {
		t.Errorf("there were only %d points", points)
	}
}

// dieAt says whether a process that was to die at a point did, and how many
// messages came twice once another one had finished its work.
func dieAt(t *testing.T, program string, l load, point int) (died bool, repeats int) {
	t.Helper()
	var posts alertstest.Posts
	slack := &alertstest.Slack{Token: "xoxb-burst", OnMessage: posts.Add}
	if err := slack.Start(); err != nil {
		t.Fatal(err)
	}
	defer slack.Close()
	path := filepath.Join(t.TempDir(), "s.db")
	for try := range 2 {
		cmd := burstCommand(t, program, path, slack.APIURL(), l)
		if try == 0 {
			cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", storetest.KillAt, point))
		}
		out, err := cmd.CombinedOutput()
		killed := cmd.ProcessState != nil && cmd.ProcessState.ExitCode() < 0
		if err != nil && (!killed || try > 0) {
			t.Fatalf("point %d: the process failed: %v\n%s", point, err, out)
		}
		if died = died || killed; !died {
			break
		}
	}
	repeats = checkPosted(t, posts.All(), l)
	checkClosed(t, path, l)
	if repeats > 1 || repeats > 0 && !died {
		t.Errorf("%d messages were repeated", repeats)
	}
	if t.Failed() {
		t.Logf("died at point %d: %v", point, died)
	}
	return died, repeats
}
