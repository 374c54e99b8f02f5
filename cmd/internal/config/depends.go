package config

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/cmd/internal/lang"
)

// maxDependencies bounds the dependencies of all checks together: each of
// for_each on each of another is a product.
const maxDependencies = 200_000

// dependsOn resolves `depends_on = [check.orders.health]` to full names. One
// with for_each stands for all its elements, and a group for all in it.
func (l *loader) dependsOn(b *block) opt[[]string] {
	expr := given1(b, "depends_on")
	if expr == nil {
		return opt[[]string]{}
	}
	o := opt[[]string]{at: b.attrs["depends_on"].Range, set: true}
	elements, diags := lang.Elements(expr)
	l.add(diags)
	o.bad = diags.HasErrors()
	for _, e := range elements {
		v, diags := l.scope.Referred(e, "check", "check.orders.health")
		l.add(diags)
		if diags.HasErrors() || !l.collect(&o.value, v, e.Range()) {
			o.bad = true
		}
	}
	return o
}

// collect adds the names of checks that v holds.
func (l *loader) collect(names *[]string, v cty.Value, at hcl.Range) bool {
	v = lang.Plain(v)
	switch t := v.Type(); {
	case !v.IsKnown(): // comes from a mistake that has been reported
		return false
	case t.IsObjectType() && !v.IsNull():
		for it := v.ElementIterator(); it.Next(); {
			if _, inner := it.Element(); !l.collect(names, inner, at) {
				return false
			}
		}
		return true
	case t == cty.String && !v.IsNull() && l.checkNames[v.AsString()]:
		if len(*names) == maxDependencies {
			l.errorf(at, "Too many dependencies", "All checks together depend on more than 200,000 others.")
			return false
		}
		*names = append(*names, v.AsString())
		return true
	}
	l.errorf(at, "Reference expected", "This must be a reference like check.orders.health.")
	return false
}

// parents are the checks that the check of this name depends on. One that
// inherits a dependency on itself has none there.
func (l *loader) parents(y *layer, name string) []string {
	o := y.dependsOn
	if !o.ok() || len(o.value) == 0 {
		return nil
	}
	own := y.block.attrs["depends_on"] != nil
	names := make([]string, 0, len(o.value))
	seen := make(map[string]bool, len(o.value))
	for _, parent := range o.value {
		switch {
		case seen[parent]:
		case parent == name && own:
			l.errorf(o.at, "Cycle", "Check %s depends on itself.", name)
			return nil
		case parent != name:
			names = append(names, parent)
		}
		seen[parent] = true
	}
	if l.dependencies += len(names); l.dependencies > maxDependencies {
		l.errorf(o.at, "Too many dependencies", "All checks together depend on more than 200,000 others.")
		return nil
	}
	l.dependsAt[name] = o.at
	return names
}

// cycles reports checks that depend on one another.
func (l *loader) cycles(list []*Monitor) {
	if len(l.dependsAt) == 0 {
		return
	}
	byName := make(map[string]*Monitor, len(list))
	for _, m := range list {
		byName[m.Check.Name] = m
	}
	const open, done = 1, 2
	state := map[*Monitor]int{}
	var path []string
	var visit func(m *Monitor)
	visit = func(m *Monitor) {
		state[m] = open
		path = append(path, m.Check.Name)
		for _, name := range m.Parents {
			switch parent := byName[name]; {
			case parent == nil || state[parent] == done:
			case state[parent] == open:
				l.cycle(append(path[slices.Index(path, name):len(path):len(path)], name))
			default:
				visit(parent)
			}
		}
		path = path[:len(path)-1]
		state[m] = done
	}
	for _, m := range list {
		if state[m] == 0 && !l.full() {
			visit(m)
		}
	}
}

// cycle reports one, at the check that it was met from.
func (l *loader) cycle(names []string) {
	const shown = 8
	text := strings.Join(names, " -> ")
	if len(names) > shown {
		text = strings.Join(names[:shown-1], " -> ") + " -> … -> " + names[0]
	}
	l.errorf(l.dependsAt[names[len(names)-2]], "Cycle", "Checks that depend on one another: %s.", text)
}

// ownReceivers resolves the receivers of an alert block.
func (l *loader) ownReceivers(b *block) opt[[]string] {
	expr := given1(b, "receivers")
	if expr == nil {
		return opt[[]string]{}
	}
	o := opt[[]string]{at: b.attrs["receivers"].Range, set: true}
	names, ok := l.receiverRefs(b, l.receiverList)
	o.value, o.bad = names, !ok
	if ok && len(names) == 0 {
		o.bad = true
		l.errorf(expr.Range(), "Nobody is told", "The list is empty. Name receivers, or leave it out to let the routes decide.")
	}
	return o
}
