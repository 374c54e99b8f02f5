package checks_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// noNames is a resolver that knows no name at all.
func noNames() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("names are for the proxy to resolve")
	}}
}

func kinds() []string { return []string{"http", "https", "socks5"} }

// A proxy resolves the target's name, and what goes through it is between
// watchword and the target.
func TestProxy(t *testing.T) {
	ca := certstest.NewCA(t)
	secure := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("api.example"), ClientAuth: tls.RequireAndVerifyClientCert})
	plain := certstest.NewServer(t, &certstest.Server{Fault: certstest.PlainHTTP})
	// The certificate is for the proxy's host as well, where it must not go.
	acme := certs.Load(certs.Source{Name: "acme", Hosts: []string{"api.example", "127.0.0.1"}, PEM: ca.Client("probe").WritePEM(t.TempDir()), CA: ca.WriteFile(t.TempDir())})
	r := &checks.Runner{Certs: set(t, acme), Resolver: noNames(), UserAgent: "probe/1"}
	for _, kind := range kinds() {
		for _, credentials := range []string{"", "me:p%40ss"} {
			t.Run(kind+"/"+credentials, func(t *testing.T) {
				p := &proxyServer{names: map[string]string{"api.example:443": secure.Addr(), "api.example:8443": secure.Addr(), "api.example:80": plain.Addr()}}
				if credentials != "" {
					p.user, p.password = "me", "p@ss"
				}
				through := proxied(t, p.start(t, kind, ca), credentials)
				for _, version := range []string{"", "1.1", "2"} {
					res := fetch(t, r, "https://api.example/x", through, func(r *checks.Request) { r.HTTPVersion = version })
					wantReason(t, res, "")
					if step := res.Steps[0]; step.Certificate != "acme" || step.RemoteIP != "127.0.0.1" {
						t.Errorf("certificate is %q, address %q", step.Certificate, step.RemoteIP)
					}
				}
				want := slices.Repeat([]string{map[bool]string{true: "SOCKS", false: "CONNECT"}[kind == "socks5"] + " api.example:443"}, 3)
				if diff := cmp.Diff(want, p.seen()); diff != "" {
					t.Errorf("the proxy was asked (-want +got):\n%s", diff)
				}
				wantReason(t, fetch(t, r, "http://api.example/y?z", through), "")
				want = []string{"GET http://api.example/y?z"}
				if kind == "socks5" {
					want = []string{"SOCKS api.example:80"}
				}
				if diff := cmp.Diff(want, p.seen()); diff != "" {
					t.Errorf("the proxy was asked (-want +got):\n%s", diff)
				}
				p.wantNoCertificate(t)
			})
		}
	}
	for _, s := range []*certstest.Server{secure, plain} {
		for _, request := range s.Requests() {
			for name := range request.Header {
				if strings.HasPrefix(name, "Proxy-") {
					t.Errorf("the target was shown %s", name)
				}
			}
		}
	}
}

// What a request sent is as it was for the target, with a proxy's credentials
// or without.
func TestProxyCredentialsAreNoPartOfTheRequest(t *testing.T) {
	p := &proxyServer{user: "me", password: "hunter2"}
	through := proxied(t, p.start(t, "http", nil), "me:hunter2")
	c := single(checks.Request{Template: get(t, serveHTTP(t, func(http.ResponseWriter, *http.Request) {}))})
	through(&c.Steps[0].Request)
	c.Steps[0].Expect = []checks.Condition{condition(func(x *checks.Exchange) (string, error) {
		if got := x.RequestHeader.Get("Proxy-Authorization"); got != "" {
			return "the request has " + got, nil
		}
		return "", nil
	})}
	wantReason(t, new(checks.Runner).Run(t.Context(), c), "")
}

// Where the URL alone does not say whom to ask, a tunnel does.
func TestProxyTunnelsForHTTP(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host+" "+r.RequestURI) })
	addr := strings.TrimPrefix(url, "http://")
	p := new(proxyServer)
	through := proxied(t, p.start(t, "http", nil), "")
	for name, tt := range map[string]struct {
		request checks.Request
		body    string
	}{
		"connect_to":  {checks.Request{Template: get(t, "http://a.example/x"), ConnectTo: addr}, "a.example /x"},
		"host header": {checks.Request{Template: &static{URL: parse(t, url+"/x"), Header: http.Header{"Host": {"b.example"}}}}, "b.example /x"},
	} {
		c := single(tt.request)
		through(&c.Steps[0].Request)
		c.Steps[0].Expect = []checks.Condition{bodyIs(tt.body)}
		if res := new(checks.Runner).Run(t.Context(), c); res.Outcome != checks.Passed {
			t.Errorf("%s: %s", name, res.Message)
		}
		if diff := cmp.Diff([]string{"CONNECT " + addr}, p.seen()); diff != "" {
			t.Errorf("%s: the proxy was asked (-want +got):\n%s", name, diff)
		}
	}
}

