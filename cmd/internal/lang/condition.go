package lang

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// Kind says what a condition is for.
type Kind int

// An expectation is explained where it does not hold, a degraded_if where it
// holds.
const (
	Expect Kind = iota
	DegradedIf
)

// attribute is the name of the list that conditions of this kind stand in.
func (k Kind) attribute() string {
	if k == DegradedIf {
		return "degraded_if"
	}
	return "expect"
}

// CompileConditions compiles each element of a list of conditions.
func CompileConditions(list hcl.Expression, s *Scope, kind Kind) ([]checks.Condition, hcl.Diagnostics) {
	elements, diags := Elements(list)
	if diags.HasErrors() {
		return nil, errorAt(list.Range(), "List expected", fmt.Sprintf("%s is a list of conditions in brackets: [status == 200].", kind.attribute()))
	}
	compiled := make([]checks.Condition, 0, len(elements))
	for _, e := range elements {
		c, more := CompileCondition(e, s, kind)
		diags = append(diags, more...)
		if !more.HasErrors() {
			compiled = append(compiled, c)
		}
	}
	return compiled, diags
}

// CompileCondition compiles one condition. Its names, functions and types are
// checked, by evaluating it with values that are not known. A condition that
// does not depend on the answer is a mistake.
func CompileCondition(expr hcl.Expression, s *Scope, kind Kind) (checks.Condition, hcl.Diagnostics) {
	return s.condition(expr.Range(), s.text(expr), kind, func() (*expression, hcl.Diagnostics) { return s.own(expr) })
}

// DefaultExpect is what a check without expectations expects: a status from
// 200 to 399. It is explained at the place of the check.
func DefaultExpect(at hcl.Range, s *Scope) checks.Condition {
	const text = "status >= 200 && status < 400"
	c, diags := s.condition(at, text, Expect, func() (*expression, hcl.Diagnostics) { return s.fromText(text, at) })
	if diags.HasErrors() {
		panic("the default expectation does not compile: " + diags.Error()) // a mistake in this function
	}
	return c
}

// condition returns the condition that is written as text at a place. Those of
// one text share what it compiles to; parse is asked for the first one only.
func (s *Scope) condition(at hcl.Range, text string, kind Kind, parse func() (*expression, hcl.Diagnostics)) (checks.Condition, hcl.Diagnostics) {
	key := conditionKey{text, s.dir(at.Filename), kind, s.steps.key(text)}
	home := s.home(text)
	known, ok := home.conditions.Load(key)
	if !ok {
		x, diags := parse()
		if diags.HasErrors() {
			return nil, diags
		}
		c, diags := s.compile(x, kind)
		if diags.HasErrors() {
			return nil, diags
		}
		if len(diags) > 0 || text == "" { // its warnings are told at each place
			return &condition{c, s.shown(at.Filename), at.Start.Line}, diags
		}
		known, _ = home.conditions.LoadOrStore(key, c)
	}
	return &condition{known.(*compiled), s.shown(at.Filename), at.Start.Line}, nil //nolint:forcetypeassert // nothing else is stored
}

// A conditionKey tells conditions of one scope apart.
type conditionKey struct {
	text, dir string
	kind      Kind
	steps     string // what of the steps around it counts
}

func (s *Scope) compile(x *expression, kind Kind) (*compiled, hcl.Diagnostics) {
	n := s.lookup(x, uses{exchange: true, volatile: true})
	c := &compiled{kind: kind, node: x.node, text: string(x.text), viewer: viewer{s.redactor()}}
	unknown := c.bind(n)
	diags := n.types(unknown)
	if !diags.HasErrors() {
		diags = n.worth(diags, unknown, kind)
	}
	diags = within(diags, x.at)
	if diags.HasErrors() {
		return nil, diags
	}
	c.told = n.calls(c.node)
	c.form = c.recognise(n, unknown)
	c.quick = c.comparisons(n, unknown, c.node)
	boundNumbers(c.node)
	return c, diags
}

// shown is the name of a file in explanations.
func (s *Scope) shown(filename string) string {
	if name := s.shared.o.Sources[filename].Name; name != "" {
		return name
	}
	return filename
}

// A condition is a compiled expression and the place where it stands.
type condition struct {
	*compiled

	file string
	line int
}

// A compiled expression does not change any more.
type compiled struct {
	kind Kind
	node hclsyntax.Expression
	text string

	viewer  viewer
	ctx     *hcl.EvalContext // functions, and the names whose values are known at load
	names   []binding        // the values it takes from an exchange
	reasons []error          // why values known at load are not available
	form    form
	told    []told       // calls that explanations tell of
	quick   []comparison // instead of all else, where they say what needs no explanation
}

// Judge implements [checks.Condition].
func (c *condition) Judge(vars *checks.Vars) checks.Verdict {
	v := checks.Verdict{Explanation: checks.Explanation{Expression: c.text, File: c.file, Line: c.line}}
	if c.unremarkable(vars.Exchange) {
		v.Holds = c.kind == Expect
		return v
	}
	t := take(c.ctx, c.names, vars)
	result, err := c.evaluate(t)
	if err != nil {
		v.Err = err
		c.explainError(&v, t, err, c.viewerOf(vars))
		return v
	}
	v.Holds = result
	if v.Holds == (c.kind == DegradedIf) {
		c.explain(&v, t, c.viewerOf(vars))
	}
	return v
}

// viewerOf knows the secrets of the run as well, where it has any.
func (c *compiled) viewerOf(vars *checks.Vars) viewer {
	if vars.Redactor != nil {
		return viewer{vars.Redactor}
	}
	return c.viewer
}

// evaluate returns whether the condition holds.
func (c *compiled) evaluate(t *taken) (bool, error) {
	v, diags := c.node.Value(t.ctx)
	if diags.HasErrors() {
		return false, c.failure(diags, t)
	}
	v, marks := v.Unmark()
	switch why := reasonOf(marks); {
	case why != nil:
		return false, why
	case !v.IsKnown() && len(c.reasons) > 0:
		return false, c.reasons[0]
	case !v.IsKnown():
		return false, errors.New("the result is not known")
	case v.IsNull():
		return false, &evaluationError{"the result is null, neither true nor false"}
	case v.Type() != cty.Bool:
		return false, &evaluationError{fmt.Sprintf("the result is %s, neither true nor false", typeName(v.Type()))}
	}
	return v.True(), nil
}
