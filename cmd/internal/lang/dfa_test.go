package lang

import (
	"fmt"
	"strings"
	"testing"

	"watchword/checks"
)

func patternSamples() []string {
	return []string{
		`a`, ``, `^a`, `a$`, `^$`, `(?m)^b$`, `\bfox\b`, `\Bx`, `(a|b)*c`, `[^x]+x{2,3}$`, `(?i)FOX`, `(?s)a.b`, `a.b`, `é+`, `[à-ü]$`, `\pL\d`,
		`(leaps|flies) [a-z]+$`, `\A\z`, `x*`, `[[:alpha:]]{3}\s`, `(?i)k`, `\x{FFFD}`, `a{0,40}b`, `^(a|ab)(c|bcd)$`, `.*z`,
	}
}

// The automaton finds what package regexp finds.
func TestDFA(t *testing.T) {
	t.Parallel()
	texts := []string{"", "a", "b\nb\n", "a\n", "\n", "the quick fox", "foxes", "abcd", "K", "\u212a", "é", "x\xffy", "\xff", "aXb", "a\nb", "yyxx", "über 1", "ü1", "leaps high", "aaab", "z\n"}
	for _, expr := range patternSamples() {
		for _, text := range texts {
			samePattern(t, expr, text)
			samePattern(t, expr, strings.Repeat(".\n", 3)+text)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for i, expr := range patternSamples() {
		f.Add(expr, fmt.Sprintf("the quick\nfox %d é abc", i))
	}
	f.Fuzz(func(t *testing.T, expr, text string) { samePattern(t, expr, text) })
}

func samePattern(t *testing.T, expr, text string) {
	t.Helper()
	re, err := newPatterns().compile(expr)
	if err != nil {
		return
	}
	want := re.Regexp.MatchString(text)
	for range 2 { // with the states of the first time
		if got, ok := re.dfa.matches(text); ok && got != want {
			t.Errorf("%q in %q: %v, want %v", expr, text, got, want)
		}
	}
}

// A pattern of too many states is left to package regexp.
func TestDFATooLarge(t *testing.T) {
	t.Parallel()
	re, err := newPatterns().compile(`a.{14}b$`)
	if err != nil {
		t.Fatal(err)
	}
	var random strings.Builder
	for n := uint32(1); random.Len() < 1<<14; n = n*1664525 + 1013904223 {
		random.WriteByte("ab"[n>>31])
	}
	text := random.String() + strings.Repeat("a", 15) + "b"
	if _, ok := re.dfa.matches(text); ok {
		t.Error("the automaton has few states, want too many")
	}
	if !re.MatchString(text) || re.MatchString(text+strings.Repeat("a", 20)) {
		t.Error("the pattern does not match as it should")
	}
}

// BenchmarkHundredPatterns is what an answer of 1 MiB costs that a hundred
// different expressions look for something in that is not there.
func BenchmarkHundredPatterns(b *testing.B) {
	vars := &checks.Vars{Exchange: exchange(200, "text/plain", strings.Repeat("the quick brown fox 0123456789 jumps over\n", 1<<20/42))}
	var conditions []checks.Condition
	for i := range 25 {
		for _, x := range []string{`(error|failure|exception) %d`, `[a-z]+ %d[0-9]{3} (leaps|flies)`, `\"version\": *\"%d\\.[0-9]+\"`, `(?i)fatal.*%d`} {
			expr, s := attribute(b, "x = !matches(body, \""+fmt.Sprintf(x, i)+"\")")
			c, diags := CompileCondition(expr, s, Expect)
			if diags.HasErrors() {
				b.Fatal(write(diags))
			}
			conditions = append(conditions, c)
		}
	}
	for b.Loop() {
		for _, c := range conditions {
			if v := c.Judge(vars); !v.Holds {
				b.Fatal(v.Explanation.Message)
			}
		}
	}
}
