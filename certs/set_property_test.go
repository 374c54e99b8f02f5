package certs

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// Select and Explain agree with the rules, applied one after the other to all
// identities, for random sets and requests.
func TestSelectAgreesWithTheRules(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	rules := make(map[Rule]int)
	for range 500 {
		var ids []*Identity
		for i := range 1 + r.IntN(12) {
			ids = append(ids, randomIdentity(r, i))
		}
		if r.IntN(2) == 0 {
			primary(ids[r.IntN(len(ids))])
		}
		set := newSet(t, ids...)
		for range 20 {
			host := randomHost(r)
			if hosts := ids[r.IntN(len(ids))].Hosts(); r.IntN(2) == 0 && len(hosts) > 0 && isNormal(hosts[0]) {
				host = hosts[0]
			}
			want := Want{Mode: Mode(r.IntN(3))}
			if r.IntN(4) == 0 {
				want.Explicit = ids[r.IntN(len(ids))]
			}
			if r.IntN(3) == 0 {
				want.FirstHost = randomHost(r)
			}
			got, reference := set.Select(host, want), naiveSelect(ids, host, want)
			rules[got.Rule]++
			if got != reference {
				t.Fatalf("Select(%q, %+v) is %q by %s, want %q by %s", host, want, nameOf(got.Identity), got.Rule, nameOf(reference.Identity), reference.Rule)
			}
			checkExplanation(t, set, host, want)
		}
	}
	for _, rule := range []Rule{RuleExplicit, RuleExact, RulePattern, RulePrimary, RuleNone} {
		if rules[rule] < 200 {
			t.Errorf("rule %s decided %d times only: the test shows too little", rule, rules[rule])
		}
	}
}

func randomIdentity(r *rand.Rand, i int) *Identity {
	id := identity(fmt.Sprint("id-", i))
	for range r.IntN(4) {
		if r.IntN(2) == 0 {
			id.source.Hosts = append(id.source.Hosts, randomHost(r))
			continue
		}
		pattern, _ := randomPattern(r)
		if _, err := ParseHost(pattern); err == nil {
			id.source.Hosts = append(id.source.Hosts, pattern)
		}
	}
	if r.IntN(2) == 0 {
		id.source.Added = time.Date(2026, 1, 1+r.IntN(4), 0, 0, 0, 0, time.UTC)
	}
	if r.IntN(6) == 0 {
		caOnly(id)
	}
	return id
}

// naiveSelect applies the rules as they are written in the package comment.
func naiveSelect(ids []*Identity, host string, w Want) Choice {
	firstHop := w.FirstHost == "" || w.FirstHost == host
	switch {
	case w.Mode == ModeNone:
		return Choice{nil, RuleNone}
	case w.Explicit != nil && firstHop:
		return Choice{w.Explicit, RuleExplicit}
	}
	for _, rule := range []Rule{RuleExact, RulePattern} {
		var best *Identity
		for _, id := range ids {
			for _, text := range id.Hosts() {
				p, err := ParseHost(text)
				if err != nil || !id.HasCertificate() || p.Exact() != (rule == RuleExact) || !p.Match(host) {
					continue
				}
				if best == nil || !id.Added().Before(best.Added()) { // the zero time is before every date
					best = id
				}
			}
		}
		if best != nil {
			return Choice{best, rule}
		}
	}
	for _, id := range ids {
		if w.Mode == ModeRequired && firstHop && id.Primary() && id.HasCertificate() {
			return Choice{id, RulePrimary}
		}
	}
	return Choice{nil, RuleNone}
}

// checkExplanation checks that Explain agrees with Select and tells of every
// identity that matches.
func checkExplanation(t *testing.T, set *Set, host string, w Want) {
	t.Helper()
	x := set.Explain(host, w)
	if x.Choice != set.Select(host, w) {
		t.Fatalf("Explain(%q) says %v, Select %v", host, x.Choice, set.Select(host, w))
	}
	told := map[*Identity]bool{x.Choice.Identity: true}
	for _, c := range x.Candidates {
		if told[c.Identity] || c.Lost == "" {
			t.Fatalf("Explain(%q) tells of %q twice or without a reason", host, c.Identity.Name())
		}
		told[c.Identity] = true
	}
	for _, id := range set.Identities() {
		if _, rule := bestMatch(id, host); rule != RuleNone && id.HasCertificate() && !told[id] {
			t.Fatalf("Explain(%q) does not tell of %q", host, id.Name())
		}
	}
}
