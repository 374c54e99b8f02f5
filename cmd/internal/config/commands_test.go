package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

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
