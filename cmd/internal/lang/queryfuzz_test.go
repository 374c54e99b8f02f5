package lang

import (
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// FuzzQuery runs any expression of the query languages over any answer: it
// never panics, and takes no longer than a second.
func FuzzQuery(f *testing.F) {
	for _, doc := range []string{shop, feed, page, "[[1,[2]]]", strings.Repeat("<a>", 50) + strings.Repeat("</a>", 50), `{"a":"aaaa","b":1e300}`} {
		for _, q := range []string{
			"$.items[?@.price > 10 && match(@.id, 'a+')].id", "$..*..*", "$[*,0:2:-1]", ".items | map(.id) | add", "[paths]",
			"reduce range(9) as $i (.; [., .])", "//a//a[position()=last()]", "count(//*[. = //*])", "string(//status)", "//e[last()]/preceding::*", "concat(//e, 1 div 0)",
			`{"type": "object", "properties": {"items": {"items": {"pattern": "(a+)+"}}}}`, `{"$ref": "#"}`, `{"anyOf": [{"$ref": "#/a"}], "a": {"items": {"$ref": "#"}}}`,
		} {
			f.Add(doc, q)
		}
	}
	f.Add("1", "def f: f; f")
	functions := functionTable(&shared{patterns: newPatterns()})
	f.Fuzz(func(t *testing.T, doc, query string) {
		text := cty.StringVal(doc)
		value := text
		if decoded, err := functions["jsondecode"].f.Call([]cty.Value{text}); err == nil {
			value = decoded
		}
		q := cty.StringVal(query)
		for name, arg := range map[string]cty.Value{"jsonpath": value, "jq": value, "xpath": text, "valid_schema": value, "jwt": text} {
			args := []cty.Value{arg, q}
			if name == "jwt" {
				args = args[:1]
			}
			start := time.Now()
			v, err := functions[name].f.Call(args)
			if took := time.Since(start); took > 3*time.Second && fuzzing() { // the fuzzer's workers share cores
				t.Errorf("%s took %s", name, took)
			}
			if err != nil && strings.Contains(err.Error(), "panic") {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil && tooBig(v) {
				t.Errorf("%s: the result has more than 100,000 elements or 8 MiB", name)
			}
		}
	})
}

// fuzzing reports whether inputs are made up, not only those known are run:
// under the race detector all take ten times as long.
func fuzzing() bool { return flag.Lookup("test.fuzz").Value.String() != "" }

// FuzzExpression compiles any condition, and judges any answer by it.
func FuzzExpression(f *testing.F) {
	for _, fn := range Functions() {
		f.Add(fn.Example, shop)
	}
	f.Add(`regex("(a+)+$", body) == "" || cookie.a.value == secret.token`, "aaaa")
	f.Add(`valid_schema(json, jsondecode(body)) && jq(json, json.a) != null`, shop)
	f.Fuzz(func(t *testing.T, x, body string) {
		if strings.ContainsAny(x, "\r\n") || strings.Contains(x, "file") || strings.Contains(x, "env") { // no files of the machine
			return
		}
		src := []byte("x = " + x + "\n")
		if Guard("test.hcl", src).HasErrors() {
			return
		}
		file, mistakes := hclsyntax.ParseConfig(src, "test.hcl", hcl.InitialPos)
		if mistakes.HasErrors() {
			return
		}
		attrs, _ := file.Body.JustAttributes()
		expr, s := attrs["x"].Expr, testScope(t, map[string]Source{"test.hcl": {Text: src}})
		start := time.Now()
		c, diags := CompileCondition(expr, s, Expect)
		if !diags.HasErrors() {
			v := c.Judge(&checks.Vars{Exchange: exchange(200, "application/json", body)})
			if strings.Contains(v.Explanation.Message, "hunter2") {
				t.Errorf("the secret shows in %q", v.Explanation.Message)
			}
			if v.Err != nil && strings.Contains(v.Err.Error(), "goroutine ") {
				t.Errorf("panic: %v", v.Err)
			}
		}
		if text := write(diags); strings.Contains(text, "hunter2") || strings.Contains(text, "goroutine ") {
			t.Errorf("diagnostics %s", text)
		}
		if took := time.Since(start); took > 3*time.Second && fuzzing() {
			t.Errorf("took %s", took)
		}
	})
}
