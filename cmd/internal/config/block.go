package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/cmd/internal/lang"
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

// takeApart reads body by the schema is, reporting what does not belong.
func (r *report) takeApart(body hcl.Body, is *blockType, f *file) *block {
	b := &block{is: is, file: f}
	if is.open {
		attrs, diags := body.JustAttributes()
		r.add(diags)
		b.attrs = attrs
		return b
	}
	if native, ok := body.(*hclsyntax.Body); ok {
		r.native(b, native)
	} else {
		r.foreign(b, body)
	}
	r.once(b)
	return b
}

// native fills in b from a body in native syntax.
func (r *report) native(b *block, body *hclsyntax.Body) {
	b.attrs = make(map[string]*hcl.Attribute, len(body.Attributes))
	unknown := hcl.Attributes{}
	for name, a := range body.Attributes {
		if _, known := b.is.attr(name); known {
			b.attrs[name] = a.AsHCLAttribute()
		} else {
			unknown[name] = a.AsHCLAttribute()
		}
	}
	r.unknownAttrs(b, unknown)
	for _, c := range body.Blocks {
		if r.full() {
			return
		}
		is := b.is.block(c.Type)
		if is == nil {
			b.broken = true
			r.unknownBlock(b.is, c.Type, c.TypeRange)
			// It is read as the kind that it seems to be, so that what it
			// defines is not reported as missing elsewhere.
			is = b.is.block(lang.Suggest(c.Type, b.is.blockNames()))
			if is == nil || len(is.labels) != len(c.Labels) {
				continue
			}
		}
		if len(is.labels) != len(c.Labels) {
			b.broken = true
			r.wrongLabels(is, c)
			continue
		}
		b.blocks = append(b.blocks, r.child(c.AsHCLBlock(), is, b.file))
	}
}

// wrongLabels reports a block with too few or too many labels.
func (r *report) wrongLabels(is *blockType, c *hclsyntax.Block) {
	if len(c.Labels) > len(is.labels) {
		r.errorf(c.LabelRanges[len(is.labels)], "Too many names", "Write %s { … }.", is.header())
		return
	}
	r.errorf(c.DefRange(), "Block without name", "Write %s { … }.", is.header())
}

// foreign fills in b from a body in JSON syntax.
func (r *report) foreign(b *block, body hcl.Body) {
	content, rest, diags := body.PartialContent(b.is.hclSchema())
	b.broken = diags.HasErrors()
	r.add(diags)
	b.attrs = content.Attributes
	for _, c := range content.Blocks {
		b.blocks = append(b.blocks, r.child(c, b.is.block(c.Type), b.file))
	}
	left, diags := rest.JustAttributes()
	if diags.HasErrors() { // an array of objects, or no object at all
		_, all := body.Content(b.is.hclSchema())
		b.broken = b.broken || all.HasErrors()
		r.add(all)
	}
	r.unknownAttrs(b, left)
}

// unknownAttrs reports attributes that the schema does not have.
func (r *report) unknownAttrs(b *block, unknown hcl.Attributes) {
	for _, a := range inOrder(unknown) {
		b.broken = true
		switch {
		case r.full():
			return
		case b.file.json() && (len(b.is.attrs) == 0 || lang.Suggest(a.Name, b.is.blockNames()) != ""): // it may have been a block
			r.unknownBlock(b.is, a.Name, a.NameRange)
		default:
			r.unknownAttr(b.is, a.Name, a.NameRange)
		}
	}
}

// child takes the block c apart, which is one of the schema is.
func (r *report) child(c *hcl.Block, is *blockType, f *file) *block {
	is = is.kind(c.Labels)
	b := r.takeApart(c.Body, is, f)
	b.labels, b.names, b.at = c.Labels, c.LabelRanges, c.DefRange
	if f.json() { // the library points at the braces
		b.at = c.TypeRange
		if len(c.LabelRanges) > 0 {
			b.at = c.LabelRanges[len(c.LabelRanges)-1]
		}
	}
	for i, label := range c.Labels {
		if !hclsyntax.ValidIdentifier(label) {
			r.errorf(c.LabelRanges[i], "Invalid name",
				"%q cannot name a %s: a name begins with a letter and holds letters, digits, _ and -.", clip(label), is.name)
		}
	}
	return b
}

