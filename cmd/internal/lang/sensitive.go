package lang

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// sensitive is the mark of a value that no output may show.
type sensitive struct{ origin string }

// An UnavailableError says that a value cannot be had, such as a secret
// whose file cannot be read. What is computed from it cannot be had either.
type UnavailableError struct {
	Origin string // as expressions name it: "secret.acme_key"
	Err    error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%s is not available: %v", e.Origin, e.Err)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Unavailable tells packages that do not know this type that a run with this
// error says nothing about its target.
func (e *UnavailableError) Unavailable() bool { return true }

// Sensitive returns v marked as a secret. Whatever is computed from it is
// marked as well. Origin is its name in expressions.
func Sensitive(v cty.Value, origin string) cty.Value {
	return v.Mark(sensitive{origin})
}

// Unavailable returns a value of type t that stands for a secret that cannot
// be read. Types are checked with it as with any other; a request or a
// condition that needs it fails with an [*UnavailableError], whatever it went
// through.
func Unavailable(t cty.Type, origin string, why error) cty.Value {
	return cty.UnknownVal(t).RefineNotNull().Mark(sensitive{origin}).Mark(&UnavailableError{Origin: origin, Err: why})
}

// Plain returns v without marks. Functions of other packages panic on marked
// values.
func Plain(v cty.Value) cty.Value {
	v, _ = v.UnmarkDeep()
	return v
}

// IsSensitive reports whether v is, or holds, a secret.
func IsSensitive(v cty.Value) bool {
	if !v.ContainsMarked() {
		return false
	}
	_, marks := v.UnmarkDeep()
	for m := range marks {
		if _, ok := m.(sensitive); ok {
			return true
		}
	}
	return false
}

// Reason returns the [*UnavailableError] because of which v is unknown, or
// nil.
func Reason(v cty.Value) error {
	if v.IsWhollyKnown() || !v.ContainsMarked() {
		return nil
	}
	_, marks := v.UnmarkDeep()
	return reasonOf(marks)
}

func reasonOf(marks cty.ValueMarks) error {
	var found *UnavailableError
	for m := range marks {
		if e, ok := m.(*UnavailableError); ok && (found == nil || e.Origin < found.Origin) {
			found = e
		}
	}
	if found == nil {
		return nil
	}
	return found
}

// Secrets returns every text and number in v that is marked, itself or by
// what it stands in, sorted and without duplicates.
func Secrets(v cty.Value) []string {
	if !v.ContainsMarked() {
		return nil
	}
	found := collectSecrets(nil, v, false)
	slices.Sort(found)
	return slices.Compact(found)
}

func collectSecrets(found []string, v cty.Value, within bool) []string {
	v, marks := v.Unmark()
	for m := range marks {
		if _, ok := m.(sensitive); ok {
			within = true
		}
	}
	if v.IsNull() || !v.IsKnown() {
		return found
	}
	t := v.Type()
	switch {
	case t == cty.Bool: // hides nothing, and would redact every "true"
		return found
	case t.IsPrimitiveType():
		if !within {
			return found
		}
		if text, err := convert.Convert(v, cty.String); err == nil && text.AsString() != "" {
			found = append(found, text.AsString())
		}
		return found
	case v.CanIterateElements():
		for _, e := range v.Elements() {
			found = collectSecrets(found, e, within)
		}
	}
	return found
}

func issensitiveFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType,
			AllowNull: true, AllowUnknown: true, AllowMarked: true, AllowDynamicType: true,
		}},
		Type: function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			switch {
			case IsSensitive(args[0]):
				return cty.True, nil
			case !Plain(args[0]).IsWhollyKnown():
				return cty.UnknownVal(cty.Bool), nil
			default:
				return cty.False, nil
			}
		},
	})
}

func sensitiveFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType,
			AllowNull: true, AllowUnknown: true, AllowMarked: true, AllowDynamicType: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return Sensitive(args[0], "sensitive()"), nil
		},
	})
}
