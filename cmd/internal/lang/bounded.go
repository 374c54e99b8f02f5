package lang

import (
	"errors"
	"math"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxResult bounds the text that one call makes, in bytes.
const maxResult = 8 << 20

// bounded returns f with a check of its arguments before each call, against
// results that would not fit into memory. The check sees known arguments
// only, and may be called with fewer of them.
func bounded(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type:     func(args []cty.Value) (cty.Type, error) { return f.ReturnTypeForValues(args) },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			plain := make([]cty.Value, 0, len(args))
			for _, a := range args {
				plain = append(plain, Plain(a))
			}
			if err := check(plain); err != nil {
				return cty.NilVal, err
			}
			return f.Call(args)
		},
	})
}

var errTooLong = errors.New("the result would be too long")

// narrow refuses widths in a format specification that make a text of
// gigabytes.
func narrow(args []cty.Value) error {
	spec, ok := stringArg(args, 0)
	if !ok {
		return nil
	}
	digits, verb := 0, false
	for _, c := range spec {
		switch {
		case c == '%':
			verb = !verb
			digits = 0
		case verb && c >= '0' && c <= '9':
			if digits++; digits > 3 {
				return function.NewArgErrorf(0, "widths and precisions have at most three digits")
			}
		case verb && strings.ContainsRune("+-# .[]*", c):
			digits = 0
		default:
			verb = false
		}
	}
	return nil
}

func fewSpaces(args []cty.Value) error {
	if len(args) > 0 && args[0].IsKnown() && !args[0].IsNull() && args[0].Type() == cty.Number {
		if f, _ := args[0].AsBigFloat().Float64(); f > 1000 {
			return function.NewArgErrorf(0, "at most 1,000 spaces")
		}
	}
	return nil
}

func fewDigits(args []cty.Value) error {
	if text, ok := stringArg(args, 0); ok && len(text) > 300 {
		return function.NewArgErrorf(0, "at most 300 digits")
	}
	return nil
}

func shortJoin(args []cty.Value) error {
	separator, _ := stringArg(args, 0)
	n := 0
	for _, a := range args[min(1, len(args)):] {
		if a.IsKnown() && !a.IsNull() && a.CanIterateElements() {
			n += a.LengthInt()
		}
	}
	if len(separator)*n > maxResult {
		return errTooLong
	}
	return nil
}

func fewProducts(args []cty.Value) error {
	n := 1
	for _, a := range args {
		if a.IsKnown() && !a.IsNull() && a.CanIterateElements() {
			n *= max(a.LengthInt(), 1)
		}
		if n > 10_000 {
			return errors.New("at most 10,000 combinations")
		}
	}
	return nil
}

// hasLogarithm refuses what has none; the library panics over it.
func hasLogarithm(args []cty.Value) error {
	if n, ok := floatArgs(args); ok && math.IsNaN(math.Log(n[0])/math.Log(n[1])) {
		return errors.New("only numbers above 0 have a logarithm, and only to a base above 0")
	}
	return nil
}

// hasPower is hasLogarithm for pow.
func hasPower(args []cty.Value) error {
	if n, ok := floatArgs(args); ok && math.IsNaN(math.Pow(n[0], n[1])) {
		return errors.New("a number below 0 has whole powers only")
	}
	return nil
}

// floatArgs returns the first two arguments, if both are known numbers.
func floatArgs(args []cty.Value) (n [2]float64, ok bool) {
	if len(args) < len(n) {
		return n, false
	}
	for i := range n {
		a := args[i]
		if !a.IsKnown() || a.IsNull() || a.Type() != cty.Number {
			return n, false
		}
		n[i], _ = a.AsBigFloat().Float64()
	}
	return n, true
}

// stringArg returns an argument that is a known text.
func stringArg(args []cty.Value, i int) (string, bool) {
	if i >= len(args) || !args[i].IsKnown() || args[i].IsNull() || args[i].Type() != cty.String {
		return "", false
	}
	return args[i].AsString(), true
}
