package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// Steps says where among the steps of a check an expression stands. It can
// name the values of the answers to earlier ones: step.login.json.token.
type Steps struct {
	Name    string   // of the step it stands in
	Earlier []string // in their order
	Later   []string
	Secrets []Proof // values that any step of the check proves itself with

	// Unanswered are those of Earlier that must fail before there is an
	// answer: the check fails wherever their values are needed.
	Unanswered []string
}

// WithSteps returns a scope for the expressions of one step. What it compiles
// is shared with s as far as it can be.
func (s *Scope) WithSteps(st Steps) *Scope {
	return &Scope{names: s.names, shared: s.shared, redactor: s.redactor, outer: s, steps: &st}
}

// WithEach returns a scope for one instance of a check with for_each: each.key
// and each.value are known in it. What it compiles is shared with s as far as
// it can be. Secrets in value must come from those of s.
func (s *Scope) WithEach(key string, value cty.Value) *Scope {
	inner := s.With(map[string]cty.Value{
		"each": cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(key), "value": value}),
	})
	inner.outer, inner.redactor = s, s.redactor
	return inner
}

// home is the scope that keeps conditions of this text: the outermost in
// which they mean the same.
func (s *Scope) home(text string) *Scope {
	for s.outer != nil && (s.steps != nil || !strings.Contains(text, "each")) {
		s = s.outer
	}
	return s
}

// key tells apart what a condition of this text may mean in different steps.
func (st *Steps) key(text string) string {
	if st == nil {
		return ""
	}
	var b strings.Builder
	if strings.Contains(text, "step") {
		b.WriteString(strings.Join(st.Earlier, " ") + "|" + st.Name + "|" + strings.Join(st.Later, " ") + "|" + strings.Join(st.Unanswered, " "))
	}
	for _, p := range st.Secrets {
		if p.text != "" && (p.Step == st.Name || b.Len() > 0) {
			b.WriteString("|" + p.Step + "." + p.text)
		}
	}
	return b.String()
}

// secret reports whether a value of a step's answer, or a part of it, proves
// who asks.
func (st *Steps) secret(step, value string) bool {
	return slices.ContainsFunc(st.Secrets, func(p Proof) bool {
		return p.Step == step && p.text != "" && (partOf(p.text, value) || partOf(value, p.text))
	})
}

// partOf reports whether the value part is whole, or stands in it.
func partOf(part, whole string) bool {
	rest, ok := strings.CutPrefix(part, whole)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// dotted writes a value and its parts in one form, whichever way they are
// written: header.authorization.
func dotted(path hcl.Traversal) string {
	var b strings.Builder
	for _, step := range path {
		root, isRoot := step.(hcl.TraverseRoot)
		key, named := stepKey(step)
		switch {
		case isRoot:
			b.WriteString(root.Name)
		case named:
			b.WriteString("." + key)
		default:
			b.WriteString(describe(hcl.Traversal{step}))
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// object stands for the steps where a text of JSON reads like a reference.
func (st *Steps) object() cty.Value {
	names := make(map[string]cty.Value, len(st.Earlier))
	for _, name := range st.Earlier {
		names[name] = cty.DynamicVal
	}
	return cty.ObjectVal(names)
}

// step looks up step.NAME and the value of its answer that follows.
func (n *lookup) step(e *hclsyntax.ScopeTraversalExpr, r ref) {
	r.broken = true
	defer func() { n.refs = append(n.refs, r) }()
	st, steps := n.scope.steps, e.Traversal[1:]
	if len(steps) == 0 {
		n.fail(e.SrcRange, "Unclear reference", "Name a step and a value of its answer: step.NAME.json.")
		return
	}
	at := steps[0].SourceRange()
	name, _ := stepKey(steps[0])
	all := slices.Concat(st.Earlier, []string{st.Name}, st.Later)
	switch {
	case name == st.Name:
		n.fail(at, "Reference to the same step", fmt.Sprintf("This is step %q itself: its request is made before it has an answer, and its conditions name the answer without step.%s.", name, name))
	case slices.Contains(st.Later, name):
		n.fail(at, "Reference to a later step", fmt.Sprintf("Step %q comes after step %q: only the answers of earlier steps are known.", name, st.Name))
	case !slices.Contains(st.Earlier, name):
		n.fail(at, "Unknown step", fmt.Sprintf("There is no step %q in this check.%s", cut(name, maxKey), DidYouMean(name, all)))
	case !n.uses.exchange && !n.uses.steps:
		n.fail(e.SrcRange, "No answer yet", fmt.Sprintf("step.%s is known when the check runs. It can stand in what a request sends and in conditions, not here.", name))
	case len(steps) == 1:
		n.fail(e.SrcRange, "Unclear reference", fmt.Sprintf("step.%s is a whole answer: name a value of it, such as step.%s.json.", name, name))
	default:
		if slices.Contains(st.Unanswered, name) && n.lenient == 0 {
			n.warn(e.SrcRange, "Answer that does not come",
				fmt.Sprintf("Step %q has expect_failure: where it passes there is no answer, and step %q fails for want of step.%s.", name, st.Name, name))
		}
		r = n.stepValue(name, steps[1:], r)
	}
}

// stepValue looks up a value of the answer to an earlier step.
func (n *lookup) stepValue(step string, steps hcl.Traversal, r ref) ref {
	inside, _ := stepKey(steps[0])
	def, ok := find(n.scope.shared.values, inside)
	if !ok {
		n.attribute("step."+step, hcl.TraverseAttr{Name: inside, SrcRange: steps[0].SourceRange()}, nameList(n.scope.shared.values), steps[1:])
		return r
	}
	p := path{lookup: n, name: "step." + step + "." + inside, steps: steps[1:]}
	r.step, r.inside = step, inside
	r.access, r.value = p.compile(def)
	r.broken = r.access == nil
	if n.scope.steps.secret(step, dotted(steps)) {
		r.conceal("step." + step)
	}
	return r
}

// conceal marks what the reference gives as sensitive.
func (r *ref) conceal(origin string) {
	get := r.access
	if get == nil {
		return
	}
	r.value = Sensitive(r.value, origin)
	r.access = func(x *checks.Exchange) (cty.Value, error) {
		v, err := get(x)
		if err != nil {
			return cty.NilVal, err
		}
		return Sensitive(v, origin), nil
	}
}

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

// pending takes over what is known of a field whose value comes with a run.
func (a *assembly) pending(f *field) {
	if why := Reason(f.value); why != nil {
		a.mistakes = append(a.mistakes, mistake{at: f.at, why: why})
	}
	switch f.role {
	case roleBody, roleJSON:
		a.hasBody = true
	case roleMethod:
		a.out.Method = ""
	default:
	}
}
