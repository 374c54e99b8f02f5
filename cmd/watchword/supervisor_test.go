package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"watchword/scheduler"
)

// TestTellsTheServiceManager has the daemon started as systemd starts a unit
// with Type=notify and WatchdogSec.
func TestTellsTheServiceManager(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	waiting := newWaiting(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck+waiting.check())
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(s.dir, "notify")})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	beats := 0
	next := func(what string, want ...string) { // after signs of life
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		message := make([]byte, 4096)
		for {
			n, err := socket.Read(message)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			said := string(message[:n])
			if said == "WATCHDOG=1" {
				beats++
				if what != "a sign of life" {
					continue
				}
			}
			for _, w := range want {
				if !strings.Contains("\n"+said+"\n", "\n"+w) {
					t.Errorf("%s: said %q, want it to say %q", what, said, w)
				}
			}
			return
		}
	}
	cmd := exec.Command("watchword")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket.LocalAddr().String(), "WATCHDOG_USEC=3000000")
	p := launchProgram(t, cmd, path)
	next("the start", "READY=1\n", "STATUS=watching 2 checks with 1 certificate\n")
	next("a sign of life", "WATCHDOG=1\n")
	next("a sign of life", "WATCHDOG=1\n")

	p.signal(syscall.SIGHUP)
	next("a reload", "RELOADING=1\n", "MONOTONIC_USEC=")
	next("its end", "READY=1\n", "STATUS=watching 2 checks with 1 certificate\n")

	write(t, s.dir, "main.hcl", "check {}")
	next("a reload because of the file", "RELOADING=1\n", "MONOTONIC_USEC=")
	next("its end", "READY=1\n", "STATUS=the configuration was refused")

	eventually(t, "a run is in flight", func() bool { return waiting.requests.Load() > 0 })
	p.signal(syscall.SIGTERM)
	next("the end", "STOPPING=1\n")
	waiting.release()
	if code := p.wait(); code != 0 || beats < 2 {
		t.Errorf("exit code %d, %d signs of life", code, beats)
	}
	if log := p.log(); strings.Contains(log, `"check":"waits"`) { // what passes is not logged
		t.Errorf("it said that it stops when the last run was cut short, and not when the end began:\n%s", log)
	}
}

// A waiting server lets nobody have an answer before its release.
type waiting struct {
	*httptest.Server
	requests atomic.Int32 // that wait
	release  func()
}

func newWaiting(t *testing.T) *waiting {
	t.Helper()
	released := make(chan struct{})
	w := &waiting{release: sync.OnceFunc(func() { close(released) })}
	w.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		defer w.requests.Add(-1)
		select {
		case <-released:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		w.release()
		w.Close()
	})
	return w
}

// check is one that waits.
func (w *waiting) check() string {
	return "check \"waits\" {\n  timeout = \"10m\"\n  request {\n    url        = \"" + w.URL + "\"\n    connect_to = \"" + w.Listener.Addr().String() + "\"\n  }\n}\n"
}

// A scheduler is not stuck that has not begun, or that waits for the last runs.
func TestNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{scheduler: &scheduler.Scheduler{Grace: time.Minute}}
		ctx, cancel := context.WithCancel(t.Context())
		wantAtMost := func(most time.Duration, when string) {
			t.Helper()
			if got := d.stuck(ctx); got > most {
				t.Errorf("%s: stuck for %v, want %v at most", when, got, most)
			}
		}
		wantAtMost(0, "before it begins")
		schedule, err := scheduler.Parse("@every 10s", time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		d.scheduler.Set([]scheduler.Job{{Name: "waits", Schedule: schedule, Run: func(ctx context.Context, _ time.Time) { <-ctx.Done() }}})
		var wg sync.WaitGroup
		wg.Go(func() { _ = d.scheduler.Run(ctx) })
		<-time.After(time.Minute)
		wantAtMost(time.Second, "while it looks for what is due")
		cancel()
		<-time.After(30 * time.Second)
		wantAtMost(0, "while it waits for the last runs")
		wg.Wait()
	})
}

// A short WatchdogSec asks for no more than once a second from the scheduler.
func TestShortWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signs := 0
		s := supervisor{Logger: slog.New(slog.DiscardHandler), Watchdog: 1500 * time.Millisecond, tell: func(string) (bool, error) {
			signs++
			return true, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second-time.Millisecond)
		defer cancel()
		if err := s.keepAlive(ctx, func() time.Duration { return time.Second }); err != nil {
			t.Error(err)
		}
		if signs != 20 {
			t.Errorf("%d signs of life, want 20", signs)
		}
	})
}

// When the scheduler no longer looks for what is due, there is no sign of life.
func TestNoSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		s := supervisor{Logger: slog.New(slog.DiscardHandler), Watchdog: 30 * time.Second, tell: func(state string) (bool, error) {
			said = append(said, state)
			return true, nil
		}}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 65*time.Second)
		defer cancel()
		err := s.keepAlive(ctx, func() time.Duration { return max(0, time.Since(began)-9*time.Second) })
		if err != nil {
			t.Error(err)
		}
		if len(said) != 3 { // at once, after 10 and 20 seconds
			t.Errorf("said %q, want 3 signs of life", said)
		}
	})
}
