package lang

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// A form is how a condition is told in one line.
type form struct {
	left hclsyntax.Expression // what is compared with a constant; nil for other conditions
	name string               // left as written
	only int                  // the binding that left is, or -1 if it is computed
	want string               // "201", "> 14", or the whole expression
}

// recognise finds the form: X == CONST, another comparison with a constant,
// or anything else.
func (c *compiled) recognise(n *lookup, unknown *hcl.EvalContext) form {
	other := form{only: -1, want: cut(oneLine(c.text), maxText)}
	left, right, sign := n.comparison(c.node)
	if sign == "" {
		return other
	}
	want, diags := right.Value(unknown)
	if diags.HasErrors() {
		return other
	}
	f := form{left: left, name: n.x.quote(left), only: -1, want: strings.TrimPrefix(sign+" ", "== ") + showValue(want)}
	at := bare(left).Range()
	for i, b := range c.names {
		if b.at == at || b.key == keyOf(left) {
			f.only = i
			return f
		}
		if b.size && overlaps(left.Range(), b.at) && !c.insideTold(b.at) {
			return other // computed from a text that is not to be shown
		}
	}
	return f
}

func keyOf(node hclsyntax.Expression) string {
	if e, ok := bare(node).(*hclsyntax.ScopeTraversalExpr); ok {
		return e.Traversal.RootName()
	}
	return ""
}

// bare takes off parentheses, and what this package has put around a node.
func bare(node hclsyntax.Expression) hclsyntax.Expression {
	for {
		switch e := node.(type) {
		case *hclsyntax.ParenthesesExpr:
			node = e.Expression
		case shortNumber:
			node = e.Expression
		default:
			return node
		}
	}
}

// comparison takes a comparison with a constant apart, as if the constant stood
// on its right. The sign is empty for anything else.
func (n *lookup) comparison(node hclsyntax.Expression) (left, right hclsyntax.Expression, sign string) {
	op, ok := bare(node).(*hclsyntax.BinaryOpExpr)
	if !ok {
		return nil, nil, ""
	}
	left, right = op.LHS, op.RHS
	sign, flipped := signs(op.Op)
	if n.constant(left) {
		left, right, sign = right, left, flipped
	}
	if n.constant(left) || !n.constant(right) {
		return nil, nil, ""
	}
	return left, right, sign
}

// signs returns how a comparison is written, as it stands and with its sides
// exchanged.
func signs(op *hclsyntax.Operation) (string, string) {
	switch op {
	case hclsyntax.OpEqual:
		return "==", "=="
	case hclsyntax.OpNotEqual:
		return "!=", "!="
	case hclsyntax.OpGreaterThan:
		return ">", "<"
	case hclsyntax.OpGreaterThanOrEqual:
		return ">=", "<="
	case hclsyntax.OpLessThan:
		return "<", ">"
	case hclsyntax.OpLessThanOrEqual:
		return "<=", ">="
	default:
		return "", ""
	}
}

// explain fills in why an expectation failed, or what degraded.
func (c *compiled) explain(v *checks.Verdict, t *taken, w viewer) {
	v.Explanation.Values = c.shown(t, w)
	var is string
	why := c.whyFalse(t)
	switch {
	case why != "" && c.told[0].call == bare(c.node) && c.kind == Expect:
		v.Explanation.Message = cut(w.redactor.Redact(why), maxMessage)
		return
	case why != "":
		is = why
	case c.form.left == nil:
		is = c.all(v.Explanation.Values, c.results(t, w)...)
	case c.form.only >= 0:
		is = c.one(c.names[c.form.only], t.values[c.form.only], w)
	default:
		value, diags := c.form.left.Value(t.ctx)
		if diags.HasErrors() {
			is = c.all(v.Explanation.Values)
			break
		}
		is = c.form.name + " is " + round(c.form.name, show(w.value(value)))
	}
	if c.kind == Expect {
		is += ", want " + c.form.want
	}
	v.Explanation.Message = cut(w.redactor.Redact(is), maxMessage)
}

// explainError fills in why a condition could not be evaluated.
func (c *compiled) explainError(v *checks.Verdict, t *taken, err error, w viewer) {
	v.Explanation.Values = c.shown(t, w)
	message := err.Error()
	if _, ok := err.(*evaluationError); ok && len(v.Explanation.Values) > 0 { //nolint:errorlint // made by evaluate, never wrapped
		message = c.all(v.Explanation.Values) + ": " + message
	}
	v.Explanation.Message = cut(w.redactor.Redact(message), maxMessage)
}

// shown returns the values that the condition names, as far as there are any.
func (c *compiled) shown(t *taken, w viewer) []checks.Value {
	values := make([]checks.Value, 0, len(c.names))
	for i, b := range c.names {
		if t.values[i] == cty.NilVal || slices.ContainsFunc(values, func(v checks.Value) bool { return v.Name == b.text }) {
			continue
		}
		values = append(values, checks.Value{Name: b.text, Value: b.view(t.values[i], w)})
	}
	return values
}

// view returns a value as it may be shown.
func (b *binding) view(v cty.Value, w viewer) any {
	if plain, _ := v.Unmark(); b.size && plain.Type() == cty.String {
		return grouped(len(plain.AsString())) + " bytes"
	} else if b.size {
		return "(an object)"
	}
	return w.value(v)
}

// one says what a single value is.
func (c *compiled) one(b binding, v cty.Value, w viewer) string {
	return c.phrase(b, b.view(v, w))
}

func (c *compiled) phrase(b binding, shown any) string {
	switch {
	case b.size:
		return fmt.Sprintf("%s is %s", b.text, strings.Trim(fmt.Sprint(shown), "()"))
	case b.header && shown == nil:
		return b.text + " is missing"
	default:
		return b.text + " is " + round(b.text, show(shown))
	}
}

// all says what the values are, the first few of them. Where the results of
// calls are told, what these have looked into is not.
func (c *compiled) all(values []checks.Value, results ...string) string {
	const told = 4
	parts := results
	for _, v := range values {
		for _, b := range c.names {
			if b.text == v.Name && (len(results) == 0 || !c.insideTold(b.at)) {
				parts = append(parts, c.phrase(b, v.Value))
				break
			}
		}
	}
	if len(parts) == 0 {
		return "the condition is false"
	}
	if len(parts) > told {
		return strings.Join(parts[:told], ", ") + fmt.Sprintf(" and %d more", len(parts)-told)
	}
	if last := len(parts) - 1; last > 0 {
		return strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	return parts[0]
}

// round shortens a time for a sentence to four digits that count.
func round(name, shown string) string {
	if !strings.HasPrefix(name, "timing.") || len(shown) < 6 {
		return shown
	}
	f, err := strconv.ParseFloat(shown, 64)
	if err != nil {
		return shown
	}
	return strconv.FormatFloat(f, 'g', 4, 64)
}

// oneLine writes an expression without line breaks.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
