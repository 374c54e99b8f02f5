package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestTellsTheServiceManager has the daemon started as systemd starts a unit
// with Type=notify and WatchdogSec.
func TestTellsTheServiceManager(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
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
	next("the start", "READY=1\n", "STATUS=watching 1 check with 1 certificate\n")
	next("a sign of life", "WATCHDOG=1\n")
	next("a sign of life", "WATCHDOG=1\n")

	p.signal(syscall.SIGHUP)
	next("a reload", "RELOADING=1\n", "MONOTONIC_USEC=")
	next("its end", "READY=1\n", "STATUS=watching 1 check with 1 certificate\n")

	write(t, s.dir, "main.hcl", "check {}")
	next("a reload because of the file", "RELOADING=1\n", "MONOTONIC_USEC=")
	next("its end", "READY=1\n", "STATUS=the configuration was refused")

	p.signal(syscall.SIGTERM)
	next("the end", "STOPPING=1\n")
	if code := p.wait(); code != 0 || beats < 2 {
		t.Errorf("exit code %d, %d signs of life", code, beats)
	}
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
