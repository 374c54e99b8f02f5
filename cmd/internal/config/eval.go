package config

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/cmd/internal/lang"
)

// maxLiteralMap is far below what any expression may hold.
const maxLiteralMap = 1000

// An opt is an attribute's value, if the attribute was given.
type opt[T any] struct {
	value T
	at    hcl.Range // of the attribute
	set   bool      // it was given
	bad   bool      // but cannot be used, which has been reported
}

// ok reports whether there is a value.
func (o opt[T]) ok() bool { return o.set && !o.bad }

// or is o, or outer where o was not given.
func (o opt[T]) or(outer opt[T]) opt[T] {
	if o.set {
		return o
	}
	return outer
}

// otherwise is the value, or fallback where there is none.
func (o opt[T]) otherwise(fallback T) T {
	if o.ok() {
		return o.value
	}
	return fallback
}

// secretValue is the value of an attribute that may hold secrets, without
// marks and wholly known, if the opt is ok. The error is why a secret in it
// cannot be read.
func secretValue[T any](l *loader, b *block, name string, want cty.Type) (cty.Value, opt[T], error) {
	v, o := evaluate[T](l, b, name, want)
	if !o.ok() {
		return cty.NilVal, o, nil
	}
	if err := lang.Reason(v); err != nil {
		return cty.NilVal, o, err
	}
	plain := lang.Plain(v)
	o.bad = !plain.IsWhollyKnown()
	return plain, o, nil
}

// decode evaluates an attribute, converts it to want and gives it to parse.
// parse never sees a mark, a null or an unknown value.
func decode[T any](l *loader, b *block, name string, want cty.Type, parse func(cty.Value) (T, error)) opt[T] {
	v, o := evaluate[T](l, b, name, want)
	if !o.set || o.bad {
		return o
	}
	if lang.Reason(v) != nil {
		o.bad = true
		return o
	}
	got, err := parse(lang.Plain(v))
	if err != nil {
		l.invalid(b, name, err)
		o.bad = true
		return o
	}
	o.value = got
	return o
}

// evaluate evaluates an attribute. Unless o says otherwise, the value is
// known, not null, and bears the mark of a secret only where one may stand.
func evaluate[T any](l *loader, b *block, name string, want cty.Type) (v cty.Value, o opt[T]) {
	a := b.attrs[name]
	if a == nil {
		return cty.NilVal, o
	}
	o.at, o.set = a.Range, true
	v, diags := l.scope.Typed(a.Expr, want)
	l.add(diags)
	is, _ := b.is.attr(name)
	plain := v
	if v != cty.NilVal {
		plain = lang.Plain(v)
	}
	switch {
	case diags.HasErrors():
		o.bad = true
	case lang.IsSensitive(v) && !is.secret:
		l.errorf(a.Expr.Range(), "A secret in plain sight",
			"%s appears in logs, metrics or messages: no secret may stand here.", name)
		o.bad = true
	case lang.IsSensitive(v) && !plain.IsWhollyKnown():
		return v, o // cannot be read: the caller asks lang.Reason
	case !plain.IsWhollyKnown():
		o.bad = true // comes from a mistake that has been reported
	case plain.IsNull():
		return v, opt[T]{}
	}
	return v, o
}

// invalid reports what is wrong with an attribute's value.
func (l *loader) invalid(b *block, name string, err error) {
	a := b.attrs[name]
	is, _ := b.is.attr(name)
	if errors.Is(err, errCredentials) {
		l.mask(a.Expr.Range())
	}
	l.errorf(a.Expr.Range(), "Invalid "+name, "%s must be %s: %s.", name, is.is.describe(), err)
}

// scheduleText is a schedule as text, whose place is that of its value.
func (l *loader) scheduleText(b *block) opt[string] {
	o := l.text(b, "schedule")
	if o.set {
		o.at = b.attrs["schedule"].Expr.Range()
	}
	return o
}

func (l *loader) text(b *block, name string) opt[string] {
	return decode(l, b, name, cty.String, func(v cty.Value) (string, error) { return v.AsString(), nil })
}

