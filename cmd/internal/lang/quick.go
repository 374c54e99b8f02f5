package lang

import (
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// A comparison of a whole number of the answer with a constant. Most checks
// expect nothing but a range of statuses: that costs no value of the language.
type comparison struct {
	get  func(*checks.Exchange) int
	sign string
	with int
}

// comparisons returns the condition as comparisons that must all hold, or nil
// if it is anything else.
func (c *compiled) comparisons(n *lookup, ctx *hcl.EvalContext, node hclsyntax.Expression) []comparison {
	if op, ok := bare(node).(*hclsyntax.BinaryOpExpr); ok && op.Op == hclsyntax.OpLogicalAnd {
		left, right := c.comparisons(n, ctx, op.LHS), c.comparisons(n, ctx, op.RHS)
		if left == nil || right == nil {
			return nil
		}
		return append(left, right...)
	}
	left, right, sign := n.comparison(node)
	if sign == "" {
		return nil
	}
	get := wholeNumber(keyOf(left))
	if get == nil {
		return nil
	}
	v, diags := right.Value(ctx)
	if diags.HasErrors() || v.IsMarked() || !v.IsKnown() || v.IsNull() || v.Type() != cty.Number {
		return nil
	}
	with, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact || !v.AsBigFloat().IsInt() || with != int64(int32(with)) { //nolint:gosec // whether it fits is what is asked
		return nil
	}
	return []comparison{{get, sign, int(with)}}
}

// wholeNumber returns how to take a value that is an int already.
func wholeNumber(key string) func(*checks.Exchange) int {
	switch key {
	case "status":
		return func(x *checks.Exchange) int { return x.Status }
	case "redirects":
		return func(x *checks.Exchange) int { return x.Redirects }
	default:
		return nil
	}
}

// holds reports whether the comparison holds for an answer.
func (q *comparison) holds(x *checks.Exchange) bool {
	got := q.get(x)
	switch q.sign {
	case "==":
		return got == q.with
	case "!=":
		return got != q.with
	case "<":
		return got < q.with
	case "<=":
		return got <= q.with
	case ">":
		return got > q.with
	default:
		return got >= q.with
	}
}

// unremarkable reports whether the condition is known, from comparisons
// alone, to say what needs no explanation.
func (c *compiled) unremarkable(x *checks.Exchange) bool {
	if len(c.quick) == 0 {
		return false
	}
	for i := range c.quick {
		if !c.quick[i].holds(x) {
			return c.kind == DegradedIf
		}
	}
	return c.kind == Expect
}
