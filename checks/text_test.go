package checks

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	tests := []struct {
		name, text, keep, want string
	}{
		{"plain", `a\b "c" 100 %`, "", `a\b "c" 100 %`},
		{"letters of any script", "ä 会社 שלום e\u0301", "", "ä 会社 שלום e\u0301"},
		{"emoji", "🔴 ⚠️ ♥︎", "", "🔴 ⚠️ ♥︎"},
		{"replacement character", "\uFFFD", "", "\uFFFD"},
		{"spaces", "a\u00a0b\u3000c", "", "a\u00a0b\u3000c"},
		{"controls", "\x00\a\x1b[2J\x7f", "", `\x00\x07\x1b[2J\x7f`},
		{"C1 controls", "\u0085\u009b2J", "", `\u0085\u009b2J`},
		{"line breaks and tabs", "a\r\n\tb", "", `a\r\n\tb`},
		{"kept", "a\r\n\tb", "\n\t", "a\\r\n\tb"},
		{"direction", "\u202egpj\u202c\u2066x\u2069\u200f\u061c", "", `\u202egpj\u202c\u2066x\u2069\u200f\u061c`},
		{"no width", "a\u200bb\u200dc\ufeffd\u00ade\u2060f\u034fg", "", `a\u200bb\u200dc\ufeffd\u00ade\u2060f\u034fg`},
		{"fillers", "\u3164\u115f\uffa0", "", `\u3164\u115f\uffa0`},
		{"selectors", "a\ufe00\U000e0100", "", `a\ufe00\U000e0100`},
		{"tags", "\U000e0041", "", `\U000e0041`},
		{"separators", "a\u2028b\u2029", "", `a\u2028b\u2029`},
		{"private use", "\ue000\U000f0000", "", `\ue000\U000f0000`},
		{"no UTF-8", "a\xffb\xc3", "", `a\xffb\xc3`},
		{"surrogate", "\xed\xa0\x80", "", `\xed\xa0\x80`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Visible(tt.text, tt.keep); got != tt.want {
				t.Errorf("Visible(%+q, %q) is %+q, want %+q", tt.text, tt.keep, got, tt.want)
			}
		})
	}
}

// What Visible returns can be shown, says the same when shown again, and loses
// nothing; the texts of a Result are the beginning of it.
func FuzzVisible(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J\u202e\u200b\ufeff", "a\r\n\tb\xff\xc3", "\U000e0041\U000e0100\ufe0f", "\uFFFD\xed\xa0\x80"} {
		f.Add(s, true, 10)
		f.Add(s, false, 100)
	}
	f.Fuzz(func(t *testing.T, s string, lines bool, limit int) {
		keep := ""
		if lines {
			keep = "\n\t"
		}
		got := Visible(s, keep)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return hidden(r) && !strings.ContainsRune(keep, r) }) {
			t.Errorf("Visible(%+q, %q) is %+q, which cannot all be seen", s, keep, got)
		}
		if again := Visible(got, keep); again != got {
			t.Errorf("Visible(%+q, %q) is %+q, and of that %+q", s, keep, got, again)
		}
		if len(got) < len(s) || len(got) == len(s) && got != s {
			t.Errorf("Visible(%+q, %q) is %+q, which is shorter or other", s, keep, got)
		}
		limit = max(0, limit) % 1000
		if short, want := shortened(s, keep, limit), cut(got, limit); short != want {
			t.Errorf("the first %d bytes of %+q are %+q, want %+q", limit, s, short, want)
		}
	})
}
