package lang

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What a configuration file may hold at most.
const (
	MaxFile       = 4 << 20 // bytes of a file, and of what file() reads
	MaxNesting    = 64      // brackets, templates, conditionals and unary operators inside one another
	MaxDirectives = 1000    // %{ … } in one string or heredoc
	MaxHeredoc    = 10_000  // lines of one heredoc

	maxTokens    = 1_000_000     // tokens of a file: the parser takes a second for them
	maxOperators = 1000          // binary operators, indexes and splats in one expression
	maxDigits    = 64            // digits of a number
	maxExponent  = 308           // exponent of a number
	maxMoved     = 5_000_000_000 // bytes that the parser moves to put the texts of a file together
	maxHeredocs  = 400_000_000   // sum of the squares of heredoc lengths in a file: the parser's time grows with it
	firstChunk   = 4 << 10       // bytes given to the lexer at first: a list of tokens that stays in the cache
)

const (
	textsTooLong       = "Texts too long"
	textsTooLongDetail = "The texts of this file hold too many line breaks, $ and % together. Keep them in files of their own and read them with file()."
)

// Guard finds what would overflow the parser's stack or keep it busy for more
// than a moment, before the parser sees it: files over [MaxFile], nesting
// over [MaxNesting], comments without an end, and so on. A file without errors
// here can be parsed by hclsyntax or, if its name ends in ".json", by hcl's
// json package, and every expression in it be evaluated. It says nothing of
// other mistakes.
func Guard(filename string, src []byte) hcl.Diagnostics {
	if diags := tooLarge(filename, src); diags != nil {
		return diags
	}
	if strings.HasSuffix(filename, ".json") {
		return guardJSON(filename, src)
	}
	return guardTokens(src, filename, hcl.InitialPos, hclsyntax.LexConfig, func([]byte, string, hcl.Pos) {})
}

func tooLarge(filename string, src []byte) hcl.Diagnostics {
	if len(src) <= MaxFile {
		return nil
	}
	at := hcl.Range{Filename: filename, Start: hcl.InitialPos, End: hcl.InitialPos}
	return errorAt(at, "File too large",
		fmt.Sprintf("A configuration file holds at most 4 MiB; this one holds %s bytes. Spread it over several files.", grouped(len(src))))
}

// A nesting follows tokens and counts what is open.
type nesting struct {
	sums
	stack []frame // never empty
	depth int     // what the parser's recursion would be
	prev  hclsyntax.TokenType
}

// sums are over what has been closed in a file.
type sums struct {
	heredocs int // see maxHeredocs
	moved    int // see maxMoved
}

// A frame is an open bracket, template or template sequence, and what the
// expression at this place is made of so far.
type frame struct {
	open       hclsyntax.TokenType
	folded     bool // line breaks do not end an expression here
	fresh      bool // nothing has followed the opening yet
	unary      int  // unary operators that wait for their operand
	conds      int  // conditionals in this expression
	operators  int  // binary operators, indexes and splats in this expression
	directives int  // %{ in this template
	inside     int  // %{ if } and %{ for } that are open in this template
	keyword    string
	lines      int // of this heredoc
	texts      texts
}

// texts are the pieces of a template. The lexer ends one at each line break,
// $ and %, and the parser joins those that follow one another: each time it
// copies what it has joined, and moves all pieces behind it.
type texts struct {
	pieces int // with sequences in between
	joined int
	length int // bytes since the last sequence
	copied int
}

func (t *texts) add(n int) {
	t.pieces++
	if t.length > 0 {
		t.joined++
		t.copied += t.length
	}
	t.length += n
}

func (t *texts) sequence() {
	t.pieces++
	t.length = 0
}

// moved is how many bytes the parser moves, 16 for each piece.
func (t *texts) moved() int { return t.copied + 8*t.joined*t.pieces }

// add counts one token. It returns what is wrong at this token, or nil.
func (n *nesting) add(t *hclsyntax.Token) hcl.Diagnostics {
	top := &n.stack[len(n.stack)-1]
	switch t.Type {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return n.push(t, top)
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		return n.pop(t, top)
	case hclsyntax.TokenNewline:
		n.newline(top)
		return nil
	case hclsyntax.TokenComment:
		if bytes.HasSuffix(t.Bytes, []byte("\n")) {
			n.newline(top)
		}
		return nil
	case hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit:
		return n.text(t, top)
	default:
		return n.sign(t, top)
	}
}