func TestProxyOnEveryHop(t *testing.T) {
	ca := certstest.NewCA(t)
	last := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("b.example"), ClientAuth: tls.RequestClientCert})
	first := certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("a.example"), ClientAuth: tls.RequestClientCert, Handler: http.RedirectHandler("https://b.example/", http.StatusFound),
	})
	r := &checks.Runner{Certs: set(t, identity(t, "a", ca.Client("a"), "a.example")), Resolver: noNames()}
	for _, kind := range kinds() {
		p := &proxyServer{names: map[string]string{"a.example:443": first.Addr(), "b.example:443": last.Addr()}}
		through := proxied(t, p.start(t, kind, ca), "")
		if kind == "https" { // its authority is no one's that a request trusts
			wantReason(t, fetch(t, r, "https://a.example/", trust(t, ca), through), checks.ReasonProxy, "cannot be used: the certificate of 127.0.0.1", "not trusted")
			continue
		}
		wantReason(t, fetch(t, r, "https://a.example/", trust(t, ca), through), "")
		if asked := p.seen(); len(asked) != 2 || !strings.HasSuffix(asked[1], " b.example:443") {
			t.Errorf("the proxy was asked %q", asked)
		}
	}
	if met := first.Requests(); len(met) != 2 || met[0].Peer == nil || met[0].Peer.Subject.CommonName != "a" {
		t.Errorf("the first host met %v", met)
	}
	if met := last.Requests(); len(met) != 2 || met[0].Peer != nil {
		t.Errorf("the second host met %v", met)
	}
}

