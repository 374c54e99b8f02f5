package lang

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
	"watchword/cmd/internal/cputime"
)

// FuzzQuery runs any expression of the query languages over any answer: it
// never panics, and takes no longer than [cputime.Slowest].
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
			var v cty.Value
			var err error
			if took := cputime.Of(func() { v, err = functions[name].f.Call(args) }); took > cputime.Slowest && cputime.Fuzzing() {
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

// FuzzExpression compiles any condition, and judges any answer by it: it never
// panics, shows no secret, and takes no longer than [cputime.Slowest].
func FuzzExpression(f *testing.F) {
	for _, v := range Values() {
		f.Add(v.Name+" == null", shop)
	}
	for _, x := range []string{
		`alltrue([for i in json.items : i.price > 0 && i.price < 1e3])`, `{for k, v in header : k => upper(v)...} != {}`, `json.items[*].id[0] == 1`,
		`"%{for i in range(3)}${i}%{else}x%{endif}" == "012"`, `try(json.a.b[0], "x") != "x" ? !(status > 1) : -status < 0`,
		`jq(json, ".items | map(.price) | add") >= jsonpath(json, "$..price")[0]`, `xpath(body, "//a[position() = last()]") == ""`,
		`format("%s-%05d-%v", secret.token, status, json) != base64encode(body)`, `jwt("a.b.c").payload.exp > now()`, `timing.total-timing.dns < 1`,
		`cidrcontains("10.0.0.0/8", remote_ip) || timecmp(tls.not_after, timeadd(timestamp(), "24h")) > 0`, `json["items"][json.n].id == tostring(null)`,
	} {
		f.Add(x, shop)
	}
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
		took := cputime.Of(func() {
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
		})
		if took > cputime.Slowest && cputime.Fuzzing() {
			t.Errorf("took %s", took)
		}
	})
}
