package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/cmd/internal/store"
	"watchword/cmd/internal/store/storetest"
)

// damageConfig has checks that fail, and a Slack that is down.
func damageConfig(api, schedule string) string {
	var text strings.Builder
	text.WriteString(`
settings { listen = "127.0.0.1:0" }
receiver "slack" "oncall" {
  token   = "xoxb-damage"
  channel = "#oncall"
  api_url = "http://127.0.0.1:1/"
}
route {
  receivers  = [receiver.slack.oncall]
  group_wait = "0s"
}
`)
	for i := range 40 {
		fmt.Fprintf(&text, "check \"c%d\" {\n  schedule = %q\n  request { url = \"%s/%d\" }\n}\n", i, schedule, api, i)
	}
	return text.String()
}

// stateOfIncidents lets a daemon make a state file with incidents, one of which
// is over, and undelivered messages. It returns what the file was like on the
// way there, and at last, and the API that the checks ask.
func stateOfIncidents(t *testing.T) (v storetest.Victim, api string) {
	t.Helper()
	var well atomic.Bool // one of the checks
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !well.Load() || r.URL.Path != "/0" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	p := startDaemon(t, write(t, dir, "main.hcl", damageConfig(server.URL, "@every 1s")))
	path := filepath.Join(dir, "watchword.db")
	read := func() []byte {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	pending := func() string { return p.metric(`watchword_outbox_pending{location="",receiver="slack.oncall"}`) }
	eventually(t, "something is queued", func() bool { return pending() != "" && pending() != "0" })
	v = storetest.Victim{Earlier: read(), PageSize: os.Getpagesize()}
	eventually(t, "all checks fail", func() bool { return pending() == "40" })
	well.Store(true)
	eventually(t, "one is well again", func() bool { return pending() == "41" })
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	v.File = read()
	return v, server.URL
}

// remembered is what stands in a state file.
type remembered struct {
	States map[string]alerts.State
	Queue  []alerts.Notification
	Closed []alerts.ClosedIncident
}

func remember(t *testing.T, path string) remembered {
	t.Helper()
	db, err := store.Open(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if p := db.Problems(); p != nil {
		t.Fatalf("the daemon left a file with problems: %v", p)
	}
	snap, err := db.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q, err := db.Pending(t.Context(), "slack.oncall", alerts.MaxQueue)
	if err != nil {
		t.Fatal(err)
	}
	for i := range q.Notifications {
		q.Notifications[i].Attempted = false // it tries to send them meanwhile
	}
	return remembered{snap.States, q.Notifications, snap.Closed}
}

// TestDamagedState starts the daemon on damaged state files: each time it
// watches, and either knows every record or has put the file aside and says so.
func TestDamagedState(t *testing.T) {
	count := 64
	if *full {
		count = 1_000
	}
	v, api := stateOfIncidents(t)
	text := damageConfig(api, "0 0 29 2 *")
	sound, quarantined, took := restart(t, text, v.File)
	if quarantined || len(sound.Queue) != 41 || len(sound.Closed) != 1 {
		t.Fatalf("put aside: %v, %d queued, %d over", quarantined, len(sound.Queue), len(sound.Closed))
	}
	kinds := storetest.Kinds()
	var aside, same atomic.Int64
	var longest atomic.Int64
	t.Run("at random", func(t *testing.T) {
		for i := range count {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				file, how := v.Damage(rand.New(rand.NewPCG(5, uint64(i))), kinds[i%len(kinds)])
				got, quarantined, took := restart(t, text, file)
				for old := longest.Load(); old < int64(took) && !longest.CompareAndSwap(old, int64(took)); {
					old = longest.Load()
				}
				switch {
				case quarantined:
					aside.Add(1)
				case cmp.Equal(got, sound):
					same.Add(1)
				default:
					t.Errorf("%s: taken for sound, and what is known differs:\n%s", how, cmp.Diff(sound, got))
				}
			})
		}
	})
	t.Logf("%d starts with damaged files of %d KiB: %d put aside, %d with every record as it was; the longest took %v, a sound one %v",
		count, len(v.File)>>10, aside.Load(), same.Load(), time.Duration(longest.Load()).Round(time.Millisecond), took.Round(time.Millisecond))
	if int(aside.Load()) < count/4 {
		t.Error("damage is hardly noticed")
	}
}

