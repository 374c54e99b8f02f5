package lang

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// uses says what may stand in an expression beside the scope's names.
type uses struct {
	exchange bool // values of an exchange
	volatile bool // functions that change with each call
	steps    bool // values of the answers to earlier steps
}

// A lookup goes through the tree of an expression and finds what its names
// mean. Unlike evaluation it comes by every branch.
type lookup struct {
	scope    *Scope
	x        *expression
	uses     uses
	locals   []map[string]struct{} // names that for expressions bring
	lenient  int                   // depth of can() and try()
	refs     []ref
	trees    map[*hclsyntax.ScopeTraversalExpr]struct{} // what functions look into
	volatile bool
	diags    hcl.Diagnostics
}

// A ref is one name in an expression, with what follows it.
type ref struct {
	node   *hclsyntax.ScopeTraversalExpr
	text   string    // as written
	value  cty.Value // what is known at load
	access access    // how to take it from an exchange; nil for names of the scope
	step   string    // whose exchange it is; empty for the one that is judged
	inside string    // which value of it, for one of a step
	tree   access    // the same as it was decoded, for functions that look into that; nil if there is none
	broken bool      // does not exist
}

func (s *Scope) lookup(x *expression, u uses) *lookup {
	n := &lookup{scope: s, x: x, uses: u}
	_ = hclsyntax.Walk(x.node, n) // Enter and Exit keep their mistakes in n
	return n
}

