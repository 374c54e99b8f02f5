package config

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"watchword/checks"
	"watchword/cmd/internal/lang"
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

// A certificatePlace is where a `certificate` block stands.
type certificatePlace struct {
	file   *edited
	name   string
	label  span             // the name, without quotes
	native *hclsyntax.Block // nil in JSON
}

func (b *certificatePlace) place() checks.Source { return b.file.place(b.label.start) }

// byHand is the refusal to edit a block in JSON.
func (b *certificatePlace) byHand(what string) error {
	at := b.place()
	return fmt.Errorf("certificate %q stands in a JSON file, where only `cert rename` makes changes: at %s:%d, %s by hand", b.name, at.File, at.Line, what)
}

// blocks finds all certificate blocks.
func (e *Edit) blocks() ([]*certificatePlace, error) {
	var out []*certificatePlace
	for _, f := range e.files {
		if f.json() {
			found, err := f.jsonCertificates()
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
			continue
		}
		out = append(out, f.nativeCertificates()...)
	}
	return out, nil
}

// block finds the certificate block of a name, or nil.
func (e *Edit) block(name string) (*certificatePlace, error) {
	all, err := e.blocks()
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if b.name == name {
			return b, nil
		}
	}
	return nil, nil //nolint:nilnil // as documented
}

// known is [Edit.block] for a name that must exist.
func (e *Edit) known(name string) (*certificatePlace, error) {
	b, err := e.block(name)
	if b == nil && err == nil {
		err = e.unknown(name)
	}
	return b, err
}

// unknown says that there is no such certificate, and what there is.
func (e *Edit) unknown(name string) error {
	all, err := e.blocks()
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, b := range all {
		names[b.name] = true
	}
	known := slices.Sorted(maps.Keys(names))
	switch hint := lang.DidYouMean(name, known); {
	case hint != "":
		return fmt.Errorf("there is no certificate %q.%s", name, hint)
	case len(known) == 0:
		return fmt.Errorf("there is no certificate %q; the configuration has none", name)
	default:
		const most = 10
		list := strings.Join(known[:min(most, len(known))], ", ")
		if len(known) > most {
			list += fmt.Sprintf(" and %d more", len(known)-most)
		}
		return fmt.Errorf("there is no certificate %q; there is %s", name, list)
	}
}

// HasCertificate reports whether there is a certificate block of that name.
func (e *Edit) HasCertificate(name string) (bool, error) {
	b, err := e.block(name)
	return b != nil, err
}

// HasSecret reports whether there is a secret block of that name.
func (e *Edit) HasSecret(name string) (bool, error) {
	for _, f := range e.files {
		if f.json() {
			all, err := f.jsonStrings()
			if err != nil {
				return false, err
			}
			for _, s := range all {
				if s.key && slices.Equal(s.path, []string{"secret", name}) {
					return true, nil
				}
			}
			continue
		}
		for _, b := range f.body().Blocks {
			if b.Type == "secret" && slices.Equal(b.Labels, []string{name}) {
				return true, nil
			}
		}
	}
	return false, nil
}

// References are the places that name the certificate in an expression.
func (e *Edit) References(name string) ([]checks.Source, error) {
	var out []checks.Source
	for _, f := range e.files {
		found, err := f.references(name)
		if err != nil {
			return nil, err
		}
		for _, s := range found {
			out = append(out, f.place(s.start))
		}
	}
	return out, nil
}

// references are the spans of the name in the expressions of f, and where
// labels of messages are compared with it.
func (f *edited) references(name string) ([]span, error) {
	if f.json() {
		return f.jsonReferences(name)
	}
	return f.nativeReferences(name), nil
}

// CheckCertificateName says why name cannot be that of a certificate block.
func CheckCertificateName(name string) error {
	if !hclsyntax.ValidIdentifier(name) {
		return fmt.Errorf("%q cannot be the name of a certificate: want a letter, then letters, digits, - and _", clip(name))
	}
	return nil
}

// insideFolder reports whether the folder holds the path.
func insideFolder(folder, path string) bool {
	rel, err := filepath.Rel(folder, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
