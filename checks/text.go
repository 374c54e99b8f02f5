package checks

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lengths in bytes to which texts of a Result are cut.
const (
	maxMessage = 1000
	maxValue   = 500
	maxURL     = 1000
	maxBody    = 512
)

// visible returns s on one line: control characters, marks that change the
// direction of text or have no width, and bytes that are not UTF-8 become
// visible escapes. What is longer than limit bytes is cut and ends in "…".
func visible(s string, limit int) string {
	if len(s) <= limit && !strings.ContainsFunc(s, needsEscape) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if b.Len() > limit {
			return cut(b.String(), limit)
		}
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < 0x80 && needsEscape(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case needsEscape(r) && r != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return cut(b.String(), limit)
}

// printable returns s with its line breaks and tabs as they are, and all else
// as in visible: for text that is shown as a block.
func printable(s string, limit int) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j, cell := range cells {
			cells[j] = visible(cell, len(cell)*8)
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return cut(strings.Join(lines, "\n"), limit)
}

// needsEscape reports whether r is not to be shown as it is.
func needsEscape(r rune) bool {
	if r < 0x80 {
		return r < 0x20 || r == 0x7f
	}
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// cut returns at most limit bytes of s, with "…" at the end of what was cut.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const more = "…"
	end := max(limit-len(more), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}
