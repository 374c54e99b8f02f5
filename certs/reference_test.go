package certs

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// randomPattern returns a pattern and the regular expression, made beside it,
// that matches the same hosts.
func randomPattern(r *rand.Rand) (pattern string, want *regexp.Regexp) {
	var expression string
	for {
		pattern, expression = randomSequence(r, 2)
		if strings.ContainsAny(pattern, "*?[{") {
			return pattern, regexp.MustCompile("^(?:" + expression + ")$")
		}
	}
}

// randomSequence returns a pattern with braces nested up to depth.
func randomSequence(r *rand.Rand, depth int) (pattern, expression string) {
	literals := []string{"a", "b", "ab", ".", "-", "1", "api", "a.b"}
	classes := []string{"[ab]", "[!ab]", "[^a]", "[a-c]", "[a-c1-3]", "[!a-c1-3]", "[-a]", "[a-]", "[ab.]", "[!.]", "[a]", "[a-b-]", "[1-2ab_]"}
	for range 1 + r.IntN(4) {
		switch n := r.IntN(10); {
		case n < 4:
			text := literals[r.IntN(len(literals))]
			pattern, expression = pattern+text, expression+regexp.QuoteMeta(text)
		case n < 6:
			pattern, expression = pattern+"*", expression+".*"
		case n < 7:
			pattern, expression = pattern+"?", expression+"."
		case n < 8:
			class := classes[r.IntN(len(classes))]
			pattern, expression = pattern+class, expression+strings.Replace(class, "!", "^", 1)
		case depth > 0:
			p, x := randomBraces(r, depth-1)
			pattern, expression = pattern+p, expression+x
		}
	}
	return pattern, expression
}

func randomBraces(r *rand.Rand, depth int) (pattern, expression string) {
	if r.IntN(3) == 0 {
		from, to := r.IntN(4), r.IntN(4)
		numbers := make([]string, 0, 4)
		for n := min(from, to); n <= max(from, to); n++ {
			numbers = append(numbers, fmt.Sprint(n))
		}
		return fmt.Sprintf("{%d..%d}", from, to), "(?:" + strings.Join(numbers, "|") + ")"
	}
	var patterns, expressions []string
	for range 2 + r.IntN(2) {
		p, x := "", ""
		if r.IntN(4) > 0 {
			p, x = randomSequence(r, depth)
		}
		patterns, expressions = append(patterns, p), append(expressions, x)
	}
	return "{" + strings.Join(patterns, ",") + "}", "(?:" + strings.Join(expressions, "|") + ")"
}

// randomHost returns a normalized host that random patterns often match.
func randomHost(r *rand.Rand) string {
	parts := []string{"a", "b", "ab", "api", "1", "2", "-", "_", ".", "c", "a.b", "x"}
	for {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		if isNormal(b.String()) {
			return b.String()
		}
	}
}

// Match agrees with a regular expression that was made beside the pattern.
func TestMatchAgreesWithRegexp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	matched, tried := 0, 0
	for range 20_000 {
		pattern, want := randomPattern(r)
		p, err := ParseHost(pattern)
		if err != nil {
			continue // an empty part, digits alone, or too many expansions
		}
		texts, err := expandBraces(pattern)
		if err != nil || slices.ContainsFunc(texts, func(s string) bool { return strings.HasSuffix(s, ".") }) {
			continue // the last dot is dropped, which the expression does not know
		}
		for range 20 {
			host := randomHost(r)
			tried++
			got := p.Match(host)
			if got {
				matched++
			}
			if got != want.MatchString(host) {
				t.Fatalf("%q matches %q: %v, want %v (%s)", pattern, host, got, !got, want)
			}
		}
	}
	if tried < 100_000 || matched < tried/50 {
		t.Errorf("only %d of %d matched: the test shows too little", matched, tried)
	}
}

