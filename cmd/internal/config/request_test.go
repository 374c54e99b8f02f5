package config

import (
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// What excludes something inherited takes its place, whichever it is.
func TestBodiesClearOneAnother(t *testing.T) {
	bodies := map[string]struct{ src, sent, contentType string }{
		"body":      {`body = "text"`, "text", ""},
		"json":      {`json = { a = 1 }`, `{"a":1}`, "application/json"},
		"form":      {`form = { a = 1, b = ["x y", "z"] }`, "a=1&b=x+y&b=z", "application/x-www-form-urlencoded"},
		"body_file": {`body_file = "order.xml"`, "<order/>\xff", ""},
	}
	for outer, o := range bodies {
		for inner, i := range bodies {
			dir := write(t, "main.hcl", `
defaults {
  schedule = "@every 1m"
  request {
    url    = "https://a.example/"
    method = "POST"
    `+o.src+`
  }
}
check "inherits" {}
check "sub" {
  request {
    `+i.src+`
  }
}
`, "order.xml", "<order/>\xff")
			c := load(t, dir, Options{})
			for n, want := range []struct{ sent, contentType string }{{o.sent, o.contentType}, {i.sent, i.contentType}} {
				r, err := c.Monitors[n].Check.Steps[0].Request.Template.Render(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := r.Header.Get("Content-Type"); string(r.Body) != want.sent || got != want.contentType {
					t.Errorf("%s over %s: %s sends %q as %q, want %q as %q", inner, outer, c.Monitors[n].Check.Name, r.Body, got, want.sent, want.contentType)
				}
			}
			if file := filepath.Join(dir, "order.xml"); slices.Contains(c.Files, file) != (inner == "body_file" || outer == "body_file") {
				t.Errorf("%s over %s: watches %q", inner, outer, c.Files)
			}
		}
	}
}

// The path of a body begins at the folder of the file that names it.
func TestBodyFileOfAnotherFolder(t *testing.T) {
	dir := write(t, "a/defaults.hcl", `defaults {
  schedule = "@every 1m"
  request {
    method    = "PUT"
    body_file = "text"
  }
}`, "a/text", "right", "b/checks.hcl", `check "x" {
  request { url = "https://a.example/" }
}`, "b/text", "wrong")
	c := load(t, dir, Options{})
	r, err := c.Monitors[0].Check.Steps[0].Request.Template.Render(t.Context(), nil)
	if err != nil || string(r.Body) != "right" || r.File != filepath.Join(dir, "a/text") {
		t.Errorf("sends %q of %s, %v", r.Body, r.File, err)
	}
}

func TestConnections(t *testing.T) {
	dir := write(t, "main.hcl", `
settings {
  allow_networks          = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"]
  deny_networks           = ["10.9.0.0/16", "::ffff:192.0.2.9"]
  max_concurrent_per_host = 3
}
secret "password" { env = "PASSWORD" }
secret "proxy"    { env = "PROXY" }
secret "gone"     { env = "GONE" }
defaults {
  schedule = "@every 1m"
  request {
    url          = "https://a.example/"
    proxy        = "http://me:${urlencode(secret.password)}@proxy.example:3128"
    ip_version   = 6
    http_version = 2
    ca           = "ca.pem"
  }
}
check "inherits" {}
check "direct" {
  request {
    proxy        = false
    ip_version   = 4
    http_version = "1.1"
  }
}
check "whole" {
  request { proxy = secret.proxy }
}
check "gone" {
  request { proxy = "socks5://me:${secret.gone}@proxy.example" }
}
`, "ca.pem", "")
	c := load(t, dir, Options{Environ: environ("PASSWORD", "p@ss/word", "PROXY", "socks5h://a:b@[::1]:9")})
	of := func(i int) checks.Request { return c.Monitors[i].Check.Steps[0].Request }
	for i, want := range []*checks.Proxy{
		{Scheme: "http", Host: "proxy.example", Port: "3128", Username: "me", Password: "p@ss/word"},
		nil,
		{Scheme: "socks5", Host: "::1", Port: "9", Username: "a", Password: "b"},
		nil,
	} {
		if diff := cmp.Diff(want, of(i).Proxy); diff != "" {
			t.Errorf("%s: proxy (-want +got):\n%s", c.Monitors[i].Check.Name, diff)
		}
		_, unavailable := errors.AsType[*lang.UnavailableError](of(i).ProxyErr)
		if unavailable != (i == 3) {
			t.Errorf("%s: error is %v", c.Monitors[i].Check.Name, of(i).ProxyErr)
		}
	}
	if r := of(0); r.IPVersion != 6 || r.HTTPVersion != "2" || r.RootsFile != filepath.Join(dir, "ca.pem") {
		t.Errorf("inherits: %+v", r)
	}
	if r := of(1); r.IPVersion != 4 || r.HTTPVersion != "1.1" {
		t.Errorf("direct: %+v", r)
	}
	nets := func(list ...string) (out []netip.Prefix) {
		for _, n := range list {
			out = append(out, netip.MustParsePrefix(n))
		}
		return out
	}
	s := c.Settings
	if s.MaxPerHost != 3 || !slices.Equal(s.AllowNetworks, nets("10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32")) ||
		!slices.Equal(s.DenyNetworks, nets("10.9.0.0/16", "192.0.2.9/32")) {
		t.Errorf("settings are %+v", s)
	}
}
