package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A told is a call that explanations tell of: by its result, or by why it is
// false.
type told struct {
	call *hclsyntax.FunctionCallExpr
	text string // as written
	args []string
	why  func(args []cty.Value, written []string) string // nil: by its result
}

// calls finds the calls that explanations tell of. Those inside for
// expressions have no single result.
func (n *lookup) calls(node hclsyntax.Expression) []told {
	w := &callWalker{lookup: n}
	_ = hclsyntax.Walk(node, w) // Enter and Exit find no mistakes
	return w.found
}

type callWalker struct {
	*lookup

	inner int // depth of for expressions, and of calls that are told
	found []told
}

// Enter implements hclsyntax.Walker.
func (w *callWalker) Enter(node hclsyntax.Node) hcl.Diagnostics {
	switch e := node.(type) {
	case hclsyntax.ChildScope:
		w.inner++
	case *hclsyntax.FunctionCallExpr:
		f := w.scope.shared.functions[e.Name]
		if !f.extracts && f.explain == nil {
			return nil
		}
		if w.inner == 0 && !w.constant(e) {
			t := told{call: e, text: w.x.quote(e), why: f.explain}
			for _, a := range e.Args {
				t.args = append(t.args, w.x.quote(a))
			}
			w.found = append(w.found, t)
		}
		w.inner++
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (w *callWalker) Exit(node hclsyntax.Node) hcl.Diagnostics {
	switch e := node.(type) {
	case hclsyntax.ChildScope:
		w.inner--
	case *hclsyntax.FunctionCallExpr:
		if f := w.scope.shared.functions[e.Name]; f.extracts || f.explain != nil {
			w.inner--
		}
	}
	return nil
}

// whyFalse says of calls that are false why they are.
func (c *compiled) whyFalse(t *taken) string {
	for _, told := range c.told {
		if told.why == nil {
			continue
		}
		args := make([]cty.Value, 0, len(told.call.Args))
		for _, a := range told.call.Args {
			v, diags := a.Value(t.ctx)
			if diags.HasErrors() {
				return ""
			}
			args = append(args, v)
		}
		if why := told.why(args, told.args); why != "" {
			return why
		}
	}
	return ""
}

// results says what the calls that extract have found, for a sentence.
func (c *compiled) results(t *taken, w viewer) []string {
	var parts []string
	for _, told := range c.told {
		if told.why != nil {
			continue
		}
		if v, diags := told.call.Value(t.ctx); !diags.HasErrors() {
			parts = append(parts, told.text+" is "+show(w.value(v)))
		}
	}
	return parts
}

// insideTold reports whether a place lies inside a call whose result is told.
func (c *compiled) insideTold(at hcl.Range) bool {
	for _, told := range c.told {
		if told.why == nil && overlaps(told.call.Range(), at) {
			return true
		}
	}
	return false
}
