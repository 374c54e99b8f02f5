package lang

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

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
