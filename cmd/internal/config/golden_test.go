package config

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each archive in testdata/mistakes is a configuration with one kind of
// mistake, and as its last file, want, all that is said of it. Lines of its
// comment such as "env A=B", "var a=b", "var-file name", "age-identity name",
// "offline" and "daemon" are options, those of a [maker] make certificate
// files; a file that begins with "outside/" is no part of the configuration.
func TestMistakes(t *testing.T) {
	golden(t, "testdata/mistakes/*.txtar", func(t *testing.T, archive *txtar.Archive) string {
		t.Helper()
		dir, path, opts := unpack(t, archive)
		return strings.ReplaceAll(said(t, path, opts), dir, "DIR")
	})
}

// golden compares what say makes of each archive with its file want, which
// -update writes anew.
func golden(t *testing.T, pattern string, say func(*testing.T, *txtar.Archive) string) {
	t.Helper()
	archives, err := filepath.Glob(pattern)
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := say(t, archive)
			if *update {
				setWant(archive, got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(wanted(archive), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// said loads path and returns its diagnostics as text.
func said(t *testing.T, path string, opts Options) string {
	t.Helper()
	var diags Diagnostics
	c, err := Load(t.Context(), path, opts)
	var mistakes *Error
	switch {
	case errors.As(err, &mistakes):
		diags = mistakes.Diagnostics
		if !diags.HasErrors() {
			t.Error("an Error without mistakes")
		}
	case err != nil:
		t.Fatal(err)
	default:
		diags = c.Warnings
		if diags.HasErrors() {
			t.Error("mistakes among the warnings")
		}
	}
	var b bytes.Buffer
	if err := diags.WriteText(&b, 0, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unpack writes the archive's files into a new folder, and makes options of
// its comment.
func unpack(t *testing.T, archive *txtar.Archive) (dir, path string, o Options) {
	t.Helper()
	dir = t.TempDir()
	path = "conf"
	if err := os.Mkdir(filepath.Join(dir, path), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		to := filepath.Join(dir, path, f.Name)
		if rest, ok := strings.CutPrefix(f.Name, "outside/"); ok {
			to = filepath.Join(dir, rest)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o = Options{Validate: true, Vars: map[string]string{}, WorkDir: dir}
	env := map[string]string{}
	m := &maker{T: t, dir: filepath.Join(dir, path)}
	for line := range strings.Lines(string(archive.Comment)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		key, value, _ := strings.Cut(rest, "=")
		switch word {
		case "make":
			name, kind, _ := strings.Cut(rest, " ")
			m.make(name, kind)
		case "share":
			m.share(rest)
		case "openssl":
			m.openssl(rest)
		case "env":
			env[key] = value
		case "var":
			o.Vars[key] = value
		case "age-identity":
			o.AgeIdentities = append(o.AgeIdentities, rest)
		case "var-file":
			o.VarFiles = append(o.VarFiles, rest)
		case "offline":
			o.Offline = true
		case "daemon":
			o.Validate = false
		}
	}
	o.Environ = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	return dir, path, o
}

func wanted(archive *txtar.Archive) string {
	for _, f := range archive.Files {
		if f.Name == "want" {
			return string(f.Data)
		}
	}
	return ""
}

func setWant(archive *txtar.Archive, text string) {
	for i := range archive.Files {
		if archive.Files[i].Name == "want" {
			archive.Files[i].Data = []byte(text)
			return
		}
	}
	archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(text)})
}
