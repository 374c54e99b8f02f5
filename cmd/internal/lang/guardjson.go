package lang

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// guardJSON is Guard for JSON syntax: nesting of arrays and objects, and the
// templates and expressions inside of strings, which are parsed too.
func guardJSON(filename string, src []byte) hcl.Diagnostics {
	s := jsonScanner{filename: filename, src: src}
	depth, tokens := 0, 0
	for s.at < len(src) {
		c := src[s.at]
		from := s.at
		switch c {
		case '[', '{':
			depth++
			if depth > MaxNesting {
				return s.mistake(from, from+1, "Nested too deeply", "Arrays and objects may stand at most 64 deep inside one another.")
			}
			s.at++
		case ']', '}':
			depth = max(depth-1, 0)
			s.at++
		case '"':
			if diags := s.text(); diags != nil {
				return diags
			}
		case ' ', '\t', '\r', '\n':
			s.at++
			continue
		default:
			if diags := s.word(); diags != nil {
				return diags
			}
		}
		if tokens++; tokens > maxTokens {
			return s.mistake(from, s.at, "File too large", "A configuration file holds at most a million words and signs. Spread it over several files.")
		}
	}
	return nil
}

// A jsonScanner reads JSON without judging its grammar.
type jsonScanner struct {
	filename string
	src      []byte
	at       int

	moved int // see maxMoved

	seen, lines, lineStart int // of pos: how far it has counted
}

// word reads a number, a name, or a single sign.
func (s *jsonScanner) word() hcl.Diagnostics {
	from := s.at
	for s.at < len(s.src) && strings.IndexByte("+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", s.src[s.at]) >= 0 {
		s.at++
	}
	if s.at == from {
		s.at++
		return nil
	}
	word := s.src[from:s.at]
	if c := word[0]; c != '-' && (c < '0' || c > '9') {
		return nil
	}
	if reason := numberTooLarge(string(word)); reason != "" {
		return s.mistake(from, s.at, "Number too large", reason)
	}
	return nil
}

// text reads a string and guards what the parser makes of it.
func (s *jsonScanner) text() hcl.Diagnostics {
	from := s.at
	for s.at++; s.at < len(s.src) && s.src[s.at] != '"' && s.src[s.at] != '\n'; s.at++ {
		if s.src[s.at] == '\\' {
			s.at++
		}
	}
	s.at = min(s.at+1, len(s.src))
	raw := s.src[from:s.at]
	if diags := s.template(raw, from); diags != nil {
		return diags
	}
	if s.moved += movedIn(raw); s.moved > maxMoved/4 { // each is parsed several times
		return s.mistake(from, s.at, textsTooLong, textsTooLongDetail)
	}
	return nil
}

// template guards what may stand in the string raw, which begins at from.
func (s *jsonScanner) template(raw []byte, from int) hcl.Diagnostics {
	if !bytes.Contains(raw, []byte("{")) && !bytes.Contains(raw, []byte(`\u`)) {
		return nil // no template can be in it
	}
	text := decodedString(raw)
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return nil
	}
	start := s.pos(from)
	start.Column++
	start.Byte++
	diags := guardTokens([]byte(text), s.filename, start, hclsyntax.LexTemplate, nil)
	return within(diags, s.between(from, s.at))
}

// movedIn is how many bytes the parser moves at most for a string in JSON,
// every one of which it takes for a template.
func movedIn(raw []byte) int {
	count := func(s []byte, signs string) int {
		n := 1
		for _, c := range []byte(signs) {
			n += bytes.Count(s, []byte{c})
		}
		return n
	}
	moved := func(pieces, length int) int { return (pieces - 1) * (length/2 + 8*pieces) }
	if n := moved(count(raw, `$%\`), len(raw)); n < maxMoved/1000 {
		return n
	}
	text := []byte(decodedString(raw))
	return moved(count(text, "$%\n"), len(text))
}

// decodedString returns the text of a string in JSON. One that is malformed
// is empty: the parser will complain.
func decodedString(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

func (s *jsonScanner) mistake(from, to int, summary, detail string) hcl.Diagnostics {
	return errorAt(s.between(from, to), summary, detail)
}

func (s *jsonScanner) between(from, to int) hcl.Range {
	return hcl.Range{Filename: s.filename, Start: s.pos(from), End: s.pos(to)}
}

// pos is the place of a byte. Asked for growing bytes, it reads the file once.
func (s *jsonScanner) pos(at int) hcl.Pos {
	if at < s.seen {
		s.seen, s.lines, s.lineStart = 0, 0, 0
	}
	between := s.src[s.seen:at]
	s.lines += bytes.Count(between, []byte("\n"))
	if i := bytes.LastIndexByte(between, '\n'); i >= 0 {
		s.lineStart = s.seen + i + 1
	}
	s.seen = at
	column := 1
	if at-s.lineStart < 1<<16 { // a line longer than that was not written by hand
		column += utf8.RuneCount(s.src[s.lineStart:at])
	}
	return hcl.Pos{Line: s.lines + 1, Column: column, Byte: at}
}

// within moves places that lie outside of an expression to the expression
// itself: in a JSON string, "\n" is one line to the parser of templates and
// another one to a reader.
func within(diags hcl.Diagnostics, at hcl.Range) hcl.Diagnostics {
	for _, d := range diags {
		if d.Subject == nil || d.Subject.Start.Line > at.End.Line || d.Subject.End.Byte > at.End.Byte {
			d.Context = nil
			d.Subject = at.Ptr()
		}
	}
	return diags
}
