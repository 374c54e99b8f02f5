package config

import (
	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// maxConditions bounds a list of conditions.
const maxConditions = 1000

// conditions compiles a list of conditions.
func (l *loader) conditions(b *block, name string, kind lang.Kind) opt[[]checks.Condition] {
	expr := given1(b, name)
	if expr == nil {
		return opt[[]checks.Condition]{}
	}
	o := opt[[]checks.Condition]{at: b.attrs[name].Range, set: true, bad: true}
	if elements, diags := lang.Elements(expr); !diags.HasErrors() && len(elements) > maxConditions {
		l.errorf(expr.Range(), "Too many conditions", "There are %d, at most %d are allowed.", len(elements), maxConditions)
		return o
	}
	list, diags := lang.CompileConditions(expr, l.scope, kind)
	l.add(diags)
	switch {
	case diags.HasErrors():
	case name == "expect" && len(list) == 0:
		l.errorf(expr.Range(), "Nothing expected", "The list is empty, so every answer would pass. Leave expect out to expect status >= 200 && status < 400.")
	default:
		o.value, o.bad = list, false
	}
	return o
}
