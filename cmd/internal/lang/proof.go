package lang

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/checks"
)

// maxProof bounds a text that is kept out of all output, in bytes.
const maxProof = 16 << 10

// A Proof is a value of a step's answer that a later step proves itself with,
// such as a token.
type Proof struct {
	Step string
	text string // dotted: "json.token"
	path hcl.Traversal
}

// Proofs returns the values of earlier steps in what a request authenticates
// with: its credentials, headers that carry such, and what else is called a
// token, key or password.
func (s *Scope) Proofs(r RequestExprs) []Proof {
	f := proofs{assigned: regexp.MustCompile(`([\w.-]+)=$`)}
	for _, p := range r.parts() {
		x, diags := s.read(p.expr)
		if diags.HasErrors() {
			continue
		}
		f.visit(x.node, p.role == roleBasicAuth || p.role == roleBearerToken)
	}
	return f.found
}

type proofs struct {
	assigned *regexp.Regexp // the end of "…?access_token="
	found    []Proof
}

// visit looks through a tree. All that stands in what is confidential counts.
func (f *proofs) visit(node hclsyntax.Expression, confidential bool) {
	if confidential {
		for _, trav := range node.Variables() {
			f.add(trav)
		}
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

// add keeps a reference to a value of a step.
func (f *proofs) add(trav hcl.Traversal) {
	if trav.RootName() != "step" || len(trav) < 3 {
		return
	}
	step, _ := stepKey(trav[1])
	p := Proof{Step: step, path: trav[2:], text: dotted(trav[2:])}
	switch p.text {
	case "json", "header", "tls", "timing", "request", "request.headers": // a part of it may be, not all
		return
	}
	if !slices.ContainsFunc(f.found, func(q Proof) bool { return q.Step == p.Step && q.text == p.text }) {
		f.found = append(f.found, p)
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

// Extract returns how to find the values of proofs in an answer to their
// step, or nil where there is none.
func (s *Scope) Extract(step string, from []Proof) func(*checks.Exchange) []string {
	var all []access
	for _, p := range from {
		name, _ := stepKey(p.path[0])
		def, ok := find(s.shared.values, name)
		if p.Step != step || !ok {
			continue
		}
		quiet := &lookup{scope: s, lenient: 1} // mistakes are told where the reference stands
		if get, _ := (path{lookup: quiet, name: name, steps: p.path[1:]}).compile(def); get != nil {
			all = append(all, get)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(x *checks.Exchange) []string {
		var secrets []string
		for _, get := range all {
			if v, err := get(x); err == nil {
				secrets = append(secrets, Secrets(Sensitive(v, "step."+step))...)
			}
		}
		return slices.DeleteFunc(secrets, func(s string) bool { return len(s) > maxProof })
	}
}
