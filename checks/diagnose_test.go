package checks_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// inTurn forwards the first connection to the first address, the second to
// the second, and so on; the last takes all that follow.
func inTurn(t *testing.T, addrs ...string) (addr string, connections func() int) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			to := addrs[min(n, len(addrs)-1)]
			n++
			mu.Unlock()
			wg.Go(func() { forward(t, conn, to) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String(), func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// forward copies both ways, and passes a reset on as one.
func forward(t *testing.T, conn net.Conn, to string) {
	t.Helper()
	defer conn.Close()
	server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Error(err)
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, conn)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	if _, err := io.Copy(conn, server); err != nil {
		_ = conn.(*net.TCPConn).SetLinger(0)
	}
}

// The alert of a late refusal is often lost when the connection breaks. One
// more connection that sends nothing brings it to light.
func TestLostRefusalIsDiagnosed(t *testing.T) {
	ca := certstest.NewCA(t)
	id := identity(t, "acme", ca.Client("probe"), "127.0.0.1")
	for size, body := range map[string][]byte{"no body": nil, "large body": bytes.Repeat([]byte("x"), 1<<20)} {
		for name, fault := range map[string]certstest.Fault{"reset": certstest.ResetAfterTLS, "closed": certstest.CloseAfterTLS} {
			for way, s := range everyWay() {
				t.Run(size+"/"+name+"/"+way, func(t *testing.T) {
					server := func(change func(*certstest.Server)) *certstest.Server {
						c := &certstest.Server{
							Pair: ca.Server(), ClientAuth: tls.RequireAnyClientCert,
							MinVersion: s.MinVersion, MaxVersion: s.MaxVersion, Protocols: s.Protocols,
						}
						change(c)
						return certstest.NewServer(t, c)
					}
					lost := server(func(c *certstest.Server) { c.Fault = fault })
					told := server(func(c *certstest.Server) { c.Alert = certstest.CertificateRevoked })
					addr, connections := inTurn(t, lost.Addr(), told.Addr())
					r := &checks.Runner{Certs: set(t, id)}
					res := fetch(t, r, "https://"+addr, trust(t, ca), func(r *checks.Request) {
						r.Template = &static{Method: http.MethodPost, URL: parse(t, "https://"+addr), Body: body}
					})
					wantReason(t, res, checks.ReasonClientCertRevoked, "refused certificate acme")
					if got := connections(); got != 2 {
						t.Errorf("%d connections, want 2", got)
					}
					if len(told.Requests()) != 0 {
						t.Error("the request was sent again, want a connection that sends nothing")
					}
				})
			}
		}
	}
}

// The second connection is no part of the exchange.
func TestDiagnosisIsNotTimed(t *testing.T) {
	ca := certstest.NewCA(t)
	lost := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAnyClientCert, Fault: certstest.CloseAfterTLS})
	waits := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAnyClientCert, Protocols: []string{"http/1.1"}})
	addr, _ := inTurn(t, lost.Addr(), waits.Addr())
	c := single(checks.Request{Template: get(t, "https://"+addr), Roots: roots(t, ca)})
	c.Timeout = time.Second
	r := &checks.Runner{Certs: set(t, identity(t, "acme", ca.Client("probe"), "127.0.0.1"))}
	res := r.Run(t.Context(), c)
	wantReason(t, res, checks.ReasonConnectionClosed)
	if timing := res.Steps[0].Timing; res.Duration < c.Timeout || timing.Total > c.Timeout/2 || timing.Wait > timing.Total {
		t.Errorf("the run took %v, timing is %+v; want the wait for an alert in the first alone", res.Duration, timing)
	}
}

// A server that did not ask for a certificate is not asked again.
func TestNothingToDiagnose(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Handler: http.HandlerFunc(
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })})
	addr, connections := inTurn(t, s.Addr())
	wantReason(t, fetch(t, new(checks.Runner), "https://"+addr, trust(t, ca)), checks.ReasonConnectionClosed)
	if got := connections(); got != 1 {
		t.Errorf("%d connections, want 1", got)
	}
}

func TestConnectToStaysWithTheFirstPort(t *testing.T) {
	ca := certstest.NewCA(t)
	pair := ca.Server("first.example")
	end := certstest.NewServer(t, &certstest.Server{Pair: pair})
	_, port, err := net.SplitHostPort(end.Addr())
	if err != nil {
		t.Fatal(err)
	}
	s := certstest.NewServer(t, &certstest.Server{Pair: pair, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://first.example.:"+port+"/end", http.StatusFound)
	})})
	r := &checks.Runner{Resolver: nameServer(t, func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) {
		return dnsmessage.RCodeSuccess, []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	})}
	wantReason(t, fetch(t, r, "https://first.example/", trust(t, ca), connectTo(s.Addr())), "")
	if len(end.Requests()) != 1 {
		t.Errorf("%d requests at the other port, want 1", len(end.Requests()))
	}
}

func TestNginxPages(t *testing.T) {
	ca := certstest.NewCA(t)
	page := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "<html><head><title>400 "+text+"</title></head></html>")
		})
	}
	tests := map[string]struct {
		text string
		ids  []*certs.Identity
		auth tls.ClientAuthType
		want checks.Reason
	}{
		"required":      {"No required SSL certificate was sent", nil, tls.RequestClientCert, checks.ReasonClientCertRequired},
		"rejected":      {"The SSL certificate error", []*certs.Identity{identity(t, "acme", ca.Client("probe"), "127.0.0.1")}, tls.RequestClientCert, checks.ReasonClientCertRejected},
		"was not asked": {"No required SSL certificate was sent", nil, tls.NoClientCert, checks.ReasonExpectation},
		"another page":  {"Bad Request", nil, tls.RequestClientCert, checks.ReasonExpectation},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tt.auth, Handler: page(tt.text)})
			res := fetch(t, &checks.Runner{Certs: set(t, tt.ids...)}, s.URL(), trust(t, ca))
			wantReason(t, res, tt.want)
			if res.Steps[0].Status != http.StatusBadRequest {
				t.Errorf("status is %d, want 400", res.Steps[0].Status)
			}
			if tt.want == checks.ReasonClientCertRejected && (len(res.Steps[0].Handshakes) != 1 || res.Steps[0].Handshakes[0].Accepted) {
				t.Errorf("handshakes are %v, want one rejected", res.Steps[0].Handshakes)
			}
		})
	}
}
