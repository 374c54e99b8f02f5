package checks_test

import (
	"crypto/tls"
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

var full = flag.Bool("full", false, "run the long proofs with their whole counts")

// A proof runs checks again and again and wants each to fail for its reason,
// 999 times of 1,000 at least; with -full each of them 1,000 times.
type proof struct {
	t      *testing.T
	runner *checks.Runner
	ca     *certstest.CA
	roots  *certs.Roots // of ca
	proved map[checks.Reason]bool
}

// provoke proves that a request of rawURL fails for the reason.
func (p *proof) provoke(want checks.Reason, way, rawURL string, change ...func(*checks.Request)) {
	p.t.Helper()
	req := checks.Request{Template: get(p.t, rawURL), Roots: p.roots, MaxRedirects: 1}
	for _, c := range change {
		c(&req)
	}
	c := single(req)
	runs, atOnce := 2, 1
	if *full {
		runs = 1000
	}
	if strings.Contains(string(want), "timeout") { // a busy machine takes its time to reach the phase
		c.Timeout, runs = 500*time.Millisecond, 1
		if *full {
			c.Timeout, runs, atOnce = 4*time.Second, 1000, 50
		}
	}
	p.proved[want] = true
	p.t.Run(string(want)+"/"+way, func(t *testing.T) {
		t.Parallel()
		var begun, wrong atomic.Int64
		var wg sync.WaitGroup
		for range atOnce {
			wg.Go(func() {
				for begun.Add(1) <= int64(runs) {
					if res := p.runner.Run(t.Context(), c); res.Reason != want {
						wrong.Add(1)
						t.Logf("reason is %q, message %q; want %q", res.Reason, res.Message, want)
					}
				}
			})
		}
		wg.Wait()
		if wrong.Load()*1000 > int64(runs) {
			t.Errorf("%d of %d runs are wrong", wrong.Load(), runs)
		}
	})
}

// Each reason, provoked by a real server on loopback.
func TestEveryReason(t *testing.T) {
	ca, other := certstest.NewCA(t), certstest.NewCA(t)
	p := &proof{t: t, ca: ca, roots: roots(t, ca), proved: make(map[checks.Reason]bool), runner: &checks.Runner{
		Certs: set(t, identity(t, "acme", ca.Client("probe"), "127.0.0.1")),
		Resolver: nameServer(t, func(q dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) {
			switch q.Name.String() {
			case "error.example.":
				return dnsmessage.RCodeServerFailure, nil
			case "metadata.example.":
				return dnsmessage.RCodeSuccess, []netip.Addr{netip.MustParseAddr("169.254.169.254")}
			default:
				return dnsmessage.RCodeNameError, nil
			}
		}),
	}}
	p.provoke(checks.ReasonDNSNotFound, "-", "https://missing.example./")
	p.provoke(checks.ReasonDNSError, "-", "https://error.example./")
	p.provoke(checks.ReasonTargetBlocked, "-", "https://metadata.example./")
	silent := *p
	silent.runner = &checks.Runner{Resolver: nameServer(t, nil)}
	silent.provoke(checks.ReasonDNSTimeout, "-", "https://silent.example./")
	p.provoke(checks.ReasonConnectRefused, "-", "https://"+refusing)
	p.provoke(checks.ReasonConnectTimeout, "-", "https://"+deaf(t))
	p.provoke(checks.ReasonConnectUnreachable, "-", "https://255.255.255.255/")
	for fault, want := range map[certstest.Fault]checks.Reason{
		certstest.Plaintext: checks.ReasonTLSNotTLS, certstest.Silent: checks.ReasonTLSTimeout,
		certstest.CloseAtOnce: checks.ReasonConnectionClosed, certstest.ResetAtOnce: checks.ReasonConnectionClosed,
	} {
		p.provoke(want, "-", certstest.NewServer(t, &certstest.Server{Fault: fault}).URL())
	}
	old := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	p.provoke(checks.ReasonTLSVersion, "-", old.URL())
	p.provoke(checks.ReasonHTTPProtocol, "-", script(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n") }))
	missing := certs.Load(certs.Source{Name: "missing", PEM: "/missing.pem"})
	p.provoke(checks.ReasonClientCertLocal, "-", old.URL(), func(r *checks.Request) { r.Certificate = missing })
	for way := range everyWay() {
		p.everyWay(way, other)
	}
	p.proxies()
	for _, reason := range checks.Reasons() {
		switch reason { // what no server provokes
		case checks.ReasonInternal:
		default:
			if !p.proved[reason] {
				t.Errorf("nothing provokes %s", reason)
			}
		}
	}
}

// everyWay provokes what servers do in every version of TLS and HTTP.
func (p *proof) everyWay(way string, other *certstest.CA) {
	server := func(want checks.Reason, s *certstest.Server, change ...func(*checks.Request)) {
		p.t.Helper()
		speaks := everyWay()[way]
		s.MinVersion, s.MaxVersion = speaks.MinVersion, speaks.MaxVersion
		if s.Protocols == nil {
			s.Protocols = speaks.Protocols
		}
		if s.Pair == nil {
			s.Pair = p.ca.Server()
		}
		p.provoke(want, way, certstest.NewServer(p.t, s).URL(), change...)
	}
	handler := func(want checks.Reason, handle http.HandlerFunc, change ...func(*checks.Request)) {
		p.t.Helper()
		server(want, &certstest.Server{Handler: handle}, change...)
	}
	server("", new(certstest.Server))
	server(checks.ReasonTLSUnknownCA, &certstest.Server{Pair: other.Server()})
	server(checks.ReasonTLSHostname, &certstest.Server{Pair: p.ca.Server("other.example")})
	server(checks.ReasonTLSExpired, &certstest.Server{Pair: p.ca.ServerWith(nil, certstest.Expired)})
	server(checks.ReasonTLSNotYetValid, &certstest.Server{Pair: p.ca.ServerWith(nil, certstest.NotYetValid)})
	server(checks.ReasonTLSOther, &certstest.Server{Pair: p.ca.Client("127.0.0.1")})
	server(checks.ReasonTLSALPN, &certstest.Server{Protocols: []string{"smtp"}})

	server(checks.ReasonClientCertRequired, &certstest.Server{ClientAuth: tls.RequireAndVerifyClientCert},
		func(r *checks.Request) { r.MTLS = certs.ModeNone })
	server(checks.ReasonClientCertUnknownCA, &certstest.Server{ClientAuth: tls.RequireAndVerifyClientCert, ClientCA: other})
	for alert, want := range refusals() {
		server(want, &certstest.Server{ClientAuth: tls.RequireAnyClientCert, Alert: alert})
	}
	server(checks.ReasonConnectionClosed, &certstest.Server{ClientAuth: tls.RequireAnyClientCert, Fault: certstest.ResetAfterTLS})

	handler(checks.ReasonConnectionClosed, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	handler(checks.ReasonTimeoutHeaders, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	handler(checks.ReasonTimeoutBody, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	handler(checks.ReasonBodyTooLarge, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 99)) },
		func(r *checks.Request) { r.MaxBody = 98 })
	handler(checks.ReasonHeadersTooLarge, func(w http.ResponseWriter, _ *http.Request) {
		for range 70 {
			w.Header().Add("X", strings.Repeat("y", 1000))
		}
	})
	handler(checks.ReasonDecode, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "plain")
	})
	handler(checks.ReasonRedirect, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	handler(checks.ReasonExpectation, http.NotFound)
}

// proxies provokes what proxies of all kinds do, to requests with and without
// TLS.
func (p *proof) proxies() {
	t := p.t
	trusting := *p
	trusting.runner = &checks.Runner{Certs: set(t, certs.Load(certs.Source{
		Name: "proxy", Hosts: []string{"127.0.0.1"}, PEM: p.ca.Client("probe").WritePEM(t.TempDir()), CA: p.ca.WriteFile(t.TempDir()),
	}))}
	for _, kind := range kinds() {
		code := http.StatusServiceUnavailable
		if kind == "socks5" {
			code = 4
		}
		gone := kind + "://" + refusing
		locked := (&proxyServer{user: "me", password: "hunter2"}).start(t, kind, p.ca)
		broken := (&proxyServer{names: map[string]string{"api.example:443": refusing}}).start(t, kind, p.ca)
		refuses := (&proxyServer{refuse: code}).start(t, kind, p.ca)
		closes := kind + "://" + certstest.NewServer(t, &certstest.Server{Fault: certstest.CloseAtOnce}).Addr()
		const secure, plain = "https://api.example/", "http://api.example/"
		trusting.provoke(checks.ReasonProxy, kind+", nothing there", secure, proxied(t, gone, ""))
		trusting.provoke(checks.ReasonProxy, kind+", nothing there for http", plain, proxied(t, gone, ""))
		trusting.provoke(checks.ReasonProxy, kind+", no credentials", secure, proxied(t, locked, ""))
		trusting.provoke(checks.ReasonProxy, kind+", no credentials for http", plain, proxied(t, locked, ""))
		trusting.provoke(checks.ReasonProxy, kind+", wrong credentials", secure, proxied(t, locked, "me:wrong"))
		trusting.provoke(checks.ReasonProxy, kind+", bad gateway", secure, proxied(t, broken, ""))
		trusting.provoke(checks.ReasonProxy, kind+", refuses", secure, proxied(t, refuses, ""))
		trusting.provoke(checks.ReasonProxy, kind+", closes", secure, proxied(t, closes, ""))
	}
	for _, way := range []string{"http", "socks5"} { // what lies behind the proxy keeps its own reason
		through := proxied(t, new(proxyServer).start(t, way, p.ca), "")
		demands := certstest.NewServer(t, &certstest.Server{Pair: p.ca.Server(), ClientAuth: tls.RequireAndVerifyClientCert})
		p.provoke(checks.ReasonClientCertRequired, "through "+way, demands.URL(), through, func(r *checks.Request) { r.MTLS = certs.ModeNone })
		p.provoke("", "through "+way, demands.URL(), through)
	}
}
