package lang

import (
	"context"
	"errors"
	"fmt"
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
