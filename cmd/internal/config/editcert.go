package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"watchword/checks"
)

// RenameCertificate changes the name of a block and of every reference to it,
// and returns the places of the references. Where a rename before it was cut
// short, it does what is left.
//
// Where the references stand in other files than the block, [Edit.Commit]
// first writes a copy of the block under the new name, then the references,
// and takes the old block away last: the configuration is valid all the time.
func (e *Edit) RenameCertificate(from, to string) ([]checks.Source, error) {
	if err := CheckCertificateName(to); err != nil {
		return nil, err
	}
	if from == to {
		return nil, fmt.Errorf("certificate %q has that name already", from)
	}
	b, err := e.toRename(from, to)
	if err != nil {
		return nil, err
	}
	var (
		places  []checks.Source
		between []byte
	)
	if b != nil && b.native != nil {
		between = spliced(b.file.src, b.copied(to))
	}
	for _, f := range e.files {
		found, err := f.references(from)
		if err != nil {
			return nil, err
		}
		var all []splice
		for _, s := range found {
			all = append(all, s.replaced(to))
			places = append(places, f.place(s.start))
		}
		if b != nil && f == b.file {
			all = append(all, b.label.replaced(to))
			e.between[f] = between
		}
		if err := e.change(f, all...); err != nil {
			return nil, err
		}
	}
	if b == nil && len(places) == 0 {
		return nil, e.unknown(from)
	}
	return places, nil
}

// toRename finds the block to rename. It returns nil where that has been done
// already. A copy under the new name, which a rename that was cut short left,
// is taken away first.
func (e *Edit) toRename(from, to string) (*certificatePlace, error) {
	b, err := e.block(from)
	if err != nil {
		return nil, err
	}
	there, err := e.block(to)
	if err != nil {
		return nil, err
	}
	switch {
	case b == nil && there == nil:
		return nil, e.unknown(from)
	case b == nil || there == nil:
		return b, nil
	case b.native == nil || there.file != b.file || !strings.Contains(string(b.file.src), b.copied(to).text):
		at := there.place()
		return nil, fmt.Errorf("there is a certificate %q already, at %s:%d", to, at.File, at.Line)
	}
	left := b.copied(to)
	i := bytes.Index(b.file.src, []byte(left.text))
	if err := e.change(b.file, splice{i, i + len(left.text), ""}); err != nil {
		return nil, err
	}
	return e.block(from)
}

// copied inserts a copy of the block under another name, which presents the
// same certificate to the same hosts. There can be only one primary.
func (b *certificatePlace) copied(name string) splice {
	start, end := b.native.TypeRange.Start.Byte, b.native.CloseBraceRange.End.Byte
	changes := []splice{b.label.replaced(name)}
	if b.marked() {
		changes = append(changes, b.unmark())
	}
	whole := spliced(b.file.src[:end], changes...)
	return splice{end, end, newline(b.file.src) + string(whole[start:])}
}

// SetPrimary marks the certificate, takes the mark from the one before, and
// returns that one's name, or "". Where they stand in different files the old
// mark goes first: two are a mistake, none is one only where a request
// depends on it.
func (e *Edit) SetPrimary(name string) (before string, err error) {
	b, err := e.known(name)
	if err != nil {
		return "", err
	}
	if b.native == nil {
		return "", b.byHand(`write "primary": true`)
	}
	before, err = e.unmarkOthers(name)
	if err != nil {
		return "", err
	}
	if b, err = e.known(name); err != nil { // places have moved
		return "", err
	}
	if !b.marked() {
		if err := e.change(b.file, b.mark()); err != nil {
			return "", err
		}
	}
	return before, nil
}

// unmarkOthers takes the mark from every certificate but the one of that name,
// and returns the last that had it.
func (e *Edit) unmarkOthers(name string) (before string, err error) {
	all, err := e.blocks()
	if err != nil {
		return "", err
	}
	for _, other := range all {
		switch {
		case other.name == name:
		case other.native == nil:
			if other.file.jsonPrimary(other.name) {
				return "", other.byHand("take primary away")
			}
		case other.marked():
			fresh, err := e.known(other.name)
			if err != nil {
				return "", err
			}
			if err := e.change(fresh.file, fresh.unmark()); err != nil {
				return "", err
			}
			before = other.name
		}
	}
	return before, nil
}

// RemoveCertificate takes a block away, with the comments right above it, and
// returns where it stood. A certificate that an expression names cannot go.
func (e *Edit) RemoveCertificate(name string) (checks.Source, error) {
	b, err := e.known(name)
	if err != nil {
		return checks.Source{}, err
	}
	if b.native == nil {
		return checks.Source{}, b.byHand("delete the block")
	}
	at := b.place()
	named, err := e.References(name)
	if err != nil {
		return at, err
	}
	if len(named) > 0 {
		return at, &NamedError{Name: name, Places: named}
	}
	return at, e.change(b.file, b.whole().replaced(""))
}

// A NamedError is the refusal to remove a certificate that is named.
type NamedError struct {
	Name   string
	Places []checks.Source // in order, at least one
}

// Error tells every place.
func (e *NamedError) Error() string {
	var at []string
	for _, p := range e.Places {
		at = append(at, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	return fmt.Sprintf("certificate %q is named at %s: change that first", e.Name, strings.Join(slices.Compact(at), ", "))
}
