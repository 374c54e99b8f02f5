package certs

import (
	"fmt"
	"slices"
	"time"
)

// An Explanation tells how a certificate was chosen.
type Explanation struct {
	Host       string // normalized, or as it was asked if that fails
	Choice     Choice
	Candidates []Candidate // those that matched and lost, the strongest first
}

// A Candidate is a certificate that could have gone along and lost.
type Candidate struct {
	Identity *Identity
	Rule     Rule   // by which it was a candidate
	Host     string // its host or pattern that matched, as written; empty with RuleExplicit and RulePrimary
	Lost     string // why it lost, to follow its name: `"*.acme.com" is a pattern, and …`
}

// Explain tells how [Set.Select] chooses, with every candidate that lost: the
// identities whose hosts match, the one that the request names, and the primary
// where a certificate is required. It takes time in proportion to the set.
func (s *Set) Explain(host string, w Want) Explanation {
	x := explainer{want: w, choice: s.Select(host, w)}
	var ok bool
	if x.host, x.first, ok = w.hosts(host); !ok {
		return Explanation{Host: host, Choice: x.choice}
	}
	if s != nil {
		x.matching(s.recent)
	}
	x.candidate(w.Explicit, RuleExplicit, "")
	if s != nil && w.Mode == ModeRequired {
		x.candidate(s.primary, RulePrimary, "")
	}
	return Explanation{Host: x.host, Choice: x.choice, Candidates: x.candidates}
}

// An explainer collects the candidates that lost.
type explainer struct {
	host, first string
	want        Want
	choice      Choice
	winner      string // the winner's host that matched, as written
	candidates  []Candidate
}

// matching adds those of recent, the most recent first, whose hosts match.
func (x *explainer) matching(recent []*Identity) {
	type match struct {
		id   *Identity
		host string
		rule Rule
	}
	var matches []match
	for _, id := range recent {
		if pattern, rule := bestMatch(id, x.host); id.HasCertificate() && rule != RuleNone {
			matches = append(matches, match{id, pattern.String(), rule})
		}
		if id == x.choice.Identity {
			pattern, _ := bestMatch(id, x.host)
			x.winner = pattern.String()
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int {
		return boolToInt(a.rule != RuleExact) - boolToInt(b.rule != RuleExact)
	})
	for _, m := range matches {
		x.candidate(m.id, m.rule, m.host)
	}
}

// candidate adds id unless it won or is there already.
func (x *explainer) candidate(id *Identity, rule Rule, host string) {
	if id == nil || id == x.choice.Identity ||
		slices.ContainsFunc(x.candidates, func(c Candidate) bool { return c.Identity == id }) {
		return
	}
	x.candidates = append(x.candidates, Candidate{Identity: id, Rule: rule, Host: host, Lost: x.lost(id, rule, host)})
}

// lost says why id, a candidate by rule, lost against the choice.
func (x *explainer) lost(id *Identity, rule Rule, host string) string {
	winner := x.choice.Identity
	switch {
	case x.want.Mode == ModeNone:
		return "the request says mtls = false, so no certificate goes along"
	case rule == RuleExplicit:
		return fmt.Sprintf("the request names it, but for %s only: on a redirect to another host its hosts decide", x.first)
	case x.choice.Rule == RuleExplicit:
		return fmt.Sprintf("the request names certificate %q", winner.Name())
	case rule == RulePrimary && x.host != x.first:
		return fmt.Sprintf("it is the primary, which goes along to %s only, not on a redirect to another host", x.first)
	case rule == RulePrimary:
		return fmt.Sprintf("it is the primary, which goes along only where no certificate's host matches, and %q of certificate %q does",
			x.winner, winner.Name())
	case rule == RulePattern && x.choice.Rule == RuleExact:
		return fmt.Sprintf("%q is a pattern, and certificate %q names exactly this host", host, winner.Name())
	}
	return lessRecent(id, winner)
}

// lessRecent says why id is less recent than winner.
func lessRecent(id, winner *Identity) string {
	ours, theirs := id.Added(), winner.Added()
	switch {
	case ours.IsZero() && theirs.IsZero():
		return fmt.Sprintf("certificate %q is declared later, and neither says when it was added", winner.Name())
	case ours.IsZero():
		return fmt.Sprintf("certificate %q was added on %s, and this one, without `added`, counts as older", winner.Name(), date(theirs))
	case ours.Equal(theirs):
		return fmt.Sprintf("certificate %q, added at the same time, is declared later", winner.Name())
	}
	return fmt.Sprintf("certificate %q is more recent: added on %s, this one on %s", winner.Name(), date(theirs), date(ours))
}

// date formats a time as people write `added`.
func date(t time.Time) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.UTC().Format(time.DateOnly)
	}
	return t.Format(time.RFC3339)
}
