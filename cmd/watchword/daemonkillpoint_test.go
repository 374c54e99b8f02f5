//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"watchword/alerts/alertstest"
	"watchword/cmd/internal/store/storetest"
)

// TestKilledAtWrites kills the daemon right before and right after writes to
// its state file while a check fails and recovers, and starts it again, as a
// service is. Both must be told, in order; what comes twice is one message at
// most and says so. With -full it dies at every write.
func TestKilledAtWrites(t *testing.T) {
	t.Parallel()
	step := 11
	if *full {
		step = 1
	}
	program := storetest.BuildWithKillpoints(t, "build")
	points, repeats := storetest.AtPoints(t, step, func(t *testing.T, point int) (bool, int) {
		t.Helper()
		return tellAndDie(t, program, point)
	})
	t.Logf("killed at %d points, %d messages repeated, 0 lost", points, repeats)
	if points < 4 {
		t.Errorf("there were only %d points", points)
	}
}

// tellAndDie says whether the daemon died at this point, and how many messages
// came twice.
func tellAndDie(t *testing.T, program string, point int) (died bool, repeats int) {
	t.Helper()
	var well atomic.Bool
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !well.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer api.Close()
	var posts alertstest.Posts
	slack := &alertstest.Slack{Token: "xoxb-kill", OnMessage: posts.Add}
	if err := slack.Start(); err != nil {
		t.Fatal(err)
	}
	defer slack.Close()
	path := write(t, t.TempDir(), "main.hcl", `
settings { listen = "127.0.0.1:0" }
receiver "slack" "oncall" {
  token   = "xoxb-kill"
  channel = "#oncall"
  api_url = %q
}
check "c" {
  schedule = "@every 1s"
  request { url = %q }
}
`, slack.APIURL(), api.URL)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", storetest.KillAt, point))
	p := launchProgram(t, cmd, path)
	told := func(what string) {
		t.Helper()
		eventually(t, fmt.Sprintf("point %d: %s is told", point, what), func() bool {
			select {
			case <-p.exited:
				if died || p.cmd.ProcessState.ExitCode() >= 0 {
					t.Fatalf("point %d: the daemon ended by itself: %v", point, p.cmd.ProcessState)
				}
				died = true
				p = launchProgram(t, exec.Command(program), path)
			default:
			}
			return slices.ContainsFunc(posts.All(), func(m alertstest.Message) bool { return strings.Contains(m.Text, what) })
		})
	}
	told("🔴 c is failing")
	well.Store(true)
	told("🟢 c recovered")
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code < 0 {
		died = true // amid its last writes
	}
	var posted []string
	for _, m := range posts.All() {
		posted = append(posted, m.Text)
	}
	repeats = len(posted) - 2
	began, recovered := 0, 0
	for i, text := range posted {
		unmarked, marked := strings.CutSuffix(text, " (possible repeat)")
		again := false
		if strings.HasPrefix(unmarked, "🔴 c is failing") && recovered == 0 {
			again = began > 0
			began++
		} else if strings.HasPrefix(unmarked, "🟢 c recovered") && began > 0 {
			again = recovered > 0
			recovered++
		} else {
			t.Errorf("point %d: message %d is %q", point, i, text)
		}
		if again && !marked {
			t.Errorf("point %d: message %d comes again and does not say so: %q", point, i, text)
		}
	}
	if repeats > 1 || repeats > 0 && !died {
		t.Errorf("point %d: sent were %q", point, posted)
	}
	return died, repeats
}