// Every class over every pair of characters means what it says.
func TestClassesAreExhaustivelyRight(t *testing.T) {
	for _, first := range hostAlphabet {
		for _, second := range hostAlphabet {
			for _, form := range []string{"[%c%c]", "[!%c%c]", "[^%c%c]", "[%c-%c]", "[!%c-%c]", "[%c-%c_]"} {
				class := fmt.Sprintf(form, first, second)
				want, err := regexp.Compile("^" + strings.Replace(class, "!", "^", 1) + "$")
				if strings.Contains(class, "--") {
					continue // regexp reads runs of dashes in its own way
				}
				set, _, parseErr := parseClass(class)
				var members strings.Builder
				for _, c := range hostAlphabet {
					if err == nil && want.MatchString(string(c)) {
						members.WriteRune(c)
					}
				}
				if set != members.String() || (parseErr == nil) != (set != "") {
					t.Fatalf("%s holds %q (%v), want %q", class, set, parseErr, members.String())
				}
			}
		}
	}
}

// naiveGlob matches a pattern without braces and classes by definition.
func naiveGlob(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return naiveGlob(pattern[1:], text) || text != "" && naiveGlob(pattern, text[1:])
	case text == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == text[0]) && naiveGlob(pattern[1:], text[1:])
}

func FuzzParseHost(f *testing.F) {
	for _, seed := range []string{
		"acme.com", "*.acme.com", "{,*.}acme.com", "{1..3}.acme.com", "[a-z0-9].acme.com", "[!a].b", "bücher.example",
		"::1", "[::1]", "10.0.0.*", "https://a/b", "{a,{b,{c,d}}}", "+(a)", "*a*b?c*", "a\xff", "{a..}", "例え。テスト",
	} {
		f.Add(seed, "a.acme.com")
	}
	f.Fuzz(func(t *testing.T, pattern, host string) {
		p, err := ParseHost(pattern)
		normal, hostErr := NormalizeHost(host)
		if hostErr == nil {
			if again, err := NormalizeHost(normal); err != nil || again != normal {
				t.Errorf("NormalizeHost(%q) = %q, of which it makes %q, %v", host, normal, again, err)
			}
			if !isIP(normal) && !isNormal(normal) {
				t.Errorf("NormalizeHost(%q) = %q, which is not normal", host, normal)
			}
		}
		if err != nil {
			return
		}
		if len(p.alternatives) > maxExpansions || p.String() != pattern {
			t.Errorf("%q has %d alternatives and reads %q", pattern, len(p.alternatives), p)
		}
		p.Match(host) // any text at all
		if hostErr != nil {
			return
		}
		got := p.Match(normal)
		exact, err := NormalizeHost(pattern)
		if p.Exact() && (err != nil || got != (normal == exact)) {
			t.Errorf("exact %q matches %q: %v", pattern, normal, got)
		}
		if got && !p.Exact() && isIP(normal) {
			t.Errorf("pattern %q matches the address %q", pattern, normal)
		}
		short := len(pattern) < 20 && strings.Count(pattern, "*") < 5
		if short && !strings.ContainsAny(pattern, "{[") && isASCII(pattern) && !isIP(normal) {
			if plain := strings.TrimSuffix(strings.ToLower(pattern), "."); naiveGlob(plain, normal) != got {
				t.Errorf("%q matches %q: %v", pattern, normal, got)
			}
		}
	})
}

func FuzzExpandBraces(f *testing.F) {
	for _, seed := range []string{"{a,b}", "{1..3}", "{{a,b},c}", "{a", "a}", "{1..9..-2}", "{z..a}", "{,}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > maxHost {
			return
		}
		texts, err := expandBraces(s)
		if err == nil && (len(texts) == 0 || len(texts) > maxExpansions) {
			t.Errorf("expandBraces(%q) returns %d texts", s, len(texts))
		}
		for _, text := range texts {
			if strings.ContainsAny(text, "{}") || len(text) > len(s) {
				t.Errorf("expandBraces(%q) returns %q", s, text)
			}
		}
	})
}
