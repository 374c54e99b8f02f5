package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// withToken is a configuration with a receiver for whoever wants to see the
// value of secret s.
func withToken(secret string) string {
	return secret + `
receiver "slack" "r" {
  token   = secret.s
  channel = "#a"
}
`
}

func TestSecretCommands(t *testing.T) {
	t.Setenv("SECRET_COMMAND_TEST", "from the environment")
	tests := []struct{ name, command, want string }{
		{"stdout", `["printf", "hunter2"]`, "hunter2"},
		{"one newline is dropped", `["printf", "hunter2\\n\\n"]`, "hunter2\n"},
		{"carriage return", `["printf", "hunter2\\r\\n"]`, "hunter2"},
		{"no shell", `["printf", "%s", "$HOME; *"]`, "$HOME; *"},
		{"environment", `["printenv", "SECRET_COMMAND_TEST"]`, "from the environment"},
		{"relative program", `["./tool", "hunter3"]`, "hunter3"},
		{"relative argument", `["cat", "value"]`, "beside the file"},
		{"no input", `["sh", "-c", "cat; echo end"]`, "end"},
		{"stderr is no part of it", `["sh", "-c", "echo noise >&2; echo hunter4"]`, "hunter4"},
		{"largest", `["sh", "-c", "head -c 1048576 /dev/zero | tr '\\0' x; echo"]`, strings.Repeat("x", 1<<20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, "sub/a.hcl", withToken(`secret "s" { command = `+tt.command+` }`), "sub/value", "beside the file\n")
			echo, err := exec.LookPath("echo")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(echo, filepath.Join(dir, "sub", "tool")); err != nil {
				t.Fatal(err)
			}
			c := load(t, dir, Options{Validate: true})
			if got := c.Receivers[0].Slack.Token; got != tt.want {
				t.Errorf("secret is %.60q, want %.60q", got, tt.want)
			}
			if got := c.Redactor.Redact("<" + tt.want + ">"); got != "<***>" {
				t.Errorf("redacted to %.60q", got)
			}
		})
	}
}

// Every command waits for what the next writes, so one after the other they
// would all be killed.
func TestSecretCommandsRunAtTheSameTime(t *testing.T) {
	const n = 20
	var src strings.Builder
	for i := range n {
		fmt.Fprintf(&src, "secret \"s%d\" {\n  command = [\"sh\", \"-c\", \"touch %[1]d; until [ -e %d ]; do sleep 0.05; done; echo value\"]\n  timeout = \"1m\"\n}\n", i, (i+1)%n)
	}
	load(t, write(t, "a.hcl", src.String()), Options{Validate: true})
}

// fifo makes a pipe with a name: whoever opens it to write waits for the
// reader that the channel brings, and the reader sees the end of whoever did.
func fifo(t *testing.T, path string) <-chan *os.File {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	opened := make(chan *os.File, 1)
	go func() {
		f, err := os.Open(path)
		if err != nil {
			t.Error(err)
		}
		opened <- f
	}()
	return opened
}

// Who asked for a load and loses patience is not kept waiting by a command,
// and nothing that it has started goes on.
func TestSecretCommandIsKilledWithItsChildren(t *testing.T) {
	dir := write(t, "a.hcl", `
secret "s" {
  command = ["sh", "-c", "sleep 600 > alive & trap '' TERM; wait"]
  timeout = "1m"
}`)
	opened := fifo(t, filepath.Join(dir, "alive"))
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("nobody waits")
	alive := make(chan *os.File)
	go func() {
		f := <-opened
		cancel(gone)
		alive <- f
	}()
	if _, err := Load(ctx, dir, Options{}); !errors.Is(err, gone) {
		t.Errorf("Load: %v, want %v", err, gone)
	}
	f := <-alive
	defer f.Close()
	if _, err := io.ReadAll(f); err != nil { // ends when the child does
		t.Error(err)
	}
}

