package lang

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// errorAt returns one mistake.
func errorAt(at hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at.Ptr()}}
}

// warningAt returns one warning.
func warningAt(at hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at.Ptr()}}
}

// Suggest returns the known name that is nearest to the given one, or "" if
// none is near: at most two letters differ, and fewer than half of them.
func Suggest(given string, known []string) string {
	best, distance := "", 3
	for _, name := range known {
		if abs(len(name)-len(given)) >= distance {
			continue
		}
		d := levenshtein.Distance(given, name, nil)
		if swapped(given, name) {
			d = 1
		}
		if d < distance && 2*d < max(len(given), len(name)) {
			best, distance = name, d
		}
	}
	return best
}

// swapped reports whether two names differ by the order of two neighbours.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// DidYouMean returns the end of a sentence that proposes the nearest known
// name, such as ` Did you mean "schedule"?`, or "".
func DidYouMean(given string, known []string) string {
	if s := Suggest(given, known); s != "" {
		return " Did you mean " + strconv.Quote(s) + "?"
	}
	return ""
}

// ExplainSyntax adds to mistakes of hcl's parser what people who know other
// languages meant. Base is the byte at which src begins.
func ExplainSyntax(diags hcl.Diagnostics, src []byte, base int) hcl.Diagnostics {
	if base == 0 {
		diags = unclosed(diags, src)
	}
	for _, d := range diags {
		switch d.Summary {
		case "Argument definition required":
			explainLine(d, src, base)
			continue
		case "Missing item separator", "Extra characters after expression", "Missing newline after argument":
		default:
			continue
		}
		from, to := d.Subject.Start.Byte-base, d.Subject.End.Byte-base
		if from < 0 || from > to || to > len(src) {
			continue
		}
		switch word := string(src[from:to]); word {
		case "=":
			d.Detail = "To compare, write == (two equals signs)."
		case "and":
			d.Detail = `Write && for "and".`
		case "or":
			d.Detail = `Write || for "or".`
		case "in":
			d.Detail = "To look for a value in a list, write contains(list, value)."
		case "ms", "s", "m", "h", "d":
			d.Detail = "A duration stands in quotes, such as \"10" + word + "\"."
		case "KiB", "MiB", "GiB":
			d.Detail = "A size stands in quotes, such as \"64" + word + "\"."
		case "}":
			d.Detail += " If the list ends here, its closing bracket ] is missing."
		}
	}
	return diags
}

// explainLine says of a block in a block of one line where it has to stand.
func explainLine(d *hcl.Diagnostic, src []byte, base int) {
	from, to := d.Subject.Start.Byte-base, d.Subject.End.Byte-base
	if from < 0 || from > to || to > len(src) {
		return
	}
	if text := string(src[from:to]); strings.HasSuffix(text, "{") || strings.HasSuffix(text, `"`) {
		name, _, _ := strings.Cut(text, " ")
		d.Summary = "Block in a block of one line"
		d.Detail = fmt.Sprintf("One line holds a single argument: write the block %s on lines of its own.", strings.TrimRight(name, `{"`))
	}
}

// unclosed makes the first mistake that tells of a string which goes on at the
// end of its line point at the string, and drops what follows from it.
func unclosed(diags hcl.Diagnostics, src []byte) hcl.Diagnostics {
	first := slices.IndexFunc(diags, func(d *hcl.Diagnostic) bool { return d.Summary == "Invalid multi-line string" })
	if first < 0 {
		return diags
	}
	tokens, _ := hclsyntax.LexConfig(src, diags[first].Subject.Filename, hcl.InitialPos)
	var open []hcl.Pos // of the strings around a token
	for _, token := range tokens {
		switch {
		case token.Type == hclsyntax.TokenOQuote:
			open = append(open, token.Range.Start)
		case len(open) == 0:
		case token.Type == hclsyntax.TokenCQuote:
			open = open[:len(open)-1]
		case token.Range == *diags[first].Subject:
			start := open[len(open)-1]
			d := *diags[first]
			d.Summary, d.Detail = "Unterminated string", "Its closing quote is missing on this line. A text of several lines stands between <<EOT and EOT."
			d.Subject = &hcl.Range{Filename: token.Range.Filename, Start: start, End: token.Range.Start}
			others := slices.DeleteFunc(slices.Clone(diags), func(d *hcl.Diagnostic) bool {
				return d.Subject == nil || d.Subject.Start.Byte >= start.Byte
			})
			return append(others, &d)
		}
	}
	return diags
}

