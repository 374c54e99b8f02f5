package config

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/cmd/internal/lang"
)

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
