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
