package certs

import (
	"fmt"
	"testing"
)

func TestSetRoots(t *testing.T) {
	broken := withCA(identity("broken", "broken.example"))
	broken.roots, broken.caErr = nil, fmt.Errorf("x.pem does not exist")
	named := withCA(identity("named"))
	plain := identity("plain")
	set := newSet(
		t,
		withCA(identity("pattern", "*.acme.com")),
		identity("exact", "exact.acme.com"),
		caOnly(identity("ca-pattern", "*.acme.com", "*.ca.example")),
		caOnly(identity("ca-exact", "ca.acme.com")),
		identity("bare", "bare.ca.example"),
		withCA(identity("newest", "*.newest.example", "*.acme.com")),
		broken, named, plain,
		caOnly(identity("ca-broken", "broken.example")),
		primary(withCA(identity("primary"))),
	)
	for _, test := range []struct {
		name, host string
		want       Want
		roots      string // name of the block; "system"; "error"
	}{
		{"winner by pattern", "x.acme.com", Want{}, "newest"},
		{"as if mtls were unset", "x.acme.com", Want{Mode: ModeNone}, "newest"},
		{"an exact winner without a ca, then the best block with only one", "exact.acme.com", Want{}, "ca-pattern"},
		{"an exact block with only a ca", "ca.acme.com", Want{}, "ca-exact"},
		{"a block with only a ca", "x.ca.example", Want{}, "ca-pattern"},
		{"a winner without a ca, covered by one", "bare.ca.example", Want{}, "ca-pattern"},
		{"none", "x.org", Want{}, "system"},
		{"the primary's does not count", "x.org", Want{Mode: ModeRequired}, "system"},
		{"named", "x.acme.com", Want{Explicit: named}, "named"},
		{"named, other host", "x.acme.com", Want{Explicit: named, FirstHost: "x.org"}, "newest"},
		{"named without a ca, then the best block with only one", "x.acme.com", Want{Explicit: plain}, "ca-pattern"},
		{"named without a ca, no block", "x.org", Want{Explicit: plain}, "system"},
		{"unreadable", "broken.example", Want{FirstHost: "x.org"}, "ca-broken"},
		{"no host", "a..b", Want{}, "system"},
	} {
		roots, err := set.Roots(test.host, test.want)
		got := "error"
		if err == nil {
			got = rootsName(set, roots)
		}
		if got != test.roots {
			t.Errorf("%s: Roots(%q) are those of %s (%v), want %s", test.name, test.host, got, err, test.roots)
		}
	}
	set = newSet(t, broken)
	_, err := set.Roots("broken.example", Want{})
	if want := `loading the ca of certificate "broken": x.pem does not exist`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func rootsName(s *Set, roots *Roots) string {
	if roots == s.system {
		return "system"
	}
	for _, id := range s.ids {
		if id.roots == roots {
			return id.Name()
		}
	}
	return "nobody"
}
