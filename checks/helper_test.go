package checks_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

func TestMain(m *testing.M) {
	if serveBenchmark() {
		return
	}
	goleak.VerifyTestMain(m)
}

// static is a template that does not depend on anything.
type static checks.Rendered

func (s *static) Render(context.Context, *checks.Vars) (*checks.Rendered, error) {
	return (*checks.Rendered)(s), nil
}

// computed is a template that is made anew at each run.
type computed func(*checks.Vars) (*checks.Rendered, error)

func (c computed) Render(_ context.Context, v *checks.Vars) (*checks.Rendered, error) { return c(v) }

// condition judges by a function: an empty message means that it holds.
type condition func(x *checks.Exchange) (message string, err error)

func (c condition) Judge(v *checks.Vars) checks.Verdict {
	message, err := c(v.Exchange)
	return checks.Verdict{
		Holds: message == "" && err == nil, Err: err,
		Explanation: checks.Explanation{
			Expression: "condition", File: "test.hcl", Line: 7, Message: message,
			Values: []checks.Value{{Name: "status", Value: v.Exchange.Status}},
		},
	}
}

// statusIs expects a status.
func statusIs(want int) checks.Condition {
	return condition(func(x *checks.Exchange) (string, error) {
		if x.Status == want {
			return "", nil
		}
		return fmt.Sprintf("status is %d, want %d", x.Status, want), nil
	})
}

// get is a GET request.
func get(tb testing.TB, rawURL string) checks.Template {
	tb.Helper()
	return &static{Method: http.MethodGet, URL: parse(tb, rawURL)}
}

func parse(tb testing.TB, rawURL string) *url.URL {
	tb.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// single is a check of one request that wants status 200.
func single(r checks.Request) *checks.Check {
	return &checks.Check{
		Name: "test", Timeout: 10 * time.Second,
		Steps: []*checks.Step{{Request: r, Expect: []checks.Condition{statusIs(http.StatusOK)}}},
	}
}

// fetch runs a check of one GET request.
func fetch(t *testing.T, r *checks.Runner, rawURL string, change ...func(*checks.Request)) checks.Result {
	t.Helper()
	req := checks.Request{Template: get(t, rawURL), MaxRedirects: checks.DefaultMaxRedirects}
	for _, c := range change {
		c(&req)
	}
	return r.Run(t.Context(), single(req))
}

// wantReason fails the test unless the run failed for this reason, with all
// of these texts in its message. The empty reason wants it to pass.
func wantReason(t *testing.T, res checks.Result, want checks.Reason, texts ...string) {
	t.Helper()
	if res.Reason != want || res.Outcome != want.Outcome() {
		t.Fatalf("outcome is %s, reason %q, message %q; want reason %q", res.Outcome, res.Reason, res.Message, want)
	}
	for _, text := range texts {
		if !strings.Contains(res.Message, text) {
			t.Errorf("message is %q, want %q in it", res.Message, text)
		}
	}
}

// identity loads a pair as a certificate block of this name.
func identity(t *testing.T, name string, pair *certstest.Pair, hosts ...string) *certs.Identity {
	t.Helper()
	id := certs.Load(certs.Source{Name: name, Hosts: hosts, PEM: pair.WritePEM(t.TempDir())})
	if err := id.Err(); err != nil {
		t.Fatal(err)
	}
	return id
}

// set makes a set of identities.
func set(t *testing.T, ids ...*certs.Identity) *certs.Set {
	t.Helper()
	s, err := certs.NewSet(ids)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// roots are the roots of one authority.
func roots(t *testing.T, ca *certstest.CA) *certs.Roots {
	t.Helper()
	r, err := certs.LoadRoots(ca.WriteFile(t.TempDir()), false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// trust makes a request trust an authority.
func trust(t *testing.T, ca *certstest.CA) func(*checks.Request) {
	t.Helper()
	pool := roots(t, ca)
	return func(r *checks.Request) { r.Roots = pool }
}

// refusing is an address that refuses connections. A free port of a moment ago
// would not do: the next server may get it.
const refusing = "127.0.0.1:1"

// connectTo makes a request dial a server whatever its URL says.
func connectTo(addr string) func(*checks.Request) {
	return func(r *checks.Request) { r.ConnectTo = addr }
}

// script is a server that reads a request and answers with what a function
// writes; the connection is closed when the function returns.
func script(t *testing.T, answer func(w net.Conn)) (rawURL string) {
	t.Helper()
	return "http://" + rawServer(t, func(conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		answer(conn)
	})
}

// rawServer runs answer for each connection, one after the other, and closes it.
func rawServer(t *testing.T, answer func(net.Conn)) (addr string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answer(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// versions are the versions of TLS that tests cover.
func versions() map[string]uint16 {
	return map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}
}
