package lang

import (
	"errors"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// A role is the attribute that an expression stands for.
type role string

const (
	roleURL         role = "url"
	roleMethod      role = "method"
	roleHeaders     role = "headers"
	roleQuery       role = "query"
	roleBody        role = "body"
	roleJSON        role = "json"
	roleForm        role = "form"
	roleFile        role = "body_file"
	roleBasicAuth   role = "basic_auth"
	roleBearerToken role = "bearer_token"
)

type part struct {
	role role
	expr hcl.Expression
}

// A field is an attribute of a request and its value.
type field struct {
	role    role
	at      hcl.Range
	value   cty.Value
	secrets []string
	lead    string // the beginning of the URL that does not change

	x     *expression // nil if the value does not change between runs
	ctx   *hcl.EvalContext
	names []binding // the values it takes from answers of earlier steps

	pending bool // those values are not known yet, and neither is this one
}

// field evaluates an attribute for the first time.
func (s *Scope) field(p part) (field, hcl.Diagnostics) {
	f := field{role: p.role, at: p.expr.Range()}
	if v, ok := constant(p.expr); ok {
		f.value = v
		return f, nil
	}
	x, diags := s.mutable(p.expr)
	if diags.HasErrors() {
		return f, diags
	}
	n := s.lookup(x, uses{volatile: true, steps: true})
	f.x, f.ctx = x, s.context(x.dir)
	more := f.first(n)
	diags = within(merge(n.diags, conceal(more)), f.at)
	if diags.HasErrors() {
		return f, diags
	}
	f.value = n.explainUnknown(f.value)
	if tooBig(f.value) {
		return f, errorAt(f.at, "Value too large", "The result has over 100,000 elements or 8 MiB of text.")
	}
	if p.role == roleURL {
		f.lead = n.lead(f.ctx)
	}
	if !n.volatile {
		f.x, f.ctx = nil, nil
	}
	return f, diags
}

// evaluate computes the value for a run.
func (f *field) evaluate(vars *checks.Vars) error {
	if len(f.names) > 0 {
		return f.fromSteps(vars)
	}
	diags := conceal(f.compute())
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			return errors.New(phrase(d.Detail))
		}
	}
	return nil
}

// compute evaluates the expression. Of a template, the sensitive parts become
// secrets, not the whole: a URL is not hidden because of a key in it.
func (f *field) compute() hcl.Diagnostics {
	template, ok := f.x.node.(*hclsyntax.TemplateExpr)
	if !ok || (f.role != roleURL && f.role != roleBody) {
		v, diags := f.x.node.Value(f.ctx)
		f.value, f.secrets = v, Secrets(v)
		return diags
	}
	once := hclsyntax.TemplateExpr{SrcRange: template.SrcRange}
	var secrets []string
	var diags hcl.Diagnostics
	for _, e := range template.Parts {
		v, more := e.Value(f.ctx)
		diags = append(diags, more...)
		secrets = append(secrets, Secrets(v)...)
		once.Parts = append(once.Parts, &hclsyntax.LiteralValueExpr{Val: v, SrcRange: e.Range()})
	}
	v, more := once.Value(f.ctx)
	f.value, f.secrets = v, secrets
	return append(diags, more...)
}
