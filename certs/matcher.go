package certs

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"
)

// maxSearched bounds the characters of a pattern, over all its expansions,
// that have to be tried at every place of a host.
const maxSearched = 64

// A matcher matches what stands between the literal ends of a pattern. The
// glob library backtracks over stars, for milliseconds and more within the
// limits of [ParseHost], so it never gets to see one: the pattern is split at
// its stars, and each segment, of a fixed length then, is looked for at its
// leftmost place. No later place could be better, since a star takes anything,
// so that nothing is tried twice.
type matcher struct {
	head, tail segment   // at the very beginning and end; of no length where the pattern has a star there
	inner      []segment // between two stars each, in order
	stars      bool      // without any, head is all there is
}

// A segment matches texts of one length.
type segment struct {
	length  int           // in bytes: hosts are ASCII
	literal string        // if glob is nil
	glob    *glob.Pattern // of a segment with classes or ?
}

// newMatcher compiles elements. Runs of stars have become one before.
func newMatcher(elements []element) (*matcher, error) {
	var segments []segment
	start := 0
	for i := 0; i <= len(elements); i++ {
		if i < len(elements) && !elements[i].star {
			continue
		}
		s, err := newSegment(elements[start:i])
		if err != nil {
			return nil, err
		}
		segments = append(segments, s)
		start = i + 1
	}
	m := &matcher{head: segments[0]}
	if last := len(segments) - 1; last > 0 {
		m.stars, m.inner, m.tail = true, segments[1:last], segments[last]
	}
	return m, nil
}

// newSegment compiles elements without stars, rewritten for the glob library,
// which knows no classes of several ranges: every class is the list of its
// characters, where a dash has to stand first, as it does in hostAlphabet.
func newSegment(elements []element) (segment, error) {
	if allLiteral(elements) {
		var literal strings.Builder
		for _, e := range elements {
			literal.WriteString(e.set)
		}
		return segment{length: len(elements), literal: literal.String()}, nil
	}
	var text strings.Builder
	for _, e := range elements {
		switch {
		case len(e.set) == 1:
			text.WriteString(glob.QuoteMeta(e.set))
		case e.set == hostAlphabet:
			text.WriteByte('?')
		default:
			text.WriteString("[" + e.set + "]")
		}
	}
	g, err := glob.Compile(text.String())
	if err != nil {
		return segment{}, fmt.Errorf("cannot be compiled: %w", err)
	}
	return segment{length: len(elements), glob: g}, nil
}

// match reports whether the whole of text, a part of a normalized host name,
// matches.
func (m *matcher) match(text string) bool {
	if !m.stars {
		return len(text) == m.head.length && m.head.at(text)
	}
	if len(text) < m.head.length+m.tail.length || !m.head.at(text) || !m.tail.at(text[len(text)-m.tail.length:]) {
		return false
	}
	text = text[m.head.length : len(text)-m.tail.length]
	for _, s := range m.inner {
		i := s.index(text)
		if i < 0 {
			return false
		}
		text = text[i+s.length:]
	}
	return true
}

// searched returns how many characters are tried at every place of a host.
func (m *matcher) searched() int {
	n := 0
	for _, s := range m.inner {
		if s.glob != nil {
			n += s.length
		}
	}
	return n
}

// at reports whether text begins with what s matches.
func (s segment) at(text string) bool {
	if s.glob == nil {
		return strings.HasPrefix(text, s.literal)
	}
	return len(text) >= s.length && s.glob.Match(text[:s.length])
}

// index returns the first place in text that s matches, or -1.
func (s segment) index(text string) int {
	if s.glob == nil {
		return strings.Index(text, s.literal)
	}
	for i := 0; i+s.length <= len(text); i++ {
		if s.at(text[i:]) {
			return i
		}
	}
	return -1
}
