package lang

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/cmd/internal/cputime"
)

// sameAsWhole tells whether Parse makes of src what the parser makes of the
// whole at once, and refuses what is wrong with the tokens of the whole.
func sameAsWhole(t *testing.T, src string) {
	t.Helper()
	got, found := Parse("test.hcl", []byte(src))
	if refused := guardWhole(src); refused != nil {
		if got == nil && refused[0].Summary == textsTooLong && found[0].Summary == textsTooLong {
			return // perhaps one piece later: a glance counts none of its few
		}
		if got != nil || !reflect.DeepEqual(found, refused) {
			t.Errorf("got  %v\nwant %v", found, refused)
		}
		return
	}
	want, wanted := hclsyntax.ParseConfig([]byte(src), "test.hcl", hcl.InitialPos)
	if !reflect.DeepEqual(found, wanted) || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v, %v\nwant %#v, %v", got, found, want, wanted)
	}
}

// No file has more tokens than it seems.
func TestMostTokens(t *testing.T) {
	t.Parallel()
	texts := append(bombs(), "check \"c1\" {\n  request {\n    url = \"${local.api}/a b?c=%20&d=$e\"\n  }\n}\n", "x = <<E\n  a ${b} c\n\n d\n  E\n", "1a 2b3 c4d\n", "\t \ta\t\tb \t c\n", "é1 ä\xff\x00a\r\n", "x = \"%{ if a ~} b %{ endif } c\"\n", "a1b2=1e5e\n", "1.5.a_b\n")
	for _, text := range texts {
		src := []byte(strings.Repeat(text+"\n", 3))
		if got, want := mostTokens(src), len(lexer(hclsyntax.LexConfig).tokens(src, "", hcl.InitialPos)); got < want {
			t.Errorf("%.100q: %d, want %d at least", text, got, want)
		}
	}
	src := []byte(strings.Repeat(texts[len(bombs())], 20_000))
	if got := mostTokens(src); len(src) < maxTokens || got > maxTokens {
		t.Errorf("%d bytes of checks seem to have %d tokens", len(src), got)
	}
}

// guardWhole is Guard for all of a file at once, without a glance.
func guardWhole(src string) hcl.Diagnostics {
	n := nesting{stack: []frame{{}}}
	for _, token := range lexer(hclsyntax.LexConfig).tokens([]byte(src), "test.hcl", hcl.InitialPos) {
		if diags := unterminated(&token, len(src)); diags != nil {
			return diags
		}
		if diags := n.add(&token); diags != nil {
			return diags
		}
	}
	return nil
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
		if sameAsWhole(t, src.String()); t.Failed() {
			t.Fatalf("%q", src.String())
		}
	}
}

// places are where a bomb may stand: %s.
func places() []string {
	lines := "a {\n b = \"c\"\n}\n" + strings.Repeat("# "+strings.Repeat("z", 400)+"\n", firstChunk/400+1)
	return []string{
		"%s", "\uFEFF%s", "\uFEFF\uFEFF%s", lines + "%s", lines + "\uFEFF%s\n" + lines, "a = [\n%s\n]\n", "a = b[%s]\n", "a = {\nb = %s\n}\n", "a {\n  %s\n}\n",
		"# %s", "// %s\n", "/* %s */\n", "/* %s", "# /*\n%s", "/*\n" + lines + "\"\n*/ %s\n", lines + "/*\n" + lines + "\n%s\n*/\n" + lines, "a = \"/*\"\n%s\n",
		"a = \"%s\"\n", "a = \"%s", "a = \"${%s}\"\n", "a = \"$${\"%s\n", "a = \"$\"%s\n", "a = \"\\\"\"%s\n", "a = \"%%%%{\"%s\n", "a = \"%%{if a}%s%%{endif}\"\n",
		"a = <<E\n%s\nE\n", "a = <<-E\n%s", "a = <<E\n${%s}\nE\n", "a = <<E\nE\n%s\n", "\"%s\" = 1\n", "a \"%s\" {\n}\n", "ä = 1\n%s", "a = \"\xff\"\n%s\n",
	}
}

// TestParseBombs tries every bomb at every place, in files of both kinds of
// line breaks.
func TestParseBombs(t *testing.T) {
	t.Parallel()
	for i, place := range places() {
		for j, bomb := range append(bombs(), "/*\n", "/*,", "*/", "9") {
			src := fmt.Sprintf(place, bomb)
			if (i+j)%2 == 0 {
				src = strings.ReplaceAll(src, "\n", "\r\n")
			}
			if sameAsWhole(t, src); t.Failed() {
				t.Fatalf("%.300q", src)
			}
		}
	}
}

// FuzzParse takes apart what would overflow the parser's stack or keep it
// busy, had it not been refused.
func FuzzParse(f *testing.F) {
	for i, s := range bombs() {
		f.Add(s, 1)
		f.Add("a {}\n"+s+"\n", 500)
		for j, place := range places() {
			if (i+j)%4 == 0 { // all are in TestParseBombs
				f.Add(fmt.Sprintf(place, s), 1)
			}
		}
	}
	for _, s := range []string{"/*\n", "/*,", "\"/*\",", "/**/", "*/\n/*", "!\n", "\"${\n", "a?\n"} {
		f.Add(s, 2000)
	}
	for _, s := range []string{"$", "$a", "%a", "$${", "$a${a}"} {
		f.Add("x = \""+strings.Repeat(s, 8000/len(s))+"\"\n", 2)
		f.Add("x = <<E\n"+strings.Repeat(s, 60_000/len(s))+"\nE\n", 1)
	}
	f.Add("a = 1\n", 1000)
	f.Add("\uFEFFa {\n b = \"${c}\"\n}\n", 300)
	f.Fuzz(func(t *testing.T, src string, times int) {
		if times < 1 || times > 20_000 || len(src)*times > 64<<10 {
			return
		}
		src = strings.Repeat(src, times)
		took := cputime.Of(func() { _, _ = Parse("test.hcl", []byte(src)) })
		if took > cputime.Slowest && cputime.Fuzzing() {
			t.Errorf("took %s", took)
		}
		sameAsWhole(t, src)
	})
}
