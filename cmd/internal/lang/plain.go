package lang

import (
	"bytes"
	"unicode/utf8"
)

// What a plain line may hold at most, well within what [Guard] allows.
const (
	plainNesting   = 24 // brackets, strings and ${ inside one another
	plainPrefixes  = 24 // ! and - before an operand, ?, and $ and % in strings, up to a line break outside of brackets
	plainOperators = maxOperators / 2
	plainDigits    = maxDigits / 2
	plainPiece     = 2 << 10 // bytes after which a piece ends where it can: its tokens stay in the cache
)

// plain returns how many bytes at the beginning of src are whole lines, all
// brackets in them closed, that a glance shows to be nothing for Guard to look
// at; it looks no further than at the first such line that ends after most
// bytes. It is 0 where more than a glance is needed: at comments and heredocs
// of several lines, template directives, letters outside of strings that are
// not ASCII, and whatever is wrong.
//
// The lexer takes ten times as long, and most files hold nothing else.
func plain(src []byte, most int) int {
	var g glance
	end := 0
	for i := 0; i < len(src) && end < most; {
		n := g.next(src[i:])
		if n == 0 {
			break
		}
		i += n
		if src[i-1] == '\n' && len(g.open) == 0 {
			if marked(src[i:]) {
				break
			}
			g.prefixes, g.operators = 0, 0
			end = i
		}
	}
	if !utf8.Valid(src[:end]) {
		return 0
	}
	return end
}

// mostTokens is a number of tokens, with that of the end, that src does not
// have more of: it counts the bytes at which one may begin.
func mostTokens(src []byte) int {
	n := 1
	var prev byte
	for _, c := range src {
		switch word := isLetter(prev) || isDigit(prev); {
		case isLetter(c) && isLetter(prev), isDigit(c) && word: // of a name, a number or a text
		case (c == ' ' || c == '\t') && (word || prev == c): // of a text, or of nothing
		default:
			n++
		}
		prev = c
	}
	return n
}

// A glance is what is open at a place, and what has been counted since the
// last line break outside of brackets.
type glance struct {
	open      []byte // { [ ( " and $ for ${
	prefixes  int
	operators int
	word      bool // a name or number ends here
}

// next returns how many bytes belong together at the beginning of src, or 0
// if a glance does not tell.
func (g *glance) next(src []byte) int {
	if len(g.open) > 0 && g.open[len(g.open)-1] == '"' {
		return g.text(src)
	}
	c, word := src[0], g.word
	g.word = false
	switch {
	case isLetter(c), isDigit(c):
		g.word = true
		return name(src)
	case c == ' ', c == '\t', c == '\n', c == ',', c == ':':
		return 1
	case c == '#', bytes.HasPrefix(src, []byte("//")):
		return bytes.IndexByte(src, '\n') + 1
	case c == '{', c == '(', c == '"':
		return g.push(c)
	case c == '[':
		return g.operator() * g.push(c)
	case c == '}':
		if n := g.pop('{'); n > 0 {
			return n
		}
		return g.pop('$')
	case c == ']':
		return g.pop('[')
	case c == ')':
		return g.pop('(')
	case c == '-' && word: // in a name, or a difference
		return g.operator()
	case c == '!', c == '-', c == '?':
		return g.prefix()
	case bytes.HasPrefix(src, []byte("/*")), bytes.HasPrefix(src, []byte("<<")):
		return 0
	case bytes.IndexByte([]byte("=.<>+*/%&|"), c) >= 0:
		return g.operator()
	}
	return 0
}

// name returns how long the name or number at the beginning of src is.
func name(src []byte) int {
	n := 1
	for n < len(src) && (isLetter(src[n]) || isDigit(src[n])) {
		n++
	}
	if isDigit(src[0]) && (n > plainDigits || bytes.ContainsAny(src[:n], "eE")) {
		return 0
	}
	return n
}

// text goes over what stands in a string, up to what ends or interrupts it.
func (g *glance) text(src []byte) int {
	n := bytes.IndexAny(src, "\"\\$%\r\n")
	switch {
	case n > 0:
		return n
	case n < 0:
		return 0
	}
	var second byte
	if len(src) > 1 {
		second = src[1]
	}
	switch src[0] {
	case '"':
		return g.pop('"')
	case '\\':
		if bytes.IndexByte([]byte(`nrt"\`), second) >= 0 {
			return 2
		}
	case '$':
		if second == '{' {
			return 2 * g.push('$')
		}
		if second != '$' {
			return g.prefix()
		}
	case '%':
		if second != '%' && second != '{' {
			return g.prefix()
		}
	}
	return 0
}

func (g *glance) push(c byte) int {
	if len(g.open) == plainNesting {
		return 0
	}
	g.open = append(g.open, c)
	return 1
}

// pop closes c. What else is open is wrong, and no matter of a glance.
func (g *glance) pop(c byte) int {
	last := len(g.open) - 1
	if last < 0 || g.open[last] != c {
		return 0
	}
	g.open = g.open[:last]
	g.word = c != '$'
	return 1
}

func (g *glance) prefix() int {
	g.prefixes++
	if g.prefixes > plainPrefixes {
		return 0
	}
	return 1
}

func (g *glance) operator() int {
	g.operators++
	if g.operators > plainOperators {
		return 0
	}
	return 1
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