// Enter implements hclsyntax.Walker.
func (n *lookup) Enter(node hclsyntax.Node) hcl.Diagnostics {
	switch e := node.(type) {
	case hclsyntax.ChildScope:
		n.locals = append(n.locals, e.LocalNames)
	case *hclsyntax.FunctionCallExpr:
		n.call(e)
		if isLenient(e) {
			n.lenient++
		}
	case *hclsyntax.ScopeTraversalExpr:
		for _, names := range n.locals {
			if _, local := names[e.Traversal.RootName()]; local {
				return nil
			}
		}
		n.name(e)
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (n *lookup) Exit(node hclsyntax.Node) hcl.Diagnostics {
	switch e := node.(type) {
	case hclsyntax.ChildScope:
		n.locals = n.locals[:len(n.locals)-1]
	case *hclsyntax.FunctionCallExpr:
		if isLenient(e) {
			n.lenient--
		}
	}
	return nil
}

func isLenient(e *hclsyntax.FunctionCallExpr) bool { return e.Name == "can" || e.Name == "try" }

// call checks the name of a function.
func (n *lookup) call(e *hclsyntax.FunctionCallExpr) {
	f, ok := n.scope.shared.functions[e.Name]
	switch {
	case f.extracts && len(e.Args) > 0, f.explain != nil && len(e.Args) > 0:
		if into, ok := bare(e.Args[0]).(*hclsyntax.ScopeTraversalExpr); ok {
			if n.trees == nil {
				n.trees = make(map[*hclsyntax.ScopeTraversalExpr]struct{})
			}
			n.trees[into] = struct{}{}
		}
	case !ok:
		known := slices.Collect(maps.Keys(n.scope.shared.functions))
		n.fail(e.NameRange, "Unknown function", fmt.Sprintf("There is no function %s().%s", e.Name, DidYouMean(e.Name, known)))
	case f.volatile && !n.uses.volatile:
		n.fail(e.NameRange, "Function changes with each call",
			fmt.Sprintf("%s() gives another value each time. It can stand in requests and conditions, not here.", e.Name))
	case f.volatile:
		n.volatile = true
	}
}

// name looks up a name and what follows it.
func (n *lookup) name(e *hclsyntax.ScopeTraversalExpr) {
	root := e.Traversal[0].(hcl.TraverseRoot) //nolint:forcetypeassert // what a ScopeTraversalExpr begins with
	r := ref{node: e, text: n.x.written(e.SrcRange), value: cty.DynamicVal}
	if r.text == "" {
		r.text = describe(e.Traversal)
	}
	if v, ok := n.scope.names[root.Name]; ok {
		r.value, r.broken = n.follow(root.Name, v, e.Traversal[1:])
		n.refs = append(n.refs, r)
		return
	}
	if root.Name == "step" && n.scope.steps != nil {
		n.step(e, r)
		return
	}
	def, ok := find(n.scope.shared.values, root.Name)
	if !ok {
		n.unknown(root, e.Traversal[1:])
		r.broken = true
		n.refs = append(n.refs, r)
		return
	}
	if !n.uses.exchange {
		n.fail(e.SrcRange, "No answer yet", fmt.Sprintf("%s is a value of an answer. It can stand in expect and degraded_if, not here.", root.Name))
		r.broken = true
		n.refs = append(n.refs, r)
		return
	}
	p := path{lookup: n, name: root.Name, steps: e.Traversal[1:]}
	r.access, r.value = p.compile(def)
	if _, asked := n.trees[e]; asked && def.json && r.access != nil {
		r.tree = decoded(p.tree())
	}
	r.broken = r.access == nil
	if st := n.scope.steps; st != nil && st.secret(st.Name, dotted(e.Traversal)) {
		r.conceal(n.x.written(e.SrcRange))
	}
	n.refs = append(n.refs, r)
}

// unknown reports a name that means nothing, and what follows it.
func (n *lookup) unknown(root hcl.TraverseRoot, after hcl.Traversal) {
	known := slices.Sorted(maps.Keys(n.scope.names))
	if n.uses.exchange {
		known = append(known, nameList(n.scope.shared.values)...)
	}
	if hint := n.dashes(root.Name, "", known, after); hint != "" {
		n.fail(root.SrcRange, "Unknown name", hint)
		return
	}
	switch root.Name {
	case "each":
		n.fail(root.SrcRange, "Unknown name", "each.key and each.value stand in a check with for_each.")
		return
	case "step":
		n.fail(root.SrcRange, "Unknown name", "step.NAME stands in the steps of a check, for the answers of earlier ones.")
		return
	}
	hint := DidYouMean(root.Name, known)
	if hint == "" && n.uses.exchange {
		hint = fmt.Sprintf(" An answer has %s.", list(nameList(n.scope.shared.values)))
	}
	n.fail(root.SrcRange, "Unknown name", fmt.Sprintf("There is no %q here.%s", root.Name, hint))
}

// follow takes the steps after a name of the scope.
func (n *lookup) follow(name string, v cty.Value, steps hcl.Traversal) (cty.Value, bool) {
	for i, step := range steps {
		attr := hcl.TraverseAttr{SrcRange: step.SourceRange()}
		key, isAttr := stepKey(step)
		attr.Name = key
		t := v.Type()
		if isAttr && t.IsObjectType() && !t.HasAttribute(attr.Name) {
			if i == 0 || n.lenient == 0 {
				known := slices.Sorted(maps.Keys(t.AttributeTypes()))
				if v.IsMarked() { // its names are secret too
					known = nil
				}
				n.attribute(name, attr, known, steps[i+1:])
			}
			return cty.DynamicVal, true
		}
		next, diags := step.TraversalStep(v)
		if diags.HasErrors() {
			if n.lenient == 0 {
				n.diags = append(n.diags, conceal(diags)...)
			}
			return cty.DynamicVal, true
		}
		v, name = next, describeStep(name, step)
	}
	return v, false
}

// attribute reports that name has no such attribute. After is what follows it.
func (n *lookup) attribute(name string, attr hcl.TraverseAttr, known []string, after hcl.Traversal) {
	if hint := n.dashes(attr.Name, name+".", known, after); hint != "" {
		n.fail(attr.SrcRange, "Unknown name", hint)
		return
	}
	detail := fmt.Sprintf("%s has no %q.%s", name, attr.Name, DidYouMean(attr.Name, known))
	if Suggest(attr.Name, known) == "" && len(known) > 0 && len(known) <= 16 {
		detail += fmt.Sprintf(" It has %s.", list(known))
	}
	n.fail(attr.SrcRange, "Unknown name", detail)
}

func (n *lookup) fail(at hcl.Range, summary, detail string) {
	n.diags = merge(n.diags, errorAt(at, summary, detail))
}

func (n *lookup) warn(at hcl.Range, summary, detail string) {
	n.diags = merge(n.diags, warningAt(at, summary, detail))
}

// dashes explains a name that was meant as a difference: HCL allows dashes in
// names, so timing.total-timing.dns has an attribute "total-timing".
func (n *lookup) dashes(name, before string, known []string, after hcl.Traversal) string {
	for _, k := range known {
		if rest, ok := strings.CutPrefix(name, k+"-"); ok {
			return fmt.Sprintf("HCL reads %q as one name. To subtract, write spaces around the minus sign, as in %s%s - %s%s.",
				name, before, k, strings.TrimLeft(rest, "-"), n.spaced(describe(after)))
		}
	}
	return ""
}

// spaced puts spaces around each minus sign that a name which means something
// follows.
func (n *lookup) spaced(text string) string {
	names := slices.Concat(slices.Sorted(maps.Keys(n.scope.names)), nameList(n.scope.shared.values), []string{"step"})
	for _, name := range names {
		text = strings.ReplaceAll(text, "-"+name+".", " - "+name+".")
	}
	return text
}

func describeStep(name string, step hcl.Traverser) string {
	return name + describe(hcl.Traversal{step})
}

// list writes names as a sentence does: "a", "b" and "c".
func list(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, n := range names {
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " and " + quoted[last]
}

// constant reports whether a part of the expression is known at load and the
// same for each run.
func (n *lookup) constant(node hclsyntax.Expression) bool {
	constant := true
	_ = hclsyntax.VisitAll(node, func(at hclsyntax.Node) hcl.Diagnostics {
		switch e := at.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			for i := range n.refs {
				r := &n.refs[i]
				constant = constant && (r.node != e || r.access == nil && !r.broken)
			}
		case *hclsyntax.FunctionCallExpr:
			constant = constant && !n.scope.shared.functions[e.Name].volatile
		}
		return nil
	})
	return constant
}
