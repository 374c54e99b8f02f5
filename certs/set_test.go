package certs

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// identity returns one as [Load] would, without files.
func identity(name string, hosts ...string) *Identity {
	return &Identity{source: Source{Name: name, Hosts: hosts, PEM: name + ".pem"}}
}

func added(id *Identity, day string) *Identity {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	id.source.Added = t
	return id
}

func primary(id *Identity) *Identity {
	id.source.Primary = true
	return id
}

func caOnly(id *Identity) *Identity {
	id.source.PEM = ""
	return withCA(id)
}

func withCA(id *Identity) *Identity {
	id.source.CA = id.source.Name + "-ca.pem"
	id.roots = &Roots{}
	return id
}

func newSet(tb testing.TB, ids ...*Identity) *Set {
	tb.Helper()
	s, err := NewSet(ids)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestSelect(t *testing.T) {
	explicit := identity("explicit", "named.acme.com")
	set := newSet(
		t,
		identity("wildcard-old", "*.acme.com"),
		added(identity("wildcard-new", "*.acme.com", "*.new.example"), "2026-03-01"),
		added(identity("wildcard-dated", "*.acme.com"), "2026-02-01"),
		identity("exact-first", "api.acme.com"),
		identity("exact-second", "api.acme.com", "*.late.example"),
		added(identity("long-pattern", "very.long.*.new.example"), "2026-02-28"),
		primary(identity("primary", "primary.example")),
		explicit,
		caOnly(identity("ca", "api.acme.com", "*.acme.com", "only-ca.example")),
		identity("address", "10.0.0.1", "[2001:db8::1]"),
		identity("everything", "*"),
	)
	for _, test := range []struct {
		name, host string
		want       Want
		identity   string
		rule       Rule
	}{
		{"1: refused", "api.acme.com", Want{Mode: ModeNone}, "", RuleNone},
		{"1: refused even if named", "api.acme.com", Want{Mode: ModeNone, Explicit: explicit}, "", RuleNone},
		{"2: named", "api.acme.com", Want{Explicit: explicit}, "explicit", RuleExplicit},
		{"2: named, again the first host", "api.acme.com", Want{Explicit: explicit, FirstHost: "api.acme.com"}, "explicit", RuleExplicit},
		{"2: named, required", "x.example", Want{Mode: ModeRequired, Explicit: explicit}, "explicit", RuleExplicit},
		{"2: named, other host", "api.acme.com", Want{Explicit: explicit, FirstHost: "x.example"}, "exact-second", RuleExact},
		{"3: exact, the later one", "api.acme.com", Want{}, "exact-second", RuleExact},
		{"3: exact on a redirect", "api.acme.com", Want{FirstHost: "x.example"}, "exact-second", RuleExact},
		{"3: exact before primary", "api.acme.com", Want{Mode: ModeRequired}, "exact-second", RuleExact},
		{"4: pattern, the latest date", "b.acme.com", Want{}, "wildcard-new", RulePattern},
		{"4: longer patterns have no advantage", "very.long.x.new.example", Want{}, "wildcard-new", RulePattern},
		{"4: no date, so behind those with one", "acme.com", Want{}, "everything", RulePattern},
		{"4: a pattern before the primary", "x.late.example", Want{Mode: ModeRequired}, "everything", RulePattern},
		{"exact address", "10.0.0.1", Want{}, "address", RuleExact},
		{"exact IPv6 address", "[2001:DB8::1]", Want{}, "address", RuleExact},
		{"no pattern covers an address", "10.0.0.2", Want{}, "", RuleNone},
		{"5: primary for an address", "10.0.0.2", Want{Mode: ModeRequired}, "primary", RulePrimary},
		{"5: primary on the first host again", "10.0.0.2", Want{Mode: ModeRequired, FirstHost: "10.0.0.2"}, "primary", RulePrimary},
		{"5: no primary on another host", "10.0.0.2", Want{Mode: ModeRequired, FirstHost: "api.acme.com"}, "", RuleNone},
		{"any spelling", "API.Acme.com.", Want{FirstHost: "X.example."}, "exact-second", RuleExact},
		{"first host in any spelling", "api.acme.com", Want{Explicit: explicit, FirstHost: "API.acme.COM."}, "explicit", RuleExplicit},
		{"a host that is none", "a..b", Want{Mode: ModeRequired}, "", RuleNone},
		{"a first host that is none", "api.acme.com", Want{FirstHost: ".."}, "", RuleNone},
	} {
		got := set.Select(test.host, test.want)
		if nameOf(got.Identity) != test.identity || got.Rule != test.rule {
			t.Errorf("%s: Select(%q) is %q by %s, want %q by %s", test.name, test.host, nameOf(got.Identity), got.Rule, test.identity, test.rule)
		}
	}
}

func nameOf(id *Identity) string {
	if id == nil {
		return ""
	}
	return id.Name()
}

func TestNilSet(t *testing.T) {
	var s *Set
	explicit := identity("explicit")
	if got := s.Select("acme.com", Want{Mode: ModeRequired}); got.Identity != nil || got.Rule != RuleNone {
		t.Errorf("the nil set selects %v", got)
	}
	if got := s.Select("acme.com", Want{Explicit: explicit}); got.Identity != explicit || got.Rule != RuleExplicit {
		t.Errorf("the nil set selects %v, want the one that is named", got)
	}
	if got := s.Explain("acme.com", Want{Mode: ModeRequired}); got.Choice.Rule != RuleNone || len(got.Candidates) != 0 {
		t.Errorf("the nil set explains %v", got)
	}
	if roots, err := s.Roots("acme.com", Want{}); roots == nil || err != nil || s.Identities() != nil {
		t.Errorf("the nil set has roots %v, %v", roots, err)
	}
}

func TestNewSetErrors(t *testing.T) {
	_, err := NewSet([]*Identity{primary(identity("a")), primary(identity("b"))})
	if want := `certificates "a" and "b" are both primary, want one at most`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	_, err = NewSet([]*Identity{identity("a", "https://x")})
	if want := `certificate "a": host "https://x" has a scheme in it, want only the host: "x"`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	s := newSet(t, primary(caOnly(identity("ca"))))
	if got := s.Select("acme.com", Want{Mode: ModeRequired}); got.Identity != nil {
		t.Errorf("a primary without a certificate is selected")
	}
}

func TestExplain(t *testing.T) {
	named := identity("named", "x.example")
	set := newSet(
		t,
		identity("old", "*.acme.com"),
		added(identity("january", "*.acme.com", "*.com"), "2026-01-15"),
		added(identity("march", "*.acme.com"), "2026-03-01"),
		added(identity("march-again", "*.acme.com"), "2026-03-01"),
		identity("exact", "api.acme.com", "*.acme.com"),
		identity("exact-later", "api.acme.com"),
		primary(identity("company")),
		named,
		caOnly(identity("ca", "api.acme.com")),
	)
	for _, test := range []struct {
		name, host string
		want       Want
		lines      []string
	}{
		{"pattern", "b.acme.com", Want{}, []string{
			"march-again by pattern",
			`march by pattern "*.acme.com": certificate "march-again", added at the same time, is declared later`,
			`january by pattern "*.acme.com": certificate "march-again" is more recent: added on 2026-03-01, this one on 2026-01-15`,
			`exact by pattern "*.acme.com": certificate "march-again" was added on 2026-03-01, and this one, without ` + "`added`" + `, counts as older`,
			`old by pattern "*.acme.com": certificate "march-again" was added on 2026-03-01, and this one, without ` + "`added`" + `, counts as older`,
		}},
		{"exact", "API.acme.com", Want{Mode: ModeRequired}, []string{
			"exact-later by exact",
			`exact by exact "api.acme.com": certificate "exact-later" is declared later, and neither says when it was added`,
			`march-again by pattern "*.acme.com": "*.acme.com" is a pattern, and certificate "exact-later" names exactly this host`,
			`march by pattern "*.acme.com": "*.acme.com" is a pattern, and certificate "exact-later" names exactly this host`,
			`january by pattern "*.acme.com": "*.acme.com" is a pattern, and certificate "exact-later" names exactly this host`,
			`old by pattern "*.acme.com": "*.acme.com" is a pattern, and certificate "exact-later" names exactly this host`,
			`company by primary "": it is the primary, which goes along only where no certificate's host matches, and "api.acme.com" of certificate "exact-later" does`,
		}},
		{"explicit", "x.com", Want{Explicit: named}, []string{
			"named by explicit",
			`january by pattern "*.com": the request names certificate "named"`,
		}},
		{"explicit on a redirect", "x.com", Want{Explicit: named, FirstHost: "x.example"}, []string{
			"january by pattern",
			`named by explicit "": the request names it, but for x.example only: on a redirect to another host its hosts decide`,
		}},
		{"refused", "x.com", Want{Mode: ModeNone}, []string{
			" by none",
			`january by pattern "*.com": the request says mtls = false, so no certificate goes along`,
		}},
		{"primary", "x.org", Want{Mode: ModeRequired}, []string{"company by primary"}},
		{"primary on a redirect", "x.org", Want{Mode: ModeRequired, FirstHost: "api.acme.com"}, []string{
			" by none",
			`company by primary "": it is the primary, which goes along to api.acme.com only, not on a redirect to another host`,
		}},
		{"none", "x.org", Want{}, []string{" by none"}},
		{"no host", "a..b", Want{}, []string{" by none"}},
	} {
		x := set.Explain(test.host, test.want)
		got := []string{nameOf(x.Choice.Identity) + " by " + string(x.Choice.Rule)}
		for _, c := range x.Candidates {
			got = append(got, fmt.Sprintf("%s by %s %q: %s", c.Identity.Name(), c.Rule, c.Host, c.Lost))
		}
		if a, b := strings.Join(got, "\n"), strings.Join(test.lines, "\n"); a != b {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, a, b)
		}
	}
	if got := set.Explain("API.acme.com.", Want{}).Host; got != "api.acme.com" {
		t.Errorf("host is %q, want it normalized", got)
	}
}

