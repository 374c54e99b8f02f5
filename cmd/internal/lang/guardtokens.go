package lang

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// lexer is one of hclsyntax's LexConfig, LexTemplate and LexExpression.
type lexer func(src []byte, filename string, start hcl.Pos) (hclsyntax.Tokens, hcl.Diagnostics)

// tokens are those of src, which may end anywhere: they are the same whatever
// follows, up to the last line break. A comment that is open at the end is one
// token nevertheless, and reaches beyond it. Without its end the lexer would
// take it apart, and look for the end once more from each /* in it.
func (lex lexer) tokens(src []byte, filename string, start hcl.Pos) hclsyntax.Tokens {
	if !bytes.Contains(src, []byte("/*")) {
		tokens, _ := lex(src, filename, start)
		return tokens
	}
	tokens, _ := lex(slices.Concat(src, []byte("*/")), filename, start)
	for len(tokens) > 0 && tokens[len(tokens)-1].Range.Start.Byte >= start.Byte+len(src) {
		tokens = tokens[:len(tokens)-1]
	}
	return tokens
}

// marked reports whether src begins with a mark of byte order. Only a file
// may, and no piece of it: the lexer skips it at the beginning of anything.
func marked(src []byte) bool { return bytes.HasPrefix(src, []byte("\uFEFF")) }

// unterminated finds out whether t is a comment that is open at the end of all,
// the byte end.
func unterminated(t *hclsyntax.Token, end int) hcl.Diagnostics {
	if t.Range.End.Byte <= end || !bytes.HasPrefix(t.Bytes, []byte("/*")) {
		return nil
	}
	at := t.Range
	at.End = hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 2, Byte: at.Start.Byte + 2}
	return errorAt(at, "Unterminated comment", "Its end is missing: a comment that begins with /* goes on up to */.")
}

// guardTokens runs lex over src piece by piece, so that neither time nor
// memory is spent on what follows a violation. With sound set, a piece may
// end at any line break outside of brackets, and sound is called with each
// piece in which nothing is wrong, and where it begins. Without, src is one
// expression, which line breaks do not end, or one template.
func guardTokens(src []byte, filename string, start hcl.Pos, lex lexer, sound func(piece []byte, filename string, start hcl.Pos)) hcl.Diagnostics {
	total, size := 0, firstChunk
	var before sums    // of the pieces before
	most := plainPiece // bytes of a piece that needs no lexer
	if sound == nil || len(src) >= maxTokens && mostTokens(src) > maxTokens {
		most = 0
	}
	for len(src) > 0 {
		if n := plain(src, most); n > 0 {
			sound(src[:n], filename, start)
			start = hcl.Pos{Line: start.Line + bytes.Count(src[:n], []byte("\n")), Column: 1, Byte: start.Byte + n}
			src = src[n:]
			continue
		}
		size = min(size, len(src))
		tokens := lex.tokens(src[:size], filename, start)
		n := nesting{sums: before, stack: []frame{{folded: sound == nil}}}
		end, resume := 0, hcl.Pos{} // the last line break outside of brackets
		for i := range tokens {
			t := &tokens[i]
			if size == len(src) {
				if diags := unterminated(t, start.Byte+size); diags != nil {
					return diags
				}
			}
			if diags := n.add(t); diags != nil {
				return diags
			}
			if total+i >= maxTokens {
				return errorAt(t.Range, "File too large", "A configuration file holds at most a million words and signs. Spread it over several files.")
			}
			if sound != nil && len(n.stack) == 1 && t.Type == hclsyntax.TokenNewline && !marked(src[t.Range.End.Byte-start.Byte:]) {
				end, resume = i+1, t.Range.End
				before = n.sums
			}
		}
		switch {
		case size == len(src):
			if sound != nil {
				sound(src, filename, start)
			}
			return nil
		case end == 0:
			size = min(4*size, max(2*size, size*maxTokens/len(tokens)))
			continue
		}
		total += end
		sound(src[:resume.Byte-start.Byte], filename, start)
		src, start = src[resume.Byte-start.Byte:], resume
		size = firstChunk
	}
	return nil
}
