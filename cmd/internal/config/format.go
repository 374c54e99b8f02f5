package config

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"watchword/cmd/internal/lang"
)

// Format lays out the native-syntax source src as `watchword fmt` does:
// indentation, spaces and aligned equals signs. Comments stay, and what is
// laid out already comes back as it is. An error is a [*Error] that says why
// src does not parse; filename stands in it.
func Format(filename string, src []byte) ([]byte, error) {
	r := newReport()
	f := &file{name: filename, shown: filename, src: src}
	r.files[filename] = f
	parsed, diags := lang.Parse(filename, src)
	f.parsed = parsed
	if r.add(lang.ExplainSyntax(diags, src, 0)); r.errors > 0 {
		return nil, &Error{Diagnostics: r.diagnostics(nil)}
	}
	out := src
	for range 4 { // once is enough but for odd uses of spaces
		if len(out) > 0 && out[len(out)-1] != '\n' {
			out = append(slices.Clip(out), '\n')
		}
		again := hclwrite.Format(out)
		if bytes.Equal(again, out) {
			break
		}
		out = again
	}
	return out, nil
}
