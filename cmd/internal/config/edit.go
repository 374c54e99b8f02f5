package config

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"watchword/checks"
)

// An Edit is a change to the files of a configuration that has not been made
// yet. Its methods change certificate blocks in memory: everything else in
// the files, comments and layout included, stays byte for byte. Only where a
// file was in the layout of [Format] is it laid out again.
//
//	e, err := config.OpenEdit(ctx, path, opts)
//	places, err := e.RenameCertificate("old", "new")
//	cfg, err := e.Check(ctx) // the configuration as it would be
//	err = e.Commit()
//
// The methods' errors are for people. After one of them the Edit is of no use.
type Edit struct {
	opts  Options
	tree  *tree
	files []*edited // in the order of the tree
	order []*edited // that have been changed, in the order of the changes

	// between is what a file holds while others are replaced, where that
	// keeps the configuration valid.
	between map[*edited][]byte

	replace replacer
}

// An edited file is one whose src may differ from what is on disk.
type edited struct {
	*file
	before []byte // nil: it does not exist
}

// A Change is what an [Edit] does to one file.
type Change struct {
	File          string // as the user can open it
	Before, After []byte // nil Before: the file is new
}

// OpenEdit reads and parses the files of the configuration at path. It need
// not be valid in any other way; see [Edit.Check]. An error is a [*Error], or
// ctx's own.
func OpenEdit(ctx context.Context, path string, o Options) (*Edit, error) {
	t, err := find(path, o.WorkDir)
	if err != nil {
		return nil, nothingAt(err)
	}
	r := newReport()
	if err := t.read(ctx, r); err != nil {
		return nil, err
	}
	e := &Edit{opts: o, tree: t, between: map[*edited][]byte{}}
	for _, f := range t.files {
		r.add(f.parse())
		e.files = append(e.files, &edited{file: f, before: append([]byte{}, f.src...)})
	}
	if r.errors > 0 {
		return nil, &Error{Diagnostics: r.diagnostics(nil)}
	}
	return e, nil
}

// Check loads the configuration as it would be after the edit. Nothing has
// changed on disk. An error is that of [Load].
func (e *Edit) Check(ctx context.Context) (*Config, error) {
	t := &tree{root: e.tree.root, dirs: e.tree.dirs}
	for _, f := range e.files {
		t.files = append(t.files, &file{name: f.name, shown: f.shown, path: f.path, given: append([]byte{}, f.src...)})
	}
	slices.SortFunc(t.files, func(a, b *file) int { return strings.Compare(a.name, b.name) })
	for i, f := range t.files {
		f.order = i
	}
	return loadTree(ctx, t, e.opts)
}

// Changes are the files that the edit changes, in the order in which
// [Edit.Commit] replaces them.
func (e *Edit) Changes() []Change {
	var out []Change
	for _, f := range e.order {
		out = append(out, Change{File: f.shown, Before: f.before, After: f.src})
	}
	return out
}

// Commit replaces the files as [Replace] does, those that are given before
// its own. After a crash in the middle every file is whole, and the same edit
// made again does what is left.
func (e *Edit) Commit(before ...Replacement) error {
	first := slices.Clone(before)
	var rest, last []Replacement
	for _, f := range e.order {
		one := Replacement{Path: f.path, Content: f.src, Before: f.before, Mode: 0o644}
		if between := e.between[f]; between != nil && len(e.order) > 1 {
			first = append(first, Replacement{Path: f.path, Content: between, Before: f.before})
			last = append(last, one)
			continue
		}
		rest = append(rest, one)
	}
	return e.replace.replace(slices.Concat(first, rest, last))
}

// change sets the content of f, as splices to it, and parses it again.
func (e *Edit) change(f *edited, splices ...splice) error {
	if len(splices) == 0 {
		return nil
	}
	canonical := f.before != nil && !f.json() && bytes.Equal(hclwrite.Format(f.src), f.src)
	f.src = spliced(f.src, splices...)
	if canonical {
		f.src = hclwrite.Format(f.src)
	}
	if diags := f.parse(); diags.HasErrors() {
		return fmt.Errorf("editing %s: the result would not parse: %w", f.shown, diags)
	}
	if !slices.Contains(e.order, f) {
		e.order = append(e.order, f)
	}
	return nil
}

// A splice puts text in the place of some bytes.
type splice struct {
	start, end int
	text       string
}

// spliced is src with all splices, which must not overlap.
func spliced(src []byte, all ...splice) []byte {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b splice) int { return a.start - b.start })
	out := make([]byte, 0, len(src))
	at := 0
	for _, s := range all {
		out = append(out, src[at:s.start]...)
		out = append(out, s.text...)
		at = s.end
	}
	return append(out, src[at:]...)
}

// A span is some bytes of a file.
type span struct{ start, end int }

func (s span) replaced(text string) splice { return splice{s.start, s.end, text} }

// place is where a byte of f stands.
func (f *edited) place(offset int) checks.Source {
	return checks.Source{File: f.shown, Line: 1 + bytes.Count(f.src[:offset], []byte("\n"))}
}

// insideFolder reports whether the folder holds the path.
func insideFolder(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
