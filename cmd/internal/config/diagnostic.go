package config

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"watchword/checks"
)

// Severities of a [Diagnostic].
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// maxWritten is how many diagnostics WriteText shows before it counts the rest.
const maxWritten = 100

// A Diagnostic is one mistake, or one warning, at its place.
type Diagnostic struct {
	Severity string `json:"severity"` // SeverityError or SeverityWarning
	Summary  string `json:"summary"`
	Detail   string `json:"detail"` // what would be right; may be empty
	File     string `json:"file"`   // as the user can open it; empty for the command line
	Line     int    `json:"line"`   // from 1; 0 without a file
	Column   int    `json:"column"` // from 1, in characters

	snippet snippet
}

// String is the one-line form: `orders.hcl:12: Unknown attribute; There is no …`.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.File != "" {
		fmt.Fprintf(&b, "%s:%d: ", d.File, d.Line)
	}
	b.WriteString(d.Summary)
	if d.Detail != "" {
		b.WriteString("; " + d.Detail)
	}
	return b.String()
}

// Diagnostics are mistakes and warnings in order of file and line.
type Diagnostics []Diagnostic

// Errors counts the diagnostics that are more than warnings.
func (d Diagnostics) Errors() int {
	n := 0
	for i := range d {
		if d[i].Severity == SeverityError {
			n++
		}
	}
	return n
}

// HasErrors reports whether any of d is more than a warning.
func (d Diagnostics) HasErrors() bool { return d.Errors() > 0 }

// WriteText writes d for people, each with its source line and carets below
// the culprit, in the form that Terraform users know. Details are wrapped and
// source lines cut at width columns; with 0 details are not wrapped. With
// color the severity and the culprit stand out. After 100 it counts the rest;
// mistakes go before warnings then.
func (d Diagnostics) WriteText(w io.Writer, width int, color bool) error {
	shown := d.first(maxWritten)
	for i := range shown {
		if _, err := io.WriteString(w, shown[i].text(width, color)); err != nil {
			return fmt.Errorf("writing diagnostics: %w", err)
		}
	}
	left := len(d) - len(shown)
	if left == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "And %s.\n", countOf(d.Errors()-shown.Errors(), left)); err != nil {
		return fmt.Errorf("writing diagnostics: %w", err)
	}
	return nil
}

// WriteJSON writes the object that `watchword validate -o json` prints.
func (d Diagnostics) WriteJSON(w io.Writer) error {
	list := d
	if list == nil {
		list = Diagnostics{}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(struct {
		Valid       bool        `json:"valid"`
		Diagnostics Diagnostics `json:"diagnostics"`
	}{!d.HasErrors(), list})
	if err != nil {
		return fmt.Errorf("writing diagnostics: %w", err)
	}
	return nil
}

// first returns at most n diagnostics in their order, mistakes preferred.
func (d Diagnostics) first(n int) Diagnostics {
	if len(d) <= n {
		return d
	}
	warnings := max(0, n-d.Errors())
	shown := make(Diagnostics, 0, n)
	for _, one := range d {
		if one.Severity != SeverityError {
			if warnings == 0 {
				continue
			}
			warnings--
		}
		if len(shown) == n {
			break
		}
		shown = append(shown, one)
	}
	return shown
}

// countOf says "3 more mistakes and 2 more warnings".
func countOf(errors, all int) string {
	var parts []string
	if errors > 0 {
		parts = append(parts, plural(errors, "more mistake"))
	}
	if all > errors {
		parts = append(parts, plural(all-errors, "more warning"))
	}
	return strings.Join(parts, " and ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// text is one diagnostic as people read it, ending with an empty line.
func (d Diagnostic) text(width int, color bool) string {
	var b strings.Builder
	heading, tint := "Error", "\x1b[31m"
	if d.Severity == SeverityWarning {
		heading, tint = "Warning", "\x1b[33m"
	}
	if color {
		heading = tint + heading + "\x1b[0m"
	} else {
		tint = ""
	}
	fmt.Fprintf(&b, "%s: %s\n\n", heading, checks.Visible(d.Summary, "\n\t"))
	if d.File != "" {
		b.WriteString("  on " + checks.Visible(d.File, ""))
		if len(d.snippet.lines) > 0 || d.Line > 1 {
			fmt.Fprintf(&b, " line %d", d.Line)
		}
		if d.snippet.inside != "" {
			b.WriteString(", in " + checks.Visible(d.snippet.inside, ""))
		}
		b.WriteString(":\n")
		d.snippet.write(&b, width, tint)
	}
	if d.Detail != "" {
		detail := checks.Visible(d.Detail, "\n\t")
		if width > 0 {
			detail = wrap(detail, width)
		}
		fmt.Fprintf(&b, "%s\n\n", detail)
	}
	return b.String()
}

// wrap breaks the lines of s at spaces, at width columns where it can.
func wrap(s string, width int) string {
	var b strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		column := 0
		for j, word := range strings.Split(line, " ") {
			n := columns(word)
			switch {
			case j == 0:
			case column+1+n > width:
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += n
		}
	}
	return b.String()
}

// An Error is a configuration that cannot be used.
type Error struct {
	Diagnostics Diagnostics // at least one mistake, and all warnings
}

// Error tells the first mistake and counts the others.
func (e *Error) Error() string {
	n := e.Diagnostics.Errors()
	for _, d := range e.Diagnostics {
		if d.Severity != SeverityError {
			continue
		}
		if n == 1 {
			return d.String()
		}
		return fmt.Sprintf("%s (and %s)", d.String(), plural(n-1, "more mistake"))
	}
	return "the configuration cannot be used"
}