// sign counts a token that neither opens nor closes anything.
func (n *nesting) sign(t *hclsyntax.Token, top *frame) hcl.Diagnostics {
	first := top.fresh
	top.fresh = false
	prev := n.prev
	n.prev = t.Type
	switch t.Type {
	case hclsyntax.TokenComma, hclsyntax.TokenEqual:
		n.reset(top)
	case hclsyntax.TokenQuestion:
		top.conds++
		n.depth++
	case hclsyntax.TokenIdent:
		if first {
			top.keyword = string(t.Bytes)
			top.folded = top.folded || top.keyword == "for"
		}
		n.operand(top)
	case hclsyntax.TokenNumberLit:
		n.operand(top)
		if reason := numberTooLarge(string(t.Bytes)); reason != "" {
			return errorAt(t.Range, "Number too large", reason)
		}
	case hclsyntax.TokenBang:
		top.unary++
		n.depth++
	case hclsyntax.TokenMinus:
		if endsOperand(prev) {
			top.operators++
			break
		}
		top.unary++
		n.depth++
	case hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr:
		top.operators++
	default:
	}
	return n.check(t, top)
}

func (n *nesting) check(t *hclsyntax.Token, top *frame) hcl.Diagnostics {
	if n.depth > MaxNesting {
		return errorAt(t.Range, "Nested too deeply",
			"Brackets, templates, conditionals and unary operators may stand at most 64 deep inside one another.")
	}
	if top.operators > maxOperators {
		return errorAt(t.Range, "Expression too long", "One expression holds at most 1,000 operators and indexes. Split it, with locals for example.")
	}
	return nil
}

func (n *nesting) push(t *hclsyntax.Token, top *frame) hcl.Diagnostics {
	top.fresh = false
	top.texts.sequence()
	switch {
	case t.Type == hclsyntax.TokenOBrack && endsOperand(n.prev):
		top.operators++ // an index: each wraps what stands before it
	case t.Type == hclsyntax.TokenTemplateControl:
		top.directives++
		if top.directives > MaxDirectives {
			return errorAt(t.Range, "Too many template directives", "One string or heredoc holds at most 1,000 of %{ … }.")
		}
	}
	f := frame{open: t.Type, fresh: true}
	f.folded = t.Type != hclsyntax.TokenOBrace
	n.stack = append(n.stack, f)
	n.depth++
	n.prev = t.Type
	return n.check(t, top)
}

func (n *nesting) pop(t *hclsyntax.Token, top *frame) hcl.Diagnostics {
	if len(n.stack) == 1 || !closes(top.open, t.Type) {
		n.prev = t.Type
		return nil // the parser will complain
	}
	n.reset(top)
	n.depth -= 1 + top.inside
	n.moved += top.texts.moved()
	keyword, control := top.keyword, top.open == hclsyntax.TokenTemplateControl
	if top.open == hclsyntax.TokenOHeredoc {
		n.heredocs += top.lines * top.lines
		if n.heredocs > maxHeredocs {
			return errorAt(t.Range, "Heredocs too long", "The heredocs of one file are too long together. Keep such texts in files of their own and read them with file().")
		}
	}
	n.stack = n.stack[:len(n.stack)-1]
	top = &n.stack[len(n.stack)-1]
	n.prev = t.Type
	if !control {
		n.operand(top)
		return nil
	}
	switch keyword {
	case "if", "for":
		top.inside++
		n.depth++
	case "endif", "endfor":
		if top.inside > 0 {
			top.inside--
			n.depth--
		}
	}
	return n.check(t, top)
}

// text counts the pieces of a text, and the lines of a heredoc.
func (n *nesting) text(t *hclsyntax.Token, top *frame) hcl.Diagnostics {
	top.fresh = false
	if top.texts.add(len(t.Bytes)); n.moved+top.texts.moved() > maxMoved {
		return errorAt(t.Range, textsTooLong, textsTooLongDetail)
	}
	if top.open != hclsyntax.TokenOHeredoc {
		return nil
	}
	top.lines += bytes.Count(t.Bytes, []byte("\n"))
	if top.lines > MaxHeredoc {
		return errorAt(t.Range, "Heredoc too long", "A heredoc holds at most 10,000 lines. Keep such a text in a file of its own and read it with file().")
	}
	return nil
}

// operand ends the unary operators that stood before an operand.
func (n *nesting) operand(top *frame) {
	n.depth -= top.unary
	top.unary = 0
}

// reset begins a new expression.
func (n *nesting) reset(top *frame) {
	n.operand(top)
	n.depth -= top.conds
	top.conds, top.operators = 0, 0
}

func (n *nesting) newline(top *frame) {
	if top.folded {
		return
	}
	n.reset(top)
	n.prev = hclsyntax.TokenNewline
}
