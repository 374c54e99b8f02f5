package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/checks"
)

// maxFound bounds how many mistakes are kept, and how many warnings. With so
// many mistakes, loading ends.
const maxFound = 1000

// A report collects the mistakes of a load. The same mistake at the same
// place, as an inherited block meets it once a check, is kept once.
type report struct {
	files    map[string]*file // by the name that HCL ranges carry
	seen     map[place]struct{}
	found    []*hcl.Diagnostic
	errors   int         // with those that were not kept
	warnings int         // with those that were not kept
	masked   []hcl.Range // what no diagnostic shows
}

// A place tells whether two diagnostics are the same.
type place struct {
	file       string
	start, end int
	summary    string
	detail     string
}

func newReport() *report {
	return &report{files: map[string]*file{}, seen: map[place]struct{}{}}
}

// add keeps diags.
func (r *report) add(diags hcl.Diagnostics) {
	for _, d := range diags {
		r.addOne(d)
	}
}

// another is an empty report on the same files, for what goes on at the same
// time.
func (r *report) another() *report {
	return &report{files: r.files, seen: map[place]struct{}{}}
}

// join adds what other found, as if it had been found only now.
func (r *report) join(other *report) {
	r.add(other.found)
	r.masked = append(r.masked, other.masked...)
	r.errors += max(0, other.errors-maxFound)
	r.warnings += max(0, other.warnings-maxFound)
}

// mask keeps what lies in rng out of all diagnostics.
func (r *report) mask(rng hcl.Range) { r.masked = append(r.masked, rng) }

// addOne keeps d.
func (r *report) addOne(d *hcl.Diagnostic) {
	r.point(d)
	key := place{summary: d.Summary, detail: d.Detail}
	if d.Subject != nil {
		key.file, key.start, key.end = d.Subject.Filename, d.Subject.Start.Byte, d.Subject.End.Byte
	}
	if _, again := r.seen[key]; again {
		return
	}
	count := &r.errors
	if d.Severity == hcl.DiagWarning {
		count = &r.warnings
	}
	if *count++; *count > maxFound {
		return
	}
	r.seen[key] = struct{}{}
	r.found = append(r.found, d)
}

// point makes d point at a name without the dot before it.
func (r *report) point(d *hcl.Diagnostic) {
	if d.Subject == nil {
		return
	}
	f, at := r.files[d.Subject.Filename], *d.Subject
	if f == nil || at.Start.Byte < 1 || at.End.Byte > len(f.src) || at.Start.Byte >= at.End.Byte || strings.IndexByte("\"\n", f.src[at.Start.Byte-1]) >= 0 {
		return // no source, or text of the user's
	}
	if name, dotted := strings.CutPrefix(string(f.src[at.Start.Byte:at.End.Byte]), "."); dotted && hclsyntax.ValidIdentifier(name) {
		at.Start.Byte++
		at.Start.Column++
		d.Subject = &at
	}
}

// full tells that there are so many mistakes that looking for more of them
// is of no use.
func (r *report) full() bool { return r.errors >= maxFound }

// errorf reports a mistake at rng; the zero range is the command line.
func (r *report) errorf(rng hcl.Range, summary, format string, args ...any) {
	r.addOne(diagnosed(hcl.DiagError, rng, summary, fmt.Sprintf(format, args...)))
}

// warnf reports a warning at rng.
func (r *report) warnf(rng hcl.Range, summary, format string, args ...any) {
	r.addOne(diagnosed(hcl.DiagWarning, rng, summary, fmt.Sprintf(format, args...)))
}

func diagnosed(severity hcl.DiagnosticSeverity, rng hcl.Range, summary, detail string) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: severity, Summary: summary, Detail: detail}
	if rng.Filename != "" {
		d.Subject = &rng
	}
	return d
}

// diagnostics are all findings in order of file and place, free of what
// redactor knows.
func (r *report) diagnostics(redactor *checks.Redactor) Diagnostics {
	r.hide()
	slices.SortStableFunc(r.found, r.compare)
	all := make(Diagnostics, 0, len(r.found)+1)
	shown := map[hcl.DiagnosticSeverity]int{}
	for _, d := range r.found {
		shown[d.Severity]++
		all = append(all, r.convert(d, redactor, shown[d.Severity] <= maxWritten))
	}
	switch {
	case r.full():
		all = append(all, Diagnostic{Severity: SeverityError, Summary: "Too many mistakes", Detail: fmt.Sprintf("After %d of them the rest was not looked for.", maxFound)})
	case r.warnings > maxFound:
		all = append(all, Diagnostic{Severity: SeverityWarning, Summary: "Too many warnings", Detail: fmt.Sprintf("There are %d more.", r.warnings-maxFound)})
	}
	return all
}

// hide tells the files what is masked in them.
func (r *report) hide() {
	slices.SortFunc(r.masked, func(a, b hcl.Range) int { return cmp.Compare(a.Start.Byte, b.Start.Byte) })
	for _, rng := range r.masked {
		f := r.files[rng.Filename]
		if f == nil {
			continue
		}
		if last := len(f.masked) - 1; last >= 0 && rng.Start.Byte < f.masked[last].End.Byte {
			f.masked[last].End.Byte = max(f.masked[last].End.Byte, rng.End.Byte)
			continue
		}
		f.masked = append(f.masked, rng)
	}
}

func (r *report) compare(a, b *hcl.Diagnostic) int {
	at := func(d *hcl.Diagnostic) (int, int) {
		if d.Subject == nil {
			return -1, 0
		}
		if src := r.files[d.Subject.Filename]; src != nil {
			return src.order, d.Subject.Start.Byte
		}
		return 0, d.Subject.Start.Byte
	}
	fileA, byteA := at(a)
	fileB, byteB := at(b)
	return cmp.Or(cmp.Compare(fileA, fileB), cmp.Compare(byteA, byteB))
}

// convert makes from independent of its file, with its source lines if they
// will be shown.
func (r *report) convert(from *hcl.Diagnostic, redactor *checks.Redactor, shown bool) Diagnostic {
	d := Diagnostic{
		Severity: SeverityError,
		Summary:  redactor.Redact(from.Summary),
		Detail:   redactor.Redact(from.Detail),
	}
	if from.Severity == hcl.DiagWarning {
		d.Severity = SeverityWarning
	}
	rng := from.Subject
	if rng == nil {
		return d
	}
	d.File, d.Line, d.Column = rng.Filename, rng.Start.Line, rng.Start.Column
	if src := r.files[rng.Filename]; src != nil {
		d.File = src.shown
		if !shown {
			return d
		}
		d.snippet = src.excerpt(*rng)
		for i := range d.snippet.lines {
			l := &d.snippet.lines[i]
			l.before, l.culprit, l.rest = redactor.Redact(l.before), redactor.Redact(l.culprit), redactor.Redact(l.rest)
		}
	}
	return d
}
