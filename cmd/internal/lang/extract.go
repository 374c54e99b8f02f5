package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// maxProof bounds a text that is kept out of all output, in bytes.
const maxProof = 16 << 10

// Extract returns how to find the values of proofs in an answer to their
// step, or nil where there is none.
func (s *Scope) Extract(step string, from []Proof) func(*checks.Exchange) []string {
	var all []func(*checks.Exchange) []string
	for _, p := range from {
		switch {
		case p.Step != step:
		case p.take != nil:
			all = append(all, p.take)
		default:
			if take := s.extract(p); take != nil {
				all = append(all, take)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return func(x *checks.Exchange) []string {
		var secrets []string
		for _, take := range all {
			secrets = append(secrets, take(x)...)
		}
		slices.Sort(secrets)
		return slices.DeleteFunc(slices.Compact(secrets), func(s string) bool { return len(s) > maxProof })
	}
}

// extract is Extract for a value that an answer holds; nil if it holds none of
// that name.
func (s *Scope) extract(p Proof) func(*checks.Exchange) []string {
	name, _ := stepKey(p.path[0])
	get := s.access(name, p.path[1:])
	if get == nil {
		return nil
	}
	return func(x *checks.Exchange) []string {
		v, err := get(x)
		switch {
		case err != nil:
			return nil
		case p.of == namedParts:
			return Secrets(hideNamed(v, lastName(p.path), "step."+p.Step))
		default:
			return Secrets(Sensitive(v, "step."+p.Step))
		}
	}
}

// access returns how to take a value from an exchange, or nil if there is none
// of this name. Mistakes are told where a reference stands, not here.
func (s *Scope) access(name string, steps hcl.Traversal) access {
	def, ok := find(s.shared.values, name)
	if !ok {
		return nil
	}
	quiet := &lookup{scope: s, lenient: 1}
	get, _ := (path{lookup: quiet, name: name, steps: steps}).compile(def)
	return get
}

// lastName is the name that the value at the end of a path bears.
func lastName(path hcl.Traversal) string {
	for _, step := range slices.Backward(path) {
		if name, ok := stepKey(step); ok {
			return name
		}
	}
	return ""
}

// hideNamed marks what in v bears the name of a secret, v itself by the given
// one.
func hideNamed(v cty.Value, name, origin string) cty.Value {
	if confides(name) && !strings.HasSuffix(strings.ToLower(name), "type") { // token_type is "Bearer"
		return Sensitive(v, origin)
	}
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return v.WithMarks(marks)
	}
	elements := make([]cty.Value, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		key, e := it.Element()
		name := ""
		if key.Type() == cty.String {
			name = key.AsString()
		}
		elements = append(elements, hideNamed(e, name, origin))
	}
	return cty.TupleVal(elements).WithMarks(marks)
}
