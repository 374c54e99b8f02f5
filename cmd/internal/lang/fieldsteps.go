package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// mutable reads an expression of a request, as a tree of its own where it may
// name steps.
func (s *Scope) mutable(expr hcl.Expression) (*expression, hcl.Diagnostics) {
	x, diags := s.read(expr)
	if s.steps == nil || diags.HasErrors() || x.text == nil { // what comes from JSON is made anew by read
		return x, diags
	}
	if !slices.ContainsFunc(expr.Variables(), func(t hcl.Traversal) bool { return t.RootName() == "step" }) {
		return x, diags
	}
	return s.own(expr)
}

// first computes the value at load. One that takes values of earlier steps
// stays pending, after its types have been checked.
func (f *field) first(n *lookup) hcl.Diagnostics {
	if n.scope.steps == nil {
		return f.compute()
	}
	known, samples := map[string]cty.Value{}, map[string]cty.Value{}
	for _, r := range n.refs {
		if r.step == "" && (!r.broken || r.node.Traversal.RootName() != "step") {
			continue
		}
		key := describe(r.node.Traversal)
		r.node.Traversal = hcl.Traversal{hcl.TraverseRoot{Name: key, SrcRange: r.node.SrcRange}}
		if _, again := known[key]; !again && !r.broken {
			f.names = append(f.names, binding{key: key, text: r.text, at: r.node.SrcRange, step: r.step, access: r.access})
		}
		known[key], samples[key] = r.value, cty.StringVal("1")
	}
	if len(known) == 0 {
		return f.compute()
	}
	n.volatile, f.pending = true, true
	ctx := f.ctx
	defer func() { f.ctx = ctx }()
	f.ctx = ctx.NewChild()
	f.ctx.Variables = known
	diags := f.compute()
	if diags.HasErrors() || f.value.Type() == cty.DynamicPseudoType || !f.sampled(n, ctx) {
		return diags
	}
	// With a text in place of each value, what is wrong with the rest shows.
	unknown := f.value
	f.ctx = ctx.NewChild()
	f.ctx.Variables = samples
	if f.compute().HasErrors() {
		f.value = unknown
		return diags
	}
	f.pending = false
	return diags
}

// sampled reports whether any text can stand for the values of earlier steps
// in what is checked of the field at load: not as the host of a URL, nor as
// what a function wants to be of some form.
func (f *field) sampled(n *lookup, ctx *hcl.EvalContext) bool {
	switch f.role {
	case roleHeaders, roleQuery, roleBasicAuth:
		return true
	case roleURL:
		_, rest, ok := strings.Cut(n.lead(ctx), "://")
		return ok && strings.ContainsAny(rest, "/?#")
	default:
		return false
	}
}

// fromSteps computes the value for a run from the answers of earlier steps.
func (f *field) fromSteps(vars *checks.Vars) error {
	t := take(f.ctx, f.names, vars)
	f.ctx, f.pending = t.ctx, false
	diags := f.compute()
	if diags.HasErrors() {
		return &checks.ValueError{Err: failure(diags, f.names, t)}
	}
	return nil
}
