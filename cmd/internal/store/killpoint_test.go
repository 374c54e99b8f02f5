//go:build linux

package store

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"watchword/alerts/alertstest"
	"watchword/cmd/internal/store/storetest"
)

// TestKilledAtEveryWrite kills a process right before and right after every
// single write to its state file while it tells of incidents, and starts it
// anew. Each incident must be told, in order, and what is told twice must be
// marked and be one message at most.
func TestKilledAtEveryWrite(t *testing.T) {
	program := storetest.BuildWithKillpoints(t, "test", "-c")
	l := load{checks: 2, incidents: 1}
	if *full {
		l = load{checks: 4, incidents: 3}
	}
	var points, repeats atomic.Int64
	const lanes = 4
	t.Run("points", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for point := lane + 1; !t.Failed(); point += lanes {
					died, repeated := dieAt(t, program, l, point)
					if !died {
						return
					}
					points.Add(1)
					repeats.Add(int64(repeated))
				}
			})
		}
	})
	t.Logf("killed at %d points of %d incidents, %d messages repeated, 0 lost", points.Load(), l.checks*l.incidents, repeats.Load())
	if points.Load() < 50 {
		t.Errorf("there were only %d points", points.Load())
	}
}

// dieAt says whether a process that was to die at a point did, and how many
// messages came twice once another one had finished its work.
func dieAt(t *testing.T, program string, l load, point int) (died bool, repeats int) {
	t.Helper()
	var mu sync.Mutex
	var posted []alertstest.Message
	slack := &alertstest.Slack{Token: "xoxb-burst", OnMessage: func(m alertstest.Message) {
		mu.Lock()
		defer mu.Unlock()
		if !m.Edited {
			posted = append(posted, m)
		}
	}}
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
	mu.Lock()
	defer mu.Unlock()
	repeats = checkPosted(t, posted, l)
	if repeats > 1 || repeats > 0 && !died {
		t.Errorf("%d messages were repeated", repeats)
	}
	if t.Failed() {
		t.Logf("died at point %d: %v", point, died)
	}
	return died, repeats
}
