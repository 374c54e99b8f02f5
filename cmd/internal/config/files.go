package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"

	"watchword/cmd/internal/lang"
)

const (
	maxTotal = 64 << 20 // of all files
	maxFiles = 10_000
	maxDepth = 32 // of folders
)

// A file is one HCL file of the configuration.
type file struct {
	name   string // slash-separated, relative to the configuration's folder; what HCL ranges carry
	shown  string // as the user can open it
	path   string // absolute
	order  int    // position in which it is read
	src    []byte
	given  []byte // what is read instead of the file; nil reads it
	parsed *hcl.File
	starts []int       // offsets of lines; see lineStarts
	masked []hcl.Range // what no diagnostic shows, in order, none over another
}

// dir is where relative paths in the file start.
func (f *file) dir() string { return filepath.Dir(f.path) }

// json reports whether the file is in JSON syntax.
func (f *file) json() bool { return strings.HasSuffix(f.name, ".json") }

// parse fills in f.parsed, after checking that the parser survives the file.
func (f *file) parse() hcl.Diagnostics {
	var diags hcl.Diagnostics
	if !f.json() {
		f.parsed, diags = lang.Parse(f.name, f.src)
		return lang.ExplainSyntax(diags, f.src, 0)
	}
	if diags = lang.Guard(f.name, f.src); !diags.HasErrors() {
		f.parsed, diags = hcljson.Parse(f.src, f.name)
	}
	return diags
}

// A tree is the files that make up a configuration, unread.
type tree struct {
	root  string // as given
	files []*file
	dirs  []string // absolute, every folder that was looked into
}

// Find lists the HCL files of the configuration at path, native and JSON, in
// the order in which [Load] reads them. Each begins with path. An error is a
// [*Error].
func Find(path string) ([]string, error) {
	t, err := find(path, "")
	if err != nil {
		return nil, nothingAt(err)
	}
	names := make([]string, len(t.files))
	for i, f := range t.files {
		names[i] = f.shown
	}
	return names, nil
}

// nothingAt is the mistake that there is no configuration.
func nothingAt(err error) error {
	r := newReport()
	r.errorf(hcl.Range{}, "No configuration", "%s.", capital(err.Error()))
	return &Error{Diagnostics: r.diagnostics(nil)}
}

// find lists the files below path, or path itself if it is a file.
func find(path, workDir string) (*tree, error) {
	abs, err := absolute(path, workDir)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is nothing at %s", path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	t := &tree{root: path}
	if !info.IsDir() {
		t.files = []*file{{name: filepath.Base(abs), shown: path, path: abs}}
		t.dirs = []string{filepath.Dir(abs)}
		return t, nil
	}
	if err := t.walk(abs, "", map[string]bool{}); err != nil {
		return nil, err
	}
	if len(t.files) == 0 {
		where := path
		if path == "." {
			where = "this folder: name the configuration with -c PATH"
		}
		return nil, fmt.Errorf("there is no *.hcl or *.hcl.json file in %s", where)
	}
	slices.SortFunc(t.files, func(a, b *file) int { return strings.Compare(a.name, b.name) })
	for i, f := range t.files {
		f.order = i
	}
	return t, nil
}

// walk adds the files of the folder dir, whose path below the root is rel.
// Links to folders are followed, each folder once.
func (t *tree) walk(dir, rel string, seen map[string]bool) error {
	identity, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if seen[identity] {
		return nil
	}
	seen[identity] = true
	if strings.Count(rel, "/") > maxDepth {
		return fmt.Errorf("reading the configuration: folders are nested more than %d deep at %s", maxDepth, rel)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	t.dirs = append(t.dirs, dir)
	for _, entry := range entries {
		if err := t.enter(dir, rel, entry, seen); err != nil {
			return err
		}
	}
	return nil
}

// enter adds one entry of the folder dir, if it belongs to the configuration.
func (t *tree) enter(dir, rel string, entry fs.DirEntry, seen map[string]bool) error {
	name := entry.Name()
	if strings.HasPrefix(name, ".") {
		return nil
	}
	path, below := filepath.Join(dir, name), name
	if rel != "" {
		below = rel + "/" + name
	}
	folder := entry.IsDir()
	if entry.Type()&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		folder = err == nil && info.IsDir()
	}
	switch {
	case folder:
		return t.walk(path, below, seen)
	case !strings.HasSuffix(name, ".hcl") && !strings.HasSuffix(name, ".hcl.json"):
		return nil
	case len(t.files) == maxFiles:
		return fmt.Errorf("reading the configuration: more than %d files in %s", maxFiles, t.root)
	}
	t.files = append(t.files, &file{
		name:  below,
		shown: filepath.Join(t.root, filepath.FromSlash(below)),
		path:  path,
	})
	return nil
}

// read fills in the contents of every file; one that cannot be read is
// reported and left empty.
func (t *tree) read(ctx context.Context, r *report) error {
	total := 0
	for _, f := range t.files {
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("reading the configuration: %w", err)
		}
		r.files[f.name] = f
		src, err := f.read()
		if err != nil {
			r.errorf(startOf(f.name), "File cannot be read", "%s: %s.", f.path, err)
			continue
		}
		f.src = src
		if total += len(src); total > maxTotal {
			r.errorf(startOf(f.name), "Configuration too large", "All files together hold more than %s.", formatSize(maxTotal))
			return nil
		}
	}
	return nil
}

// read is the content of the file.
func (f *file) read() ([]byte, error) {
	if f.given != nil {
		return f.given, nil
	}
	return lang.ReadFile(f.path, lang.MaxFile)
}

// absolute makes path absolute from workDir, or from the process's own
// working directory if that is empty.
func absolute(path, workDir string) (string, error) {
	if !filepath.IsAbs(path) && workDir != "" {
		path = filepath.Join(workDir, path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	return abs, nil
}

// startOf is the first position of a file.
func startOf(name string) hcl.Range {
	return hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}
