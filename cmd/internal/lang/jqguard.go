package lang

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"

	"github.com/itchyny/gojq"
)

// What a filter may not call: it reaches beyond its input, or makes a value of
// any size in one step.
func deniedInJQ(name string) bool {
	switch name {
	case "input", "inputs", "debug", "stderr", "env", "$ENV", "halt", "halt_error", "input_line_number",
		"modulemeta", "setpath", "pick", "fromstream", "transpose", "getpath_or_make", "$__prog_args":
		return true
	default:
		return false
	}
}

// A jqGuard rewrites a filter, see compileJQ.
type jqGuard struct{ err error }

// visit goes through all queries and terms of a tree, innermost first.
func (g *jqGuard) visit(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		g.visit(v.Elem())
		switch node := v.Interface().(type) {
		case *gojq.Query:
			g.query(node)
		case *gojq.Term:
			g.term(node)
		case *gojq.FuncDef:
			if strings.HasPrefix(node.Name, "watchword_") {
				g.err = fmt.Errorf("%s is not a name for a function", node.Name)
			}
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			g.visit(field)
		}
	case reflect.Slice:
		for i := range v.Len() {
			g.visit(v.Index(i))
		}
	default:
	}
}

func (g *jqGuard) query(q *gojq.Query) {
	switch q.Op {
	case gojq.OpAssign, gojq.OpModify, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul, gojq.OpUpdateDiv,
		gojq.OpUpdateMod, gojq.OpUpdateAlt:
		g.err = errDenied
	case gojq.OpAdd:
		whole := *q
		*q = gojq.Query{Left: &whole, Op: gojq.OpPipe, Right: boundJQ(), FuncDefs: q.FuncDefs}
		whole.FuncDefs = nil
	case gojq.OpMul:
		product := &gojq.Query{Left: factorJQ("0"), Op: gojq.OpMul, Right: factorJQ("1")}
		*q = gojq.Query{Left: callJQ(jqFactors, q.Left, q.Right), Op: gojq.OpPipe, Right: product, FuncDefs: q.FuncDefs}
	default:
	}
}

func (g *jqGuard) term(t *gojq.Term) {
	switch t.Type {
	case gojq.TermTypeFunc:
		name := t.Func.Name
		if deniedInJQ(name) || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "watchword_") || name == jqWork {
			g.err = fmt.Errorf("%s is not available", cut(name, maxKey))
			return
		}
		if strings.HasPrefix(name, "$") {
			return // a variable
		}
		if name == "join" && len(t.Func.Args) == 1 {
			t.Func.Name = jqJoin
		}
	case gojq.TermTypeArray, gojq.TermTypeObject, gojq.TermTypeString, gojq.TermTypeFormat, gojq.TermTypeReduce:
	default:
		return
	}
	inner := *t
	inner.SuffixList = nil
	*t = gojq.Term{
		Type: gojq.TermTypeQuery, SuffixList: t.SuffixList,
		Query: &gojq.Query{Left: &gojq.Query{Term: &inner}, Op: gojq.OpPipe, Right: boundJQ()},
	}
}

func callJQ(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

// boundJQ asks for the size of what stands before it.
func boundJQ() *gojq.Query { return callJQ(jqBound, callJQ(jqWork)) }

// factorJQ is .[i].
func factorJQ(i string) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeIndex, Index: &gojq.Index{
		Start: &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeNumber, Number: i}},
	}}}
}

// sized is the value itself, or an error if it is too large. Looking costs a
// step for some values.
func sized(v, work any) any {
	left, bytes := maxFound, maxResult
	ok := fits(v, &left, &bytes, 1000)
	if w, is := work.(*workload); is {
		w.left -= (maxFound - left) / 4
	}
	if !ok {
		return errTooMuch
	}
	return v
}

// factors are both operands of a product, unless it would be too large.
func factors(left, right any) any {
	for _, pair := range [][2]any{{left, right}, {right, left}} {
		if text, ok := pair[0].(string); ok {
			if times, ok := numberOfJQ(pair[1]); ok && times*float64(len(text)) > maxResult {
				return errTooMuch
			}
		}
		if n, ok := pair[0].(*big.Int); ok && n.BitLen() > 4096 {
			return errTooMuch
		}
	}
	return []any{left, right}
}

func numberOfJQ(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case float64:
		return n, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(n).Float64()
		return f, true
	default:
		return math.Inf(1), v != nil && reflect.TypeOf(v).Kind() == reflect.String
	}
}

// joined is join(separator), bounded.
func joined(v, separator any) any {
	list, ok := v.([]any)
	sep, text := separator.(string)
	if !ok || !text {
		return errors.New("join needs an array and a string")
	}
	parts, size := make([]string, 0, len(list)), 0
	for _, e := range list {
		switch e := e.(type) {
		case nil:
			parts = append(parts, "")
		case string:
			parts = append(parts, e)
		case []any, map[string]any:
			return errors.New("join needs texts, numbers and bools")
		default:
			parts = append(parts, fmt.Sprint(e))
		}
		if size += len(parts[len(parts)-1]) + len(sep); size > maxResult {
			return errTooMuch
		}
	}
	return strings.Join(parts, sep)
}
