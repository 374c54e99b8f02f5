package checks_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

const canary = "c4n4ry/+secret value"

// echo answers with everything it was sent, which is what makes secrets leak.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = fmt.Fprintln(w, r.URL, r.Header, string(body))
	}
}

// TestCanary provokes failures with a secret in every place of a request, and
// looks for it in everything that comes out.
func TestCanary(t *testing.T) {
	ca := certstest.NewCA(t)
	server := func(s *certstest.Server) string {
		s.Pair = ca.Server()
		return certstest.NewServer(t, s).URL()
	}
	ours := func(alert certstest.Alert) string {
		return server(&certstest.Server{ClientAuth: tls.RequireAnyClientCert, Alert: alert})
	}
	redirects := func(to string) string {
		return server(&certstest.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		})})
	}
	acme := identity(t, "acme", ca.Client("probe"), "127.0.0.1")
	refused := func(s string) string { return "https://127.0.0.1:1/" + s }
	tests := map[string]struct {
		base    string
		ids     []*certs.Identity
		change  func(*checks.Check)
		connect string
	}{
		"expectation":   {base: server(&certstest.Server{Handler: echo(http.StatusTeapot)})},
		"show_body":     {base: server(&certstest.Server{Handler: echo(http.StatusTeapot)}), change: func(c *checks.Check) { c.Steps[0].ShowBody = true }},
		"refused":       {base: refused("")},
		"blocked":       {base: "https://169.254.169.254"},
		"not found":     {base: "https://c4n4ry.invalid"},
		"not TLS":       {base: "https://" + rawServer(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 9999)); _, _ = io.WriteString(c, canary) })},
		"not HTTP":      {base: script(t, func(c net.Conn) { _, _ = io.WriteString(c, canary+" "+url.QueryEscape(canary)) })},
		"redirect":      {base: redirects("ftp://x/" + url.PathEscape(canary) + "?" + url.QueryEscape(canary))},
		"followed":      {base: redirects("/x?" + url.QueryEscape(canary))},
		"unknown ca":    {base: server(new(certstest.Server)), change: func(c *checks.Check) { c.Steps[0].Request.Roots = nil }},
		"required":      {base: server(&certstest.Server{ClientAuth: tls.RequireAnyClientCert})},
		"cert refused":  {base: ours(certstest.UnknownCA), ids: []*certs.Identity{acme}},
		"timeout":       {base: server(&certstest.Server{Fault: certstest.Silent}), change: func(c *checks.Check) { c.Timeout = 50 * time.Millisecond }},
		"too large":     {base: server(&certstest.Server{Handler: echo(http.StatusOK)}), change: func(c *checks.Check) { c.Steps[0].Request.MaxBody = 1 }},
		"template":      {change: func(c *checks.Check) { c.Steps[0].Request.Template = failing{errors.New("cannot use " + canary)} }},
		"panic":         {base: server(new(certstest.Server)), change: func(c *checks.Check) { c.Steps[0].Expect = []checks.Condition{panics{}} }},
		"invalid":       {base: server(new(certstest.Server)), change: func(c *checks.Check) { c.Steps[0].Request.Template.(*static).Header.Set("X", canary+"\n") }},
		"local":         {base: refused(""), change: func(c *checks.Check) { c.Steps[0].Request.RootsErr = errors.New("reading /run/" + canary) }},
		"expected fail": {base: refused(""), change: func(c *checks.Check) { c.Steps[0].ExpectFailure = []checks.Reason{checks.ReasonDNSTimeout} }},
		"degraded": {base: server(&certstest.Server{Handler: echo(http.StatusOK)}), change: func(c *checks.Check) {
			c.Steps[0].Expect, c.Steps[0].DegradedIf = nil, []checks.Condition{holds("body has " + canary)}
		}},
		"passed": {base: server(&certstest.Server{Handler: echo(http.StatusOK)}), change: func(c *checks.Check) { c.Steps[0].Expect = nil }},
	}
	for name, tt := range tests {
		for _, known := range []string{"redactor", "rendered"} {
			t.Run(name+"/"+known, func(t *testing.T) {
				c := canaryCheck(t, tt.base, known)
				c.Steps[0].Request.Roots = roots(t, ca)
				if tt.change != nil {
					tt.change(c)
				}
				if (name == "template" || name == "local" || name == "panic") && known == "rendered" {
					c.Redactor = checks.NewRedactor(canary) // nothing was rendered, or from the configuration
				}
				var log bytes.Buffer
				r := &checks.Runner{Certs: set(t, tt.ids...), Logger: slog.New(slog.NewTextHandler(&log, nil))}
				res := r.Run(t.Context(), c)
				if (res.Outcome == checks.Passed) != (name == "passed") {
					t.Fatalf("outcome is %s: %s", res.Outcome, res.Message)
				}
				out, err := json.Marshal(res)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%s", out)
				wantNoCanary(t, string(out)+log.String()+fmt.Sprintf("%+v", res))
			})
		}
	}
}

