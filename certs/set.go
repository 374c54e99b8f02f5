package certs

import (
	"cmp"
	"fmt"
	"slices"
)

// Mode says whether a request goes along with a client certificate.
type Mode int

// The modes of a request: mtls unset, true and false.
const (
	ModeUnset    Mode = iota // the host decides
	ModeRequired             // a certificate must go along: chosen by host, else the primary
	ModeNone                 // none goes along
)

// Rule names the rule by which a certificate was chosen.
type Rule string

// The rules, in order of precedence.
const (
	RuleExplicit Rule = "explicit" // the request names the certificate
	RuleExact    Rule = "exact"    // a host of the certificate is this host
	RulePattern  Rule = "pattern"  // a pattern of the certificate covers this host
	RulePrimary  Rule = "primary"  // a certificate is required, and no host matches
	RuleNone     Rule = "none"     // no certificate goes along
)

// Want is what a request says about its certificate.
type Want struct {
	Mode      Mode
	Explicit  *Identity // the certificate that the request names; nil lets the host decide
	FirstHost string    // host of the first hop; empty: the host asked about is the first hop's
}

// A Choice is the certificate that goes along, and why.
type Choice struct {
	Identity *Identity // nil: none
	Rule     Rule
}

// A Set is all certificates of a configuration, ready for selection. It does
// not change and is safe for concurrent use. The nil Set is empty.
type Set struct {
	ids     []*Identity // in order of declaration
	recent  []*Identity // the most recent first: a rank is an index into it
	primary *Identity
	system  *Roots
	clients index // identities with a certificate
	caOnly  index // the others: they count for roots alone
}

// NewSet makes a set of ids, which come in order of declaration: where Added
// does not decide, a later one counts as newer. It fails if two of them are
// primary, and for a host that [ParseHost] refuses.
func NewSet(ids []*Identity) (*Set, error) {
	s := &Set{ids: slices.Clone(ids), recent: byRecency(ids), system: SystemRoots()}
	for rank, id := range s.recent {
		index := &s.caOnly
		if id.HasCertificate() {
			index = &s.clients
		}
		for _, host := range id.source.Hosts {
			pattern, err := ParseHost(host)
			if err != nil {
				return nil, fmt.Errorf("certificate %q: %w", id.Name(), err)
			}
			index.add(pattern, rank)
		}
	}
	for _, id := range ids {
		if !id.Primary() {
			continue
		}
		if s.primary != nil {
			return nil, fmt.Errorf("certificates %q and %q are both primary, want one at most", s.primary.Name(), id.Name())
		}
		s.primary = id
	}
	if s.primary != nil && !s.primary.HasCertificate() {
		s.primary = nil // Problems tells
	}
	s.clients.finish()
	s.caOnly.finish()
	return s, nil
}

// byRecency returns ids, which are in order of declaration, the most recent
// first.
func byRecency(ids []*Identity) []*Identity {
	recent := slices.Clone(ids)
	slices.Reverse(recent)
	slices.SortStableFunc(recent, func(a, b *Identity) int {
		if a.Added().IsZero() != b.Added().IsZero() {
			return cmp.Compare(boolToInt(a.Added().IsZero()), boolToInt(b.Added().IsZero()))
		}
		return b.Added().Compare(a.Added())
	})
	return recent
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Identities returns all identities in order of declaration.
func (s *Set) Identities() []*Identity {
	if s == nil {
		return nil
	}
	return slices.Clone(s.ids)
}

// Select chooses the certificate that goes along with a connection to host,
// by the rules of the package comment. The host is the one of the URL; it need
// not be normalized, but only normalized hosts are selected for without
// allocation. A host that [NormalizeHost] refuses gets no certificate.
//
// The identity chosen may be one that cannot be used (see [Identity.Err]):
// there is no falling back to another one.
func (s *Set) Select(host string, w Want) Choice {
	host, first, ok := w.hosts(host)
	if !ok || w.Mode == ModeNone {
		return Choice{Rule: RuleNone}
	}
	if w.Explicit != nil && host == first {
		return Choice{Identity: w.Explicit, Rule: RuleExplicit}
	}
	if s == nil {
		return Choice{Rule: RuleNone}
	}
	if hit := s.clients.lookup(host); hit.found() {
		return Choice{Identity: s.recent[hit.rank], Rule: hit.rule}
	}
	if w.Mode == ModeRequired && s.primary != nil && host == first {
		return Choice{Identity: s.primary, Rule: RulePrimary}
	}
	return Choice{Rule: RuleNone}
}

// hosts returns host and the first hop's host, both normalized.
func (w Want) hosts(host string) (this, first string, ok bool) {
	this, err := NormalizeHost(host)
	if err != nil {
		return "", "", false
	}
	if w.FirstHost == "" {
		return this, this, true
	}
	first, err = NormalizeHost(w.FirstHost)
	if err != nil {
		return "", "", false
	}
	return this, first, true
}

// Roots returns the roots that the server at host is verified by, unless its
// request brings its own: those that [Set.Verifier] brings, else the system's.
// It fails if the roots so chosen cannot be loaded.
func (s *Set) Roots(host string, w Want) (*Roots, error) {
	if id := s.Verifier(host, w); id != nil {
		return id.rootsOrError()
	}
	return s.systemRoots(), nil
}

// Verifier returns whose ca the server at host is verified by, unless its
// request brings its own: the block that host selects by rules 2 to 4 as if
// mtls were unset, blocks without a certificate included; if that one brings
// none, the best matching block that only brings a ca; else nil.
func (s *Set) Verifier(host string, w Want) *Identity {
	host, first, ok := w.hosts(host)
	if !ok {
		return nil
	}
	if w.Explicit != nil && host == first && w.Explicit.bringsCA() {
		return w.Explicit
	}
	if s == nil {
		return nil
	}
	caOnly := s.caOnly.lookup(host)
	if w.Explicit == nil || host != first {
		best := s.clients.lookup(host)
		if caOnly.beats(best) {
			best = caOnly
		}
		if best.found() && s.recent[best.rank].bringsCA() {
			return s.recent[best.rank]
		}
	}
	if caOnly.found() && s.recent[caOnly.rank].bringsCA() {
		return s.recent[caOnly.rank]
	}
	return nil
}

func (s *Set) systemRoots() *Roots {
	if s == nil {
		return SystemRoots()
	}
	return s.system
}
