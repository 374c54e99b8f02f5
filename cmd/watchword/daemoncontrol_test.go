package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"watchword/alerts/alertstest"
	"watchword/certs/certstest"
	"watchword/cmd/internal/control"
)

// command runs watchword and returns its exit code and what it wrote.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return outcome(t, exec.Command("watchword", args...))
}

// outcome runs a command and returns its exit code and what it wrote.
func outcome(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// status asks a daemon by its state file. The exit code must be as documented.
func status(t *testing.T, state string) control.Status {
	t.Helper()
	code, out, errs := command(t, "status", "--state", state, "-o", "json")
	var s control.Status
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatalf("exit code %d: %v\n%s%s", code, err, out, errs)
	}
	if want := min(s.Checks.Failing, 1); code != want {
		t.Errorf("exit code %d with %d failing checks", code, s.Checks.Failing)
	}
	return s
}

// incident is what a status says of a check, nil if it is well.
func incident(s control.Status, check string) *control.Incident {
	for i := range s.Incidents {
		if s.Incidents[i].Check == check {
			return &s.Incidents[i]
		}
	}
	return nil
}

// TestMuteBeforeItFires: a check that is muted before it fails is told to
// nobody, whatever happens to the daemon meanwhile, and everywhere is said
// why; it is told when the mute is ended.
func TestMuteBeforeItFires(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck+strings.ReplaceAll(ordersCheck, "orders", "other"))
	state := filepath.Join(s.dir, "watchword.db")
	p := startDaemon(t, path)
	if info, err := os.Lstat(state + ".sock"); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	eventually(t, "both checks pass", func() bool { return status(t, state).Checks.Passing == 2 })
	if code, out, errs := command(t, "status", "--state", state); code != 0 || !strings.HasPrefix(out, "Nothing is failing: 2 checks pass.\n") {
		t.Errorf("exit code %d:\n%s%s", code, out, errs)
	}

	code, out, errs := command(t, "mute", "ord*", "--for", "1d", "--why", "migration", "--state", state)
	if code != 0 || !strings.HasPrefix(out, "ord*: 1 check is muted until ") || !strings.HasSuffix(out, ", for 1d:\n  orders\n") || errs != "" {
		t.Errorf("mute: exit code %d\n%s%s", code, out, errs)
	}
	s.broken.Store(true)
	eventually(t, "the other check is told", s.told("🔴 other is failing"))
	held := func() bool {
		i := incident(status(t, state), "orders")
		return i != nil && i.Runs > 1 && strings.HasPrefix(i.Untold, "muted until ") && strings.HasSuffix(i.Untold, "): migration") && i.Told == nil
	}
	eventually(t, "status says why orders is not told", held)

	if err := p.cmd.Process.Kill(); err != nil { // the socket stays, and the mute must
		t.Fatal(err)
	}
	p.wait()
	if code, _, errs := command(t, "status", "--state", state); code != 2 || !strings.Contains(errs, "no daemon answers at "+state+".sock: the socket was left by a daemon that no longer runs") {
		t.Errorf("without a daemon: exit code %d\n%s", code, errs)
	}
	p = startDaemon(t, path)
	eventually(t, "orders has failed again", func() bool {
		return p.metric(`watchword_check_status{check="orders",group="",location="fra1",status="failing"}`) == "1"
	})
	eventually(t, "status still says why orders is not told", held)
	if now := status(t, state); len(now.Mutes) != 1 || now.Mutes[0].Pattern != "ord*" || now.Mutes[0].Why != "migration" || now.Mutes[0].Checks != 1 {
		t.Errorf("mutes after the restart: %+v", now.Mutes)
	}
	if v := p.metric(`watchword_check_muted{by="mute",check="orders",group="",location="fra1"}`); v != "1" {
		t.Errorf("watchword_check_muted is %q", v)
	}
	if _, page := p.get("/"); !strings.Contains(page, ">muted until ") || !strings.Contains(page, "): migration</small>") {
		t.Errorf("the status page does not say that orders is muted:\n%s", page)
	}
	if s.told("orders is failing")() {
		t.Errorf("a muted check was told: %q", s.texts())
	}

	code, out, errs = command(t, "unmute", "orders", "--state", state)
	if code != 2 || out != "" || !strings.Contains(errs, `no mute has the pattern "orders"; in force are:`+"\nord* until ") {
		t.Errorf("unmute of another: exit code %d\n%s%s", code, out, errs)
	}
	code, out, _ = command(t, "unmute", "ord*", "--state", state)
	if code != 0 || out != "ord*: 1 check is no longer muted; what fails is told now.\n" {
		t.Errorf("unmute: exit code %d\n%s", code, out)
	}
	eventually(t, "orders is told", s.told("🔴 orders is failing: status is 503"))
	if code, _, errs := command(t, "unmute", "ord*", "--state", state); code != 2 || !strings.Contains(errs, "none is in force") {
		t.Errorf("unmute again: exit code %d\n%s", code, errs)
	}

	var muted control.MuteAnswer
	code, out, errs = command(t, "mute", "o*", "--for", "1d", "--state", state, "-o", "json")
	if err := json.Unmarshal([]byte(out), &muted); err != nil || code != 0 || errs != "" || muted.Mute.Pattern != "o*" || !muted.Kept || len(muted.Checks) != 2 {
		t.Errorf("mute -o json: exit code %d, %v\n%s%s", code, err, out, errs)
	}
	var unmuted control.UnmuteAnswer
	for pattern, want := range map[string]int{"other": 2, "o*": 0} {
		code, out, errs = command(t, "unmute", pattern, "--state", state, "-o", "json")
		if err := json.Unmarshal([]byte(out), &unmuted); err != nil || code != want || errs != "" || unmuted.Ended != (want == 0) {
			t.Errorf("unmute %s -o json: exit code %d, %v\n%s%s", pattern, code, err, out, errs)
		}
	}
	p.signal(syscall.SIGTERM)
	p.wait()
	if _, err := os.Lstat(state + ".sock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
}