func TestProxyFailures(t *testing.T) {
	ca := certstest.NewCA(t)
	start := func(kind string, p *proxyServer) string { return p.start(t, kind, ca) }
	says := func(answer string) string {
		return "http://" + rawServer(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 999)); _, _ = io.WriteString(c, answer) })
	}
	socksSays := func(answers ...string) string {
		return "socks5://" + rawServer(t, func(c net.Conn) {
			for _, a := range answers {
				_, _ = c.Read(make([]byte, 999))
				_, _ = io.WriteString(c, a)
			}
			_, _ = c.Read(make([]byte, 999))
		})
	}
	silent := certstest.NewServer(t, &certstest.Server{Fault: certstest.Silent}).Addr()
	demands := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAnyClientCert, Protocols: []string{"http/1.1"}})
	old := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12})
	locked := &proxyServer{user: "me", password: "hunter2"}
	const target = "https://api.example/"
	tests := map[string]struct {
		proxy, credentials, target string
		want                       string
	}{
		"nothing there":          {proxy: "http://" + refusing, want: "the proxy 127.0.0.1:1 cannot be used: 127.0.0.1 refuses connections on port 1"},
		"nothing there, http":    {proxy: "http://" + refusing, target: "http://api.example/", want: "the proxy 127.0.0.1:1 cannot be used: 127.0.0.1 refuses connections on port 1"},
		"nothing there, socks":   {proxy: "socks5://" + refusing, want: "cannot be used: 127.0.0.1 refuses connections"},
		"no such name":           {proxy: "http://proxy.example:3128", want: "the proxy proxy.example:3128 cannot be used: "},
		"credentials missing":    {proxy: start("http", locked), want: "demands credentials (status 407), and proxy has none"},
		"credentials wrong":      {proxy: start("http", locked), credentials: "me:wrong", want: "refuses the credentials for user me (status 407)"},
		"credentials over http":  {proxy: start("http", locked), target: "http://api.example/", want: "demands credentials (status 407)"},
		"wrong over http":        {proxy: start("http", locked), target: "http://api.example/", credentials: "me:wrong", want: "refuses the credentials for user me"},
		"socks, missing":         {proxy: start("socks5", locked), want: "demands credentials, and proxy has none"},
		"socks, wrong":           {proxy: start("socks5", locked), credentials: "me:wrong", want: "refuses the credentials for user me"},
		"bad gateway":            {proxy: start("http", &proxyServer{names: map[string]string{"api.example:443": refusing}}), want: "did not connect to api.example:443: it answered 502 Bad Gateway"},
		"forbidden":              {proxy: start("http", &proxyServer{refuse: 403}), want: "did not connect to api.example:443: it answered 403 Forbidden"},
		"redirects":              {proxy: start("http", &proxyServer{refuse: 302}), want: "it answered 302 Found"},
		"socks, refused":         {proxy: start("socks5", &proxyServer{names: map[string]string{"api.example:443": refusing}}), want: "did not connect to api.example:443: the connection was refused"},
		"socks, forbidden":       {proxy: start("socks5", &proxyServer{refuse: 2}), want: "its rules do not allow it"},
		"socks, unknown code":    {proxy: start("socks5", &proxyServer{refuse: 99}), want: "did not connect to api.example:443: code 99"},
		"not HTTP":               {proxy: says("SSH-2.0-OpenSSH_9.2\r\n"), want: "is not HTTP: "},
		"says more":              {proxy: says("HTTP/1.1 200 OK\r\n\r\nhello"), want: "goes on after its answer to CONNECT"},
		"closes":                 {proxy: says(""), want: "closed the connection before it was through to api.example:443"},
		"closes in headers":      {proxy: says("HTTP/1.1 200 OK\r\nX: "), want: "closed the connection before it was through"},
		"endless headers":        {proxy: says("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20_000)), want: "answers with headers larger than 64 KiB"},
		"silent":                 {proxy: "http://" + silent, want: "did not connect to api.example:443 within "},
		"silent, socks":          {proxy: "socks5://" + silent, want: "did not connect to api.example:443 within "},
		"silent, https":          {proxy: "https://" + silent, want: "cannot be used: 127.0.0.1 did not end the TLS handshake within "},
		"not SOCKS":              {proxy: socksSays("HTTP/1.1 400 Bad Request\r\n\r\n"), want: `does not speak SOCKS5: it begins with "HT"`},
		"unknown method":         {proxy: socksSays("\x05\x01"), want: "wants another way to authenticate than a username and a password"},
		"password not asked for": {proxy: socksSays("\x05\x02"), want: "wants another way to authenticate"},
		"unknown address":        {proxy: socksSays("\x05\x00", "\x05\x00\x00\x09"), want: `does not speak SOCKS5: it begins with "\x05\x00\x00\t"`},
		"TLS, no proxy":          {proxy: "https://" + strings.TrimPrefix(start("http", new(proxyServer)), "http://"), want: "cannot be used: 127.0.0.1 answers in plain HTTP"},
		"demands a certificate":  {proxy: demands.URL(), want: "certificate required"},
		"demands one in TLS 1.2": {proxy: old.URL(), want: "cannot be used: it demands a client certificate, and those are for targets alone"},
	}
	trusting := certs.Load(certs.Source{Name: "proxy", Hosts: []string{"127.0.0.1"}, PEM: ca.Client("probe").WritePEM(t.TempDir()), CA: ca.WriteFile(t.TempDir())})
	r := &checks.Runner{Resolver: noNames(), Certs: set(t, trusting)}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.target == "" {
				tt.target = target
			}
			c := single(checks.Request{Template: get(t, tt.target)})
			proxied(t, tt.proxy, tt.credentials)(&c.Steps[0].Request)
			if strings.Contains(name, "silent") {
				c.Timeout = 200 * time.Millisecond
			}
			res := r.Run(t.Context(), c)
			wantReason(t, res, checks.ReasonProxy, tt.want)
			if strings.Contains(res.Message, "wrong") {
				t.Errorf("message is %q, with the password in it", res.Message)
			}
		})
	}
	for _, s := range []*certstest.Server{demands, old} {
		for _, peer := range s.Peers() {
			if peer.Certificate != nil {
				t.Error("a proxy was shown a certificate")
			}
		}
	}
}

// The diagnosis of a refused certificate goes through the proxy as well.
func TestProxyDiagnosis(t *testing.T) {
	ca, other := certstest.NewCA(t), certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("api.example"), ClientAuth: tls.RequireAndVerifyClientCert, ClientCA: other})
	r := &checks.Runner{Certs: set(t, identity(t, "acme", ca.Client("probe"), "api.example")), Resolver: noNames()}
	for _, kind := range []string{"http", "socks5"} {
		p := &proxyServer{names: map[string]string{"api.example:443": s.Addr()}}
		res := fetch(t, r, "https://api.example/", trust(t, ca), proxied(t, p.start(t, kind, ca), ""), func(r *checks.Request) {
			r.Template = &static{Method: http.MethodPost, URL: parse(t, "https://api.example/"), Body: make([]byte, 4<<20)}
		})
		wantReason(t, res, checks.ReasonClientCertUnknownCA, "refused certificate acme")
	}
}