func TestSelectAllocatesNothing(t *testing.T) {
	set := newSet(t, identity("a", "api.acme.com"), identity("b", "*.acme.com"), identity("c", "*-x*[0-9].acme.org"), identity("d", "10.0.0.1"))
	for _, host := range []string{"api.acme.com", "b.acme.com", "a-xb1.acme.org", "acme.net", "10.0.0.1", "2001:db8::1"} {
		allocs := testing.AllocsPerRun(100, func() { set.Select(host, Want{FirstHost: "acme.com"}) })
		if allocs != 0 {
			t.Errorf("Select(%q) allocates %v times, want 0", host, allocs)
		}
	}
}

func BenchmarkSelect(b *testing.B) {
	for _, n := range []int{10, 1_000, 10_000} {
		var ids []*Identity
		for i := range n {
			ids = append(ids, identity(fmt.Sprint("exact-", i), fmt.Sprintf("api.exact-%d.example", i)))
			ids = append(ids, identity(fmt.Sprint("pattern-", i), fmt.Sprintf("*.pattern-%d.example", i)))
		}
		set := newSet(b, ids[:n]...)
		for _, host := range []struct{ name, host string }{
			{"exact", fmt.Sprintf("api.exact-%d.example", n/4)},
			{"pattern", fmt.Sprintf("api.eu.pattern-%d.example", n/4)},
			{"miss", "api.orders.acme.com"},
		} {
			b.Run(fmt.Sprintf("%d/%s", n, host.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					set.Select(host.host, Want{})
				}
			})
		}
	}
}

// The worst case of the index: all patterns share both of their ends.
func BenchmarkSelectSameEnds(b *testing.B) {
	var ids []*Identity
	for i := range 10_000 {
		ids = append(ids, identity(fmt.Sprint(i), fmt.Sprintf("*x%d*.acme.com", i)))
	}
	set := newSet(b, ids...)
	for b.Loop() {
		set.Select("api.eu.orders.acme.com", Want{})
	}
}
