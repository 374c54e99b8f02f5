package lang

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// An expression is one expression of a file in native form, however it was
// written.
type expression struct {
	node hclsyntax.Expression
	text []byte    // as written
	base int       // what to take from a byte's place to find it in text
	at   hcl.Range // of the whole
	dir  string    // where relative paths in it begin
}

// written returns the source of a part of the expression.
func (x *expression) written(r hcl.Range) string {
	from, to := r.Start.Byte-x.base, r.End.Byte-x.base
	if from < 0 || to > len(x.text) || from > to {
		return ""
	}
	return string(x.text[from:to])
}

// read returns expr for looking at and evaluating.
func (s *Scope) read(expr hcl.Expression) (*expression, hcl.Diagnostics) {
	at := expr.Range()
	x := &expression{at: at, dir: s.dir(at.Filename)}
	if json.IsJSONExpression(expr) {
		node, diags := s.fromJSON(expr)
		x.node = node
		return x, diags
	}
	node, ok := expr.(hclsyntax.Expression)
	if !ok {
		return nil, errorAt(at, "Unsupported expression", "This expression is in neither native nor JSON syntax.")
	}
	x.node, x.text, x.base = node, s.source(at), at.Start.Byte
	return x, nil
}

// text returns the source of an expression, of a string of JSON what stands in
// it, or "" where it is not known.
func (s *Scope) text(expr hcl.Expression) string {
	if json.IsJSONExpression(expr) {
		text, _ := jsonString(expr)
		return text
	}
	return string(s.source(expr.Range()))
}

// source returns what stands at a place.
func (s *Scope) source(at hcl.Range) []byte {
	text := s.shared.o.Sources[at.Filename].Text
	if at.End.Byte > len(text) || at.Start.Byte > at.End.Byte {
		return nil
	}
	return text[at.Start.Byte:at.End.Byte]
}

// own returns a condition as a tree of its own, that may be changed. A string
// of JSON may be the text of an expression.
func (s *Scope) own(expr hcl.Expression) (*expression, hcl.Diagnostics) {
	at := expr.Range()
	if json.IsJSONExpression(expr) {
		if text, ok := jsonString(expr); ok {
			return s.fromText(text, at)
		}
	}
	x, diags := s.read(expr)
	if diags.HasErrors() || json.IsJSONExpression(expr) {
		return x, diags
	}
	if x.text == nil {
		return nil, errorAt(at, "Source not known", fmt.Sprintf("The text of %s is not known.", at.Filename))
	}
	// A heredoc needs the line break after its end marker.
	node, diags := hclsyntax.ParseExpression(append(slices.Clone(x.text), '\n'), at.Filename, at.Start)
	if diags.HasErrors() {
		return nil, diags
	}
	x.node = node
	return x, nil
}

// dir returns where relative paths in a file begin.
func (s *Scope) dir(filename string) string {
	if src, ok := s.shared.o.Sources[filename]; ok && src.Dir != "" {
		return src.Dir
	}
	return filepath.Dir(filename)
}
