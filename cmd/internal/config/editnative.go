package config

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// body is the parsed content of a file in native syntax.
func (f *edited) body() *hclsyntax.Body {
	body, _ := f.parsed.Body.(*hclsyntax.Body)
	return body
}

func (f *edited) nativeCertificates() []*certificatePlace {
	var out []*certificatePlace
	for _, b := range f.body().Blocks {
		if b.Type != "certificate" || len(b.Labels) != 1 {
			continue
		}
		out = append(out, &certificatePlace{file: f, name: b.Labels[0], label: f.unquoted(b.LabelRanges[0]), native: b})
	}
	return out
}

// unquoted is the span of a label or key without its quotes.
func (f *edited) unquoted(at hcl.Range) span {
	s := span{at.Start.Byte, at.End.Byte}
	if s.end-s.start >= 2 && f.src[s.start] == '"' {
		return span{s.start + 1, s.end - 1}
	}
	return s
}

// nativeReferences are the spans of name in certificate.NAME and
// certificate["NAME"], in any expression, and as a literal in the match of a
// route or a maintenance.
func (f *edited) nativeReferences(name string) []span {
	var out []span
	walkExpressions(f.body(), func(expr hclsyntax.Expression) {
		for _, trav := range hclsyntax.Variables(expr) {
			if s, ok := certificateName(f.src, trav, name); ok {
				out = append(out, s)
			}
		}
	})
	for _, b := range f.body().Blocks {
		if a := b.Body.Attributes["match"]; a != nil && (b.Type == "route" || b.Type == "maintenance") {
			out = append(out, f.matched(a.Expr, name)...)
		}
	}
	slices.SortFunc(out, func(a, b span) int { return a.start - b.start })
	return slices.Compact(out) // an inherited traversal may be told twice
}

// walkExpressions calls fn with the expression of every attribute.
func walkExpressions(body *hclsyntax.Body, fn func(hclsyntax.Expression)) {
	for _, a := range body.Attributes {
		fn(a.Expr)
	}
	for _, b := range body.Blocks {
		walkExpressions(b.Body, fn)
	}
}

// certificateName finds name in a traversal of src that begins with certificate.NAME.
func certificateName(src []byte, trav hcl.Traversal, name string) (span, bool) {
	if len(trav) < 2 || trav.RootName() != "certificate" || stepName(trav[1]) != name {
		return span{}, false
	}
	at := trav[1].SourceRange()
	if at.Start.Byte < 0 || at.End.Byte > len(src) || at.Start.Byte > at.End.Byte {
		return span{}, false
	}
	i := bytes.LastIndex(src[at.Start.Byte:at.End.Byte], []byte(name))
	if i < 0 {
		return span{}, false
	}
	start := at.Start.Byte + i
	return span{start, start + len(name)}, true
}

// matched finds name as the label `certificate` of an object.
func (f *edited) matched(expr hclsyntax.Expression, name string) []span {
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	var out []span
	for _, item := range object.Items {
		key, diags := item.KeyExpr.Value(nil)
		if diags.HasErrors() || !isText(key, "certificate") {
			continue
		}
		value, diags := item.ValueExpr.Value(nil)
		if s := f.unquoted(item.ValueExpr.Range()); !diags.HasErrors() && isText(value, name) && string(f.src[s.start:s.end]) == name {
			out = append(out, s)
		}
	}
	return out
}

func isText(v cty.Value, text string) bool {
	return v.IsKnown() && !v.IsNull() && v.Type() == cty.String && v.AsString() == text
}