// parsed is a string that parse makes something of.
func parsed[T any](l *loader, b *block, name string, parse func(string) (T, error)) opt[T] {
	return decode(l, b, name, cty.String, func(v cty.Value) (T, error) { return parse(v.AsString()) })
}

func (l *loader) flag(b *block, name string) opt[bool] {
	return decode(l, b, name, cty.Bool, func(v cty.Value) (bool, error) { return v.True(), nil })
}

// count is a whole number from 1 to a million.
func (l *loader) count(b *block, name string) opt[int] {
	return decode(l, b, name, cty.Number, func(v cty.Value) (int, error) { return wholeNumber(v, 1, 1_000_000) })
}

func wholeNumber(v cty.Value, lowest, highest int64) (int, error) {
	n, accuracy := v.AsBigFloat().Int64()
	switch {
	case !v.AsBigFloat().IsInt():
		return 0, fmt.Errorf("%s is no whole number", clip(v.AsBigFloat().Text('g', 10)))
	case accuracy != big.Exact || n < lowest || n > highest:
		return 0, fmt.Errorf("%s is not between %d and %d", clip(v.AsBigFloat().Text('g', 10)), lowest, highest)
	}
	return int(n), nil
}

// duration is one of at least lowest.
func (l *loader) duration(b *block, name string, lowest time.Duration) opt[time.Duration] {
	return parsed(l, b, name, func(s string) (time.Duration, error) {
		d, err := parseDuration(s)
		if err == nil && d < lowest {
			return 0, fmt.Errorf("%q is less than %s", s, formatDuration(lowest))
		}
		return d, err
	})
}

func (l *loader) texts(b *block, name string) opt[[]string] {
	return listOf(l, b, name, func(s string) (string, error) { return s, nil })
}

// listOf is a list of strings that parse makes something of.
func listOf[T any](l *loader, b *block, name string, parse func(string) (T, error)) opt[[]T] {
	return decode(l, b, name, cty.List(cty.String), func(v cty.Value) ([]T, error) {
		var list []T
		for _, element := range v.AsValueSlice() {
			if element.IsNull() {
				return nil, errors.New("null stands in it")
			}
			one, err := parse(element.AsString())
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		return list, nil
	})
}

func (l *loader) textMap(b *block, name string) opt[map[string]string] {
	if m := literalMap(b.attr(name)); m != nil {
		return opt[map[string]string]{value: m, at: b.attrs[name].Range, set: true}
	}
	return decode(l, b, name, cty.Map(cty.String), func(v cty.Value) (map[string]string, error) {
		m := make(map[string]string, v.LengthInt())
		for key, element := range v.AsValueMap() {
			if element.IsNull() {
				return nil, fmt.Errorf("%s is null", key)
			}
			m[key] = element.AsString()
		}
		return m, nil
	})
}

// literalMap is an object of texts in native syntax in which nothing is to be
// computed, as most labels are, or nil. A value of the language costs many
// times as much.
func literalMap(expr hcl.Expression) map[string]string {
	object, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok || len(object.Items) > maxLiteralMap {
		return nil
	}
	m := make(map[string]string, len(object.Items))
	for _, item := range object.Items {
		key, named := literal(item.KeyExpr)
		text, known := literal(item.ValueExpr)
		if !named || !known {
			return nil
		}
		m[key] = text
	}
	return m
}

// path is a file's path, made absolute from the folder of b's file.
func (l *loader) path(b *block, name string) opt[string] {
	return parsed(l, b, name, func(s string) (string, error) {
		if s == "" {
			return "", errors.New("it is empty")
		}
		return absolute(s, b.file.dir())
	})
}

// keyAt is where the key of an object literal stands, else the whole of it.
func keyAt(expr hcl.Expression, key string) hcl.Range {
	pairs, diags := hcl.ExprMap(expr)
	if diags.HasErrors() {
		return expr.Range()
	}
	for _, pair := range pairs {
		v, diags := pair.Key.Value(nil)
		if !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.String && v.AsString() == key {
			return pair.Key.Range()
		}
	}
	return expr.Range()
}