// overlaps reports whether two places share a byte, or one is empty and
// touches the other.
func overlaps(a, b hcl.Range) bool {
	return a.Filename == b.Filename && a.Start.Byte <= b.End.Byte && b.Start.Byte <= a.End.Byte &&
		(a.End.Byte != b.Start.Byte || a.Empty()) && (b.End.Byte != a.Start.Byte || b.Empty())
}

// merge appends the mistakes of more that are not told yet: of two at one
// place, the first is kept.
func merge(diags, more hcl.Diagnostics) hcl.Diagnostics {
	told := len(diags)
	for _, d := range more {
		known := false
		for _, have := range diags {
			same := have.Subject != nil && d.Subject != nil
			if same && have.Severity == d.Severity && *have.Subject == *d.Subject && have.Summary == d.Summary {
				known = true
			}
		}
		for _, have := range diags[:told] {
			if have.Severity == hcl.DiagError && have.Subject != nil && d.Subject != nil && overlaps(*have.Subject, *d.Subject) {
				known = true
			}
		}
		if !known {
			diags = append(diags, d)
		}
	}
	return diags
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// grouped writes a count as people read it: 5,123.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// conceal takes out of hcl's mistakes what they know of values: the context
// for writers that print variables, and every secret in their texts. Where
// they point at the beginning of an expression alone, they get all of it.
func conceal(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		if strings.Contains(d.Detail, libraryPanic) {
			d.Detail = called(d, "This") + " cannot be computed of these values."
		}
		if d.Expression != nil && d.EvalContext != nil {
			concealOne(d)
		}
		if d.Expression != nil && d.Subject != nil && *d.Subject == d.Expression.StartRange() {
			d.Subject = d.Expression.Range().Ptr()
		}
		d.Expression, d.EvalContext, d.Extra = nil, nil, nil
	}
	return diags
}

func concealOne(d *hcl.Diagnostic) {
	var secret bool
	for _, trav := range d.Expression.Variables() {
		v, diags := trav.TraverseAbs(d.EvalContext)
		if !diags.HasErrors() && IsSensitive(v) {
			secret = true
		}
	}
	_, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	name := called(d, "a function")
	if ok && strings.HasPrefix(d.Detail, `Invalid value for "`) { // of which of the calls in this line?
		d.Detail = strings.Replace(d.Detail, `" parameter: `, `" parameter of `+name+`: `, 1)
	}
	if secret {
		d.Detail = fmt.Sprintf("What went wrong in %s is not shown: a secret is involved.", name)
		if !ok {
			d.Detail = "The value is not shown: a secret is involved."
		}
	}
}

// libraryPanic is in the text of a function's or an operator's failure that is
// a mistake of the library, which goes on with its stack.
const libraryPanic = "panic in function implementation: "

// called is the function that a mistake is about, or another word for it.
func called(d *hcl.Diagnostic, otherwise string) string {
	if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok {
		return call.CalledFunctionName() + "()"
	}
	return otherwise
}

// wrongType says what is wanted and what is there.
func wrongType(got, want cty.Type, err error) string {
	if got == want || want == cty.DynamicPseudoType {
		return sentence(err.Error())
	}
	what := "This"
	switch {
	case got.IsObjectType() && want.IsMapType():
		for _, name := range slices.Sorted(maps.Keys(got.AttributeTypes())) {
			if t := got.AttributeType(name); !converts(t, want.ElementType()) {
				what, got, want = strconv.Quote(name), t, want.ElementType()
				break
			}
		}
	case got.IsTupleType() && (want.IsListType() || want.IsSetType()):
		for i, t := range got.TupleElementTypes() {
			if !converts(t, want.ElementType()) {
				what, got, want = fmt.Sprintf("Element [%d]", i), t, want.ElementType()
				break
			}
		}
	}
	return fmt.Sprintf("%s must be %s, not %s.", what, typeName(want), typeName(got))
}

func converts(got, want cty.Type) bool {
	return got.Equals(want) || convert.GetConversionUnsafe(got, want) != nil
}
