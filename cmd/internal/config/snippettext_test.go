package config

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// Carets stand below what was meant, at every width of the screen.
func TestMarks(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name    string
		src     string
		culprit string // its only occurrence in src
		width   int
		want    string // without what stands before the line
	}{
		{"plain", "a = nope", "nope", 0, "   1: a = nope\n          ^^^^\n"},
		{"tab before", "\ta\t= nope", "nope", 0, "   1:     a   = nope\n                ^^^^\n"},
		{"tab inside", "a = [b,\tc]", "[b,\tc]", 0, "   1: a = [b, c]\n          ^^^^^^\n"},
		{"wide before", "会社 = nope", "nope", 0, "   1: 会社 = nope\n             ^^^^\n"},
		{"wide inside", "a = 会社", "会社", 0, "   1: a = 会社\n          ^^^^\n"},
		{"emoji", "🔴 = nope", "nope", 0, "   1: 🔴 = nope\n           ^^^^\n"},
		{"combining before", "e\u0301 = nope", "nope", 0, "   1: e\u0301 = nope\n          ^^^^\n"},
		{"combining inside", "a = e\u0301e\u0301", "e\u0301e\u0301", 0, "   1: a = e\u0301e\u0301\n          ^^\n"},
		{"escape before", "\x1b[2J = nope", "nope", 0, "   1: \\x1b[2J = nope\n                ^^^^\n"},
		{"escape inside", "a = \u202e", "\u202e", 0, "   1: a = \\u202e\n          ^^^^^^\n"},
		{"empty", "a = b", "", 0, "   1: a = b\n      ^\n"},
		{"empty file", "", "", 0, ""},
		{"end of line", "a = b  \nc", "\n", 0, "   1: a = b\n             ^\n"},
		{"lines", "a = [  \n  b,\n]", "[  \n  b,\n]", 0, "   1: a = [\n          ^\n   2:   b,\n   3: ]\n"},
		{"blank line inside", "a = [\n\n]", "[\n\n]", 0, "   1: a = [\n          ^\n   2:\n   3: ]\n"},
		{"long before", long + "nope", "nope", 40, "   1: …" + strings.Repeat("x", 29) + "nope\n" + strings.Repeat(" ", 36) + "^^^^\n"},
		{"long behind", "nope" + long, "nope", 40, "   1: nope" + strings.Repeat("x", 29) + "…\n      ^^^^\n"},
		{"long around", long + "nope" + long, "nope", 40, "   1: …" + strings.Repeat("x", 14) + "nope" + strings.Repeat("x", 14) + "…\n" + strings.Repeat(" ", 21) + "^^^^\n"},
		{"long inside", "a = " + long, long, 40, "   1: a = " + strings.Repeat("x", 24) + "…\n          " + strings.Repeat("^", 25) + "\n"},
		{"long and wide", strings.Repeat("会", 100) + "nope", "nope", 40, "   1: …" + strings.Repeat("会", 14) + "nope\n" + strings.Repeat(" ", 35) + "^^^^\n"},
		{"narrow", long + "nope" + long, "nope", 1, "   1: …xxxxxxxnopexxxxxxx…\n              ^^^^\n"},
		{"wider than is kept", strings.Repeat(long, 20) + "nope", "nope", 0, "   1: …" + strings.Repeat("x", 155) + "nope\n" + strings.Repeat(" ", 162) + "^^^^\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &file{src: []byte(tt.src)}
			start := strings.Index(tt.src, tt.culprit)
			s := f.excerpt(hcl.Range{Start: hcl.Pos{Byte: start}, End: hcl.Pos{Byte: start + len(tt.culprit)}})
			var b strings.Builder
			s.write(&b, tt.width, "")
			if got := strings.TrimSuffix(b.String(), "\n"); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}
