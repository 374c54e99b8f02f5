package config

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/hashicorp/hcl/v2"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// maxConditions bounds a list of conditions.
const maxConditions = 1000

// compiled is a list of conditions, or what is wrong with it.
type compiled struct {
	list  []checks.Condition
	diags hcl.Diagnostics
}

// compile compiles the list of conditions expr.
func compile(expr hcl.Expression, scope *lang.Scope, kind lang.Kind) compiled {
	if elements, diags := lang.Elements(expr); !diags.HasErrors() && len(elements) > maxConditions {
		return compiled{diags: hcl.Diagnostics{diagnosed(hcl.DiagError, expr.Range(), "Too many conditions",
			fmt.Sprintf("There are %d, at most %d are allowed.", len(elements), maxConditions))}}
	}
	list, diags := lang.CompileConditions(expr, scope, kind)
	return compiled{list, diags}
}

// conditionKinds are the attributes that hold conditions.
func conditionKinds() map[string]lang.Kind {
	return map[string]lang.Kind{"expect": lang.Expect, "degraded_if": lang.DegradedIf}
}

// precompile compiles the conditions of all blocks on all cores: that is the
// greater part of the work on a large configuration.
func (l *loader) precompile(blocks []*block) {
	type job struct {
		attr *hcl.Attribute
		kind lang.Kind
	}
	var jobs []job
	for _, b := range blocks {
		for name, kind := range conditionKinds() {
			if a := b.attrs[name]; a != nil && !isNull(a.Expr) {
				jobs = append(jobs, job{a, kind})
			}
		}
	}
	results := make([]compiled, len(jobs))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for first := range workers {
		wg.Go(func() {
			for i := first; i < len(jobs); i += workers {
				results[i] = compile(jobs[i].attr.Expr, l.scope, jobs[i].kind)
			}
		})
	}
	wg.Wait()
	l.compiled = make(map[*hcl.Attribute]compiled, len(jobs))
	for i, j := range jobs {
		l.compiled[j.attr] = results[i]
	}
}

// conditions evaluates a list of conditions that precompile has compiled.
func (l *loader) conditions(b *block, name string) opt[[]checks.Condition] {
	a := b.attrs[name]
	got, ok := l.compiled[a]
	if !ok {
		return opt[[]checks.Condition]{}
	}
	l.add(got.diags)
	o := opt[[]checks.Condition]{value: got.list, at: a.Range, set: true, bad: got.diags.HasErrors()}
	if name == "expect" && len(got.list) == 0 && !o.bad {
		l.errorf(a.Expr.Range(), "Nothing expected", "The list is empty, so every answer would pass. Leave expect out to expect status >= 200 && status < 400.")
		o.bad = true
	}
	return o
}
