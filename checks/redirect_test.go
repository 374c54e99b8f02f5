package checks_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// A landscape is two hosts behind mutual TLS and a request that begins at the
// first: redirects lead from a.example to b.example by their ports.
type landscape struct {
	ca       *certstest.CA
	a, b     *certstest.Server
	idA, idB *certs.Identity
}

func newLandscape(t *testing.T, s *certstest.Server) *landscape {
	t.Helper()
	l := &landscape{ca: certstest.NewCA(t)}
	pair := l.ca.Server("127.0.0.1", "localhost")
	redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if to := r.URL.Query().Get("to"); to != "" {
			status := http.StatusFound
			_, _ = fmt.Sscan(r.URL.Query().Get("status"), &status)
			w.Header().Set("Location", to)
			w.WriteHeader(status)
		}
	})
	server := func() *certstest.Server {
		return certstest.NewServer(t, &certstest.Server{
			Pair: pair, ClientAuth: tls.RequestClientCert, Handler: redirect,
			MinVersion: s.MinVersion, MaxVersion: s.MaxVersion, Protocols: s.Protocols,
		})
	}
	l.a, l.b = server(), server()
	l.idA = identity(t, "a", l.ca.Client("a"), "127.0.0.1")
	l.idB = identity(t, "b", l.ca.Client("b"), "localhost")
	return l
}

// via returns the URL of server a that redirects to another.
func via(base, to string) string { return base + "/?to=" + strings.ReplaceAll(to, "&", "%26") }

// local returns a server's URL by its name instead of its address.
func local(s *certstest.Server) string { return strings.Replace(s.URL(), "127.0.0.1", "localhost", 1) }

// peers returns the common names that a server met, "-" for none.
func peers(s *certstest.Server) string {
	names := make([]string, 0, 2)
	for _, r := range s.Requests() {
		if r.Peer == nil {
			names = append(names, "-")
		} else {
			names = append(names, r.Peer.Subject.CommonName)
		}
	}
	return strings.Join(names, " ")
}

func TestRedirectSelectsAnew(t *testing.T) {
	for way, s := range everyWay() {
		t.Run(way, func(t *testing.T) {
			l := newLandscape(t, s)
			tests := map[string]struct {
				ids    []*certs.Identity
				change func(*checks.Request)
				target string // where a redirects to
				atA    string // who server a met
				atB    string
			}{
				"same host, same origin": {ids: []*certs.Identity{l.idA, l.idB}, target: l.a.URL() + "/end", atA: "a a", atB: ""},
				"same host, other port":  {ids: []*certs.Identity{l.idA, l.idB}, target: l.b.URL(), atA: "a", atB: "a"},
				"other host with one":    {ids: []*certs.Identity{l.idA, l.idB}, target: local(l.b), atA: "a", atB: "b"},
				"other host without":     {ids: []*certs.Identity{l.idA}, target: local(l.b), atA: "a", atB: "-"},
				"none here, one there":   {ids: []*certs.Identity{l.idB}, target: local(l.b), atA: "-", atB: "b"},
				"explicit, other host":   {ids: []*certs.Identity{l.idA}, change: func(r *checks.Request) { r.Certificate = l.idB }, target: local(l.b), atA: "b", atB: "-"},
				"explicit, same host":    {ids: []*certs.Identity{l.idA}, change: func(r *checks.Request) { r.Certificate = l.idB }, target: l.b.URL(), atA: "b", atB: "b"},
				"mtls = true, primary":   {ids: []*certs.Identity{primary(t, l.ca)}, change: func(r *checks.Request) { r.MTLS = certs.ModeRequired }, target: local(l.b), atA: "primary", atB: "-"},
				"mtls = false":           {ids: []*certs.Identity{l.idA, l.idB}, change: func(r *checks.Request) { r.MTLS = certs.ModeNone }, target: local(l.b), atA: "-", atB: "-"},
				"there and back":         {ids: []*certs.Identity{l.idA, l.idB}, target: via(local(l.b), l.a.URL()+"/end"), atA: "a a", atB: "b"},
			}
			for name, tt := range tests {
				t.Run(name, func(t *testing.T) {
					beforeA, beforeB := len(l.a.Requests()), len(l.b.Requests())
					change := tt.change
					if change == nil {
						change = func(*checks.Request) {}
					}
					r := &checks.Runner{Certs: set(t, tt.ids...)}
					wantReason(t, fetch(t, r, via(l.a.URL(), tt.target), trust(t, l.ca), change), "")
					gotA := strings.Join(strings.Fields(peers(l.a))[beforeA:], " ")
					gotB := strings.Join(strings.Fields(peers(l.b))[beforeB:], " ")
					if gotA != tt.atA || gotB != tt.atB {
						t.Errorf("first server met %q, second %q; want %q and %q", gotA, gotB, tt.atA, tt.atB)
					}
				})
			}
		})
	}
}

