package config

import (
	"github.com/hashicorp/hcl/v2"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// maxConditions bounds a list of conditions.
const maxConditions = 1000

// precompile compiles the conditions of all blocks on all cores, which is the
// greater part of the work where they differ: l.scope keeps what is right.
func (l *loader) precompile(blocks []*block) {
	inParallel(len(blocks), func(i int) {
		_, _ = l.compile(blocks[i], "expect", lang.Expect)
		_, _ = l.compile(blocks[i], "degraded_if", lang.DegradedIf)
	})
}

func (l *loader) compile(b *block, name string, kind lang.Kind) ([]checks.Condition, hcl.Diagnostics) {
	expr := given1(b, name)
	if expr == nil {
		return nil, nil
	}
	if elements, _ := lang.Elements(expr); len(elements) > maxConditions {
		return nil, hcl.Diagnostics{diagnosed(hcl.DiagError, expr.Range(), "Too many conditions", "A list holds at most 1,000 of them.")}
	}
	return lang.CompileConditions(expr, l.scope, kind)
}

// conditions compiles a list of conditions.
func (l *loader) conditions(b *block, name string, kind lang.Kind) opt[[]checks.Condition] {
	expr := given1(b, name)
	if expr == nil {
		return opt[[]checks.Condition]{}
	}
	list, diags := l.compile(b, name, kind)
	l.add(diags)
	o := opt[[]checks.Condition]{value: list, at: b.attrs[name].Range, set: true, bad: diags.HasErrors()}
	if name == "expect" && len(list) == 0 && !o.bad {
		l.errorf(expr.Range(), "Nothing expected", "The list is empty, so every answer would pass. Leave expect out to expect status >= 200 && status < 400.")
		o.bad = true
	}
	return o
}
