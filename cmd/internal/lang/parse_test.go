package lang

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// sameAsWhole tells whether Parse makes of src what the parser makes of the
// whole at once.
func sameAsWhole(t *testing.T, src string) {
	t.Helper()
	got, found := Parse("test.hcl", []byte(src))
	refused := guardTokens([]byte(src), "test.hcl", hcl.InitialPos, hclsyntax.LexConfig, nil)
	if len(src) < firstChunk && refused != nil || got == nil {
		if got != nil || len(src) < firstChunk && !reflect.DeepEqual(found, refused) {
			t.Errorf("got  %v\nwant %v", found, refused)
		}
		return
	}
	want, wanted := hclsyntax.ParseConfig([]byte(src), "test.hcl", hcl.InitialPos)
	if !reflect.DeepEqual(found, wanted) || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v, %v\nwant %#v, %v", got, found, want, wanted)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "# number %d: ä\ncheck \"c%d\" {\n  request { url = \"${local.api}/%d?q=é\" }\n  expect = [status == 200, body == <<-E\n    }\n    ${local.text}\n  E\n  ]\n}\n/*\n}\n*/\n", i, i, i)
	}
	blocks := many.String()
	for name, src := range map[string]string{
		"empty": "", "line break": "\n", "comment": "# nothing", "blocks": blocks, "no line break at the end": strings.TrimSpace(blocks),
		"carriage returns":    strings.ReplaceAll(blocks, "\n", "\r\n"),
		"attributes":          "a = 1\n" + blocks + "b = 2\n",
		"same attributes":     "a = 1\n" + blocks + "a = 2\n",
		"mark at the start":   "\uFEFF" + blocks,
		"mark in the middle":  blocks + "\uFEFF" + blocks,
		"mistake at the end":  blocks + "check {",
		"mistake in between":  blocks + "a = = 1\n" + blocks,
		"brace too many":      blocks + "}\n" + blocks,
		"unclosed heredoc":    blocks + "a = <<E\n" + blocks,
		"unclosed comment":    blocks + "/*\n" + blocks,
		"unclosed string":     blocks + "a = \"x\n" + blocks,
		"nested too deeply":   blocks + "a = " + strings.Repeat("(", 100) + "\n" + blocks,
		"one line of a block": strings.Repeat("a {}\n", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sameAsWhole(t, src)
		})
	}
	// Every line becomes the first of a piece for some length of what stands before.
	for n := range 20 {
		for _, after := range []string{"\uFEFFa {}\n", "a = 1\na = 2\n", "a {\n", "\"a\" = 1\n", "a = <<E\n${b}\nE\n"} {
			sameAsWhole(t, strings.Repeat("# z\nz {}\n", 230)+strings.Repeat("#\n", n)+after)
		}
	}
}

// TestParsePlain compares what a glance says with what the lexer says, over
// texts of what decides it.
func TestParsePlain(t *testing.T) {
	t.Parallel()
	words := []string{
		"\n", "\n", "\n", "}\n", "{\n", "a {\n", "b = ", "\"", "\"", "${", "}", "%{", "%{if a}", "$${", "%%{", "\\\"", "\\", "\\${", "\\n", "$", "%", "#", "//", "/*", "*/", "<<E\n", "E\n", "<<-E\n",
		"(", ")", "[", "]", "!", "-", "--", "?", ":", "a", "a-b", "1", "1e999999999", "1e", "+9", "0.5", ".", ",", "=", "==", "&&", "<", " ", "\t", "\r\n", "\r", "ä", "\xff", "\x00", "~}", "for", ";",
		"c \"d\" {\n  e = [f.g == \"h\", i]\n}\n", strings.Repeat("(", 70), strings.Repeat("!", 70), strings.Repeat("-", 70), strings.Repeat("9", 70), strings.Repeat("a?b:", 70), strings.Repeat("+1", 1001),
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var src strings.Builder
		for range 1 + rng.IntN(40) {
			src.WriteString(words[rng.IntN(len(words))])
		}
		if src.Len() > firstChunk {
			continue // of the beginning of a comment the lexer makes other things than of the whole
		}
		if sameAsWhole(t, src.String()); t.Failed() {
			t.Fatalf("%q", src.String())
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range bombs() {
		f.Add(s, 1)
		f.Add("a {}\n"+s+"\n", 500)
	}
	f.Add("a = 1\n", 1000)
	f.Add("\uFEFFa {\n b = \"${c}\"\n}\n", 300)
	f.Fuzz(func(t *testing.T, src string, times int) {
		if times < 1 || times > 2000 || len(src)*times > 64<<10 {
			return
		}
		sameAsWhole(t, strings.Repeat(src, times))
	})
}
