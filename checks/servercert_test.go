package checks_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"watchword/certs/certstest"
	"watchword/checks"
)

func TestServerCertificateReasons(t *testing.T) {
	ca, other := certstest.NewCA(t), certstest.NewCA(t, certstest.Options{Name: "Other CA"})
	deep := certstest.NewCA(t, certstest.Options{Name: "Deep", Intermediate: true})
	shortened := deep.Server()
	shortened.Chain = shortened.Chain[:1]
	tests := map[string]struct {
		pair  *certstest.Pair
		trust *certstest.CA
		want  checks.Reason
		texts []string
	}{
		"fine":                 {pair: ca.Server(), trust: ca},
		"through intermediate": {pair: deep.Server(), trust: deep},
		"intermediate missing": {pair: shortened, trust: deep, want: checks.ReasonTLSUnknownCA, texts: []string{`"Deep Intermediate"`}},
		"unknown ca":           {pair: ca.Server(), trust: other, want: checks.ReasonTLSUnknownCA, texts: []string{`issued by "Test CA", which is not trusted`}},
		"hostname":             {pair: ca.Server("other.example"), trust: ca, want: checks.ReasonTLSHostname, texts: []string{"is for other.example, want 127.0.0.1"}},
		"expired":              {pair: ca.ServerWith(nil, certstest.Expired), trust: ca, want: checks.ReasonTLSExpired, texts: []string{"expired on 20"}},
		"not yet valid":        {pair: ca.ServerWith(nil, certstest.NotYetValid), trust: ca, want: checks.ReasonTLSNotYetValid, texts: []string{"is valid from 20"}},
		"for clients":          {pair: ca.Client("127.0.0.1"), trust: ca, want: checks.ReasonTLSOther, texts: []string{"incompatible key usage"}},
	}
	for name, tt := range tests {
		for version, number := range versions() {
			t.Run(name+"/"+version, func(t *testing.T) {
				s := certstest.NewServer(t, &certstest.Server{Pair: tt.pair, MinVersion: number, MaxVersion: number})
				res := fetch(t, new(checks.Runner), s.URL(), trust(t, tt.trust))
				wantReason(t, res, tt.want, tt.texts...)
				servers := res.Steps[0].Servers
				if len(servers) != 1 || servers[0].Fingerprint != tt.pair.Fingerprint() || servers[0].Host != "127.0.0.1" {
					t.Fatalf("servers are %+v, want the certificate %s of 127.0.0.1", servers, tt.pair.Fingerprint())
				}
				if !servers[0].NotAfter.Equal(tt.pair.Leaf.NotAfter) || servers[0].Issuing != nil {
					t.Errorf("not after is %v, want %v", servers[0].NotAfter, tt.pair.Leaf.NotAfter)
				}
			})
		}
	}
}

