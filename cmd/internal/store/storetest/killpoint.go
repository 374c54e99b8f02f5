package storetest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// KillAt is the environment variable that says at which of its killpoints a
// program dies, from 1 on.
const KillAt = "WATCHWORD_TEST_KILL_AT"

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
	if at, err := strconv.Atoi(os.Getenv("` + KillAt + `")); err == nil && int64(at) == killpoints.Add(1) {
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

// BuildWithKillpoints has the go command build the package in the working
// directory, with a copy of the database in which every write, every sync and
// every change of the file's size is two killpoints: one right before, one right
// after. It returns the program.
func BuildWithKillpoints(t *testing.T, command ...string) string {
	t.Helper()
	goTool := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...) //nolint:gosec // of a test
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
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil { //nolint:gosec // within a folder of the test
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
	program := filepath.Join(dir, "program")
	goTool(append(command, "-modfile", filepath.Join(dir, "go.mod"), "-o", program, ".")...)
	return program
}

// AtPoints tries every so many-th killpoint, several at once, until a program
// no longer dies there. try says whether it did, and how many messages came
// twice; AtPoints returns at how many it died, and the sum.
func AtPoints(t *testing.T, step int, try func(t *testing.T, point int) (died bool, repeats int)) (points, repeats int64) {
	t.Helper()
	var died, repeated atomic.Int64
	const lanes = 4
	t.Run("points", func(t *testing.T) {
		for lane := range lanes {
			t.Run(strconv.Itoa(lane), func(t *testing.T) {
				t.Parallel()
				for point := 1 + lane*step; !t.Failed(); point += lanes * step {
					dead, twice := try(t, point)
					if !dead {
						return
					}
					died.Add(1)
					repeated.Add(int64(twice))
				}
			})
		}
	})
	return died.Load(), repeated.Load()
}
