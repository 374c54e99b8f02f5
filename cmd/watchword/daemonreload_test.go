package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestReloadsTellNothing reloads again and again while some checks fail, some
// wait for their `after`, and some pass; every other time the folder is
// half-written: a file that was cut off, one that is gone, one more with a
// mistake. Nothing may be told because of it, and what happens in between and
// afterwards must be.
func TestReloadsTellNothing(t *testing.T) {
	t.Parallel()
	reloads := 30
	if *full {
		reloads = 1_000
	}
	s := newSite(t)
	s.broken.Store(true)
	dir := filepath.Join(s.dir, "conf")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"probe.pem", "ca.pem"} {
		if err := os.Rename(filepath.Join(s.dir, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "base.hcl", s.base()+"route {\n  receivers  = [receiver.slack.oncall]\n  group_wait = \"1s\"\n}\n")
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "check \"c%d\" {\n  request { url = \"https://h%d.acme.test/\" }\n  alert { after = %d }\n}\n", i, i, 1+i%2*100_000)
	}
	checks := text.String()
	write(t, dir, "checks.hcl", checks)
	p := startDaemon(t, dir)
	eventually(t, "the failing checks were told", func() bool { return len(firing(s.slack.Messages())) == 10 })
	before := s.texts()

	refused := 0
	for i := range reloads {
		good := i%2 == 1
		switch {
		case good:
			write(t, dir, "checks.hcl", checks+fmt.Sprintf("# %d\n", i))
			_ = os.Remove(filepath.Join(dir, "more.hcl")) // it is not always there
		case i%3 == 0:
			write(t, dir, "checks.hcl", checks[:len(checks)-2-i%40])
		case i%3 == 1:
			write(t, dir, "more.hcl", "check \"new\" {\n  request {")
		default:
			write(t, dir, "checks.hcl", checks+"\x00")
		}
		p.signal(syscall.SIGHUP)
		if good {
			p.await("configuration reloaded")
		} else {
			p.await("configuration not reloaded")
			refused++
		}
	}
	if diff := s.texts(); !slices.Equal(diff, before) {
		t.Errorf("told before:\n%s\nand after the reloads:\n%s", strings.Join(before, "\n"), strings.Join(diff, "\n"))
	}
	s.broken.Store(false)
	eventually(t, "all is told to be well", func() bool {
		over := 0
		for _, m := range s.slack.Messages() {
			if m.Thread == "" && strings.HasPrefix(m.Text, "🟢 ") {
				over++
			}
		}
		return over == len(before)
	})
	t.Logf("%d reloads, %d of them refused, %d messages before and after", reloads, refused, len(before))
}

// TestReloadOverHTTP answers with the mistakes. A reload whose command hangs
// ends with the daemon, and so does the command.
func TestReloadOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	command := `
secret "token" {
  command = ["sh", "-c", "echo t; [ ! -e hang ] || { echo $$ >pid; exec sleep 600; }"]
  timeout = "1m"
}
check "guarded" {
  request {
    url          = "https://orders.acme.test/"
    bearer_token = secret.token
  }
}
`
	path := write(t, s.dir, "main.hcl", "%s", s.base()+command)
	p := startDaemon(t, path, "--web.enable-lifecycle")
	post := func() (status int, body string) {
		resp, err := newClient(nil).Post("http://"+p.addr+"/-/reload", "", nil)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, err.Error()
		}
		return resp.StatusCode, string(raw)
	}
	if status, body := post(); status != http.StatusOK || body != "reloaded\n" {
		t.Errorf("status %d: %s", status, body)
	}
	write(t, s.dir, "main.hcl", "%s", s.base()+`check "orders" { schedul = "x" }`)
	if status, body := post(); status != http.StatusInternalServerError || !strings.Contains(body, "the old configuration goes on: ") || !strings.Contains(body, "schedul") {
		t.Errorf("status %d: %s", status, body)
	}

	write(t, s.dir, "main.hcl", "%s", s.base()+command)
	write(t, s.dir, "hang", "")
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		post()
	}()
	var pid int
	eventually(t, "the command hangs", func() bool {
		raw, err := os.ReadFile(filepath.Join(s.dir, "pid"))
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(raw)))
		return err == nil
	})
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code is %d, want 0", code)
	}
	<-answered
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the command outlives the daemon: %v", err)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