// whole is the span of a block with the comments right above it, the rest of
// its last line, and one empty line that would be left over.
func (b *certificatePlace) whole() span {
	src := b.file.src
	start := lineStart(src, b.native.TypeRange.Start.Byte)
	end := lineEnd(src, b.native.CloseBraceRange.End.Byte)
	for start > 0 {
		above := lineStart(src, start-1)
		text := bytes.TrimSpace(src[above:start])
		if !bytes.HasPrefix(text, []byte("#")) && !bytes.HasPrefix(text, []byte("//")) {
			break
		}
		start = above
	}
	before := start == 0 || blank(src[lineStart(src, start-1):start])
	if next := lineEnd(src, end); before && end < len(src) && blank(src[end:next]) {
		return span{start, next}
	}
	if start > 0 && before && end == len(src) {
		start = lineStart(src, start-1)
	}
	return span{start, end}
}

func blank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// lineStart is where the line of a byte begins.
func lineStart(src []byte, at int) int { return bytes.LastIndexByte(src[:at], '\n') + 1 }

// lineEnd is where the line after that of a byte begins.
func lineEnd(src []byte, at int) int {
	i := bytes.IndexByte(src[at:], '\n')
	if i < 0 {
		return len(src)
	}
	return at + i + 1
}

// newline is how lines end in src.
func newline(src []byte) string {
	if bytes.Contains(src, []byte("\r\n")) {
		return "\r\n"
	}
	return "\n"
}

// mark sets `primary` to true.
func (b *certificatePlace) mark() splice {
	if a := b.native.Body.Attributes["primary"]; a != nil {
		at := a.Expr.Range()
		return splice{at.Start.Byte, at.End.Byte, "true"}
	}
	src, nl := b.file.src, newline(b.file.src)
	open, closing := b.native.OpenBraceRange.End.Byte, b.native.CloseBraceRange.Start.Byte
	if lineStart(src, open) == lineStart(src, closing) { // on one line, where only one attribute may stand
		inner := strings.TrimSpace(string(src[open:closing]))
		indent := nl + indentation(src, open) + "  "
		text := indent + "primary = true" + nl + indentation(src, open)
		if inner != "" {
			text = indent + inner + text
		}
		return splice{open, closing, text}
	}
	last := b.lastAttribute()
	if last == nil {
		return splice{lineEnd(src, open), lineEnd(src, open), indentation(src, closing) + "  primary = true" + nl}
	}
	name := "primary"
	column := last.EqualsRange.Start.Byte - last.NameRange.Start.Byte
	name += strings.Repeat(" ", max(1, column-len(name)))
	at := lineEnd(src, last.SrcRange.End.Byte)
	if i := last.SrcRange.End.Byte; i > 0 && src[i-1] == '\n' { // a heredoc takes its line break along
		at = i
	}
	return splice{at, at, indentation(src, last.NameRange.Start.Byte) + name + "= true" + nl}
}

// unmark takes `primary` away, with its line unless there is a comment on it.
func (b *certificatePlace) unmark() splice {
	a := b.native.Body.Attributes["primary"]
	src := b.file.src
	start, end := lineStart(src, a.SrcRange.Start.Byte), lineEnd(src, a.SrcRange.End.Byte)
	alone := blank(src[start:a.SrcRange.Start.Byte]) && blank(src[a.SrcRange.End.Byte:end])
	if alone {
		return splice{start, end, ""}
	}
	at := a.Expr.Range()
	return splice{at.Start.Byte, at.End.Byte, "false"}
}

// marked reports whether the block says that it is primary: in any words but
// a plain false.
func (b *certificatePlace) marked() bool {
	a := b.native.Body.Attributes["primary"]
	if a == nil {
		return false
	}
	v, diags := a.Expr.Value(nil)
	return diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Bool || v.True()
}

func (b *certificatePlace) lastAttribute() *hclsyntax.Attribute {
	var last *hclsyntax.Attribute
	for _, a := range b.native.Body.Attributes {
		if last == nil || a.SrcRange.Start.Byte > last.SrcRange.Start.Byte {
			last = a
		}
	}
	return last
}

// indentation is the white space at the beginning of the line of a byte.
func indentation(src []byte, at int) string {
	line := src[lineStart(src, at):at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}
