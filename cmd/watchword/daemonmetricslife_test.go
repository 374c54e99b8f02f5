//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"watchword/certs/certstest"
)

// A life is that of a daemon whose metrics are looked at again and again: at
// each look everything must hold that always holds.
type life struct {
	*site
	p       *process
	foreign *certstest.CA     // issues a certificate that nobody accepts
	expired *certstest.Server // presents a certificate that has expired
	refuses *certstest.Server // demands certificates of the foreign authority
	mode    atomic.Value      // of orders.acme.test: what becomes of the second step
	held    atomic.Value      // chan struct{}: slow.acme.test answers once it is closed
	places  string            // a line of the settings
	seen    map[string]bool   // names of metrics
}

func newLife(t *testing.T) *life {
	t.Helper()
	l := &life{site: newSite(t), foreign: certstest.NewCA(t, certstest.Options{Name: "Foreign CA"}), seen: make(map[string]bool)}
	open := make(chan struct{})
	close(open)
	l.mode.Store("passes")
	l.held.Store(open)
	l.api = certstest.NewServer(t, &certstest.Server{
		Pair: l.ca.Server("*.acme.test"), ClientAuth: tls.RequireAndVerifyClientCert, Handler: http.HandlerFunc(l.answer),
	})
	l.expired = certstest.NewServer(t, &certstest.Server{Pair: l.ca.ServerWith([]string{"expired.acme.test"}, certstest.Expired)})
	l.refuses = certstest.NewServer(t, &certstest.Server{
		Pair: l.ca.Server("refuses.acme.test"), ClientAuth: tls.RequireAndVerifyClientCert, ClientCA: l.foreign,
	})
	if _, _, _, err := l.ca.Client("second probe").Save(l.dir, "second"); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *life) answer(w http.ResponseWriter, r *http.Request) {
	switch host, _, _ := strings.Cut(r.Host, "."); {
	case host == "slow":
		select {
		case <-l.held.Load().(chan struct{}):
		case <-r.Context().Done():
		}
	case host == "orders" && l.mode.Load() == "degrades":
		w.Header().Set("X-Slow", "yes")
	case (host == "orders" || host == "child") && l.mode.Load() == "fails":
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, "an answer")
}

const shopCheck = `
group "shop" {
  labels = { team = "shop" }
  check "checkout" {
    retry {
      attempts = 2
      delay    = "1ms"
    }
    alert {
      after         = 2
      recover_after = 2
      severity      = "critical"
    }
    step "login" {
      request { url = "https://login.acme.test/" }
    }
    step "order" {
      request { url = "https://orders.acme.test/" }
      degraded_if = [header["x-slow"] == "yes"]
    }
    step "pay" {
      request { url = "https://pay.acme.test/" }
    }
  }
}
check "child" {
  depends_on = [check.shop.checkout]
  request { url = "https://child.acme.test/" }
}
`

// load writes the configuration with these parts beside what always stands in it.
func (l *life) load(parts ...string) string {
	base := strings.Replace(l.base(), `request { connect_to = "127.0.0.1:`, `request { connect_to = "localhost:`, 1) // so that there is a name to resolve
	base = strings.Replace(base, `location = "fra1"`, `location = "fra1"`+"\n  "+l.places, 1)
	return write(l.t, l.dir, "main.hcl", "%s", base+fmt.Sprintf(`
secret "unset" { env = "NO_SUCH_VARIABLE" }
certificate "second" {
  host = "refuses.acme.test"
  pem  = "second.pem"
  ca   = "ca.pem"
}
certificate "missing" {
  host    = "missing.acme.test"
  pem     = "missing.pem"
  primary = true
}
route {
  match     = { team = "shop" }
  receivers = [receiver.slack.oncall]
}
check "expired" {
  request {
    url        = "https://expired.acme.test/"
    connect_to = %q
  }
}
check "refuses" {
  request {
    url        = "https://refuses.acme.test/"
    connect_to = %q
  }
}
check "missing" {
  request { url = "https://missing.acme.test/" }
}
check "keyless" {
  request {
    url          = "https://keyless.acme.test/"
    bearer_token = secret.unset
  }
}
check "slow" {
  timeout = "5m"
  request { url = "https://slow.acme.test/" }
}
check "yearly" {
  schedule = "0 0 1 1 *"
  request { url = "https://yearly.acme.test/" }
}
`, l.expired.Addr(), l.refuses.Addr())+strings.Join(parts, "\n"))
}

func (l *life) reload(parts ...string) {
	l.t.Helper()
	l.load(parts...)
	l.p.signal(syscall.SIGHUP)
	l.p.await(`"msg":"configuration reloaded"`)
}

// await looks until all of the lines hold in one scrape, and every one of the
// conditions.
func (l *life) await(what string, lines []string, conditions ...func(scrape) bool) scrape {
	l.t.Helper()
	var last scrape
	ok := func() bool {
		last = l.p.scrape()
		last.judge(l.t, l.seen)
		return len(last.lacks(lines...)) == 0 && !slices.ContainsFunc(conditions, func(c func(scrape) bool) bool { return !c(last) })
	}
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			l.t.Fatalf("it did not happen that %s:\n%s", what, strings.Join(last.lacks(lines...), "\n"))
		}
		<-time.After(20 * time.Millisecond)
	}
	return last
}

// TestMetricsOfALife has a daemon see everything that can become of a check,
// and looks at every metric meanwhile.
func TestMetricsOfALife(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	write(t, l.dir, "watchword.db", "no database, and longer than an empty file")
	l.p = startDaemon(t, l.load(shopCheck))
	for _, stage := range []func(*testing.T){
		l.passes, l.before, l.certificates, l.degrades, l.fails, l.blocks, l.recovers,
		l.mutes, l.skips, l.knowsNothing, l.refusesFiles, l.fillsTheDisk, l.goes,
	} {
		if stage(t); t.Failed() {
			return
		}
	}
	for _, r := range rows() {
		if !l.seen["watchword_"+r.name] {
			t.Errorf("watchword_%s was never there", r.name)
		}
	}
	for _, name := range []string{"go_goroutines", "go_memstats_heap_alloc_bytes", "process_resident_memory_bytes", "process_open_fds"} {
		l.p.scrape().is(t, name+" > 0")
	}
}

// prlimit changes a limit of the daemon until restore is called.
func (l *life) prlimit(resource int, to uint64) (restore func()) {
	l.t.Helper()
	var old unix.Rlimit
	pid := l.p.cmd.Process.Pid
	if err := unix.Prlimit(pid, resource, nil, &old); err != nil {
		l.t.Fatal(err)
	}
	if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: to, Max: old.Max}, nil); err != nil {
		l.t.Fatal(err)
	}
	return func() {
		if err := unix.Prlimit(pid, resource, &old, nil); err != nil {
			l.t.Error(err)
		}
	}
}
