package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"watchword/cmd/internal/cputime"
)

// FuzzLoad loads any bytes as the only file of a configuration: it never
// panics, and takes no longer than [cputime.Slowest]. It is loaded offline, so that no
// command in it runs.
func FuzzLoad(f *testing.F) {
	archives, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name != "want" {
				f.Add(file.Data, strings.HasSuffix(file.Name, ".json"))
			}
		}
	}
	whole, err := filepath.Glob("../../../examples/*/*.hcl")
	if err != nil || len(whole) == 0 {
		f.Fatalf("no examples: %v", err)
	}
	for _, name := range append(whole, "testdata/page.hcl") {
		src, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, false)
	}
	f.Fuzz(func(t *testing.T, src []byte, json bool) {
		name := "a.hcl"
		if json {
			name = "a.hcl.json"
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, src, 0o600); err != nil {
			t.Fatal(err)
		}
		var c *Config
		var err error
		took := cputime.Of(func() { c, err = Load(t.Context(), path, Options{Validate: true, Offline: true}) })
		if cputime.Fuzzing() && took > cputime.Slowest {
			t.Errorf("took %s", took)
		}
		var e *Error
		switch {
		case err == nil:
			for _, m := range c.Monitors {
				if m.Schedule == nil || len(m.Check.Steps) == 0 || len(m.StepHosts) != len(m.Check.Steps) {
					t.Errorf("incomplete monitor %q", m.Check.Name)
				}
				for _, s := range m.Check.Steps {
					if s.Request.Template == nil {
						t.Errorf("incomplete step %q of %q", s.Name, m.Check.Name)
					}
				}
			}
		case !errors.As(err, &e):
			t.Errorf("error %T: %v", err, err)
		case !e.Diagnostics.HasErrors():
			t.Error("an Error without mistakes")
		default:
			var b strings.Builder
			if err := e.Diagnostics.WriteText(&b, 80, true); err != nil {
				t.Error(err)
			}
		}
		if !json {
			formatAgain(t, src)
		}
	})
}

// formatAgain checks that formatting what is formatted changes nothing.
func formatAgain(t *testing.T, src []byte) {
	t.Helper()
	once, err := Format("a.hcl", src)
	if err != nil {
		return
	}
	twice, err := Format("a.hcl", once)
	if err != nil || string(twice) != string(once) {
		t.Errorf("formatting %q gives %q, then %q (%v)", src, once, twice, err)
	}
}