// TestMuteEnds: what still fails when a mute ends is told then.
func TestMuteEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	state := filepath.Join(s.dir, "watchword.db")
	startDaemon(t, path)
	until := time.Now().Add(5 * time.Second).Truncate(time.Second)
	if code, _, errs := command(t, "mute", "orders", "--until", until.Format(time.RFC3339), "--state", state); code != 0 {
		t.Fatalf("exit code %d\n%s", code, errs)
	}
	s.broken.Store(true)
	eventually(t, "orders is told", s.told("🔴 orders is failing"))
	for _, call := range s.slack.Calls() {
		if strings.Contains(call.Text, "is failing") && call.At.Before(until) {
			t.Errorf("told at %v, muted until %v", call.At, until)
		}
	}
	eventually(t, "no mute is in force", func() bool { return len(status(t, state).Mutes) == 0 })
}

// TestMuteOfNothing: a misspelt pattern is told, with what was meant.
func TestMuteOfNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	state := filepath.Join(s.dir, "watchword.db")
	startDaemon(t, path)
	code, out, errs := command(t, "mute", "odrers", "--for", "2h", "--state", state)
	if code != 0 || !strings.HasPrefix(out, "odrers is muted until ") || !strings.Contains(errs, `no check matches "odrers" now. Did you mean "orders"?`) {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	code, _, errs = command(t, "mute", "[", "--for", "2h", "--state", state)
	if code != 2 || !strings.Contains(errs, `pattern "["`) {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	// By the configuration, whose secrets are not read.
	cmd := exec.Command("watchword", "status", "-c", path)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SITE_TOKEN=") })
	cmd.Env = append(cmd.Env, "STATE_DIRECTORY="+s.dir)
	if code, out, errs := outcome(t, cmd); code != 0 || !strings.Contains(out, "odrers until ") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

// TestStatusOfABlockedReceiver: what waits for a receiver that refuses is
// shown with the reason, and with no secret.
func TestStatusOfABlockedReceiver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.slack.Fault = func(alertstest.Call) alertstest.Fault { return alertstest.Fault{Code: "invalid_auth"} }
	s.broken.Store(true)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	state := filepath.Join(s.dir, "watchword.db")
	startDaemon(t, path)
	eventually(t, "the receiver is blocked and the problem known", func() bool {
		now := status(t, state)
		return len(now.Receivers) == 1 && now.Receivers[0].Blocked != "" && now.Receivers[0].Pending > 0 && len(now.Problems) > 0
	})
	now := status(t, state)
	i := incident(now, "orders")
	if i == nil || i.Told == nil || len(i.Waiting) != 1 || i.Waiting[0] != "slack.oncall" || now.Receivers[0].Oldest == nil {
		t.Errorf("status %+v", now)
	}
	code, out, errs := command(t, "status", "--state", state)
	for _, want := range []string{"1 of 1 check is failing", "waits for slack.oncall since ", "receiver slack.oncall refuses messages", "invalid_auth", "blocked"} {
		if !strings.Contains(out, want) {
			t.Errorf("exit code %d, nothing says %q:\n%s%s", code, want, out, errs)
		}
	}
	if strings.Contains(out, siteToken) {
		t.Errorf("the token stands in\n%s", out)
	}
}

// TestHostileTextInStatus: what a target sends moves no cursor.
func TestHostileTextInStatus(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const evil = "\x1b[2J\x1b]0;owned\a\u202egnirts <!channel>\x7f"
	target := certstest.NewServer(t, &certstest.Server{
		Pair: s.ca.Server("*.acme.test"),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]string{"state": evil})
		}),
	})
	path := write(t, s.dir, "main.hcl", s.base()+`
check "orders" {
  request {
    url        = "https://orders.acme.test/"
    connect_to = "`+target.Addr()+`"
  }
  expect = [json.state == "up"]
}
`)
	state := filepath.Join(s.dir, "watchword.db")
	startDaemon(t, path)
	eventually(t, "the check fails", func() bool { return status(t, state).Checks.Failing == 1 })
	_, out, _ := command(t, "status", "--state", state)
	if !strings.Contains(out, "owned") || strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("%q", out)
	}
}

