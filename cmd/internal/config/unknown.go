package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/cmd/internal/lang"
)

// wrongLabels reports a block with too few or too many labels.
func (r *report) wrongLabels(is *blockType, c *hclsyntax.Block) {
	if len(c.Labels) > len(is.labels) {
		r.errorf(c.LabelRanges[len(is.labels)], "Too many names", "Write %s { … }.", is.header())
		return
	}
	r.errorf(c.DefRange(), "Block without name", "Write %s { … }.", is.header())
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