func TestHandshakeReasons(t *testing.T) {
	ca := certstest.NewCA(t)
	tests := map[string]struct {
		server *certstest.Server
		want   checks.Reason
		texts  []string
	}{
		"plain text":    {&certstest.Server{Fault: certstest.Plaintext}, checks.ReasonTLSNotTLS, []string{"does not speak TLS on port PORT", `"220 m"`}},
		"plain HTTP":    {&certstest.Server{Fault: certstest.PlainHTTP}, checks.ReasonTLSNotTLS, []string{"answers in plain HTTP on port PORT"}},
		"silent":        {&certstest.Server{Fault: certstest.Silent}, checks.ReasonTLSTimeout, []string{"did not end the TLS handshake within"}},
		"closes":        {&certstest.Server{Fault: certstest.CloseAtOnce}, checks.ReasonConnectionClosed, []string{"during the TLS handshake"}},
		"resets":        {&certstest.Server{Fault: certstest.ResetAtOnce}, checks.ReasonConnectionClosed, nil},
		"old version":   {&certstest.Server{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, checks.ReasonTLSVersion, nil},
		"other ALPN":    {&certstest.Server{Protocols: []string{"smtp"}}, checks.ReasonTLSALPN, nil},
		"without ALPN":  {&certstest.Server{Protocols: []string{}}, "", nil},
		"only HTTP/1.1": {&certstest.Server{Protocols: []string{"http/1.1"}}, "", nil},
		"only HTTP/2":   {&certstest.Server{Protocols: []string{"h2"}}, "", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.server.Pair = ca.Server()
			s := certstest.NewServer(t, tt.server)
			addr := strings.TrimPrefix(s.URL(), "https://")
			_, port, _ := net.SplitHostPort(addr)
			for i := range tt.texts {
				tt.texts[i] = strings.ReplaceAll(tt.texts[i], "PORT", port)
			}
			c := single(checks.Request{Template: get(t, "https://api.test"), ConnectTo: addr, ServerName: "127.0.0.1", Roots: roots(t, ca)})
			if tt.want == checks.ReasonTLSTimeout {
				c.Timeout = 100 * time.Millisecond
			}
			wantReason(t, new(checks.Runner).Run(t.Context(), c), tt.want, tt.texts...)
		})
	}
}

// A server that answers with an old version, rather than refusing, is found
// by the alert that crypto/tls sends.
func TestOldVersionChosenByServer(t *testing.T) {
	hello := "\x03\x02" + strings.Repeat("r", 32) + "\x00" + "\xc0\x13" + "\x00" // TLS 1.1
	message := "\x02\x00\x00" + string(rune(len(hello))) + hello
	record := "\x16\x03\x02\x00" + string(rune(len(message))) + message
	addr := rawServer(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = c.Write([]byte(record))
		_, _ = c.Read(make([]byte, 4096))
	})
	wantReason(t, fetch(t, new(checks.Runner), "https://"+addr), checks.ReasonTLSVersion)
}

func TestServerName(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("inner.example")})
	res := fetch(t, new(checks.Runner), s.URL(), trust(t, ca), func(r *checks.Request) { r.ServerName = "inner.example" })
	wantReason(t, res, "")
	if got := s.Peers()[0].ServerName; got != "inner.example" {
		t.Errorf("SNI is %q, want inner.example", got)
	}
}

func TestConnectTo(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("api.example")})
	res := fetch(t, new(checks.Runner), "https://API.example./x", trust(t, ca), connectTo(s.Addr()))
	wantReason(t, res, "")
	if got := s.Peers()[0].ServerName; got != "api.example" {
		t.Errorf("SNI is %q, want api.example", got)
	}
	if got := s.Requests()[0].Host; got != "API.example." {
		t.Errorf("Host is %q, want it as in the URL", got)
	}
}

func TestInsecureSkipVerify(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.ServerWith([]string{"other.example"}, certstest.Expired)})
	res := fetch(t, new(checks.Runner), s.URL(), func(r *checks.Request) { r.InsecureSkipVerify = true })
	wantReason(t, res, "")
	if len(res.Steps[0].Servers) != 1 {
		t.Errorf("servers are %v, want the one", res.Steps[0].Servers)
	}
}

func TestFreshConnectionAndHandshakeEveryRun(t *testing.T) {
	ca := certstest.NewCA(t)
	for name, protocols := range map[string][]string{"HTTP/1.1": {"http/1.1"}, "HTTP/2": {"h2"}} {
		t.Run(name, func(t *testing.T) {
			s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Protocols: protocols})
			r := new(checks.Runner)
			c := single(checks.Request{Template: get(t, s.URL()), Roots: roots(t, ca)})
			for range 3 {
				wantReason(t, r.Run(t.Context(), c), "")
			}
			if got := len(s.Peers()); got != 3 {
				t.Errorf("%d handshakes, want 3", got)
			}
			for _, p := range s.Peers() {
				if p.Resumed {
					t.Error("a session was resumed, want full handshakes")
				}
			}
		})
	}
}

