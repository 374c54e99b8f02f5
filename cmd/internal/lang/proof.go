package lang

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// A Proof is a value of a step's answer that a later step proves itself with,
// such as a token.
type Proof struct {
	Step string
	text string // dotted: "json.token"; empty if only a part of it is
	path hcl.Traversal
	of   partial
	take func(*checks.Exchange) []string // instead of path: computed from the answer
}

// partial says which texts of a value are secret.
type partial int

const (
	wholeValue partial = iota // all of them
	namedParts                // those that bear the name of such
)

// Computed reports whether the proof belongs to the instance of a check that
// it was found for.
func (p Proof) Computed() bool { return p.take != nil }

// Proofs returns the values of earlier steps in what a request authenticates
// with: its credentials, headers that carry such, and what else is called a
// token, key or password, there or in the answer.
func (s *Scope) Proofs(r RequestExprs) []Proof {
	f := proofs{scope: s, assigned: regexp.MustCompile(`([\w.-]+)=$`)}
	for _, p := range r.parts() {
		x, diags := s.read(p.expr)
		if diags.HasErrors() {
			continue
		}
		f.x = x
		for _, trav := range x.node.Variables() {
			f.addNamed(trav)
		}
		f.visit(x.node, p.role == roleBasicAuth || p.role == roleBearerToken)
	}
	return f.found
}

type proofs struct {
	scope    *Scope
	x        *expression    // that is looked through
	assigned *regexp.Regexp // the end of "…?access_token="
	found    []Proof
}

// visit looks through a tree. All that stands in what is confidential counts.
func (f *proofs) visit(node hclsyntax.Expression, confidential bool) {
	if confidential {
		f.confidential(node)
		return
	}
	switch e := bare(node).(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			key, diags := item.KeyExpr.Value(nil)
			named := !diags.HasErrors() && key.IsKnown() && !key.IsNull() && key.Type().FriendlyName() == "string"
			f.visit(item.ValueExpr, named && confides(key.AsString()))
		}
	case *hclsyntax.TupleConsExpr:
		for _, element := range e.Exprs {
			f.visit(element, false)
		}
	case *hclsyntax.FunctionCallExpr:
		for _, arg := range e.Args {
			f.visit(arg, false)
		}
	case *hclsyntax.ConditionalExpr:
		f.visit(e.TrueResult, false)
		f.visit(e.FalseResult, false)
	case *hclsyntax.TemplateWrapExpr:
		f.visit(e.Wrapped, false)
	case *hclsyntax.TemplateExpr:
		name := ""
		for _, part := range e.Parts {
			f.visit(part, confides(name))
			name = ""
			if literal, ok := part.(*hclsyntax.LiteralValueExpr); ok && literal.Val.Type().FriendlyName() == "string" {
				if m := f.assigned.FindStringSubmatch(literal.Val.AsString()); m != nil {
					name = m[1]
				}
			}
		}
	}
}

// confidential keeps all that stands in what is confidential, part by part.
func (f *proofs) confidential(node hclsyntax.Expression) {
	switch e := bare(node).(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			f.confidential(item.ValueExpr)
		}
	case *hclsyntax.TupleConsExpr:
		for _, element := range e.Exprs {
			f.confidential(element)
		}
	case *hclsyntax.TemplateExpr:
		for _, part := range e.Parts {
			f.confidential(part)
		}
	case *hclsyntax.TemplateWrapExpr:
		f.confidential(e.Wrapped)
	case *hclsyntax.ConditionalExpr:
		f.confidential(e.TrueResult)
		f.confidential(e.FalseResult)
	case *hclsyntax.FunctionCallExpr:
		for _, arg := range e.Args {
			if _, named := bare(arg).(*hclsyntax.ScopeTraversalExpr); !named {
				f.confidential(arg)
			}
		}
		f.result(e)
	default:
		f.result(e)
	}
}

// result keeps what an expression comes to: the values of answers that stand
// in it or, where it is computed from a whole answer, what comes out. One of
// several answers is taken for all that stands in them.
func (f *proofs) result(node hclsyntax.Expression) {
	var broad []Proof
	several := false
	for _, trav := range node.Variables() {
		p, ok := proofOf(trav)
		if !ok {
			continue
		}
		switch p.text {
		case "json", "body", "header", "cookie", "tls", "timing", "request", "request.headers", "request.body":
			broad = append(broad, p)
			several = several || p.Step != broad[0].Step
		default:
			f.keep(p)
		}
	}
	if len(broad) == 0 {
		return
	}
	if _, itself := node.(*hclsyntax.ScopeTraversalExpr); !itself && !several {
		if take := f.computed(broad[0].Step, node); take != nil {
			f.found = append(f.found, Proof{Step: broad[0].Step, take: take})
			return
		}
	}
	for _, p := range broad {
		f.keep(p)
	}
}

// keep adds a proof that is not known yet.
func (f *proofs) keep(p Proof) {
	if !slices.ContainsFunc(f.found, func(q Proof) bool {
		return q.Step == p.Step && q.text == p.text && q.of == p.of && q.take == nil && dotted(q.path) == dotted(p.path)
	}) {
		f.found = append(f.found, p)
	}
}

// addNamed keeps a reference to what goes along for any purpose: of JSON and
// headers, what bears the name of a secret in the answer is one.
func (f *proofs) addNamed(trav hcl.Traversal) {
	p, ok := proofOf(trav)
	if !ok {
		return
	}
	p.of, p.text = namedParts, ""
	switch root, _ := stepKey(p.path[0]); root {
	case "body": // which may be JSON
		p.path = hcl.Traversal{hcl.TraverseAttr{Name: "json"}}
		f.keep(p)
	case "json", "header", "cookie":
		f.keep(p)
	}
}

// proofOf is a reference to a value of a step's answer.
func proofOf(trav hcl.Traversal) (Proof, bool) {
	if trav.RootName() != "step" || len(trav) < 3 {
		return Proof{}, false
	}
	step, _ := stepKey(trav[1])
	return Proof{Step: step, path: trav[2:], text: dotted(trav[2:])}, true
}

// computed returns how to find what a part of the expression comes to with the
// answer of a step, or nil if it names something that answers do not have.
func (f *proofs) computed(step string, node hclsyntax.Expression) func(*checks.Exchange) []string {
	get := make(map[string]access)
	for _, trav := range node.Variables() {
		if p, ok := proofOf(trav); ok {
			name, _ := stepKey(p.path[0])
			if get[name] = f.scope.access(name, nil); get[name] == nil {
				return nil
			}
		}
	}
	around := f.scope.context(f.x.dir)
	return func(x *checks.Exchange) []string {
		values := make(map[string]cty.Value, len(get))
		for name, get := range get {
			if v, err := get(x); err == nil {
				values[name] = v
			}
		}
		ctx := around.NewChild()
		ctx.Variables = map[string]cty.Value{"step": cty.ObjectVal(map[string]cty.Value{step: cty.ObjectVal(values)})}
		v, diags := node.Value(ctx)
		if diags.HasErrors() {
			return nil
		}
		return Secrets(Sensitive(v, "step."+step))
	}
}

// confides reports whether what bears this name is usually secret.
func confides(name string) bool {
	name = strings.ToLower(name)
	if authenticates(name) {
		return true
	}
	for _, word := range []string{"token", "secret", "passw", "apikey", "api_key", "api-key", "signature", "session", "credential"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
