package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestMistakesInOrder loads checks that are prepared on all cores, with
// mistakes in all parts of them, and wants the same in the same order each
// time, and an inherited one once.
func TestMistakesInOrder(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	var want []string
	line := 1
	add := func(lines, summary string, at int) {
		if summary != "" {
			want = append(want, fmt.Sprintf("%d: %s", line+at, summary))
		}
		text.WriteString(lines)
		line += strings.Count(lines, "\n")
	}
	add("defaults {\n  schedule = \"@every 1m\"\n  timeout = \"soon\"\n}\n", "Invalid timeout", 2)
	for i := range 3 * batch / 2 {
		body, summary, at := `request { url = "https://a.example/" }`, "", 1
		switch i % 5 {
		case 1:
			body, summary = `request { url = "a.example" }`, "Invalid URL"
		case 2:
			body, summary = "labels = { severity = \"high\" }\n  "+body, "Invalid label"
		case 3:
			body, summary, at = body+"\n  expect = [stauts == 200]", "Unknown name", 2
		case 4:
			body, summary = "step \"a\" {\n    request { url = local.no }\n  }", "Unknown name"
			at = 2
		}
		add(fmt.Sprintf("check \"c%d\" {\n  %s\n}\n", i, body), summary, at)
	}
	path := write(t, "a.hcl", text.String())
	for range 3 {
		_, err := Load(context.Background(), path, Options{})
		mistakes, ok := errors.AsType[*Error](err)
		if !ok {
			t.Fatal(err)
		}
		var got []string
		for _, d := range mistakes.Diagnostics {
			got = append(got, fmt.Sprintf("%d: %s", d.Line, d.Summary))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d mistakes, want %d\ngot  %q\nwant %q", len(got), len(want), got[:min(8, len(got))], want[:8])
		}
	}
}