// A command that has ended has given its value, whatever it left behind.
func TestSecretCommandLeavesNothingBehind(t *testing.T) {
	dir := write(t, "a.hcl", withToken(`secret "s" { command = ["sh", "-c", "exec 3>alive; sleep 600 & echo hunter2"] }`))
	opened := fifo(t, filepath.Join(dir, "alive"))
	if got := load(t, dir, Options{Validate: true}).Receivers[0].Slack.Token; got != "hunter2" {
		t.Errorf("secret is %q", got)
	}
	f := <-opened
	defer f.Close()
	if _, err := io.ReadAll(f); err != nil {
		t.Error(err)
	}
}

// A command that hangs spoils what needs it, and nothing else.
func TestSecretCommandThatHangs(t *testing.T) {
	dir := write(t, "a.hcl", `
secret "hangs" {
  command = ["sleep", "600"]
  timeout = "50ms"
}
secret "fine" { command = ["echo", "hunter2"] }
receiver "slack" "a" {
  token   = secret.hangs
  channel = "#a"
}
receiver "slack" "b" {
  token   = secret.fine
  channel = "#a"
}
`)
	c := load(t, dir, Options{})
	if err := c.Receivers[0].Err; err == nil || !strings.Contains(err.Error(), "50ms") {
		t.Errorf("the receiver of the secret that hangs: %v", err)
	}
	if c.Receivers[1].Slack.Token != "hunter2" {
		t.Errorf("the other receiver is %+v", c.Receivers[1])
	}
	if len(c.Unreadable) != 1 || !c.Unreadable[0].Since.IsZero() || !strings.Contains(c.Unreadable[0].Text(), "the checks that need it fail") {
		t.Errorf("notices are %+v", c.Unreadable)
	}
	if want := []string{"hangs", "fine"}; !slices.Equal(c.Secrets, want) {
		t.Errorf("secrets are %q, want %q", c.Secrets, want)
	}
}

func TestOfflineRunsNothing(t *testing.T) {
	dir := write(t, "a.hcl", `secret "s" { command = ["touch", "ran"] }`)
	load(t, dir, Options{Offline: true, Validate: true, Commands: new(Commands)})
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the command ran")
	}
}

// A refreshing is a daemon that holds a configuration whose commands count
// their runs.
type refreshing struct {
	t        *testing.T
	dir      string
	commands *Commands
	current  *Config
}

// runs is how often the command of a secret has run.
func (r *refreshing) runs(secret string) int {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, secret+".runs"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}

func (r *refreshing) set(secret, value string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, secret), []byte(value), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *refreshing) load(recall bool) {
	r.t.Helper()
	r.current = load(r.t, r.dir, Options{Commands: r.commands, Recall: recall})
}

// wait waits for the next command to be due and loads if anything has changed.
func (r *refreshing) wait() (changed bool) {
	r.t.Helper()
	if !r.commands.Wait(r.t.Context()) {
		r.t.Fatal("Wait has ended")
	}
	if changed = r.commands.Refresh(r.t.Context()); changed {
		r.load(true)
	}
	return changed
}

func (r *refreshing) want(token string, changed, failed bool) {
	r.t.Helper()
	if got := r.current.Receivers[0].Slack.Token; got != token {
		r.t.Errorf("token is %q, want %q", got, token)
	}
	if got := r.wait(); got != changed {
		r.t.Errorf("changed is %t, want %t", got, changed)
	}
	if got := len(r.current.Unreadable) > 0; got != failed {
		r.t.Errorf("notices are %+v", r.current.Unreadable)
	}
}

func newRefreshing(t *testing.T) *refreshing {
	t.Helper()
	const block = `
secret %q {
  command = ["sh", "-c", "echo >> %[1]s.runs; cat %[1]s"]
  %s
}
`
	src := withToken(fmt.Sprintf(block, "s", `refresh = "5m"`) + fmt.Sprintf(block, "rare", `refresh = "1h"`) + fmt.Sprintf(block, "once", ""))
	r := &refreshing{t: t, dir: write(t, "a.hcl", src), commands: new(Commands)}
	for _, name := range []string{"s", "rare", "once"} {
		r.set(name, "first")
	}
	return r
}

func TestSecretRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing(t)
		began := time.Now()
		r.load(false)
		r.want("first", false, false)
		if took := time.Since(began); took != 5*time.Minute {
			t.Errorf("due after %s, want 5m", took)
		}
		r.set("s", "second")
		r.want("first", true, false)

		// A failure leaves the value, is told once, and is tried again soon.
		r.set("s", "")
		r.want("second", true, true)
		if text := r.current.Unreadable[0].Text(); !strings.Contains(text, "its value of ") || !strings.Contains(text, "wrote nothing") {
			t.Errorf("the notice is %q", text)
		}
		failed := time.Now()
		r.want("second", false, true)
		if took := time.Since(failed); took != time.Minute {
			t.Errorf("tried again after %s, want 1m", took)
		}
		r.set("s", "third")
		r.want("second", true, false)
		if got := r.current.Receivers[0].Slack.Token; got != "third" {
			t.Errorf("token is %q, want the third", got)
		}
		if r.runs("s") != 6 || r.runs("rare") != 1 || r.runs("once") != 1 {
			t.Errorf("ran %d, %d and %d times, want 6, 1 and 1", r.runs("s"), r.runs("rare"), r.runs("once"))
		}

		// Any other reason to load runs all of them again.
		r.load(false)
		if r.runs("s") != 7 || r.runs("rare") != 2 || r.runs("once") != 2 {
			t.Errorf("ran %d, %d and %d times, want once more each", r.runs("s"), r.runs("rare"), r.runs("once"))
		}
	})
}

// A command that never gave a value is tried again, with or without refresh.
func TestSecretCommandComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing(t)
		r.set("once", "")
		r.load(false)
		if len(r.current.Unreadable) != 1 || !r.current.Unreadable[0].Since.IsZero() {
			t.Fatalf("notices are %+v", r.current.Unreadable)
		}
		r.set("once", "here")
		r.want("first", true, false)
		if r.runs("once") != 2 || r.runs("s") != 1 {
			t.Errorf("ran %d and %d times, want 2 and 1", r.runs("once"), r.runs("s"))
		}
	})
}

// A configuration with mistakes has no say in what is refreshed, and what its
// commands said is not lost on the one that goes on.
func TestSecretRefreshAfterRefusedLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing(t)
		r.load(false)
		src, err := os.ReadFile(filepath.Join(r.dir, "a.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		r.set("s", "second")
		r.set("a.hcl", string(src)+`nonsense "x" {}`)
		if _, err := Load(t.Context(), r.dir, Options{Commands: r.commands}); err == nil {
			t.Fatal("no mistake was found")
		}
		r.set("a.hcl", string(src))
		r.want("first", true, false)
		if got := r.current.Receivers[0].Slack.Token; got != "second" {
			t.Errorf("token is %q, want the second", got)
		}
	})
}

// A command that is written anew has never run: what the one before gave is
// nothing that it may go on with.
func TestSecretOfAnotherCommand(t *testing.T) {
	dir := write(t, "a.hcl", withToken(`secret "s" { command = ["echo", "hunter2"] }`))
	commands := new(Commands)
	load(t, dir, Options{Commands: commands})
	if err := os.WriteFile(filepath.Join(dir, "a.hcl"), []byte(withToken(`secret "s" { command = ["false"] }`)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := load(t, dir, Options{Commands: commands, Recall: true})
	if c.Receivers[0].Err == nil || c.Receivers[0].Slack.Token != "" {
		t.Errorf("receiver is %+v, want the failure", c.Receivers[0])
	}
}

func TestWaitIsWokenByLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRefreshing(t)
		began := time.Now()
		time.AfterFunc(time.Hour, func() { r.load(false) })
		if !r.commands.Wait(t.Context()) {
			t.Fatal("Wait has ended")
		}
		if took := time.Since(began); took != time.Hour+5*time.Minute {
			t.Errorf("due after %s, want 1h5m", took)
		}
	})
}