// hclSchema is what the HCL library needs to know of b.
func (b *blockType) hclSchema() *hcl.BodySchema {
	s := &hcl.BodySchema{
		Attributes: make([]hcl.AttributeSchema, len(b.attrs)),
		Blocks:     make([]hcl.BlockHeaderSchema, len(b.blocks)),
	}
	for i, a := range b.attrs {
		s.Attributes[i].Name = a.name
	}
	for i, c := range b.blocks {
		s.Blocks[i] = hcl.BlockHeaderSchema{Type: c.name, LabelNames: c.labels}
	}
	return s
}

// once reports second blocks of kinds that stand once in their parent.
func (r *report) once(b *block) {
	for i, c := range b.blocks {
		if !c.is.single {
			continue
		}
		first := slices.IndexFunc(b.blocks[:i], func(other *block) bool { return other.is == c.is })
		if first >= 0 && len(b.is.attrs) > 0 { // those of several files are told elsewhere
			r.errorf(c.at, "Duplicate "+c.is.name, "There is %s at %s already.", c.is.title(), r.where(b.blocks[first].at))
		}
	}
}

// where names a place in another message.
func (r *report) where(at hcl.Range) string {
	name := at.Filename
	if f := r.files[name]; f != nil {
		name = f.shown
	}
	return fmt.Sprintf("%s:%d", name, at.Start.Line)
}

// unknownAttr reports an attribute that the schema does not have.
func (r *report) unknownAttr(in *blockType, name string, at hcl.Range) {
	hint := lang.DidYouMean(name, in.attrNames())
	switch {
	case in.block(name) != nil:
		hint = fmt.Sprintf(" It is a block: write %s { … }, without the equals sign.", in.block(name).header())
	case hint != "":
	case in.elsewhere(name) != "":
		hint = fmt.Sprintf(" It belongs into %s { … }.", in.elsewhere(name))
	case len(in.attrs) == 0:
		hint = " Attributes stand inside blocks."
	}
	r.errorf(at, "Unknown attribute", "There is no attribute %q in %s.%s", clip(name), in.title(), hint)
}

// unknownBlock reports a block that the schema does not have.
func (r *report) unknownBlock(in *blockType, name string, at hcl.Range) {
	hint := lang.DidYouMean(name, in.blockNames())
	if a, ok := in.attr(name); ok {
		hint = fmt.Sprintf(" It is an attribute: write %s = …, which must be %s.", a.name, a.is.describe())
	} else if hint == "" && in.elsewhere(name) != "" {
		hint = fmt.Sprintf(" It belongs into %s { … }.", in.elsewhere(name))
	}
	r.errorf(at, "Unknown block", "There is no block %q in %s.%s", clip(name), in.title(), hint)
}

// elsewhere names the block nested in b that has name in it, or "".
func (b *blockType) elsewhere(name string) string {
	for _, c := range b.blocks {
		if _, ok := c.attr(name); (ok || c.block(name) != nil) && len(b.attrs) > 0 {
			return c.name
		}
	}
	return ""
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

// title is a block's kind and labels: check "health".
func (b *block) title() string {
	labels := make([]string, len(b.labels))
	for i, label := range b.labels {
		labels[i] = clip(label)
	}
	return quoted(b.is.name, labels)
}

func quoted(kind string, labels []string) string {
	var b strings.Builder
	b.WriteString(kind)
	for _, label := range labels {
		b.WriteString(` "` + label + `"`)
	}
	return b.String()
}

// clip keeps a name from the configuration short enough for a message.
func clip(s string) string {
	return cutTail(strings.ToValidUTF8(s, "�"), 80)
}
