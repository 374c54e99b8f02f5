package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"watchword/certs/certstest"
	"watchword/cmd/internal/config"
)

// A guarded API remembers the Authorization of the last request.
type guarded struct {
	*certstest.Server

	mu   sync.Mutex
	last string
}

func newGuarded(t *testing.T, ca *certstest.CA) *guarded {
	t.Helper()
	g := new(guarded)
	g.Server = certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("*.acme.test"),
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.last = r.Header.Get("Authorization")
		}),
	})
	return g
}

// asked tells whether the last request bore the token.
func (g *guarded) asked(token string) func() bool {
	return func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.last == "Bearer "+token
	}
}

// check is a check that shows secret token to the API.
func (g *guarded) check(name string) string {
	return fmt.Sprintf(`
check %q {
  request {
    url          = "https://%[1]s.acme.test/"
    connect_to   = %[2]q
    bearer_token = secret.token
  }
}
`, name, g.Addr())
}

// A token that a command gives anew reaches the requests by itself. When the
// command fails, the token goes on, and somebody is told.
func TestDaemonRefreshesSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	api := newGuarded(t, s.ca)
	tokens := []string{"canary-token-one", "canary-token-two", "canary-token-three"}
	write(t, s.dir, "token", tokens[0])
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck+api.check("guarded")+`
secret "token" {
  command = ["sh", "-c", "cat token || { cat token.before >&2; exit 1; }"]
  refresh = "1s"
}
`)
	p := startDaemon(t, path)
	eventually(t, "the API sees the first token", api.asked(tokens[0]))
	write(t, s.dir, "token", tokens[1])
	eventually(t, "the API sees the second token", api.asked(tokens[1]))

	if err := os.Rename(filepath.Join(s.dir, "token"), filepath.Join(s.dir, "token.before")); err != nil {
		t.Fatal(err)
	}
	failed := `watchword_secret_load_failed{location="fra1",secret="token"}`
	eventually(t, "the failure is measured", func() bool { return p.metric(failed) == "1" })
	eventually(t, "Slack is told", s.told("secret token cannot be renewed, and its value of "))
	runs := `watchword_check_runs_total{check="guarded",group="",location="fra1",outcome="passed"}`
	before := p.metric(runs)
	eventually(t, "the check goes on", func() bool { return p.metric(runs) != before })
	if !api.asked(tokens[1])() {
		t.Error("the API does not see the second token any more")
	}

	write(t, s.dir, "token", tokens[2])
	eventually(t, "the API sees the third token", api.asked(tokens[2]))
	eventually(t, "the failure is over", func() bool { return p.metric(failed) == "0" })

	outputs := s.outputs(p)
	promtoolIsSilent(t, outputs["metrics"])
	for where, text := range outputs {
		if strings.Contains(text, "canary-token") {
			t.Errorf("%s: holds a token", where)
		}
	}
	if log := outputs["log"]; strings.Contains(log, "check failed") || strings.Contains(log, "check unknown") {
		t.Errorf("a check has failed:\n%s", log)
	}
}

// A command that hangs fails the checks that need it, and they come back once
// it answers.
func TestDaemonRunsWithCommandThatHangs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	api := newGuarded(t, s.ca)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck+api.check("guarded")+`
secret "token" {
  command = ["sh", "-c", "[ -e token ] || sleep 600; cat token"]
  refresh = "1s"
  timeout = "1s"
}
`)
	p := startDaemon(t, path)
	eventually(t, "the healthy check passes", func() bool {
		return p.metric(`watchword_check_status{check="orders",group="",location="fra1",status="passing"}`) == "1"
	})
	eventually(t, "the other one has its reason", func() bool {
		return p.metric(`watchword_check_failures_total{check="guarded",group="",location="fra1",reason="internal"}`) != ""
	})
	eventually(t, "Slack is told of the secret", s.told("⚠️ watchword at fra1: secret token cannot be used"))
	if got := p.metric(`watchword_check_runs_total{check="guarded",group="",location="fra1",outcome="failed"}`); got != "0" {
		t.Errorf("%s runs count as failures of the API, want 0", got)
	}
	write(t, s.dir, "token", "hunter2")
	eventually(t, "the API sees the token", api.asked("hunter2"))
}

