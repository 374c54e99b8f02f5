package lang

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// A binding is a value of an exchange that a condition names.
type binding struct {
	key    string // under which the tree finds it
	text   string // as written
	at     hcl.Range
	step   string // whose answer it is taken from; empty for the one that is judged
	access access
	size   bool // shown by its size
	header bool // null means that it is missing
}

// bind gives each name in the tree a variable of its own: `json.database`
// becomes one lookup, and nothing beside that part of the answer becomes a
// value. It returns what is known of the variables at load.
func (c *compiled) bind(n *lookup) *hcl.EvalContext {
	fixed := make(map[string]cty.Value)
	open := make(map[string]cty.Value)
	for _, r := range n.refs {
		trav := r.node.Traversal
		key := describe(trav)
		root, inner, depth := trav.RootName(), key, len(trav)
		if r.step != "" {
			root, inner, depth = r.inside, strings.TrimPrefix(key, "step."+r.step+"."), depth-2
		}
		if r.tree != nil {
			key += " as decoded"
		}
		r.node.Traversal = hcl.Traversal{hcl.TraverseRoot{Name: key, SrcRange: r.node.SrcRange}}
		switch {
		case r.broken:
			open[key] = cty.DynamicVal
		case r.access == nil:
			fixed[key] = r.value
			if why := Reason(r.value); why != nil {
				c.reasons = append(c.reasons, why)
			}
		default:
			if _, known := open[key]; !known {
				access := r.access
				if r.tree != nil {
					access = r.tree
				}
				c.names = append(c.names, binding{
					key: key, text: r.text, at: r.node.SrcRange, access: access, step: r.step,
					size: inner == "body" || inner == "request.body" || inner == "request", header: root == "header" || root == "cookie" && depth == 2,
				})
			}
			open[key] = r.value
		}
	}
	c.ctx = n.scope.shared.context(n.x.dir).NewChild()
	c.ctx.Variables = fixed
	unknown := c.ctx.NewChild()
	unknown.Variables = open
	return unknown
}

// taken are the values of one exchange.
type taken struct {
	ctx    *hcl.EvalContext
	values []cty.Value // by binding; NilVal for those that are missing
	errs   []error     // nil if nothing is missing
}

// take computes the values that an expression names.
func take(ctx *hcl.EvalContext, names []binding, vars *checks.Vars) *taken {
	t := &taken{ctx: ctx.NewChild(), values: make([]cty.Value, len(names))}
	t.ctx.Variables = make(map[string]cty.Value, len(names))
	for i := range names {
		v, err := names[i].from(vars)
		if err != nil {
			if t.errs == nil {
				t.errs = make([]error, len(names))
			}
			t.errs[i] = err
			continue
		}
		t.values[i] = v
		t.ctx.Variables[names[i].key] = v
	}
	return t
}

// from takes the value from the exchange that it belongs to.
func (b *binding) from(vars *checks.Vars) (cty.Value, error) {
	x := vars.Exchange
	if b.step != "" {
		if x = vars.Steps[b.step]; x == nil {
			return cty.NilVal, &missingError{b.text, fmt.Sprintf("step %q has got no answer", b.step)}
		}
	}
	v, err := b.access(x)
	if err == nil || b.step == "" {
		return v, err
	}
	if missing, ok := errors.AsType[*missingError](err); !ok {
		err = fmt.Errorf("step %q: %w", b.step, err)
	} else if prefix := "step." + b.step + "."; !strings.HasPrefix(missing.name, prefix) {
		err = &missingError{prefix + missing.name, missing.why}
	}
	return cty.NilVal, err
}