func primary(t *testing.T, ca *certstest.CA) *certs.Identity {
	t.Helper()
	return certs.Load(certs.Source{Name: "primary", PEM: ca.Client("primary").WritePEM(t.TempDir()), Primary: true})
}

func TestRedirectToAnotherOriginDropsWhatTheCheckSet(t *testing.T) {
	for way, s := range everyWay() {
		t.Run(way, func(t *testing.T) {
			l := newLandscape(t, s)
			header := http.Header{"Authorization": {"Bearer t"}, "Cookie": {"c=1"}, "X-Own": {"1"}, "User-Agent": {"own"}, "Host": {"virtual.example"}}
			for name, tt := range map[string]struct {
				target string
				at     *certstest.Server
				kept   bool
			}{
				"same origin":    {l.a.URL() + "/end", l.a, true},
				"other port":     {l.b.URL() + "/end", l.b, false},
				"other host":     {local(l.b) + "/end", l.b, false},
				"there and back": {via(local(l.b), l.a.URL()+"/end"), l.a, false},
			} {
				t.Run(name, func(t *testing.T) {
					res := fetch(t, new(checks.Runner), l.a.URL(), trust(t, l.ca), func(r *checks.Request) {
						r.Template = &static{
							Method: http.MethodPost, URL: parse(t, via(l.a.URL(), tt.target)+"&status=307"), Header: header, Body: []byte("{}"),
						}
					})
					wantReason(t, res, "")
					requests := tt.at.Requests()
					last := requests[len(requests)-1]
					if last.Path != "/end" {
						t.Fatalf("the last request is for %s, want /end", last.Path)
					}
					for name := range header {
						if got := last.Header.Get(name) == header.Get(name); name != "Host" && got != tt.kept {
							t.Errorf("header %s is %q, want it kept: %v", name, last.Header.Get(name), tt.kept)
						}
					}
					if got := last.Host == "virtual.example"; got != tt.kept {
						t.Errorf("host is %q, want the check's own kept: %v", last.Host, tt.kept)
					}
					if got := last.Header.Get("Content-Length") == "2"; got != tt.kept {
						t.Errorf("content length is %q, want the body kept: %v", last.Header.Get("Content-Length"), tt.kept)
					}
				})
			}
		})
	}
}

func TestRedirectMethods(t *testing.T) {
	tests := []struct {
		status     int
		method     string
		wantMethod string
		wantBody   bool
	}{
		{301, "POST", "GET", false},
		{302, "POST", "GET", false},
		{303, "POST", "GET", false},
		{307, "POST", "POST", true},
		{308, "POST", "POST", true},
		{301, "PUT", "PUT", true},
		{302, "DELETE", "DELETE", true},
		{303, "PUT", "GET", false},
		{303, "HEAD", "HEAD", true},
		{301, "HEAD", "HEAD", true},
		{302, "GET", "GET", true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, tt.method), func(t *testing.T) {
			var method, body, kind string
			url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/end" {
					http.Redirect(w, r, "/end", tt.status)
					return
				}
				got, _ := io.ReadAll(r.Body)
				method, body, kind = r.Method, string(got), r.Header.Get("Content-Type")
			})
			res := fetch(t, new(checks.Runner), url, func(r *checks.Request) {
				r.Template = &static{
					Method: tt.method, URL: parse(t, url), Body: []byte("x"), Header: http.Header{"Content-Type": {"text/plain"}},
				}
			})
			wantReason(t, res, "")
			if method != tt.wantMethod || (body == "x") != tt.wantBody || (kind != "") != tt.wantBody {
				t.Errorf("got %s with body %q of type %q, want %s with the body: %v", method, body, kind, tt.wantMethod, tt.wantBody)
			}
		})
	}
}

