package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"watchword/cmd/internal/lang"
)

// bombs are files that cost as much as a file can that is within the limits:
// of size, or of a million words and signs.
func bombs() map[string]string {
	const size, items = lang.MaxFile - 1<<10, 240_000
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return map[string]string{
		"unknown-blocks.hcl":        strings.Repeat("a{}\n", items),
		"unknown-attributes.hcl":    "settings {\n" + numbered("a%d=1\n", items) + "}\n",
		"unknown-names.hcl":         "locals {\n" + numbered("a%d=x\n", items) + "}\n",
		"checks.hcl":                numbered("check \"c%d\" {}\n", items/2),
		"duplicates.hcl":            strings.Repeat("check \"c\" {}\n", items/2),
		"one-line.hcl":              "locals { a = \"" + strings.Repeat("x", size) + "\" }",
		"locals.hcl":                "locals {\n" + numbered("a%d=[local.a0]\n", items/2) + "}\n",
		"list.hcl":                  "locals {\n a = [" + strings.Repeat("1,", 2*items) + "]\n}\n",
		"expectations.hcl":          "defaults {\n expect = [" + strings.Repeat("true,", 2*items) + "]\n}\n",
		"labels.hcl":                "defaults {\n labels = {\n" + numbered("a%d=1\n", items) + "}\n}\n",
		"unknown-blocks.hcl.json":   "{" + numbered("\"a%d\":{},\n", items/2) + "\"z\":{}}",
		"list.hcl.json":             "{\"locals\":{\"a\":[" + strings.Repeat("1,", 2*items) + "1]}}",
		"duplicate-labels.hcl.json": "{\"check\":[" + strings.Repeat("{\"c\":{}},", items/4) + "{}]}",
	}
}

func BenchmarkBombs(b *testing.B) {
	for name, text := range bombs() {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_, err := Load(b.Context(), path, Options{Offline: true})
				if e, ok := errors.AsType[*Error](err); ok {
					var out strings.Builder
					_ = e.Diagnostics.WriteText(&out, 80, false)
				}
			}
		})
	}
}
