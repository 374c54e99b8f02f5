package lang

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

const (
	maxQuery   = 1000    // bytes of a JSONPath, jq or XPath expression
	maxQueries = 20_000  // expressions of one kind kept compiled
	maxFound   = 100_000 // values that one of them may find
)

var errTooMuch = errors.New("the result would be too large")

// A compiler makes something of a text, each text once. The first ones, those
// of the configuration, are kept. Its errors do not hold the text.
type compiler[T any] struct {
	compile func(string) (T, error)
	limit   int // bytes of a text

	mu   sync.RWMutex
	kept map[string]T
}

func newCompiler[T any](limit int, compile func(string) (T, error)) *compiler[T] {
	return &compiler[T]{compile: compile, limit: limit, kept: make(map[string]T)}
}

// get returns what the text stands for.
func (c *compiler[T]) get(text string) (T, error) {
	c.mu.RLock()
	known, ok := c.kept[text]
	c.mu.RUnlock()
	if ok {
		return known, nil
	}
	if len(text) > c.limit {
		return known, errors.New("it has more than " + grouped(c.limit) + " characters")
	}
	made, err := c.compile(text)
	if err != nil {
		return known, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) < maxQueries {
		c.kept[text] = made
	}
	return made, nil
}

// treeType is the type of values that are decoded JSON as it is: functions
// that look into an answer need no value of each part of it.
func treeType() cty.Type { return cty.Capsule("JSON", reflect.TypeFor[any]()) }

// decoded makes an access of one to decoded JSON.
func decoded(tree func(*checks.Exchange) (any, error)) access {
	return func(x *checks.Exchange) (cty.Value, error) {
		part, err := tree(x)
		if err != nil {
			return cty.NilVal, err
		}
		return cty.CapsuleVal(treeType(), &part), nil
	}
}

// undecoded returns the value that a decoded one stands for.
func undecoded(v cty.Value) cty.Value {
	if tree, ok := treeIn(v); ok {
		return fromTree(tree)
	}
	return v
}

func treeIn(v cty.Value) (any, bool) {
	if v.IsNull() || !v.IsKnown() || !v.Type().IsCapsuleType() {
		return nil, false
	}
	tree, ok := v.EncapsulatedValue().(*any)
	if !ok {
		return nil, false
	}
	return *tree, true
}

// toTree is the reverse of fromTree: the value as decoded JSON, within the
// limits for answers. Whole numbers are int, other ones float64 or, where they
// would lose digits, json.Number.
func toTree(v cty.Value) (any, error) {
	if tree, ok := treeIn(v); ok {
		return tree, nil
	}
	left := checks.MaxJSONValues
	return treeOf(v, &left, checks.MaxJSONDepth)
}

func treeOf(v cty.Value, left *int, depth int) (any, error) {
	if *left--; *left < 0 || depth < 0 {
		return nil, checks.ErrLimit
	}
	switch t := v.Type(); {
	case !v.IsKnown():
		return nil, errors.New("the value is not known")
	case v.IsNull():
		return nil, nil
	case t == cty.String:
		return v.AsString(), nil
	case t == cty.Bool:
		return v.True(), nil
	case t == cty.Number:
		return treeNumber(v.AsBigFloat()), nil
	case !v.CanIterateElements():
		return nil, errors.New("the value has no counterpart in JSON")
	case t.IsObjectType() || t.IsMapType():
		object := make(map[string]any, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			key, e := it.Element()
			inner, err := treeOf(e, left, depth-1)
			if err != nil {
				return nil, err
			}
			object[key.AsString()] = inner
		}
		return object, nil
	default:
		array := make([]any, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			inner, err := treeOf(e, left, depth-1)
			if err != nil {
				return nil, err
			}
			array = append(array, inner)
		}
		return array, nil
	}
}

func treeNumber(f *big.Float) any {
	if f.IsInt() {
		if n, accuracy := f.Int64(); accuracy == big.Exact {
			return int(n)
		}
	}
	text := f.Text('g', -1)
	if n, err := strconv.ParseFloat(text, 64); err == nil && len(text) <= 17 {
		return n
	}
	return json.Number(text)
}

// found makes a value of what a query has found.
func found(tree any) (cty.Value, error) {
	if left, bytes := maxFound, maxResult; !fits(tree, &left, &bytes, 2*checks.MaxJSONDepth) {
		return cty.NilVal, errTooMuch
	}
	return fromTree(tree), nil
}

// fits spends the values and bytes of a tree, and reports whether they and its
// depth are within the limits. What occurs twice counts twice.
func fits(tree any, left, bytes *int, depth int) bool {
	if *left--; *left < 0 || depth < 0 {
		return false
	}
	switch t := tree.(type) {
	case string:
		*bytes -= len(t)
	case json.Number:
		*bytes -= len(t)
	case *big.Int:
		*bytes -= t.BitLen()
	case []any:
		for _, e := range t {
			if !fits(e, left, bytes, depth-1) {
				return false
			}
		}
	case map[string]any:
		for k, e := range t {
			if *bytes -= len(k); !fits(e, left, bytes, depth-1) {
				return false
			}
		}
	}
	return *bytes >= 0
}

// fromNumber makes a value of the numbers that queries compute with. What is
// no number of JSON is null, as in jq.
func fromNumber(n any) cty.Value {
	switch n := n.(type) {
	case int:
		return cty.NumberIntVal(int64(n))
	case int64:
		return cty.NumberIntVal(n)
	case float64:
		switch {
		case math.IsNaN(n):
			return cty.NullVal(cty.Number)
		case math.IsInf(n, 0):
			return cty.NumberFloatVal(math.Copysign(math.MaxFloat64, n))
		}
		return shortFloat(n)
	case *big.Int:
		return cty.NumberVal(new(big.Float).SetInt(n))
	default:
		return cty.NullVal(cty.DynamicPseudoType)
	}
}

// shortFloat is the number that a float is written as: 0.1 equals the 0.1 of
// an expression.
func shortFloat(n float64) cty.Value {
	if v, err := cty.ParseNumberVal(strconv.FormatFloat(n, 'g', -1, 64)); err == nil {
		return v
	}
	return cty.NumberFloatVal(n)
}