func TestProxyFromEnvironmentIsIgnored(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("api.example")})
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	wantReason(t, fetch(t, new(checks.Runner), "https://api.example", trust(t, ca), connectTo(s.Addr())), "")
}

func TestExchangeShowsTheConnection(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), MaxVersion: tls.VersionTLS12, Protocols: []string{"h2"}})
	var got *checks.Exchange
	c := single(checks.Request{Template: get(t, s.URL()+"/x"), Roots: roots(t, ca)})
	c.Steps[0].Expect = []checks.Condition{condition(func(x *checks.Exchange) (string, error) { got = x; return "", nil })}
	res := new(checks.Runner).Run(t.Context(), c)
	wantReason(t, res, "")
	if got.TLS.Version != "1.2" || got.HTTPVersion != "2" || got.TLS.Cipher == "" || got.RemoteIP != "127.0.0.1" ||
		got.URL != s.URL()+"/x" || string(got.Body) != "ok" || got.TLS.ClientRequested || got.Status != http.StatusOK {
		t.Errorf("exchange is %+v with TLS %+v", got, got.TLS)
	}
	timing := res.Steps[0].Timing
	if timing.TLS <= 0 || timing.Connect <= 0 || timing.Wait <= 0 || timing.DNS != 0 ||
		timing.Total < timing.Connect+timing.TLS+timing.Wait+timing.Transfer {
		t.Errorf("timing is %+v, want phases that fit into the total", timing)
	}
}

func TestHostileCertificateSubjectIsMadeVisible(t *testing.T) {
	ca := certstest.NewCA(t)
	leaf := certstest.ServerLeaf()
	leaf.CommonName = "\x1b[31m\u202ehunter2"
	pair, err := ca.Issue(leaf)
	if err != nil {
		t.Fatal(err)
	}
	s := certstest.NewServer(t, &certstest.Server{Pair: pair})
	c := single(checks.Request{Template: get(t, s.URL())})
	c.Redactor = checks.NewRedactor("hunter2", "127.0.0.1")
	res := new(checks.Runner).Run(t.Context(), c)
	wantReason(t, res, checks.ReasonTLSUnknownCA, `CN=\x1b[31m\u202e***`)
	if got := res.Steps[0].Servers[0].Subject; got != `\x1b[31m\u202e***` {
		t.Errorf("subject is %q, want it visible and redacted", got)
	}
	if got := res.Steps[0].Servers[0].Host; got != checks.Mask {
		t.Errorf("host is %q, want it redacted", got)
	}
}

// The issuing certificate that ends before the leaf is known by itself, also
// when the client certificate is refused.
func TestIssuingCertificateThatEndsFirst(t *testing.T) {
	end := time.Now().Add(5 * 24 * time.Hour).Truncate(time.Second)
	ca := certstest.NewCA(t, certstest.Options{Intermediate: true, NotAfter: end})
	pair := ca.Server()
	for name, auth := range map[string]tls.ClientAuthType{"accepted": tls.NoClientCert, "refused": tls.RequireAndVerifyClientCert} {
		t.Run(name, func(t *testing.T) {
			s := certstest.NewServer(t, &certstest.Server{Pair: pair, ClientAuth: auth})
			res := fetch(t, new(checks.Runner), s.URL(), trust(t, ca))
			sum := sha256.Sum256(ca.Issuer().Raw)
			got := res.Steps[0].Servers
			if len(got) != 1 || got[0].Fingerprint != pair.Fingerprint() || got[0].Issuing == nil || got[0].Issuing.Fingerprint != hex.EncodeToString(sum[:]) ||
				!got[0].Issuing.NotAfter.Equal(end) || !got[0].NotAfter.Equal(end) || !got[0].Issuing.NotBefore.Equal(ca.Issuer().NotBefore) {
				t.Errorf("servers are %+v, want %s with its issuer that ends on %s", got, pair.Fingerprint(), end)
			}
		})
	}
}
