package lang

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// An access takes a value, or a part of it, from an exchange.
type access func(*checks.Exchange) (cty.Value, error)

// A missingError says that an answer does not have what an expression names.
type missingError struct{ name, why string }

func (e *missingError) Error() string { return e.name + " is missing: " + e.why }

// A path is a name of the table and what follows it.
type path struct {
	*lookup

	name  string
	steps hcl.Traversal
}

// compile returns how to take the value from an exchange, and what is known
// of it at load. It returns no access after a mistake.
func (p path) compile(def *value) (access, cty.Value) {
	switch {
	case def.inside != nil:
		return p.group(def)
	case def.json:
		return p.json()
	case def.header != nil:
		return p.header(def)
	case def.cookie:
		return p.cookie()
	}
	return p.leaf(def)
}

// group is a name with values inside: timing, tls, request.
func (p path) group(def *value) (access, cty.Value) {
	if len(p.steps) == 0 {
		return p.whole(def)
	}
	var attr hcl.TraverseAttr
	switch step := p.steps[0].(type) {
	case hcl.TraverseAttr:
		attr = step
	case hcl.TraverseIndex:
		attr.SrcRange = step.SrcRange
		if step.Key.Type() == cty.String {
			attr.Name = step.Key.AsString()
		}
	}
	inner, ok := find(def.inside, attr.Name)
	if !ok {
		p.attribute(p.name, attr, nameList(def.inside), p.steps[1:])
		return nil, cty.DynamicVal
	}
	p.name, p.steps = p.name+"."+inner.name, p.steps[1:]
	return p.compile(inner)
}

// whole is all of a group as an object.
func (p path) whole(def *value) (access, cty.Value) {
	parts := make(map[string]access, len(def.inside))
	for i := range def.inside {
		inner := path{lookup: p.lookup, name: p.name + "." + def.inside[i].name}
		parts[def.inside[i].name], _ = inner.compile(&def.inside[i])
	}
	return func(x *checks.Exchange) (cty.Value, error) {
		attrs := make(map[string]cty.Value, len(parts))
		for name, get := range parts {
			v, err := get(x)
			if err != nil {
				return cty.NilVal, &missingError{name: p.name, why: "the answer came without TLS"}
			}
			attrs[name] = v
		}
		return cty.ObjectVal(attrs), nil
	}, cty.DynamicVal // not an object of unknown values: there may be none
}

// leaf is a value without names inside.
func (p path) leaf(def *value) (access, cty.Value) {
	unknown := cty.UnknownVal(def.t)
	if !strings.HasSuffix(def.kind, "null") {
		unknown = unknown.RefineNotNull()
	}
	if len(p.steps) == 0 {
		return def.get, unknown
	}
	if !def.t.IsListType() {
		p.fail(p.steps.SourceRange(), "Unknown name", fmt.Sprintf("%s is a %s: nothing can follow it.", p.name, def.t.FriendlyName()))
		return nil, cty.DynamicVal
	}
	steps, name := p.steps, p.name+describe(p.steps)
	result, diags := steps.TraverseRel(unknown)
	if diags.HasErrors() {
		p.diags = append(p.diags, diags...)
		return nil, cty.DynamicVal
	}
	return func(x *checks.Exchange) (cty.Value, error) {
		v, err := def.get(x)
		if err != nil {
			return cty.NilVal, err
		}
		v, diags := steps.TraverseRel(v)
		if diags.HasErrors() {
			return cty.NilVal, &missingError{name: name, why: "the list is shorter"}
		}
		return v, nil
	}, result
}

// header is one header, or all of them.
func (p path) header(def *value) (access, cty.Value) {
	if len(p.steps) == 0 {
		return func(x *checks.Exchange) (cty.Value, error) { return headerMap(def, def.header(x)), nil },
			cty.UnknownVal(def.t).RefineNotNull()
	}
	key, ok := stepKey(p.steps[0])
	switch {
	case !ok || len(p.steps) > 1:
		p.fail(p.steps.SourceRange(), "Unknown name", fmt.Sprintf(`%s takes the name of a header: %s["content-type"].`, p.name, p.name))
		return nil, cty.DynamicVal
	case key != strings.ToLower(key):
		p.fail(p.steps[0].SourceRange(), "Unknown name", fmt.Sprintf("Names of headers are in lower case here. Did you mean %q?", strings.ToLower(key)))
		return nil, cty.DynamicVal
	}
	canonical := http.CanonicalHeaderKey(key)
	hidden := def.secret != nil && def.secret(key)
	return func(x *checks.Exchange) (cty.Value, error) {
		values := def.header(x)[canonical]
		if len(values) == 0 {
			return cty.NullVal(cty.String), nil
		}
		v := cty.StringVal(strings.Join(values, ", "))
		if hidden {
			v = Sensitive(v, p.name)
		}
		return v, nil
	}, cty.UnknownVal(cty.String)
}

func headerMap(def *value, h http.Header) cty.Value {
	if len(h) == 0 {
		return cty.MapValEmpty(cty.String)
	}
	all := make(map[string]cty.Value, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		lower := strings.ToLower(name)
		v := cty.StringVal(strings.Join(h[name], ", "))
		if def.secret != nil && def.secret(lower) {
			v = Sensitive(v, lower)
		}
		all[lower] = v
	}
	return cty.MapVal(all)
}

// stepKey returns the text of .name or ["name"].
func stepKey(step hcl.Traverser) (string, bool) {
	switch t := step.(type) {
	case hcl.TraverseAttr:
		return t.Name, true
	case hcl.TraverseIndex:
		if t.Key.IsKnown() && !t.Key.IsNull() && t.Key.Type() == cty.String {
			return t.Key.AsString(), true
		}
	}
	return "", false
}

// authenticates reports whether a header, by its name in lower case, carries
// what proves who asks.
func authenticates(name string) bool {
	switch name {
	case "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "apikey",
		"x-auth-token", "x-access-token", "x-amz-security-token", "x-vault-token", "private-token", "dpop":
		return true
	default:
		return false
	}
}
