package alerts

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// joiner is a word joiner: invisible, and it breaks what Slack might read as
// a mention or a link.
const joiner = '\u2060'

// clean drops what a reader must not get from a target: control characters
// (newlines and tabs stay if lines is set, else they become spaces), marks
// that change the direction of the text, other invisible characters, and
// bytes that are not UTF-8.
func clean(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			if lines {
				return r
			}
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r):
			return -1
		case r == '\u200d', r >= '\ufe00' && r <= '\ufe0f': // parts of emoji
			return r
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, s)
}

// escape makes a text safe for Slack's text objects and cuts it to limit
// units of UTF-16 with an ellipsis: `&`, `<` and `>` become entities, so that
// no mention and no link can be written, and @here and its kin are broken.
func escape(s string, limit int) string {
	text := []rune(defuse(clean(s, false)))
	return cut(text, limit, func(i int) string { return entity(text[i]) })
}

// cut writes a text rune by rune, up to limit units of UTF-16: what does not
// fit is an ellipsis.
func cut(text []rune, limit int, write func(i int) string) string {
	var b strings.Builder
	units := 0
	for i := range text {
		piece := write(i)
		n := len16(piece)
		if rest := units + n; rest > limit || rest == limit && i < len(text)-1 {
			b.WriteRune('…')
			break
		}
		units += n
		b.WriteString(piece)
	}
	return b.String()
}

func entity(r rune) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	default:
		return string(r)
	}
}

// unescape is the inverse of what escape does to entities.
func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", string(joiner), "").Replace(s)
}

// literal makes a text safe for Slack's rich text, where entities are not
// read and `<` is an ordinary character: what would be a mention or a link
// elsewhere is broken all the same. It is cut to limit units of UTF-16.
func literal(s string, limit int) string {
	text := []rune(defuse(clean(s, true)))
	return cut(text, limit, func(i int) string {
		if text[i] == '<' && control(text[i+1:]) {
			return "<" + string(joiner)
		}
		return string(text[i])
	})
}

// control says whether what follows a `<` would make a mention or a link in
// a text that Slack parses.
func control(rest []rune) bool {
	if len(rest) == 0 {
		return false
	}
	begin := strings.ToLower(string(rest[:min(len(rest), 7)]))
	for _, p := range []string{"!", "@", "#", "http", "mailto", "tel:", "slack:"} {
		if strings.HasPrefix(begin, p) {
			return true
		}
	}
	return false
}

// defuse breaks @here, @channel, @everyone and @group, which a client may
// read as a mention even without angle brackets.
func defuse(s string) string {
	if !strings.ContainsRune(s, '@') {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		b.WriteRune(r)
		if r != '@' {
			continue
		}
		for _, word := range []string{"here", "channel", "everyone", "group"} {
			if rest := s[i+1:]; len(rest) >= len(word) && strings.EqualFold(rest[:len(word)], word) {
				b.WriteRune(joiner)
				break
			}
		}
	}
	return b.String()
}

// len16 is the length in units of UTF-16, as Slack counts.
func len16(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// oneLine puts a text on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// shorten cuts a text to at most n runes, the last being an ellipsis.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