// canaryCheck has the secret in its URL, header, authentication and body, and
// in what its expectation tells.
func canaryCheck(t *testing.T, base, known string) *checks.Check {
	t.Helper()
	req := &static{
		Method: http.MethodPost,
		URL:    parse(t, base+"/"+url.PathEscape(canary)+"?k="+url.QueryEscape(canary)),
		Header: http.Header{
			"X-Key":         {canary},
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+canary))},
		},
		Body: []byte(`{"password": "` + canary + `"}`),
	}
	c := &checks.Check{Name: "canary", Timeout: 10 * time.Second, Steps: []*checks.Step{{
		Request: checks.Request{Template: req, MaxRedirects: 2}, Expect: []checks.Condition{leaks{}},
	}}}
	if known == "redactor" {
		c.Redactor = checks.NewRedactor(canary, "55512345")
	} else {
		req.Secrets = []string{canary, "55512345"}
	}
	return c
}

func wantNoCanary(t *testing.T, out string) {
	t.Helper()
	quoted, _ := json.Marshal(canary)
	for _, form := range []string{
		canary, "55512345", "c4n4ry/", "+secret", url.QueryEscape(canary), url.PathEscape(canary), string(quoted[1 : len(quoted)-1]),
		base64.StdEncoding.EncodeToString([]byte(canary)), base64.StdEncoding.EncodeToString([]byte("me:" + canary)),
		base64.RawStdEncoding.EncodeToString([]byte(canary))[:12],
	} {
		if strings.Contains(out, form) {
			t.Errorf("found %q in %s", form, out)
		}
	}
}

// leaks fails and tells everything it knows.
type leaks struct{}

func (leaks) Judge(v *checks.Vars) checks.Verdict {
	body := string(v.Exchange.Body)
	return checks.Verdict{Explanation: checks.Explanation{
		Expression: "body == " + canary, Message: "body is " + body + ", url " + v.Exchange.URL,
		Values: []checks.Value{{Name: "body " + canary, Value: body}, {Name: "json", Value: map[string]any{canary: []any{body, 1, nil}}}, {Name: "pin", Value: json.Number("55512345")}, {Name: "code", Value: 55512345}},
	}}
}

type panics struct{}

func (panics) Judge(*checks.Vars) checks.Verdict { panic("oh " + canary) }

type failing struct{ err error }

func (f failing) Render(context.Context, *checks.Vars) (*checks.Rendered, error) { return nil, f.err }

func TestCredentialsAreNeverShown(t *testing.T) {
	url := serveHTTP(t, echo(http.StatusTeapot))
	c := single(checks.Request{Template: &static{URL: parse(t, url), Header: http.Header{
		"Authorization": {"Bearer literal-token"}, "Cookie": {"session=literal-cookie"},
	}}})
	c.Steps[0].ShowBody = true
	out, err := json.Marshal(new(checks.Runner).Run(t.Context(), c))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("literal-")) {
		t.Errorf("found a credential in %s", out)
	}
}

func TestForbiddenIsCompared(t *testing.T) {
	r := &checks.Runner{Forbidden: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9780")}}
	wantReason(t, fetch(t, r, "http://127.0.0.1:1/"), checks.ReasonConnectRefused)
}
