package lang

import (
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Parse parses a file in native syntax after [Guard] has found nothing in it.
// File and diagnostics are those of hclsyntax.ParseConfig. Without an error of
// Guard there is a file.
//
// It parses piece by piece, on all cores, what Guard goes through piece by
// piece, since the parser keeps a list of all tokens that takes some forty
// times the memory of their text. With a mistake in the file, the whole is
// parsed once more: how the parser goes on after one depends on all that
// follows.
func Parse(filename string, src []byte) (*hcl.File, hcl.Diagnostics) {
	if diags := tooLarge(filename, src); diags != nil {
		return nil, diags
	}
	var all []piece
	collect := func(src []byte, _ string, start hcl.Pos) { all = append(all, piece{src, start}) }
	if diags := guardTokens(src, filename, hcl.InitialPos, hclsyntax.LexConfig, collect); diags != nil {
		return nil, diags
	}
	file := join(parsePieces(filename, all))
	if file == nil {
		return hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	}
	file.Bytes = src
	return file, nil
}

// A piece is whole lines of a file, all brackets in them closed.
type piece struct {
	src   []byte
	start hcl.Pos
}

// parsePieces returns a file for each piece, or nothing if one of them has a
// mistake.
func parsePieces(filename string, all []piece) []*hcl.File {
	files := make([]*hcl.File, len(all))
	var next atomic.Int64
	var broken atomic.Bool
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 1+len(all)/16) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)) && !broken.Load(); i = next.Add(1) - 1 {
				file, diags := hclsyntax.ParseConfig(all[i].src, filename, all[i].start)
				files[i] = file
				if len(diags) > 0 {
					broken.Store(true)
				}
			}
		})
	}
	wg.Wait()
	if broken.Load() {
		return nil
	}
	return files
}

// join returns the first of files with what is in the others, or nil where
// the whole has a mistake or is empty.
func join(files []*hcl.File) *hcl.File {
	if len(files) == 0 {
		return nil
	}
	whole := files[0].Body.(*hclsyntax.Body) //nolint:forcetypeassert // as the parser documents
	for _, file := range files[1:] {
		body := file.Body.(*hclsyntax.Body) //nolint:forcetypeassert // as the parser documents
		for name := range body.Attributes {
			if whole.Attributes[name] != nil {
				return nil
			}
		}
		maps.Copy(whole.Attributes, body.Attributes)
		whole.Blocks = append(whole.Blocks, body.Blocks...)
		whole.SrcRange.End, whole.EndRange = body.SrcRange.End, body.EndRange
	}
	return files[0]
}
