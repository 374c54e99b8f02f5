package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"watchword/certs/certstest"
)

// full asks for the whole counts of the proofs, which take minutes.
var full = flag.Bool("full", false, "run the long proofs with their whole counts")

// arrivals records when each check's requests came.
type arrivals struct {
	mu    sync.Mutex
	first time.Time
	at    map[string][]time.Time
}

func (a *arrivals) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if a.first.IsZero() {
		a.first = now
	}
	a.at[r.URL.Path] = append(a.at[r.URL.Path], now)
}

func (a *arrivals) seen() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.at)
}

// memory is what Linux says of the memory that the daemon takes now (VmRSS, of
// which RssFile is the program itself) and took at most (VmHWM).
func (p *process) memory() string {
	status, err := os.ReadFile("/proc/" + p.pid() + "/status")
	if err != nil {
		return "memory is not known here"
	}
	var found []string
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if slices.Contains([]string{"VmRSS", "RssFile", "VmHWM"}, name) {
			found = append(found, name+" "+strings.TrimSpace(value))
		}
	}
	return strings.Join(found, ", ")
}

// TestReloadUnderLoad starts a large configuration, reloads it again and
// again while it runs, and looks at the arrivals of every check: none is
// missed, none comes twice.
func TestReloadUnderLoad(t *testing.T) {
	checks, identities, interval, watch := 120, 30, 3*time.Second, 8*time.Second
	if *full {
		checks, identities, interval, watch = 10_000, 1_000, time.Minute, 4*time.Minute
	}
	dir := t.TempDir()
	ca := certstest.NewCA(t)
	if _, err := ca.Save(dir, "ca"); err != nil {
		t.Fatal(err)
	}
	seen := &arrivals{at: make(map[string][]time.Time)}
	server := certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("*.acme.test"), ClientAuth: tls.RequireAndVerifyClientCert, Handler: seen,
	})
	var text strings.Builder
	for i := range identities {
		name := fmt.Sprintf("id-%d", i)
		if _, _, _, err := ca.Client(name).Save(dir, name); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "certificate %q {\n  host = \"h%d.acme.test\"\n  pem = \"%s.pem\"\n  ca = \"ca.pem\"\n}\n", name, i, name)
	}
	fmt.Fprintf(&text, "settings {\n  listen = \"127.0.0.1:0\"\n}\ndefaults {\n  schedule = \"@every %s\"\n  request { connect_to = %q }\n}\n", interval, server.Addr())
	for i := range checks {
		fmt.Fprintf(&text, "check \"c%d\" {\n  request { url = \"https://h%d.acme.test/c%d\" }\n}\n", i, i%identities, i)
	}
	path := write(t, dir, "main.hcl", text.String())

	began := time.Now()
	p := startDaemon(t, path)
	t.Logf("%d checks over %d certificates: started after %s", checks, identities, time.Since(began).Round(time.Millisecond))
	<-time.After(interval) // in which every check is due once
	eventually(t, "every check has run", func() bool { return seen.seen() == checks })
	t.Logf("first request after %s; once each check has run: %s", seen.first.Sub(began).Round(time.Millisecond), p.memory())

	reloads := 0
	for end := time.Now().Add(watch); time.Now().Before(end); reloads++ {
		write(t, dir, "more.hcl", "check \"extra\" {\n  timeout = \"%ds\"\n  request { url = \"https://h0.acme.test/extra\" }\n}\n", 1+reloads%9)
		p.signal(syscall.SIGHUP)
		p.await(`"msg":"configuration reloaded"`)
	}
	t.Logf("after %d reloads: %s", reloads, p.memory())
	next := p.metrics("watchword_check_next_run_timestamp_seconds", "check")
	skipped := p.metrics("watchword_check_skipped_total", "check")
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code is %d, want 0", code)
	}

	seen.mu.Lock()
	defer seen.mu.Unlock()
	runs, excused := 0, 0
	for check, at := range seen.at {
		if check == "/extra" {
			continue // its timer follows its configuration, which changes
		}
		// Of the slots before the next one, each from that of the first
		// arrival on ran, or is counted as skipped, which a machine that is too
		// busy may cause. However late a run arrives: the slot that comes
		// meanwhile is skipped.
		due := time.UnixMicro(int64(next[check[1:]] * 1e6))
		slots := int(math.Ceil(float64(due.Sub(at[0])) / float64(interval)))
		before := 0
		for _, a := range at {
			if a.Before(due) {
				before++
			}
		}
		if before > slots {
			t.Errorf("%s ran %d times in %d slots: a run was doubled", check, before, slots)
		}
		missing := slots - len(at)
		if missing > int(skipped[check[1:]]) {
			t.Errorf("%s ran %d times in %d slots, and %v are counted as skipped: a run was lost", check, len(at), slots, skipped[check[1:]])
		}
		runs += len(at)
		excused += max(0, missing)
	}
	t.Logf("%d reloads, %d runs, %d skipped", reloads, runs, excused)
}
