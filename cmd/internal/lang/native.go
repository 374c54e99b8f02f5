package lang

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
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

// fromText parses the text of a JSON string, bare or as "${…}".
func (s *Scope) fromText(text string, at hcl.Range) (*expression, hcl.Diagnostics) {
	start := inside(at)
	x := &expression{at: at, dir: s.dir(at.Filename), text: []byte(text), base: start.Byte}
	if strings.HasPrefix(text, "${") {
		if diags := guardTokens(x.text, at.Filename, start, hclsyntax.LexTemplate, false); diags != nil {
			return nil, within(diags, at)
		}
		node, diags := hclsyntax.ParseTemplate(x.text, at.Filename, start)
		if wrap, ok := node.(*hclsyntax.TemplateWrapExpr); ok && !diags.HasErrors() {
			x.node = wrap.Wrapped
			rng := wrap.Wrapped.Range()
			x.text, x.base = []byte(x.written(rng)), rng.Start.Byte
			return x, nil
		} else if !diags.HasErrors() {
			return nil, errorAt(at, "Not a condition", "This is a text with values in it. Write the condition without ${ }, or put all of it inside.")
		}
	}
	if diags := guardTokens(x.text, at.Filename, start, hclsyntax.LexExpression, false); diags != nil {
		return nil, within(diags, at)
	}
	node, diags := hclsyntax.ParseExpression(x.text, at.Filename, start)
	if diags.HasErrors() {
		return nil, within(ExplainSyntax(diags, x.text, x.base), at)
	}
	x.node = node
	return x, nil
}

// inside is the place right after the opening quote of a JSON string.
func inside(at hcl.Range) hcl.Pos {
	return hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 1, Byte: at.Start.Byte + 1}
}

// jsonString returns the text of an expression that is a JSON string.
func jsonString(expr hcl.Expression) (string, bool) {
	if isJSONCollection(expr) {
		return "", false
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

func isJSONCollection(expr hcl.Expression) bool {
	_, notList := hcl.ExprList(expr)
	_, notMap := hcl.ExprMap(expr)
	return !notList.HasErrors() || !notMap.HasErrors()
}

// fromJSON turns an expression of JSON syntax into a native one.
func (s *Scope) fromJSON(expr hcl.Expression) (hclsyntax.Expression, hcl.Diagnostics) {
	at := expr.Range()
	if list, no := hcl.ExprList(expr); !no.HasErrors() {
		tuple := &hclsyntax.TupleConsExpr{SrcRange: at, OpenRange: at}
		var diags hcl.Diagnostics
		for _, e := range list {
			node, more := s.fromJSON(e)
			diags = append(diags, more...)
			tuple.Exprs = append(tuple.Exprs, node)
		}
		return tuple, diags
	}
	if pairs, no := hcl.ExprMap(expr); !no.HasErrors() {
		return s.objectFromJSON(pairs, at)
	}
	if text, ok := jsonString(expr); ok {
		return s.templateFromJSON(text, at)
	}
	v, diags := expr.Value(nil)
	return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}, diags
}

func (s *Scope) objectFromJSON(pairs []hcl.KeyValuePair, at hcl.Range) (hclsyntax.Expression, hcl.Diagnostics) {
	object := &hclsyntax.ObjectConsExpr{SrcRange: at, OpenRange: at}
	var diags hcl.Diagnostics
	seen := make(map[string]bool)
	for _, pair := range pairs {
		if name, ok := jsonString(pair.Key); ok {
			if seen[name] {
				diags = append(diags, errorAt(pair.Key.Range(), "Duplicate key", fmt.Sprintf("The key %q is already in this object.", name))...)
			}
			seen[name] = true
		}
		key, more := s.fromJSON(pair.Key)
		diags = append(diags, more...)
		value, more := s.fromJSON(pair.Value)
		diags = append(diags, more...)
		object.Items = append(object.Items, hclsyntax.ObjectConsItem{
			KeyExpr:   &hclsyntax.ObjectConsKeyExpr{Wrapped: key, ForceNonLiteral: true},
			ValueExpr: value,
		})
	}
	return object, diags
}

func (s *Scope) templateFromJSON(text string, at hcl.Range) (hclsyntax.Expression, hcl.Diagnostics) {
	literal := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(text), SrcRange: at}
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return literal, s.bareReference(text, at)
	}
	node, diags := hclsyntax.ParseTemplate([]byte(text), at.Filename, inside(at))
	if diags.HasErrors() {
		return literal, within(diags, at)
	}
	return node, nil
}

