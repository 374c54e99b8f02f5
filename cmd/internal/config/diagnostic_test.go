package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteJSON(t *testing.T) {
	dir := write(t, "a.hcl", "settings {\n  listn = 1\n}\n")
	_, err := Load(t.Context(), dir, Options{})
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := e.Diagnostics.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"valid": false, "diagnostics": []any{map[string]any{
		"severity": "error", "summary": "Unknown attribute",
		"detail": `There is no attribute "listn" in settings. Did you mean "listen"?`,
		"file":   filepath.Join(dir, "a.hcl"), "line": 2.0, "column": 3.0,
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	b.Reset()
	if err := Diagnostics(nil).WriteJSON(&b); err != nil || strings.Join(strings.Fields(b.String()), "") != `{"valid":true,"diagnostics":[]}` {
		t.Errorf("nothing wrong: %s (%v)", b.String(), err)
	}
}

func TestColour(t *testing.T) {
	_, err := Load(t.Context(), write(t, "a.hcl", "settings {\n  listn = 1\n}\n"), Options{})
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatal(err)
	}
	var plain, coloured strings.Builder
	_ = e.Diagnostics.WriteText(&plain, 0, false)
	_ = e.Diagnostics.WriteText(&coloured, 0, true)
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("colour where none was asked for")
	}
	if !strings.Contains(coloured.String(), "\x1b[31mError\x1b[0m") || !strings.Contains(coloured.String(), "\x1b[1mlistn\x1b[0m") ||
		!strings.Contains(coloured.String(), "\n        \x1b[31m^^^^^\x1b[0m\n") {
		t.Errorf("no colour: %q", coloured.String())
	}
}

// Warnings give way to mistakes where not all can be shown.
func TestMistakesBeforeWarnings(t *testing.T) {
	var d Diagnostics
	for range 300 {
		d = append(d, Diagnostic{Severity: SeverityWarning, Summary: "w"})
	}
	for range 60 {
		d = append(d, Diagnostic{Severity: SeverityError, Summary: "e"})
	}
	var b strings.Builder
	if err := d.WriteText(&b, 0, false); err != nil {
		t.Fatal(err)
	}
	if e, w := strings.Count(b.String(), "Error: e"), strings.Count(b.String(), "Warning: w"); e != 60 || w != 40 {
		t.Errorf("%d mistakes and %d warnings shown, want 60 and 40", e, w)
	}
	if !strings.HasSuffix(b.String(), "And 260 more warnings.\n") {
		t.Errorf("ends with %q", b.String()[len(b.String())-40:])
	}
}
