//go:build linux

package store

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"watchword/alerts/alertstest"
)

const killAt = "WATCHWORD_TEST_KILL_AT"

// killpoints is what the database is given for a test: whatever changes the
// file kills the process right before or right after, when its turn has come.
const killpoints = `package bbolt

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

var killpoints atomic.Int64

func killpoint(change func() error) error {
	dies()
	err := change()
	dies()
	return err
}

func dies() {
	if at, err := strconv.Atoi(os.Getenv("` + killAt + `")); err == nil && int64(at) == killpoints.Add(1) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func killpointWrite(write func([]byte, int64) (int, error)) func([]byte, int64) (int, error) {
	return func(b []byte, off int64) (n int, err error) {
		err = killpoint(func() error { n, err = write(b, off); return err })
		return n, err
	}
}
`

// buildWithKillpoints builds this test with a copy of the database in which
// every write, every sync and every change of the file's size is a killpoint.
func buildWithKillpoints(t *testing.T) string {
	t.Helper()
	goTool := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return strings.TrimSpace(string(out))
	}
	dir := t.TempDir()
	database := filepath.Join(dir, "bbolt")
	if err := os.CopyFS(database, os.DirFS(goTool("list", "-m", "-f", "{{.Dir}}", "go.etcd.io/bbolt"))); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, change := range []struct{ file, old, new string }{
		{"db.go", "db.ops.writeAt = db.file.WriteAt", "db.ops.writeAt = killpointWrite(db.file.WriteAt)"},
		{"db.go", "err := db.file.Truncate(int64(sz))", "err := killpoint(func() error { return db.file.Truncate(int64(sz)) })"},
		{"db.go", "err := db.file.Sync()", "err := killpoint(db.file.Sync)"},
		{"bolt_linux.go", "return syscall.Fdatasync(int(db.file.Fd()))", "return killpoint(func() error { return syscall.Fdatasync(int(db.file.Fd())) })"},
	} {
		name := filepath.Join(database, change.file)
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(raw), change.old); n != 1 {
			t.Fatalf("%s has %q %d times", change.file, change.old, n)
		}
		if err := os.Chmod(name, 0o600); err != nil { // modules are read-only
			t.Fatal(err)
		}
		write(name, strings.ReplaceAll(string(raw), change.old, change.new))
	}
	write(filepath.Join(database, "killpoint.go"), killpoints)

	root := filepath.Dir(goTool("env", "GOMOD"))
	for _, name := range []string{"go.mod", "go.sum"} {
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(dir, name), string(raw))
	}
	goTool("mod", "edit", "-replace", "go.etcd.io/bbolt="+database, filepath.Join(dir, "go.mod"))
	program := filepath.Join(dir, "burst")
	goTool("test", "-c", "-modfile", filepath.Join(dir, "go.mod"), "-o", program, ".")
	return program
}

// TestKilledAtEveryWrite kills a process right before and right after every
// single write to its state file while it tells of incidents, and starts it
// anew. Each incident must be told, in order, and what is told twice must be
// marked and be one message at most.
func TestKilledAtEveryWrite(t *testing.T) {
	program := buildWithKillpoints(t)
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
			cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", killAt, point))
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