// bareReference returns a mistake if a string of JSON reads like a reference:
// "secret.x" is plain text there.
func (s *Scope) bareReference(text string, at hcl.Range) hcl.Diagnostics {
	root, rest, ok := strings.Cut(text, ".")
	if !ok || rest == "" || strings.ContainsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n/:@", r) }) {
		return nil
	}
	value, known := s.names[root]
	if root == "step" && s.steps != nil {
		value, known = s.steps.object(), true
	}
	if !known {
		return nil
	}
	trav, diags := hclsyntax.ParseTraversalAbs([]byte(text), at.Filename, inside(at))
	if diags.HasErrors() {
		return nil
	}
	if _, diags := trav.SimpleSplit().Rel.TraverseRel(value); diags.HasErrors() && root != "secret" {
		return nil
	}
	return errorAt(at, "Reference written as text", fmt.Sprintf("In JSON, %q is plain text. To use the value, write \"${%s}\".", text, text))
}

// Reference returns the reference that an attribute such as `certificate` is
// made of: certificate.NAME in native syntax, "certificate.NAME" or
// "${certificate.NAME}" in JSON. Form is how it is written; it must begin as
// form does. What it names is not looked up.
func Reference(expr hcl.Expression, form string) (hcl.Traversal, hcl.Diagnostics) {
	at := expr.Range()
	trav, diags := hcl.AbsTraversalForExpr(expr)
	if text, ok := jsonReference(expr); ok {
		trav, diags = hclsyntax.ParseTraversalAbs([]byte(text), at.Filename, inside(at))
	}
	detail := "This must be a reference like " + form
	switch root, _, _ := strings.Cut(form, "."); {
	case diags.HasErrors():
		return nil, errorAt(at, "Reference expected", detail+".")
	case trav.RootName() != root:
		return nil, errorAt(at, "Reference expected", detail+", not "+describe(trav)+".")
	}
	return trav, nil
}

// Referred evaluates a reference to what stands under root in the scope, as
// [Reference] takes them: the key in it may be computed.
func (s *Scope) Referred(expr hcl.Expression, root, form string) (cty.Value, hcl.Diagnostics) {
	x, diags := s.own(expr)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	names := x.node.Variables()
	if len(names) == 0 || !slices.ContainsFunc(names, func(t hcl.Traversal) bool { return t.RootName() == root }) {
		return cty.DynamicVal, errorAt(x.at, "Reference expected", fmt.Sprintf("This must be a reference like %s.", form))
	}
	return s.value(x)
}

// jsonReference returns the text of a reference in a JSON string.
func jsonReference(expr hcl.Expression) (string, bool) {
	if !json.IsJSONExpression(expr) {
		return "", false
	}
	text, ok := jsonString(expr)
	if !ok {
		return "", false
	}
	if body, wrapped := strings.CutPrefix(text, "${"); wrapped {
		text = strings.TrimSpace(strings.TrimSuffix(body, "}"))
	}
	return text, len(text) < 1024
}

// Elements returns the elements of a list as they are written, in native or
// JSON syntax.
func Elements(expr hcl.Expression) ([]hcl.Expression, hcl.Diagnostics) {
	if list, diags := hcl.ExprList(expr); !diags.HasErrors() {
		return list, nil
	}
	return nil, errorAt(expr.Range(), "List expected", "This must be a list in brackets: [ … ].")
}

// dir returns where relative paths in a file begin.
func (s *Scope) dir(filename string) string {
	if src, ok := s.shared.o.Sources[filename]; ok && src.Dir != "" {
		return src.Dir
	}
	return filepath.Dir(filename)
}

// describe writes a traversal as it would stand in a file.
func describe(trav hcl.Traversal) string {
	var b bytes.Buffer
	for _, step := range trav {
		switch t := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(t.Name)
		case hcl.TraverseAttr:
			b.WriteByte('.')
			b.WriteString(t.Name)
		case hcl.TraverseIndex:
			b.WriteByte('[')
			b.WriteString(showKey(t.Key))
			b.WriteByte(']')
		}
	}
	return b.String()
}

func showKey(key cty.Value) string {
	if key.IsKnown() && !key.IsNull() && key.Type() == cty.String {
		return fmt.Sprintf("%q", key.AsString())
	}
	return showValue(key)
}
