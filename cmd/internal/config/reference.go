package config

import (
	"slices"
	"strings"
)

// A Block documents a block of the language.
type Block struct {
	Name       string   // "check"; the whole configuration is "configuration"
	Labels     []string // names of its labels; of a receiver its type, then NAME
	Doc        string   // one sentence
	Single     bool     // at most one in its parent
	Open       bool     // any attribute may stand in it
	Attributes []Attribute
	Blocks     []Block // that may stand in it
}

// An Attribute documents an attribute of a block.
type Attribute struct {
	Name     string
	Type     string // what its value must be: `a duration such as "10s"`
	Default  string // what holds without it, as it would be written; empty for nothing
	Doc      string // one sentence
	Required bool   // it must be there, or come from defaults
	Secret   bool   // a secret may stand in it
	Computed bool   // its value may change with each run
}

// Header is the block as it begins in a file: check "NAME".
func (b *Block) Header() string {
	var header strings.Builder
	header.WriteString(b.Name)
	for _, l := range b.Labels {
		header.WriteString(` "` + l + `"`)
	}
	return header.String()
}

// Schema documents the language, from the tables by which files are loaded:
// one block that stands for the whole configuration, with all others in it.
// A block that may stand in its own kind, as groups do, is there without what
// is in it again.
func Schema() Block { return documented(language(), nil) }

// documented documents a block inside of others.
func documented(is *blockType, around []*blockType) Block {
	b := Block{Name: is.name, Labels: slices.Clone(is.labels), Doc: is.doc, Single: is.single, Open: is.open}
	for _, a := range is.attrs {
		b.Attributes = append(b.Attributes, Attribute{
			Name: a.name, Type: a.is.describe(), Default: a.fallback, Doc: a.doc, Required: a.required, Secret: a.secret,
			Computed: a.is == computed || a.is == computedMap || a.is == computedAny || a.is == conditions,
		})
	}
	if slices.Contains(around, is) {
		return b
	}
	around = append(slices.Clip(around), is)
	for _, c := range is.blocks {
		for _, kind := range c.every() {
			b.Blocks = append(b.Blocks, documented(kind, around))
		}
	}
	return b
}

// Find returns the blocks and the blocks with an attribute of a name. The
// name may be a path, such as check.request or request.url.
func (b *Block) Find(name string) (blocks, owners []*Block) {
	parent, last, nested := strings.Cut(name, ".")
	if !nested {
		last, parent = name, ""
	}
	for i := range b.Blocks {
		c := &b.Blocks[i]
		if nested && c.Name == parent {
			if inner, _ := c.Find(last); len(inner) > 0 {
				blocks = append(blocks, inner...)
			}
			if c.has(last) {
				owners = append(owners, c)
			}
		}
		if !nested && c.Name == last {
			blocks = append(blocks, c)
		}
		if !nested && c.has(last) {
			owners = append(owners, c)
		}
		innerBlocks, innerOwners := c.Find(name)
		blocks, owners = append(blocks, innerBlocks...), append(owners, innerOwners...)
	}
	return unique(blocks), unique(owners)
}

// Attribute returns an attribute by name, or nil.
func (b *Block) Attribute(name string) *Attribute {
	i := slices.IndexFunc(b.Attributes, func(a Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return &b.Attributes[i]
}

func (b *Block) has(name string) bool { return b.Attribute(name) != nil }

// unique drops blocks that say the same as an earlier one: request stands in
// check and in defaults.
func unique(blocks []*Block) []*Block {
	var out []*Block
	for _, b := range blocks {
		if !slices.ContainsFunc(out, func(o *Block) bool { return o.Name == b.Name && o.Doc == b.Doc }) {
			out = append(out, b)
		}
	}
	return out
}

// Names lists the names of all blocks and attributes, sorted.
func (b *Block) Names() []string {
	var names []string
	for i := range b.Attributes {
		names = append(names, b.Attributes[i].Name)
	}
	for i := range b.Blocks {
		names = append(names, b.Blocks[i].Name)
		names = append(names, b.Blocks[i].Names()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
