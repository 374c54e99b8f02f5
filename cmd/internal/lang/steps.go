package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
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
