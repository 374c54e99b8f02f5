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

// Visible returns s as it may be shown on a terminal or a page, wherever it
// comes from: what would move the cursor, change the direction of the text or
// not be seen, and bytes that are not UTF-8, become escapes as in Go's
// strings. Only the characters of keep stay, such as line breaks and tabs of
// a text that is shown as a block. The result is never shorter than s.
func Visible(s, keep string) string {
	escaped := func(r rune) bool { return hidden(r) && !strings.ContainsRune(keep, r) }
	if !strings.ContainsFunc(s, escaped) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case !escaped(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[size:]
	}
	return b.String()
}

// hidden reports whether r cannot be seen, or moves what stands around it:
// control characters, bidirectional marks, separators of lines, what has no
// width, and what Unicode has not assigned. Combining marks and the selectors
// that make text or emoji of a character can be seen by what they change.
func hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	const asText, asEmoji = '\ufe0e', '\ufe0f'
	return !unicode.IsGraphic(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) ||
		unicode.Is(unicode.Variation_Selector, r) && r != asText && r != asEmoji
}

// oneLine returns s on one line, [Visible], and cut to limit bytes.
func oneLine(s string, limit int) string { return shortened(s, "", limit) }

// printable returns s with its line breaks and tabs as they are, and all else
// as in oneLine: for text that is shown as a block.
func printable(s string, limit int) string {
	return shortened(strings.ReplaceAll(s, "\r\n", "\n"), "\n\t", limit)
}

// shortened makes no more of s visible than limit bytes need.
func shortened(s, keep string, limit int) string {
	if enough := limit + utf8.UTFMax; len(s) > enough {
		s = s[:enough]
	}
	return cut(Visible(s, keep), limit)
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
