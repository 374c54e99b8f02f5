package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/cmd/internal/lang"
)

// locals evaluates the attributes of all locals blocks, each after those
// that it names.
type locals struct {
	*loader
	attrs  map[string]*hcl.Attribute
	names  []string // sorted
	values map[string]cty.Value
	path   []string // being evaluated, outermost first
}

// evaluateLocals evaluates all locals blocks to the object `local`.
func (l *loader) evaluateLocals(blocks []*block) cty.Value {
	ls := &locals{loader: l, attrs: map[string]*hcl.Attribute{}, values: map[string]cty.Value{}}
	for _, b := range blocks {
		for _, a := range inOrder(b.attrs) {
			if first := ls.attrs[a.Name]; first != nil {
				l.errorf(a.NameRange, "Duplicate local", "local.%s is defined at %s already.", a.Name, l.where(first.Range))
				continue
			}
			ls.attrs[a.Name] = a
		}
	}
	ls.names = slices.Sorted(maps.Keys(ls.attrs))
	if len(ls.names) > maxLocals {
		l.errorf(blocks[0].at, "Too many locals", "There are %d locals, at most %d are allowed.", len(ls.names), maxLocals)
		ls.names = nil
	}
	for _, name := range ls.names {
		if l.full() {
			break
		}
		ls.evaluate(name)
	}
	return cty.ObjectVal(ls.values)
}

// evaluate fills in values[name] and those of all that it needs. What cannot
// be evaluated is unknown and has been reported.
func (ls *locals) evaluate(name string) {
	if _, done := ls.values[name]; done {
		return
	}
	a := ls.attrs[name]
	if start := slices.Index(ls.path, name); start >= 0 {
		cycle := append(slices.Clone(ls.path[start:]), name)
		ls.errorf(a.Range, "Cycle", "Locals that need one another: local.%s.", strings.Join(cycle, " -> local."))
		ls.values[name] = cty.DynamicVal
		return
	}
	ls.path = append(ls.path, name)
	defer func() { ls.path = ls.path[:len(ls.path)-1] }()

	if len(ls.path) > maxLocalDepth {
		ls.errorf(a.Range, "Locals nested too deep", "More than %d locals need one another in a row.", maxLocalDepth)
		ls.values[name] = cty.DynamicVal
		return
	}
	needs, ok := ls.needs(a.Expr)
	needed := make(map[string]cty.Value, len(needs))
	for _, other := range needs {
		ls.evaluate(other)
		needed[other] = ls.values[other]
	}
	if _, cyclic := ls.values[name]; cyclic {
		return
	}
	ls.values[name] = cty.DynamicVal
	if !ok {
		return
	}
	value, diags := ls.scope.With(map[string]cty.Value{"local": cty.ObjectVal(needed)}).Value(a.Expr)
	ls.add(diags)
	if !diags.HasErrors() {
		ls.values[name] = value
	}
}

// Limits of locals: in all, and of those that need one another in a row.
const (
	maxLocals     = 20_000
	maxLocalDepth = 1000
)

// needs lists the locals that expr names. It reports those that do not exist.
func (ls *locals) needs(expr hcl.Expression) (names []string, ok bool) {
	ok = true
	for _, traversal := range expr.Variables() {
		if traversal.RootName() != "local" {
			continue
		}
		name := ""
		if len(traversal) > 1 {
			name = stepName(traversal[1])
		}
		switch {
		case name == "":
			ls.errorf(traversal.SourceRange(), "Unclear reference", "Inside locals, name the one you need: local.NAME.")
			ok = false
		case ls.attrs[name] == nil:
			ls.errorf(traversal.SourceRange(), "Unknown name", "There is no local %q.%s", clip(name), lang.DidYouMean(name, ls.names))
			ok = false
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return names, ok
}

// stepName is the attribute or the constant string key of a step, or "".
func stepName(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

// inOrder sorts attributes as they stand in the file.
func inOrder(attrs hcl.Attributes) []*hcl.Attribute {
	return slices.SortedFunc(maps.Values(attrs), func(a, b *hcl.Attribute) int {
		return a.Range.Start.Byte - b.Range.Start.Byte
	})
}