// Wherever a secret comes from, an API that gives it back does not make it
// seen.
func TestDaemonKeepsSecretsOfEverySource(t *testing.T) {
	t.Parallel()
	const canary = siteCanary
	s := newSite(t)
	api := certstest.NewServer(t, &certstest.Server{
		Pair: s.ca.Server("*.acme.test"),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			for _, source := range []string{"Env", "File", "Command", "Age"} {
				fmt.Fprintf(w, "%s=%s\n", source, r.Header.Get("X-"+source))
			}
		}),
	})
	write(t, s.dir, "file", canary+"file")
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.dir, "identity.txt", id.String())
	sealed, err := config.Seal([]byte(canary+"age"), config.Recipients{Keys: []string{id.Recipient().String()}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.dir, "sealed.age", string(sealed))
	path := write(t, s.dir, "main.hcl", s.base()+fmt.Sprintf(`
secret "env"     { env = "SITE_ENV" }
secret "file"    { file = "file" }
secret "command" { command = ["printf", %q, %q] }
secret "age"     { age_file = "sealed.age" }
check "echo" {
  show_body = true
  request {
    url        = "https://echo.acme.test/"
    connect_to = %q
    headers    = { X-Env = secret.env, X-File = secret.file, X-Command = secret.command, X-Age = secret.age }
  }
  expect = [status == 200, body == secret.command]
}
`, "%scommand", canary, api.Addr()))
	p := startDaemon(t, path, "--age-identity", filepath.Join(s.dir, "identity.txt"))
	eventually(t, "Slack is told", s.told("echo is failing"))
	outputs := s.outputs(p)
	for _, source := range []string{"Env", "File", "Command", "Age"} {
		if !strings.Contains(outputs["messages"], source+"=***") {
			t.Errorf("the message does not show the body with %s redacted:\n%s", source, outputs["messages"])
		}
	}
	for where, text := range outputs {
		for _, form := range []string{"canary", "9f&3", "9f%263", "9f\\u00263", "Y2FuYXJ5LzlmJjM"} {
			if strings.Contains(text, form) {
				t.Errorf("%s: holds a secret as %q", where, form)
			}
		}
	}
}

// SIGTERM waits for no command, at the start or at a reload, and leaves
// nothing of it behind.
func TestDaemonEndsWhileCommandHangs(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"start", "reload"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			alive := filepath.Join(s.dir, "alive")
			path := write(t, s.dir, "main.hcl", s.base()+ordersCheck+`
secret "token" {
  command = ["sh", "-c", "if [ -e alive ]; then sleep 600 > alive; fi; echo hunter2"]
  timeout = "1m"
}
`)
			var p *process
			if when == "reload" {
				p = startDaemon(t, path)
			}
			if err := syscall.Mkfifo(alive, 0o600); err != nil {
				t.Fatal(err)
			}
			if p == nil {
				p = launch(t, path)
			} else {
				p.signal(syscall.SIGHUP)
			}
			child, err := os.Open(alive) // waits for the command
			if err != nil {
				t.Fatal(err)
			}
			defer child.Close()
			told := time.Now()
			p.signal(syscall.SIGTERM)
			if code := p.wait(); code != 0 {
				t.Errorf("exit code is %d, want 0:\n%s", code, p.log())
			}
			if took := time.Since(told); took > 40*time.Second { // the command has a minute
				t.Errorf("it took %s to end", took)
			}
			if _, err := io.ReadAll(child); err != nil { // ends when the command does
				t.Error(err)
			}
		})
	}
}
