package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// endsOperand reports whether a token can be the last one of an operand.
func endsOperand(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenCParen, hclsyntax.TokenCBrack,
		hclsyntax.TokenCBrace, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenStar:
		return true
	default:
		return false
	}
}

// closes reports whether a token ends what another one opened.
func closes(open, end hclsyntax.TokenType) bool {
	switch open {
	case hclsyntax.TokenOBrace:
		return end == hclsyntax.TokenCBrace
	case hclsyntax.TokenOBrack:
		return end == hclsyntax.TokenCBrack
	case hclsyntax.TokenOParen:
		return end == hclsyntax.TokenCParen
	case hclsyntax.TokenOQuote:
		return end == hclsyntax.TokenCQuote
	case hclsyntax.TokenOHeredoc:
		return end == hclsyntax.TokenCHeredoc
	default:
		return end == hclsyntax.TokenTemplateSeqEnd
	}
}

// numberTooLarge returns why a number is not accepted, or "".
func numberTooLarge(s string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	if len(strings.Trim(mantissa, "-+.")) > maxDigits {
		return "A number has at most 64 digits."
	}
	exponent = strings.TrimLeft(strings.TrimLeft(exponent, "+-"), "0")
	if len(exponent) > 3 || len(exponent) == 3 && exponent > fmt.Sprint(maxExponent) {
		return "The exponent of a number is at most 308."
	}
	return ""
}
