//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
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
	var points, repeats atomic.Int64
	const lanes = 4
	t.Run("points", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for point := 1 + lane*step; !t.Failed(); point += lanes * step {
					died, repeated := tellAndDie(t, program, point)
					if !died {
						return
					}
					points.Add(1)
					repeats.Add(int64(repeated))
				}
			})
		}
	})
	t.Logf("killed at %d points, %d messages repeated, 0 lost", points.Load(), repeats.Load())
	if points.Load() < 4 {
		t.Errorf("there were only %d points", points.Load())
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
	var mu sync.Mutex
	var posted []string
	slack := &alertstest.Slack{Token: "xoxb-kill", OnMessage: func(m alertstest.Message) {
		mu.Lock()
		defer mu.Unlock()
		if !m.Edited {
			posted = append(posted, m.Text)
		}
	}}
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
			mu.Lock()
			defer mu.Unlock()
			return strings.Contains(strings.Join(posted, "\n"), what)
		})
	}
	told("🔴 c is failing")
	well.Store(true)
	told("🟢 c recovered")
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code < 0 {
		died = true // amid its last writes
	}
	mu.Lock()
	defer mu.Unlock()
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
