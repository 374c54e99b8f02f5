package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

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