// TestSecondDaemonLeavesTheSocket: it ends, and the first goes on answering.
func TestSecondDaemonLeavesTheSocket(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	first := startDaemon(t, path)
	if code := launch(t, path).wait(); code != exitInvalid {
		t.Errorf("exit code %d of the second", code)
	}
	if now := status(t, filepath.Join(s.dir, "watchword.db")); now.PID != first.cmd.Process.Pid || now.Listen != first.addr {
		t.Errorf("status %+v", now)
	}
}

// TestSocketThatCannotBe: the daemon goes on without it, and leaves what
// stands in its place.
func TestSocketThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	file := write(t, s.dir, "watchword.db.sock", "precious")
	p := launch(t, path)
	p.await("making socket " + file + ": something else stands there")
	var entry struct{ Listen string }
	if err := json.Unmarshal([]byte(p.await(`"msg":"watching"`)), &entry); err != nil {
		t.Fatal(err)
	}
	p.addr = entry.Listen
	eventually(t, "the check passes", func() bool {
		return p.metric(`watchword_check_status{check="orders",group="",location="fra1",status="passing"}`) == "1"
	})
	code, _, errs := command(t, "status", "--state", filepath.Join(s.dir, "watchword.db"))
	if code != 2 || !strings.Contains(errs, "it is not a socket") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	p.signal(syscall.SIGTERM)
	p.wait()
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// TestGarbageDoesNotHurt: while the socket is full of those who say nonsense
// or nothing, checks run on, and status answers when they are gone.
func TestGarbageDoesNotHurt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	state := filepath.Join(s.dir, "watchword.db")
	p := startDaemon(t, path)
	var open []net.Conn
	for i := range 100 {
		c, err := net.Dial("unix", state+".sock")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		_, _ = fmt.Fprintf(c, "POST /v1/mute HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n%d\x00\xff", i) // it may hang up
	}
	const runs = `watchword_check_runs_total{check="orders",group="",location="fra1",outcome="passed"}`
	before := p.metric(runs)
	eventually(t, "checks run on", func() bool { return p.metric(runs) != before })
	for _, c := range open {
		_ = c.Close()
	}
	eventually(t, "status answers", func() bool { return status(t, state).Checks.Total == 1 })
}
