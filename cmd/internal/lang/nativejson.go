package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// fromText parses the text of a JSON string, bare or as "${…}".
func (s *Scope) fromText(text string, at hcl.Range) (*expression, hcl.Diagnostics) {
	start := inside(at)
	x := &expression{at: at, dir: s.dir(at.Filename), text: []byte(text), base: start.Byte}
	if strings.HasPrefix(text, "${") {
		if diags := guardTokens(x.text, at.Filename, start, hclsyntax.LexTemplate, nil); diags != nil {
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
	if diags := guardTokens(x.text, at.Filename, start, hclsyntax.LexExpression, nil); diags != nil {
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