// restart starts a daemon on a state file, kills it once it watches, and
// returns what it knew then.
func restart(t *testing.T, text string, file []byte) (got remembered, quarantined bool, took time.Duration) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "watchword.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	p := launch(t, write(t, dir, "main.hcl", text))
	p.listening()
	took = time.Since(start)
	quarantined = p.metric(`watchword_store_quarantined_total{location=""}`) == "1"
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.wait()
	got = remember(t, path)
	copies, _ := filepath.Glob(path + ".damaged-*")
	if quarantined != (len(copies) == 1) {
		t.Fatalf("put aside: %v, but there are %v", quarantined, copies)
	}
	if !quarantined {
		return got, false, took
	}
	if raw, err := os.ReadFile(copies[0]); err != nil || !bytes.Equal(raw, file) {
		t.Errorf("what is put aside is not the file (%v)", err)
	}
	if len(got.Closed) != 0 || len(got.Queue) != 1 || !strings.Contains(got.Queue[0].Message.Headline+got.Queue[0].Message.Text, "put aside") {
		t.Errorf("to be told is %+v", got.Queue)
	}
	return got, true, took
}

// TestStateCheck examines files by the command.
func TestStateCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, api := stateOfIncidents(t)
	file := func(name string, content []byte) string { return write(t, dir, name, string(content)) }
	damaged := bytes.Clone(v.File)
	clear(damaged[4096*2:])
	file("watchword.db", damaged)
	p := launch(t, write(t, dir, "main.hcl", damageConfig(api, "0 0 29 2 *")))
	p.await("watchword.db was damaged (")
	p.listening()
	if _, page := p.get("/"); !strings.Contains(page, "put aside as") {
		t.Errorf("the status page does not say that the file was damaged:\n%s", page)
	}
	sound := file("sound.db", v.File)
	r, err := store.Check(t.Context(), sound, nil)
	if err != nil || r.Records < 40+1+41 { // an attempt to send that was under way at the end is a record too
		t.Errorf("got %+v, %v", r, err)
	}
	for _, tc := range []struct {
		path string
		code int
		want string
	}{
		{sound, exitOK, fmt.Sprintf("sound.db is sound: %d records (40 states of checks and certificates, 39 incidents open and 1 over; 41 notifications queued; ", r.Records)},
		{file("empty.db", nil), exitOK, "empty.db is sound: it is empty, as a new one is"},
		{file("damaged.db", damaged), exitFailed, "puts it aside and begins a new one"},
		{file("text.db", bytes.Repeat([]byte("text\n"), 5000)), exitInvalid, "text.db: it is no state file of watchword"},
		{filepath.Join(dir, "watchword.db"), exitInvalid, "another watchword has it open: the process with pid " + p.pid()},
		{filepath.Join(dir, "missing.db"), exitInvalid, "missing.db: no such file or directory"},
		{dir, exitInvalid, "it is a directory, not a file"},
	} {
		before, _ := os.ReadFile(tc.path)
		out, err := exec.Command("watchword", "state", "check", tc.path).CombinedOutput()
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		}
		if code != tc.code || !strings.Contains(string(out), tc.want) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", tc.path, code, tc.code, tc.want, out)
		}
		if after, _ := os.ReadFile(tc.path); !bytes.Equal(before, after) && tc.code == exitOK {
			t.Errorf("%s was changed", tc.path)
		}
	}
}

// TestStateIsCheckedApart looks at how the program starts itself.
func TestStateIsCheckedApart(t *testing.T) {
	cmd, err := stateChild(context.Background(), "-a file")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"state", "check", "--in-this-process", "--", "-a file"}; !cmp.Equal(cmd.Args[1:], want) {
		t.Errorf("got %q, want %q", cmd.Args[1:], want)
	}
}
