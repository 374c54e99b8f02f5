package lang

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// json is the answer as JSON, or the part that the steps lead to. Only that
// part becomes a value of the language.
func (p path) json() (access, cty.Value) {
	for _, step := range p.steps {
		if _, ok := step.(hcl.TraverseSplat); ok {
			p.fail(step.SourceRange(), "Unsupported reference", "This cannot be taken from JSON.")
			return nil, cty.DynamicVal
		}
	}
	tree := p.tree()
	return func(x *checks.Exchange) (cty.Value, error) {
		part, err := tree(x)
		if err != nil {
			return cty.NilVal, err
		}
		if len(p.steps) == 0 {
			if whole, ok := x.Derived(func(tree any) any { return fromTree(tree) }).(cty.Value); ok {
				return whole, nil
			}
		}
		return fromTree(part), nil
	}, cty.DynamicVal
}

// tree returns the part of the answer as it was decoded.
func (p path) tree() func(*checks.Exchange) (any, error) {
	return func(x *checks.Exchange) (any, error) {
		tree, err := x.JSON()
		if err != nil {
			return nil, notJSON(x, err)
		}
		name := "json"
		for _, step := range p.steps {
			next, missing := jsonStep(tree, name, step)
			if missing != nil {
				return nil, missing
			}
			tree, name = next, describeStep(name, step)
		}
		return tree, nil
	}
}

// jsonStep takes one step into a decoded tree.
func jsonStep(tree any, name string, step hcl.Traverser) (any, error) {
	full := describeStep(name, step)
	key, isName := stepKey(step)
	switch t := tree.(type) {
	case map[string]any:
		if !isName {
			return nil, &missingError{full, name + " is an object, not a list"}
		}
		if next, ok := t[key]; ok {
			return next, nil
		}
		return nil, &missingError{full, keysOf(t) + dashHint(key, t)}
	case []any:
		i, ok := stepIndex(step)
		if !ok {
			return nil, &missingError{full, name + " is a list: take an element of it by [0], or all by [*]"}
		}
		if i >= 0 && i < len(t) {
			return t[i], nil
		}
		return nil, &missingError{full, "the list has " + count(len(t), "element")}
	case nil:
		return nil, &missingError{full, name + " is null"}
	default:
		return nil, &missingError{full, name + " is " + article(kindOf(t))}
	}
}

func stepIndex(step hcl.Traverser) (int, bool) {
	t, ok := step.(hcl.TraverseIndex)
	if !ok || t.Key.IsNull() || !t.Key.IsKnown() || t.Key.Type() != cty.Number {
		return 0, false
	}
	i, accuracy := t.Key.AsBigFloat().Int64()
	if accuracy != 0 || i != int64(int(i)) {
		return 0, false
	}
	return int(i), true
}

// keysOf says what an object has instead.
func keysOf(object map[string]any) string {
	names := slices.Sorted(maps.Keys(object))
	if len(names) == 0 {
		return "the object is empty"
	}
	const shown = 8
	if len(names) > shown {
		return fmt.Sprintf("the object has %s and %d more", strings.Join(quoteAll(names[:shown]), ", "), len(names)-shown)
	}
	for i, n := range names {
		names[i] = cut(n, maxKey)
	}
	return "the object has " + list(names)
}

func quoteAll(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, strconv.Quote(cut(n, maxKey)))
	}
	return out
}

// dashHint explains json.count-1, which HCL reads as one name.
func dashHint(key string, object map[string]any) string {
	before, _, ok := strings.Cut(key, "-")
	if _, has := object[before]; !ok || !has {
		return ""
	}
	return fmt.Sprintf(" (%q is one name to HCL; to subtract, write spaces around the minus sign)", key)
}

// notJSON says why the body is no JSON.
func notJSON(x *checks.Exchange, err error) error {
	if errors.Is(err, checks.ErrLimit) {
		return fmt.Errorf("reading the body as JSON: %w", err)
	}
	what := "without content type"
	if t := x.Header.Get("Content-Type"); t != "" {
		what = "content type " + cut(t, maxKey)
	}
	why := strings.TrimPrefix(err.Error(), "the body is not JSON: ")
	if len(x.Body) == 0 {
		why = "it is empty"
	}
	return fmt.Errorf("the body is not JSON (%s): %s", what, why)
}

// fromTree makes a value of decoded JSON.
func fromTree(tree any) cty.Value {
	switch t := tree.(type) {
	case string:
		return cty.StringVal(t)
	case bool:
		return cty.BoolVal(t)
	case json.Number:
		if n, err := strconv.ParseInt(string(t), 10, 64); err == nil {
			return cty.NumberIntVal(n)
		}
		if v, err := cty.ParseNumberVal(string(t)); err == nil {
			return v
		}
		return cty.NullVal(cty.Number)
	case map[string]any:
		attrs := make(map[string]cty.Value, len(t))
		for k, v := range t {
			attrs[k] = fromTree(v)
		}
		return cty.ObjectVal(attrs)
	case []any:
		elements := make([]cty.Value, 0, len(t))
		for _, v := range t {
			elements = append(elements, fromTree(v))
		}
		return cty.TupleVal(elements)
	default:
		return fromNumber(t)
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	default:
		return "number"
	}
}

func article(noun string) string {
	if strings.HasPrefix(noun, "o") {
		return "an " + noun
	}
	return "a " + noun
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}