func TestRedirectsRefused(t *testing.T) {
	ca := certstest.NewCA(t)
	plain := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	var location string
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if location != "" {
			w.Header()["Location"] = []string{location}
		}
		w.WriteHeader(http.StatusFound)
	})})
	tests := map[string]struct {
		location string
		want     checks.Reason
		text     string
	}{
		"forever":            {"/", checks.ReasonRedirect, "more than 5 redirects"},
		"to http":            {plain, checks.ReasonRedirect, "from https to http"},
		"other scheme":       {"file:///etc/passwd", checks.ReasonRedirect, "want http or https"},
		"no scheme to speak": {"javascript:alert(1)", checks.ReasonRedirect, "want http or https"},
		"not a URL":          {"https://[::1", checks.ReasonRedirect, "not a URL"},
		"no host":            {"https:///x", checks.ReasonRedirect, "not a URL"},
		"metadata":           {"https://169.254.169.254/latest", checks.ReasonTargetBlocked, "link-local"},
		"metadata as IPv6":   {"https://[::ffff:169.254.169.254]/latest", checks.ReasonTargetBlocked, "link-local"},
		"metadata by NAT64":  {"https://[64:ff9b::a9fe:a9fe]/latest", checks.ReasonTargetBlocked, "link-local"},
		"metadata of EC2":    {"https://[fd00:ec2::254]/latest", checks.ReasonTargetBlocked, "clouds"},
		"link-local IPv6":    {"https://[fe80::1]/", checks.ReasonTargetBlocked, "link-local"},
		"other cloud":        {"https://100.100.100.200/", checks.ReasonTargetBlocked, "clouds"},
		"no location":        {"", checks.ReasonExpectation, "status is 302"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			location = tt.location
			wantReason(t, fetch(t, new(checks.Runner), s.URL(), trust(t, ca)), tt.want, tt.text)
		})
	}
}

func TestRedirectNotFollowed(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/end", http.StatusFound) })
	c := single(checks.Request{Template: get(t, url)})
	c.Steps[0].Expect = []checks.Condition{statusIs(http.StatusFound)}
	wantReason(t, new(checks.Runner).Run(t.Context(), c), "")
}

func TestRedirectAddsUp(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/end" {
			http.Redirect(w, r, "/end", http.StatusFound)
		}
	})})
	var got *checks.Exchange
	c := single(checks.Request{Template: get(t, s.URL()), Roots: roots(t, ca), MaxRedirects: 5})
	c.Steps[0].Expect = []checks.Condition{condition(func(x *checks.Exchange) (string, error) { got = x; return "", nil })}
	res := new(checks.Runner).Run(t.Context(), c)
	wantReason(t, res, "")
	if got.Redirects != 1 || got.URL != s.URL()+"/end" || got.Timing != res.Steps[0].Timing || len(res.Steps[0].Servers) != 2 {
		t.Errorf("%d redirects to %s, timing %v of %v, %d servers; want 1 to /end, the same and 2",
			got.Redirects, got.URL, got.Timing, res.Steps[0].Timing, len(res.Steps[0].Servers))
	}
	if phases := got.Timing.Connect + got.Timing.TLS + got.Timing.Wait + got.Timing.Transfer; phases > got.Timing.Total {
		t.Errorf("phases are %v together, total is %v", phases, got.Timing.Total)
	}
}

// What belongs to the first hop's host alone does not go along to another.
func TestConnectToAndServerNameStayWithTheFirstHost(t *testing.T) {
	ca := certstest.NewCA(t)
	end := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("127.0.0.1")})
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("inner.example"), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/same" {
			http.Redirect(w, r, end.URL()+"/end", http.StatusFound)
			return
		}
		http.Redirect(w, r, "https://first.example/same", http.StatusFound)
	})})
	res := fetch(t, new(checks.Runner), "https://first.example/", trust(t, ca), connectTo(s.Addr()),
		func(r *checks.Request) { r.ServerName = "inner.example" })
	wantReason(t, res, "")
	if len(s.Requests()) != 2 || len(end.Requests()) != 1 {
		t.Errorf("%d and %d requests, want 2 and 1", len(s.Requests()), len(end.Requests()))
	}
}

func TestInsecureSkipVerifyStaysWithTheFirstHost(t *testing.T) {
	l := newLandscape(t, &certstest.Server{})
	insecure := func(r *checks.Request) { r.InsecureSkipVerify = true }
	res := fetch(t, new(checks.Runner), via(l.a.URL(), local(l.b)), insecure)
	wantReason(t, res, checks.ReasonTLSUnknownCA, "localhost")
}
