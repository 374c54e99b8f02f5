package certs

import (
	"math"
	"slices"
)

// An index finds the best of many hosts and patterns: exact ones in a map,
// patterns by their literal ends.
type index struct {
	exact    map[string]int // host to the lowest rank
	suffixes map[string]*bucket
	lengths  []int // of the keys of suffixes, in descending order
}

// A bucket holds the alternatives that end with the same text.
type bucket struct {
	best     int // the lowest rank in it
	prefixes map[string][]entry
	lengths  []int // of the keys of prefixes, in descending order
}

type entry struct {
	rank        int
	alternative *alternative
}

// A hit is what an index finds.
type hit struct {
	rank int // noRank for none
	rule Rule
}

const noRank = math.MaxInt

func (h hit) found() bool { return h.rank != noRank }

// beats reports whether h goes before other: exactness first, then recency.
func (h hit) beats(other hit) bool {
	if !h.found() || !other.found() || h.rule == other.rule {
		return h.rank < other.rank
	}
	return h.rule == RuleExact
}

// add adds a pattern. Ranks must come in ascending order.
func (x *index) add(p HostPattern, rank int) {
	if x.exact == nil {
		x.exact, x.suffixes = make(map[string]int), make(map[string]*bucket)
	}
	if p.Exact() {
		if _, ok := x.exact[p.host]; !ok {
			x.exact[p.host] = rank
		}
		return
	}
	for _, a := range p.alternatives {
		b := x.suffixes[a.suffix]
		if b == nil {
			b = &bucket{best: rank, prefixes: make(map[string][]entry)}
			x.suffixes[a.suffix] = b
		}
		b.prefixes[a.prefix] = append(b.prefixes[a.prefix], entry{rank, a})
	}
}

// finish makes the index ready for lookup.
func (x *index) finish() {
	x.lengths = keyLengths(x.suffixes)
	for _, b := range x.suffixes {
		b.lengths = keyLengths(b.prefixes)
	}
}

// keyLengths returns the lengths of the keys, each once, in descending order.
func keyLengths[V any](m map[string]V) []int {
	seen := make(map[int]bool)
	var lengths []int
	for key := range m {
		if !seen[len(key)] {
			seen[len(key)] = true
			lengths = append(lengths, len(key))
		}
	}
	slices.Sort(lengths)
	slices.Reverse(lengths)
	return lengths
}

// lookup returns the best match for a normalized host. It allocates nothing.
func (x *index) lookup(host string) hit {
	if rank, ok := x.exact[host]; ok {
		return hit{rank, RuleExact}
	}
	best := hit{noRank, RulePattern}
	if len(x.lengths) == 0 || isIP(host) {
		return best
	}
	for _, n := range x.lengths {
		if n > len(host) {
			continue
		}
		if b := x.suffixes[host[len(host)-n:]]; b != nil && b.best < best.rank {
			best.rank = min(best.rank, b.lookup(host, best.rank))
		}
	}
	return best
}

// lookup returns the lowest rank below limit of the alternatives that match
// host, which ends with the bucket's text.
func (b *bucket) lookup(host string, limit int) int {
	for _, n := range b.lengths {
		if n > len(host) {
			continue
		}
		for _, e := range b.prefixes[host[:n]] {
			if e.rank >= limit {
				break
			}
			if e.alternative.match(host) {
				limit = e.rank
				break
			}
		}
	}
	return limit
}

// bestMatch returns the pattern of id by which it is a candidate for a
// normalized host, and the rule: an exact host before a pattern, the first
// declared one before the others.
func bestMatch(id *Identity, host string) (HostPattern, Rule) {
	var found HostPattern
	rule := RuleNone
	for _, text := range id.source.Hosts {
		p, err := ParseHost(text)
		switch {
		case err != nil || !p.Match(host):
		case p.Exact():
			return p, RuleExact
		case rule == RuleNone:
			found, rule = p, RulePattern
		}
	}
	return found, rule
}
