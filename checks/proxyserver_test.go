package checks_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"watchword/certs/certstest"
	"watchword/checks"
)

// A proxyServer is a proxy on loopback that speaks the real protocols, and
// notes what it is asked and shown.
type proxyServer struct {
	user, password string            // demanded unless empty
	names          map[string]string // host:port as it is asked for, to where it leads; others as they are
	refuse         int               // status or code instead of a connection; 0 for none

	mu    sync.Mutex
	asked []string // "CONNECT host:port", "GET http://…", "SOCKS name:port"
	shown []*x509.Certificate
}

func (p *proxyServer) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, what)
}

// seen returns what it was asked so far, and forgets it.
func (p *proxyServer) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// wantNoCertificate fails the test if a client has shown its certificate.
func (p *proxyServer) wantNoCertificate(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.shown {
		t.Errorf("the proxy was shown the certificate of %s", c.Subject)
	}
}

func (p *proxyServer) dial(address string) (net.Conn, error) {
	if to, ok := p.names[address]; ok {
		address = to
	}
	return net.Dial("tcp", address)
}

// ServeHTTP is an HTTP proxy.
func (p *proxyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.note(r.Method + " " + r.RequestURI)
	if r.TLS != nil {
		p.mu.Lock()
		p.shown = append(p.shown, r.TLS.PeerCertificates...)
		p.mu.Unlock()
	}
	given := r.Header.Get("Proxy-Authorization")
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password)); p.user != "" && given != want {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if p.refuse != 0 {
		w.WriteHeader(p.refuse)
		return
	}
	if r.Method != http.MethodConnect {
		r.RequestURI = ""
		r.Header.Del("Proxy-Authorization")
		transport := &http.Transport{DisableKeepAlives: true, DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
			return p.dial(address)
		}}
		res, err := transport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
		return
	}
	target, err := p.dial(r.RequestURI)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = target.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n") // the length means nothing
	join(client, target)
}

// socks is a SOCKS5 proxy on one connection.
func (p *proxyServer) socks(c net.Conn) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(c, b); err != nil {
			return make([]byte, n)
		}
		return b
	}
	methods := string(read(int(read(2)[1])))
	switch {
	case p.user == "":
		_, _ = c.Write([]byte{5, 0})
	case !strings.Contains(methods, "\x02"):
		_, _ = c.Write([]byte{5, 0xff})
		return
	default:
		_, _ = c.Write([]byte{5, 2})
		user := string(read(int(read(2)[1])))
		if password := string(read(int(read(1)[0]))); user != p.user || password != p.password {
			_, _ = c.Write([]byte{1, 1})
			return
		}
		_, _ = c.Write([]byte{1, 0})
	}
	host := ""
	switch read(4)[3] {
	case 1:
		host = netip.AddrFrom4([4]byte(read(4))).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = netip.AddrFrom16([16]byte(read(16))).String()
	}
	address := net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(read(2)))))
	p.note("SOCKS " + address)
	if p.refuse != 0 {
		_, _ = c.Write([]byte{5, byte(p.refuse), 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	target, err := p.dial(address)
	if err != nil {
		_, _ = c.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	_, _ = c.Write(append([]byte{5, 0, 0, 3, 3}, "abc\x00\x00"...)) // a name, as an answer may have it
	join(c, target)
}

// join copies both ways until either side ends.
func join(a, b net.Conn) {
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(a, b); _ = a.Close(); _ = b.Close() })
	wg.Go(func() { _, _ = io.Copy(b, a); _ = a.Close(); _ = b.Close() })
	wg.Wait()
}

// start starts the proxy and returns its URL without credentials. An https one
// asks everyone for a certificate.
func (p *proxyServer) start(t *testing.T, scheme string, ca *certstest.CA) (rawURL string) {
	t.Helper()
	switch scheme {
	case "http":
		s := httptest.NewServer(p)
		t.Cleanup(s.Close)
		return s.URL
	case "https":
		return certstest.NewServer(t, &certstest.Server{
			Pair: ca.Server(), ClientAuth: tls.RequestClientCert, Protocols: []string{"http/1.1"}, Handler: p,
		}).URL()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.socks(c); _ = c.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return "socks5://" + l.Addr().String()
}

// proxied makes a request go through a proxy, with these credentials unless
// they are empty.
func proxied(t *testing.T, rawURL, credentials string) func(*checks.Request) {
	t.Helper()
	if credentials != "" {
		rawURL = strings.Replace(rawURL, "://", fmt.Sprintf("://%s@", credentials), 1)
	}
	p, err := checks.ParseProxy(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return func(r *checks.Request) { r.Proxy = p }
}
