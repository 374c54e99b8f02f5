package lang

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

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

// Elements returns the elements of a list as they are written, in native or
// JSON syntax.
func Elements(expr hcl.Expression) ([]hcl.Expression, hcl.Diagnostics) {
	if list, diags := hcl.ExprList(expr); !diags.HasErrors() {
		return list, nil
	}
	return nil, errorAt(expr.Range(), "List expected", "This must be a list in brackets: [ … ].")
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
