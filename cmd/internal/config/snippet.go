package config

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"watchword/checks"
)

const (
	maxSnippetLines = 5    // of one diagnostic
	maxSnippetBytes = 2000 // of a line, around the culprit
	maxContext      = 160  // bytes of the name of a block
)

// A snippet is the piece of source that a diagnostic points at.
type snippet struct {
	inside string // `check "health"`; empty at the top
	lines  []snippetLine
}

// A snippetLine is one line of source, with the culprit in the middle.
type snippetLine struct {
	number                int
	before, culprit, rest string
}

// excerpt cuts the lines of rng out of f, without what is masked.
func (f *file) excerpt(rng hcl.Range) snippet {
	s := snippet{inside: f.context(rng.Start.Byte)}
	if len(f.src) == 0 {
		return s // an empty file, or one that cannot be read
	}
	start, end := clamp(rng.Start.Byte, len(f.src)), clamp(rng.End.Byte, len(f.src))
	if end < start {
		end = start
	}
	starts := f.lineStarts()
	first, _ := slices.BinarySearch(starts, start+1)
	for n := first; n <= len(starts) && len(s.lines) < maxSnippetLines; n++ {
		lo, hi := starts[n-1], len(f.src)
		if n < len(starts) {
			hi = starts[n]
		}
		if n > first && lo >= end {
			break
		}
		s.lines = append(s.lines, f.line(n, [2]int{lo, hi}, [2]int{start, end}))
	}
	return s
}

// line cuts line n, whose bytes are span, around the culprit's bytes.
func (f *file) line(n int, span, culprit [2]int) snippetLine {
	lo, hi := span[0], span[1]
	for hi > lo && (f.src[hi-1] == '\n' || f.src[hi-1] == '\r') {
		hi--
	}
	from, to := min(max(lo, culprit[0]), hi), max(lo, min(hi, culprit[1]))
	if to < from {
		to = from
	}
	l := snippetLine{number: n, before: f.piece(lo, from), culprit: f.piece(from, to), rest: f.piece(to, hi)}
	return l.shorten()
}

// shorten keeps at most maxSnippetBytes bytes around the culprit.
func (l snippetLine) shorten() snippetLine {
	if len(l.before)+len(l.culprit)+len(l.rest) <= maxSnippetBytes {
		return l
	}
	if len(l.culprit) > maxSnippetBytes/2 {
		l.culprit = cutTail(l.culprit, maxSnippetBytes/2)
	}
	left := (maxSnippetBytes - len(l.culprit)) / 2
	if len(l.before) > left {
		cut := len(l.before) - left
		for cut < len(l.before) && !utf8.RuneStart(l.before[cut]) {
			cut++
		}
		l.before = "…" + l.before[cut:]
	}
	l.rest = cutTail(l.rest, left)
	return l
}

func cutTail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// piece is f.src[a:b], with *** for whatever is masked.
func (f *file) piece(a, b int) string {
	var out strings.Builder
	i := sort.Search(len(f.masked), func(i int) bool { return f.masked[i].End.Byte > a })
	for ; i < len(f.masked) && f.masked[i].Start.Byte < b; i++ {
		out.Write(f.src[a:max(a, f.masked[i].Start.Byte)])
		out.WriteString(checks.Mask)
		a = min(b, f.masked[i].End.Byte)
	}
	out.Write(f.src[a:b])
	return out.String()
}

// context names the outermost block around offset.
func (f *file) context(offset int) string {
	if f.parsed == nil { // nobody needed it any more
		_ = f.parse()
	}
	if f.parsed == nil {
		return ""
	}
	nav, ok := f.parsed.Nav.(interface{ ContextString(int) string })
	if !ok {
		return ""
	}
	return cutTail(nav.ContextString(offset), maxContext)
}

// lineStarts are the offsets at which lines begin.
func (f *file) lineStarts() []int {
	if f.starts == nil {
		f.starts = []int{0}
		for i, c := range f.src {
			if c == '\n' {
				f.starts = append(f.starts, i+1)
			}
		}
	}
	return f.starts
}

func clamp(n, size int) int { return max(0, min(n, size)) }
