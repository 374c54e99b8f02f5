package lang

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Parse parses a file in native syntax after [Guard] has found nothing in it.
// File and diagnostics are those of hclsyntax.ParseConfig. Without an error of
// Guard there is a file.
//
// It parses piece by piece what Guard goes through piece by piece, since the
// parser keeps a list of all tokens that takes some forty times the memory of
// their text. With a mistake in the file, the whole is parsed once more: how
// the parser goes on after one depends on all that follows.
func Parse(filename string, src []byte) (*hcl.File, hcl.Diagnostics) {
	if diags := tooLarge(filename, src); diags != nil {
		return nil, diags
	}
	var p pieces
	if diags := guardTokens(src, filename, hcl.InitialPos, hclsyntax.LexConfig, p.add); diags != nil {
		return nil, diags
	}
	if p.file == nil || p.broken {
		return hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	}
	p.file.Bytes = src
	return p.file, nil
}

// pieces is a file that is put together of its pieces.
type pieces struct {
	file   *hcl.File // of the first piece, to which the others are added; nil without any
	broken bool      // the whole has a mistake
}

// add parses the next piece, which begins at start.
func (p *pieces) add(src []byte, filename string, start hcl.Pos) {
	if p.broken {
		return
	}
	file, diags := hclsyntax.ParseConfig(src, filename, start)
	body, ok := file.Body.(*hclsyntax.Body)
	if len(diags) > 0 || !ok {
		p.broken = true
		return
	}
	if p.file == nil {
		p.file = file
		return
	}
	whole := p.file.Body.(*hclsyntax.Body) //nolint:forcetypeassert // as checked
	for name := range body.Attributes {
		_, again := whole.Attributes[name]
		p.broken = p.broken || again
	}
	maps.Copy(whole.Attributes, body.Attributes)
	whole.Blocks = append(whole.Blocks, body.Blocks...)
	whole.SrcRange.End, whole.EndRange = body.SrcRange.End, body.EndRange
}
