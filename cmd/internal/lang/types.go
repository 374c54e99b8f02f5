package lang

import (
	"cmp"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// types evaluates the expression with values that are not known, to find
// wrong types. Since hcl leaves out the right side of && and || and branches
// then, these are evaluated one by one as well.
func (n *lookup) types(unknown *hcl.EvalContext) hcl.Diagnostics {
	diags := n.diags
	_, more := n.x.node.Value(unknown)
	diags = merge(diags, conceal(more))
	if parts := operands(nil, n.x.node); len(parts) > 1 {
		for _, part := range parts {
			_, more := part.Value(unknown)
			diags = merge(diags, conceal(more))
		}
	}
	_ = hclsyntax.VisitAll(n.x.node, func(node hclsyntax.Node) hcl.Diagnostics {
		if op, ok := node.(*hclsyntax.BinaryOpExpr); ok && (op.Op == hclsyntax.OpEqual || op.Op == hclsyntax.OpNotEqual) {
			diags = merge(diags, n.mixed(op, unknown))
		}
		return nil
	})
	return diags
}

// operands takes an expression of && || ! and ?: apart.
func operands(found []hclsyntax.Expression, node hclsyntax.Expression) []hclsyntax.Expression {
	switch e := node.(type) {
	case *hclsyntax.ParenthesesExpr:
		return operands(found, e.Expression)
	case *hclsyntax.BinaryOpExpr:
		if e.Op == hclsyntax.OpLogicalAnd || e.Op == hclsyntax.OpLogicalOr {
			return operands(operands(found, e.LHS), e.RHS)
		}
	case *hclsyntax.UnaryOpExpr:
		if e.Op == hclsyntax.OpLogicalNot {
			return operands(found, e.Val)
		}
	case *hclsyntax.ConditionalExpr:
		return operands(operands(operands(found, e.Condition), e.TrueResult), e.FalseResult)
	}
	return append(found, node)
}

// mixed warns of == and != between types that are never equal.
func (n *lookup) mixed(op *hclsyntax.BinaryOpExpr, unknown *hcl.EvalContext) hcl.Diagnostics {
	left, bad := op.LHS.Value(unknown)
	right, worse := op.RHS.Value(unknown)
	a, b := left.Type(), right.Type()
	if bad.HasErrors() || worse.HasErrors() || a.HasDynamicTypes() || b.HasDynamicTypes() || a.Equals(b) {
		return nil
	}
	outcome := "never equal"
	if op.Op == hclsyntax.OpNotEqual {
		outcome = "always unequal"
	}
	hint := ""
	switch {
	case a.IsPrimitiveType() && b.IsPrimitiveType():
		hint = " Write both as the same type, or convert one with tonumber() or tostring()."
	case isSequence(a) && isSequence(b):
		hint = " Convert one with tolist()."
	}
	return warningAt(op.SrcRange, "Comparison of different types", fmt.Sprintf("%s is %s and %s is %s: such values are %s.%s",
		n.x.quote(op.LHS), typeName(a), n.x.quote(op.RHS), typeName(b), outcome, hint))
}

// quote returns a part of the expression for a sentence.
func (x *expression) quote(node hclsyntax.Expression) string {
	if text := x.written(node.Range()); text != "" {
		return cut(oneLine(text), maxKey)
	}
	return "one side"
}

// worth adds to warnings that the condition says nothing of the answer, or is
// not one. Where they tell why it never changes, they become the mistake.
func (n *lookup) worth(warnings hcl.Diagnostics, unknown *hcl.EvalContext, kind Kind) hcl.Diagnostics {
	named, elsewhere := false, ""
	for _, r := range n.refs {
		named = named || r.access != nil && r.step == ""
		elsewhere = cmp.Or(elsewhere, r.step)
	}
	result, _ := n.x.node.Value(unknown)
	result = Plain(result)
	var summary, detail string
	switch t := result.Type(); {
	case t != cty.Bool && t != cty.DynamicPseudoType:
		summary, detail = "Not a condition", fmt.Sprintf("A condition is true or false; this is %s.%s", typeName(t), n.asCondition())
	case !named:
		summary = "Condition does not depend on the answer"
		detail = fmt.Sprintf("%s names no value of the answer, such as status, header, json or timing.", sentenceStart(kind))
		if elsewhere != "" {
			detail = fmt.Sprintf("%s names values of earlier steps alone: it belongs into step %q.", sentenceStart(kind), elsewhere)
		}
	case result.IsKnown() && result.IsNull():
		summary, detail = "Not a condition", "A condition is true or false; this is null."
	case result.IsKnown() && len(warnings) > 0:
		for _, w := range warnings {
			w.Severity = hcl.DiagError
		}
		return warnings
	case result.IsKnown():
		summary = "Condition does not depend on the answer"
		detail = fmt.Sprintf("%s is %v whatever the answer is.", sentenceStart(kind), result.True())
	default:
		return warnings
	}
	return append(warnings, errorAt(n.x.at, summary, detail)...)
}

// asCondition proposes how to make a condition of the expression.
func (n *lookup) asCondition() string {
	if t, ok := n.x.node.(*hclsyntax.TemplateExpr); ok && t.IsStringLiteral() {
		return " Write the condition without quotes."
	}
	if text := cut(oneLine(string(n.x.text)), maxKey); text != "" {
		return " Compare it with something: " + text + " == …"
	}
	return ""
}

func sentenceStart(kind Kind) string {
	if kind == DegradedIf {
		return "This degraded_if"
	}
	return "This expectation"
}

// boundNumbers guards arithmetic and order against texts of an answer that
// would take seconds to be read as numbers.
func boundNumbers(node hclsyntax.Node) {
	_ = hclsyntax.VisitAll(node, func(node hclsyntax.Node) hcl.Diagnostics {
		if wrapped, ok := node.(shortNumber); ok {
			node = wrapped.Expression // its children are visited, but not itself
		}
		switch e := node.(type) {
		case *hclsyntax.BinaryOpExpr:
			if e.Op.Impl.Params()[0].Type == cty.Number {
				e.LHS, e.RHS = shortNumber{e.LHS}, shortNumber{e.RHS}
			}
		case *hclsyntax.UnaryOpExpr:
			if e.Op == hclsyntax.OpNegate {
				e.Val = shortNumber{e.Val}
			}
		}
		return nil
	})
}

// A shortNumber is an operand that will be read as a number.
type shortNumber struct{ hclsyntax.Expression }

// Value evaluates the operand and refuses what is too long for a number.
func (e shortNumber) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := e.Expression.Value(ctx)
	if plain, _ := v.Unmark(); plain.Type() == cty.String && plain.IsKnown() && !plain.IsNull() {
		if numberTooLarge(plain.AsString()) != "" {
			return cty.DynamicVal, append(diags, errorAt(e.Range(), "Invalid operand", "A number is required.")...)
		}
	}
	return v, diags
}
