package config

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/cmd/internal/lang"
)

// Limits of for_each: how many checks one block makes, and the bytes of a key.
const (
	maxElements = 10_000
	maxKey      = 128
)

// An element is one of for_each.
type element struct {
	key   string
	value cty.Value
}

// forEach evaluates for_each of a check. It reports each false for a check
// without, and ok false after a mistake.
func (l *loader) forEach(b *block) (elements []element, each, ok bool) {
	expr := given1(b, "for_each")
	if expr == nil {
		return nil, false, true
	}
	v, diags := l.scope.Value(expr)
	l.add(diags)
	at := expr.Range()
	switch {
	case diags.HasErrors():
		return nil, true, false
	case v.IsMarked():
		l.errorf(at, "A secret in plain sight", "The keys of for_each become names of checks: no secret may stand among them.")
		return nil, true, false
	case !v.IsKnown(): // comes from a mistake that has been reported
		return nil, true, false
	case v.IsNull():
		l.errorf(at, "Invalid for_each", "for_each must be %s: it is null.", instances.describe())
		return nil, true, false
	case !v.CanIterateElements():
		l.errorf(at, "Invalid for_each", "for_each must be %s.", instances.describe())
		return nil, true, false
	case v.LengthInt() > maxElements:
		l.errorf(at, "Too many elements", "for_each has %d elements; a check has at most 10,000.", v.LengthInt())
		return nil, true, false
	}
	before := l.errors
	elements = l.elements(expr, v)
	return elements, true, l.errors == before
}

// elements takes the value of for_each apart: a map by its keys, a list or a
// set by the strings in it.
func (l *loader) elements(expr hcl.Expression, v cty.Value) []element {
	named := v.Type().IsObjectType() || v.Type().IsMapType()
	list := make([]element, 0, v.LengthInt())
	seen := make(map[string]bool, v.LengthInt())
	places := elementPlaces(expr, v.LengthInt())
	for i, it := 0, v.ElementIterator(); it.Next(); i++ {
		key, value := it.Element()
		at := places[i]
		if !named {
			key = value
		}
		switch {
		case lang.IsSensitive(key):
			l.errorf(at, "A secret in plain sight", "What stands in for_each becomes the name of a check: no secret may be among it.")
			return nil
		case !key.IsKnown():
			return nil // comes from a mistake that has been reported
		case key.IsNull() || key.Type() != cty.String:
			l.errorf(at, "Invalid for_each", "for_each must be %s: an element is no string.", instances.describe())
			continue
		}
		e := element{key.AsString(), value}
		if named {
			at = keyAt(expr, e.key)
		}
		if seen[e.key] {
			l.errorf(at, "Duplicate element", "%q stands in the list twice, and two checks cannot have one name.", clip(e.key))
			continue
		}
		if why := badKey(e.key); why != "" {
			l.errorf(at, "Invalid key", "%q cannot be part of a check's name: %s.", clip(e.key), why)
			continue
		}
		seen[e.key] = true
		list = append(list, e)
	}
	return list
}

// badKey says why a key cannot stand in the name of a check, or "".
func badKey(key string) string {
	switch {
	case strings.TrimSpace(key) != key || key == "":
		return "it is empty, or begins or ends with a space"
	case len(key) > maxKey:
		return "it has more than 128 bytes"
	case strings.ContainsAny(key, "[]\"`\\") || !utf8.ValidString(key):
		return "brackets, quotes and backslashes may not stand in it"
	case strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "characters that cannot be seen may not stand in it"
	}
	return ""
}

// instances builds the monitors of one check: one, or one of each element.
func (l *loader) instances(d *declared, outer *layer, p readyCheck) []*Monitor {
	switch {
	case p.found != nil:
		l.join(p.found)
		return []*Monitor{l.monitor(p.layer, d.block, d.name, d.group)}
	case !d.each:
		return []*Monitor{l.monitor(l.layer(d.block).over(outer), d.block, d.name, d.group)}
	}
	around := l.scope
	defer func() { l.scope = around }()
	list := make([]*Monitor, 0, len(d.elements))
	for _, e := range d.elements {
		before := l.errors
		l.scope = around.WithEach(e.key, e.value)
		list = append(list, l.monitor(l.layer(d.block).over(outer), d.block, d.name+"["+e.key+"]", d.group))
		if l.errors > before {
			break // the others have the same
		}
	}
	return list
}
