package lang

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// failure is the cause of the condition's failed evaluation: what a function
// that extracts says, or else the same as [failure].
func (c *compiled) failure(diags hcl.Diagnostics, t *taken) error {
	cause := ""
	if i := slices.IndexFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError }); i >= 0 {
		cause = c.queryFailure(diags[i])
	}
	err := failure(diags, c.names, t)
	if e, ok := errors.AsType[*evaluationError](err); ok && cause != "" && strings.Contains(e.text, cause) { // not concealed
		return errors.New(cause)
	}
	return err
}

// failure finds the cause of a failed evaluation: a value that is missing, or
// what hcl says.
func failure(diags hcl.Diagnostics, names []binding, t *taken) error {
	var first *hcl.Diagnostic
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		if first == nil {
			first = d
		}
		for i, err := range t.errs {
			if err == nil || d.Subject == nil {
				continue
			}
			around := *d.Subject
			if d.Context != nil {
				around = *d.Context
			}
			if overlaps(around, names[i].at) {
				return err
			}
		}
	}
	return &evaluationError{phrase(conceal(hcl.Diagnostics{first})[0].Detail)}
}

// An evaluationError is what hcl says of an expression that cannot be
// evaluated with these values.
type evaluationError struct{ text string }

func (e *evaluationError) Error() string { return e.text }

// queryFailure is what a function that extracts says of its failure: it names
// the expression, and the whole value beside it would not help. It is empty
// for other failures.
func (c *compiled) queryFailure(d *hcl.Diagnostic) string {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d)
	if !ok || call.FunctionCallError() == nil {
		return ""
	}
	for _, told := range c.told {
		if told.call.Name == call.CalledFunctionName() {
			return call.FunctionCallError().Error()
		}
	}
	return ""
}
