package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// Each archive in testdata/edits is a configuration, an edit in the first line
// of its comment, and as its last file, want, the files that change, whole, or
// the refusal. What the edit makes must be a valid configuration, and an edit
// that is refused changes nothing.
func TestEdits(t *testing.T) {
	golden(t, "testdata/edits/*.txtar", func(t *testing.T, archive *txtar.Archive) string {
		t.Helper()
		dir, path, opts := unpack(t, archive)
		opts.Validate = false // there are no certificates
		line, _, _ := strings.Cut(string(archive.Comment), "\n")
		before := contents(t, dir)
		e, err := edit(t, path, opts, strings.Fields(line))
		if err == nil {
			if _, err = e.Check(t.Context()); err == nil {
				err = e.Commit()
			}
		}
		after := contents(t, dir)
		var got strings.Builder
		if err != nil {
			got.WriteString("error: " + err.Error() + "\n")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("a refused edit changed files:\n%s", diff)
			}
		} else {
			for _, c := range e.Changes() {
				got.WriteString("==> " + c.File + "\n" + after[c.File])
			}
		}
		return strings.ReplaceAll(got.String(), dir, "DIR")
	})
}

// edit does what a line of words says.
func edit(t *testing.T, path string, o Options, words []string) (*Edit, error) {
	t.Helper()
	e, err := OpenEdit(t.Context(), path, o)
	if err != nil {
		return nil, err
	}
	switch words[0] {
	case "rename":
		_, err = e.RenameCertificate(words[1], words[2])
	case "primary":
		_, err = e.SetPrimary(words[1])
	case "remove":
		_, err = e.RemoveCertificate(words[1])
	case "add":
		var file string
		c := NewCertificate{
			Name: words[1], PEM: "certs/" + words[1] + ".pem", Added: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
		}
		for _, word := range words[2:] {
			if word == "primary" {
				c.Primary = true
			} else {
				c.Hosts = append(c.Hosts, word)
			}
		}
		if file, err = e.CertificateFile(""); err == nil {
			err = e.AddCertificate(file, c)
		}
	default:
		t.Fatalf("unknown edit %q", words)
	}
	return e, err
}

// contents are all files below dir by their relative names, temporary ones
// included.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return err // a link to a folder
		}
		src, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = string(src)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
