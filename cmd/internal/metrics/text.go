package metrics

import (
	"io"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// textBuffer is how many bytes are collected before they are written.
const textBuffer = 64 << 10

// A textSink writes families in the text format, version 0.0.4, byte for byte
// as [expfmt.MetricFamilyToText] does: see
// https://prometheus.io/docs/instrumenting/exposition_formats/. The labels of
// a check, rendered at load, are copied as they are, which takes a seventh of
// the time that encoding them anew does.
type textSink struct {
	out    io.Writer
	buf    []byte
	err    error
	family *family
	begun  bool // the family's comments have been written
}

// begin starts a family. One without series leaves no trace.
func (t *textSink) begin(f *family) { t.family, t.begun = f, false }

// flush writes what has been collected if it is at least this much. After an
// error it drops everything; the first error is returned each time.
func (t *textSink) flush(atLeast int) error {
	if len(t.buf) < atLeast {
		return t.err
	}
	if t.err == nil {
		_, t.err = t.out.Write(t.buf)
	}
	t.buf = t.buf[:0]
	return t.err
}

// sample adds a line: the family's name with a suffix, labels and a value.
func (t *textSink) sample(suffix string, v float64, sets []labels) {
	t.head(suffix)
	for i, set := range sets {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		t.buf = append(append(t.buf, separator), set...)
	}
	t.tail("", v)
}

// histogram adds the lines of h.
func (t *textSink) histogram(h *histogram, set labels) {
	var total uint64
	for i, n := range h.counts {
		total += n
		t.head("_bucket")
		t.buf = append(append(append(t.buf, '{'), set...), ',')
		t.tail(h.buckets.labels[i], float64(total))
	}
	sets := [1]labels{set}
	t.sample("_sum", h.sum, sets[:])
	t.sample("_count", float64(total), sets[:])
}

// head begins a line with the family's name and a suffix.
func (t *textSink) head(suffix string) {
	if !t.begun {
		t.begun = true
		t.comments()
	}
	t.buf = append(append(t.buf, t.family.name...), suffix...)
}

// tail ends a line with the last label and a value.
func (t *textSink) tail(label string, v float64) {
	t.buf = append(append(t.buf, label...), "} "...)
	t.buf = append(appendValue(t.buf, v), '\n')
}

// comments adds the lines that begin a family.
func (t *textSink) comments() {
	t.buf = append(append(append(t.buf, "# HELP "...), t.family.name...), ' ')
	t.buf = append(append(t.buf, escapeHelp(t.family.help)...), "\n# TYPE "...)
	t.buf = append(append(append(t.buf, t.family.name...), ' '), kindWord(t.family.kind)...)
	t.buf = append(t.buf, '\n')
}

// kindWord is what the text format calls a type.
func kindWord(kind dto.MetricType) string { return strings.ToLower(kind.String()) }

// appendValue appends v as Prometheus writes numbers: the shortest decimal
// that is v, with an exponent from a million on.
func appendValue(b []byte, v float64) []byte {
	if n := int64(v); n >= 0 && n < 1e6 && float64(n) == v {
		return strconv.AppendInt(b, n, 10)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// escapeLabel escapes a label's value.
func escapeLabel(s string) string {
	if !strings.ContainsAny(s, "\\\n\"") {
		return s // without a replacer, which takes some time to make
	}
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(s)
}

// escapeHelp escapes the description of a family.
func escapeHelp(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(s)
}
