package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// A block is one block of a file, taken apart by its schema but not yet
// evaluated.
type block struct {
	is     *blockType
	file   *file
	labels []string
	at     hcl.Range   // its header
	names  []hcl.Range // its labels
	attrs  map[string]*hcl.Attribute
	blocks []*block

	// broken is set when something in it is unknown. What seems to be
	// missing may then be what was misspelled, and is not reported.
	broken bool
}

// label is the label that names the block: the last one.
func (b *block) label() string {
	if len(b.labels) == 0 {
		return ""
	}
	return b.labels[len(b.labels)-1]
}

// nested returns the nested block of a kind, or nil.
func (b *block) nested(kind string) *block {
	for _, c := range b.blocks {
		if c.is.name == kind {
			return c
		}
	}
	return nil
}

// all returns the nested blocks of a kind.
func (b *block) all(kind string) []*block {
	var list []*block
	for _, c := range b.blocks {
		if c.is.name == kind {
			list = append(list, c)
		}
	}
	return list
}

// attr returns the expression of an attribute, or nil.
func (b *block) attr(name string) hcl.Expression {
	if a := b.attrs[name]; a != nil {
		return a.Expr
	}
	return nil
}

// attrAt is where an attribute stands, or else the block's header.
func (b *block) attrAt(name string) hcl.Range {
	if a := b.attrs[name]; a != nil {
		return a.Range
	}
	return b.at
}

// where names a place in another message.
func (r *report) where(at hcl.Range) string {
	name := at.Filename
	if f := r.files[name]; f != nil {
		name = f.shown
	}
	return fmt.Sprintf("%s:%d", name, at.Start.Line)
}

// title is a block's kind and labels: check "health".
func (b *block) title() string {
	labels := make([]string, len(b.labels))
	for i, label := range b.labels {
		labels[i] = clip(label)
	}
	return quoted(b.is.name, labels)
}

// clip keeps a name from the configuration short enough for a message.
func clip(s string) string {
	return cutTail(strings.ToValidUTF8(s, "�"), 80)
}

// title names the block in a sentence.
func (b *blockType) title() string {
	if len(b.attrs) == 0 {
		return "a configuration"
	}
	switch b.name {
	case "alert":
		return "an alert block"
	case "settings", "defaults":
		return b.name
	case "receiver":
		return "a block " + quoted(b.name, b.labels[:1])
	default:
		return "a " + b.name + " block"
	}
}

// header is how a block begins.
func (b *blockType) header() string {
	return quoted(b.name, b.labels)
}

func quoted(kind string, labels []string) string {
	var b strings.Builder
	b.WriteString(kind)
	for _, label := range labels {
		b.WriteString(` "` + label + `"`)
	}
	return b.String()
}
