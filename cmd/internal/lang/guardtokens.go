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

// A pieceEnd is where a piece may end.
type pieceEnd struct {
	tokens int // before it
	at     hcl.Pos
	sums   sums
}

// follow counts tokens, which are those at the beginning of src, the byte
// start, and of which there may be room. It returns the last line break
// outside of brackets.
func (n *nesting) follow(tokens hclsyntax.Tokens, room int, src []byte, start int) (pieceEnd, hcl.Diagnostics) {
	var last pieceEnd
	for i := range tokens {
		t := &tokens[i]
		if diags := n.add(t); diags != nil {
			return last, diags
		}
		if i >= room {
			return last, errorAt(t.Range, "File too large", "A configuration file holds at most a million words and signs. Spread it over several files.")
		}
		if len(n.stack) == 1 && t.Type == hclsyntax.TokenNewline && !marked(src[t.Range.End.Byte-start:]) {
			last = pieceEnd{i + 1, t.Range.End, n.sums}
		}
	}
	return last, nil
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
		end, diags := n.follow(tokens, maxTokens-total, src, start.Byte)
		if diags != nil {
			return diags
		}
		switch {
		case size == len(src):
			if diags := unterminated(&tokens[len(tokens)-1], start.Byte+size); diags != nil {
				return diags
			}
			if sound != nil {
				sound(src, filename, start)
			}
			return nil
		case end.tokens == 0 || sound == nil:
			size = min(4*size, max(2*size, size*maxTokens/len(tokens)))
			continue
		}
		total, before = total+end.tokens, end.sums
		sound(src[:end.at.Byte-start.Byte], filename, start)
		src, start = src[end.at.Byte-start.Byte:], end.at
		size = firstChunk
	}
	return nil
}