// A target can send a request through a proxy to no place where it may not go
// without one, as far as that can be told.
func TestProxyLeadsNowhereForbidden(t *testing.T) {
	p := new(proxyServer)
	through := proxied(t, p.start(t, "http", nil), "")
	r := &checks.Runner{Deny: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, host := range []string{
		"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0xA9FEA9FE", "0xa9.254.0xa9.0xFE",
		"metadata.google.internal.", "METADATA.google.internal", "10.1.2.3",
	} {
		wantReason(t, fetch(t, r, "http://"+host+"/", through), checks.ReasonTargetBlocked)
		wantReason(t, fetch(t, r, "https://"+host+"/", through), checks.ReasonTargetBlocked)
	}
	redirect := serveHTTP(t, http.RedirectHandler("http://169.254.169.254/", http.StatusFound).ServeHTTP)
	p.names = map[string]string{"a.example:80": strings.TrimPrefix(redirect, "http://")}
	wantReason(t, fetch(t, r, "http://a.example/", through), checks.ReasonTargetBlocked, "link-local")
	if diff := cmp.Diff([]string{"GET http://a.example/"}, p.seen()); diff != "" {
		t.Errorf("the proxy was asked (-want +got):\n%s", diff)
	}
	denied := &checks.Runner{Deny: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	wantReason(t, fetch(t, denied, "http://a.example/", through), checks.ReasonTargetBlocked, "in 127.0.0.0/8 of deny_networks")
}

// A proxy that tells what it was given tells nobody: the password is a secret
// wherever it turns up.
func TestProxyPasswordIsNeverShown(t *testing.T) {
	const password = "c4n4ry/+secret value"
	echo := "http://" + rawServer(t, func(c net.Conn) {
		b := make([]byte, 999)
		n, _ := c.Read(b)
		_, _ = fmt.Fprintf(c, "HTTP/1.1 403 %q %s\r\n\r\n", b[:n], password)
	})
	p, err := checks.ParseProxy(strings.Replace(echo, "://", "://me:c4n4ry%2F%2Bsecret%20value@", 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"http://a.example/", "https://a.example/"} {
		c := single(checks.Request{Template: get(t, target), Proxy: p})
		c.Steps[0].ShowBody = true
		res := new(checks.Runner).Run(t.Context(), c)
		out, err := json.Marshal(res)
		if err != nil || res.Outcome != checks.Failed {
			t.Fatal(res.Outcome, err)
		}
		wantNoCanary(t, string(out)+fmt.Sprintf("%+v", res))
	}
}

func TestProxyThatCannotBeRead(t *testing.T) {
	res := fetch(t, new(checks.Runner), "https://a.example/", func(r *checks.Request) { r.ProxyErr = io.ErrUnexpectedEOF })
	wantReason(t, res, checks.ReasonInternal, "the proxy cannot be used: unexpected EOF")
}

// No variable of the environment makes a request go elsewhere.
func TestProxyEnvironmentIsNotRead(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://"+refusing)
	}
	t.Setenv("NO_PROXY", "")
	r := &checks.Runner{Resolver: nameServer(t, leadsTo("127.0.0.1"))}
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	wantReason(t, fetch(t, r, strings.Replace(url, "127.0.0.1", "a.example", 1)), "")
}

func TestParseProxy(t *testing.T) {
	for rawURL, want := range map[string]checks.Proxy{
		"http://Proxy.example":           {Scheme: "http", Host: "proxy.example", Port: "80"},
		"https://proxy.example./":        {Scheme: "https", Host: "proxy.example", Port: "443"},
		"socks5://[::1]":                 {Scheme: "socks5", Host: "::1", Port: "1080"},
		"socks5h://a:b@127.0.0.1:9":      {Scheme: "socks5", Host: "127.0.0.1", Port: "9", Username: "a", Password: "b"},
		"http://me@proxy.example:3128":   {Scheme: "http", Host: "proxy.example", Port: "3128", Username: "me"},
		"http://m%20e:%3A%40@p.example/": {Scheme: "http", Host: "p.example", Port: "80", Username: "m e", Password: ":@"},
	} {
		got, err := checks.ParseProxy(rawURL)
		if err != nil {
			t.Errorf("%s: %v", rawURL, err)
		} else if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", rawURL, diff)
		}
	}
	for rawURL, want := range map[string]string{
		"": "begin with", "proxy.example:3128": "begin with", "ftp://hunter2": "begin with", "http://": "no host", "http:hunter2": "no host",
		"http://hunter2:0": "port", "http://hunter2:99999": "port", "http://a b": "no URL", "http://a..b": "no host",
		"http://p.example/hunter2": "no path", "http://p.example?hunter2": "no path", "http://:hunter2@p.example": "no username",
		"http://a%3Ab:hunter2@p.example": "colon", "socks5://hunter2@p.example": "RFC 1929",
		"socks5://" + strings.Repeat("x", 256) + ":b@p.example": "RFC 1929",
	} {
		_, err := checks.ParseProxy(rawURL)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error is %v, want %q in it and no part of the URL", rawURL, err, want)
		}
	}
}
