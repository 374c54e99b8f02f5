package lang

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/itchyny/gojq"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxWork bounds a run of jq, in steps of its machine and values looked at:
// about half a second.
const maxWork = 4_000_000

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

// The names of the functions that bound the others.
const (
	jqBound   = "watchword_bound"
	jqFactors = "watchword_factors"
	jqJoin    = "watchword_join"
	jqWork    = "$watchword"
)

var (
	errWork   = errors.New("it takes too long for this value")
	errDenied = errors.New("assignment is not available")
)

// compileJQ compiles a filter in which everything that makes a value is
// followed by a look at its size: a dozen doublings make gigabytes.
func compileJQ(text string) (*gojq.Code, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		if at, ok := errors.AsType[*gojq.ParseError](err); ok {
			if at.Token == "" {
				return nil, errors.New("it ends too early")
			}
			return nil, fmt.Errorf("unexpected %q at byte %d", cut(at.Token, maxKey), at.Offset)
		}
		return nil, errors.New("not a filter of jq")
	}
	if len(query.Imports) > 0 || query.Meta != nil {
		return nil, errors.New("modules are not available")
	}
	guard := jqGuard{}
	guard.visit(reflect.ValueOf(query))
	if guard.err != nil {
		return nil, guard.err
	}
	code, err := gojq.Compile(query,
		gojq.WithVariables([]string{jqWork}),
		gojq.WithFunction(jqBound, 1, 1, func(v any, args []any) any { return sized(v, args[0]) }),
		gojq.WithFunction(jqFactors, 2, 2, func(_ any, args []any) any { return factors(args[0], args[1]) }),
		gojq.WithFunction(jqJoin, 1, 1, func(v any, args []any) any { return joined(v, args[0]) }),
	)
	if err != nil {
		return nil, errors.New(cut(strings.TrimSpace(err.Error()), maxText))
	}
	return code, nil
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
		for i := range v.NumField() {
			g.visit(v.Field(i))
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

// A workload is a context that ends after a number of steps: gojq asks before
// each one. Its values are independent of the machine, unlike a deadline.
type workload struct {
	left int
	done chan struct{}
}

func newWorkload() *workload {
	w := &workload{left: maxWork, done: make(chan struct{})}
	close(w.done)
	return w
}

var _ context.Context = (*workload)(nil)

// Done is closed once the steps are used up.
func (w *workload) Done() <-chan struct{} {
	if w.left--; w.left > 0 {
		return nil
	}
	return w.done
}

// Err tells why it ended.
func (w *workload) Err() error {
	if w.left > 0 {
		return nil
	}
	return errWork
}

// Deadline returns none.
func (w *workload) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value returns none.
func (w *workload) Value(any) any { return nil }

func jqFunction(filters *compiler[*gojq.Code]) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{anyArgument("value"), {Name: "filter", Type: cty.String}},
		Type:   checkedText(1, "jq", filters),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if !args[0].IsWhollyKnown() {
				return cty.DynamicVal, nil
			}
			text := args[1].AsString()
			code, err := filters.get(text)
			if err != nil {
				return cty.NilVal, queryError(1, "jq", text, err)
			}
			tree, err := toTree(args[0])
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			result, err := runJQ(code, tree)
			if err != nil {
				return cty.NilVal, queryError(1, "jq", text, err)
			}
			return resultOf("jq", text, result)
		},
	})
}

// runJQ returns the one result of a filter.
func runJQ(code *gojq.Code, tree any) (result any, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it cannot be evaluated")
		}
	}()
	work := newWorkload()
	results := code.RunWithContext(work, tree, work)
	result, ok := results.Next()
	if !ok {
		return nil, errors.New("it gives no value")
	}
	if err, failed := result.(error); failed {
		return nil, jqError(err)
	}
	second, more := results.Next()
	if err, failed := second.(error); failed {
		return nil, jqError(err)
	}
	if more {
		return nil, errors.New("it gives more than one value: write [ … ] around it for a list of them")
	}
	return result, nil
}

// jqError says what went wrong, without the values that gojq's errors show.
func jqError(err error) error {
	for _, own := range []error{errWork, errTooMuch} {
		if errors.Is(err, own) {
			return own
		}
	}
	if _, ok := errors.AsType[gojq.ValueError](err); ok {
		return errors.New("it ends with error()")
	}
	text := err.Error()
	for _, kind := range []string{"null", "boolean", "number", "string", "array", "object"} {
		if before, _, ok := strings.Cut(text, kind+" ("); ok {
			text = before + kind
		}
	}
	if i := strings.IndexAny(text, "\"`'{["); i >= 0 {
		text = strings.TrimRight(text[:i], " :,")
	}
	return errors.New(cut(text, maxText))
}
