package alerts

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/gobwas/glob"
)

// Limits of a pattern in a route. The glob library backtracks, so that both
// the pattern and what it is matched against are bounded.
const (
	maxPattern   = 253
	maxWildcards = 8
	maxValue     = 512
)

// Route sends what matches to receivers.
type Route struct {
	Match     map[string]Pattern // label to pattern; all must match; empty matches everything
	Receivers []string
	Continue  bool // look at the routes that follow, too

	// What fails within GroupWait of another check of this route, and has the
	// same values of the labels GroupBy, is told in one message. 0 tells
	// every check by itself.
	GroupBy   []string
	GroupWait time.Duration
}

// DefaultGroupWait is how long messages about several checks are put
// together, unless the configuration says otherwise.
const DefaultGroupWait = 15 * time.Second

// Routes are tried in order; the first that matches wins, unless it says
// Continue.
type Routes []Route

// Pattern is a glob over a label's value. The zero value matches only the
// empty value.
type Pattern struct {
	text string
	glob *glob.Pattern
}

// ParsePattern compiles a glob: `*`, `?`, `[a-z]`, `{a,b}`. `*` matches
// everything, dots and slashes too. An error is a sentence for the user.
func ParsePattern(text string) (Pattern, error) {
	if len(text) > maxPattern {
		return Pattern{}, fmt.Errorf("pattern of %d bytes, at most %d are allowed", len(text), maxPattern)
	}
	wild := 0
	for i, c := range text {
		if c == '*' && (i == 0 || text[i-1] != '*') {
			wild++
		}
	}
	if wild > maxWildcards {
		return Pattern{}, fmt.Errorf("pattern %q has %d wildcards, at most %d are allowed", text, wild, maxWildcards)
	}
	g, err := glob.Compile(text)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern %q: %w", text, err)
	}
	return Pattern{text: text, glob: g}, nil
}

// Match says whether the pattern matches the whole value.
func (p Pattern) Match(value string) bool {
	if p.glob == nil {
		return value == ""
	}
	return len(value) <= maxValue && p.glob.Match(value)
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// CompileRoute makes a Route of patterns as they are written. An error names
// the label and says what is wrong with its pattern.
func CompileRoute(match map[string]string, receivers []string, goOn bool) (Route, error) {
	r := Route{Match: make(map[string]Pattern, len(match)), Receivers: receivers, Continue: goOn}
	for _, label := range slices.Sorted(maps.Keys(match)) {
		p, err := ParsePattern(match[label])
		if err != nil {
			return Route{}, fmt.Errorf("label %s: %w", label, err)
		}
		r.Match[label] = p
	}
	return r, nil
}

// Matches says whether every pattern of the route matches. A label that is
// missing has the empty value.
func (r Route) Matches(labels map[string]string) bool {
	for name, p := range r.Match {
		if !p.Match(labels[name]) {
			return false
		}
	}
	return true
}

// first returns the first route that matches, nil if none does.
func (rs Routes) first(labels map[string]string) *Route {
	for i := range rs {
		if rs[i].Matches(labels) {
			return &rs[i]
		}
	}
	return nil
}

// Receivers returns who is told of something with these labels, each once,
// in the order of the routes. Without any route that is everyone in all; if
// there are routes and none matches, nobody.
func (rs Routes) Receivers(labels map[string]string, all []string) []string {
	if len(rs) == 0 {
		return all
	}
	var out []string
	for _, r := range rs {
		if !r.Matches(labels) {
			continue
		}
		for _, name := range r.Receivers {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		if !r.Continue {
			break
		}
	}
	return out
}
