package config

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// A declared check is a check block and where it stands.
type declared struct {
	block    *block
	groups   []*block // outermost first
	name     string   // full, without the key of an element
	group    string   // full name; may be empty
	each     bool     // it has for_each
	elements []element
}

// declare finds all checks, and makes the object `check` of their names: what a reference
// evaluates to is a full name, one of for_each to those of its elements.
func (l *loader) declare(root *block) []*declared {
	l.checkNames = map[string]bool{}
	list, names := l.declareIn(root, nil, "")
	l.scope = l.scope.With(map[string]cty.Value{"check": cty.ObjectVal(names)})
	blocks := make([]*block, 0, len(list))
	for _, d := range list {
		blocks = append(blocks, d.block)
		for _, c := range d.block.blocks {
			if c.is.name == "step" {
				blocks = append(blocks, c)
			}
		}
	}
	l.precompile(blocks)
	return list
}

// declareIn finds the checks in b and in its groups, in order of declaration.
// Prefix is the full name of b with a slash.
func (l *loader) declareIn(b *block, groups []*block, prefix string) ([]*declared, map[string]cty.Value) {
	var list []*declared
	names := map[string]cty.Value{}
	first := map[string]*block{}
	for _, c := range b.blocks {
		if c.is.name != "check" && c.is.name != "group" {
			continue
		}
		name := c.label()
		before := first[name]
		switch {
		case l.full():
			return list, names
		case before == nil:
			first[name] = c
		case before.is == c.is:
			l.errorf(c.at, "Duplicate "+c.is.name, "%s is defined at %s already.", capital(before.title()), l.where(before.at))
			continue
		default:
			l.errorf(c.at, "Check and group of one name", "%s is defined at %s already: check.%s would mean both.",
				capital(before.title()), l.where(before.at), strings.ReplaceAll(clip(prefix+name), "/", "."))
			continue
		}
		if c.is.name == "group" {
			below, inner := l.declareIn(c, append(slices.Clip(groups), c), prefix+name+"/")
			list = append(list, below...)
			names[name] = cty.ObjectVal(inner)
			continue
		}
		d := &declared{block: c, groups: groups, name: prefix + name, group: strings.TrimSuffix(prefix, "/")}
		names[name] = l.expand(d)
		list = append(list, d)
	}
	return list, names
}

// expand finds the elements of a check, and returns the names of all that it
// stands for.
func (l *loader) expand(d *declared) cty.Value {
	elements, each, ok := l.forEach(d.block)
	d.elements, d.each = elements, each
	switch {
	case !ok:
		return cty.DynamicVal
	case !each:
		l.checkNames[d.name] = true
		return cty.StringVal(d.name)
	}
	names := make(map[string]cty.Value, len(elements))
	for _, e := range elements {
		full := d.name + "[" + e.key + "]"
		l.checkNames[full] = true
		names[e.key] = cty.StringVal(full)
	}
	return cty.ObjectVal(names)
}

// inherited evaluates a defaults or group block over those around it.
func (l *loader) inherited(b *block, outer *layer) *layer {
	y := l.layer(b)
	if y.request != nil {
		l.requestNames(y.request)
	}
	return y.over(outer)
}

// monitors builds the monitors of every check below root over defaults and
// groups.
func (l *loader) monitors(root, defaults *block) []*Monitor {
	all := l.declare(root)
	var outermost *layer
	if defaults != nil {
		outermost = l.inherited(defaults, nil)
	}
	layers := map[*block]*layer{}
	l.inheritIn(root, outermost, layers)
	outer := func(d *declared) *layer {
		if n := len(d.groups); n > 0 {
			return layers[d.groups[n-1]]
		}
		return outermost
	}
	list := make([]*Monitor, 0, len(all))
	for some := range slices.Chunk(all, batch) {
		if l.full() {
			break
		}
		for i, p := range l.prepare(some, outer) {
			if l.full() {
				break
			}
			d := some[i]
			list = append(list, l.instances(d, outer(d), p)...)
			d.block.attrs, d.block.blocks = nil, nil // most of the memory of a load
		}
	}
	l.cycles(list)
	return list
}

// inheritIn evaluates the groups in b, one without checks too.
func (l *loader) inheritIn(b *block, outer *layer, layers map[*block]*layer) {
	for _, c := range b.blocks {
		if c.is.name == "group" && !l.full() {
			layers[c] = l.inherited(c, outer)
			l.inheritIn(c, layers[c], layers)
		}
	}
}
