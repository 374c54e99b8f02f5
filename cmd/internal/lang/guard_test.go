package lang

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

func TestGuardNative(t *testing.T) {
	t.Parallel()
	const deep = "Nested too deeply: Brackets, templates, conditionals and unary operators may stand at most 64 deep inside one another."
	rep := strings.Repeat
	tests := []struct{ name, src, want string }{
		{"nothing", "", ""},
		{"64 parentheses", "x = " + rep("(", 64) + "1" + rep(")", 64), ""},
		{"65 parentheses", "x = " + rep("(", 65) + "1" + rep(")", 65), "1:69 " + deep},
		{"parentheses", rep("(", 100_000), "1:65 " + deep},
		{"brackets", "\n\nx = " + rep("[", 100_000), "3:69 " + deep},
		{"braces", "x = " + rep("{", 100_000), "1:69 " + deep},
		{"blocks", rep("a {\n", 65), "65:3 " + deep},
		{"blocks one after the other", rep("a {\n}\n", 500), ""},
		{"templates", "x = " + rep(`"${`, 100_000), "1:101 " + deep},
		{"calls", "x = " + rep("f(", 100_000), "1:134 " + deep},
		{"indexes inside one another", "x = " + rep("a[", 100_000), "1:134 " + deep},
		{"not", "x = " + rep("!", 100_000) + "true", "1:69 " + deep},
		{"minus", "x = " + rep("-", 100_000) + "1", "1:69 " + deep},
		{"minus with spaces and line breaks", "x = (" + rep("- \n", 100_000) + "1)", "64:1 " + deep},
		{"negative numbers", "x = [" + rep("-1, !true, ", 500) + "]", ""},
		{"sum of negative numbers", "x = 1" + rep(" + -1", 500), ""},
		{"conditionals", "x = " + rep("true ? 1 : ", 100_000) + "2", "1:714 " + deep},
		{"conditionals inside", "x = " + rep("true ? ", 100_000), "1:458 " + deep},
		{"conditionals in a list", "x = [" + rep("true ? 1 : 2,\n", 500) + "]", ""},
		{"conditionals in an object", "x = {\n" + rep("a = true ? 1 : 2\n", 500) + "}", ""},
		{"conditionals in a for", "x = { for a in b : a => " + rep("true ? 1 : \n", 100) + "2 }", "64:6 " + deep},
		{"conditionals in many attributes", rep("x = true ? 1 : 2\n", 500), ""},
		{"conditionals after comments", rep("x = true ? 1 : 2 # comment\n", 500), ""},
		{"parentheses in a comment", "# " + rep("(", 1000) + "\n", ""},
		{"parentheses in a string", `x = "` + rep("(", 1000) + `"`, ""},
		{"operators", "x = 1" + rep(" + 1", 1000), ""},
		{"too many operators", "x = 1" + rep(" + 1", 1001), "1:4007 Expression too long: One expression holds at most 1,000 operators and indexes. Split it, with locals for example."},
		{"too many indexes", "x = a" + rep("[b]", 1001), "1:3006 Expression too long: One expression holds at most 1,000 operators and indexes. Split it, with locals for example."},
		{"directives", `x = "` + rep("%{if true}a%{endif}", 500) + `"`, ""},
		{"too many directives", `x = "` + rep("%{if true}a%{endif}", 501) + `"`, "1:9506 Too many template directives: One string or heredoc holds at most 1,000 of %{ … }."},
		{"directives inside one another", `x = "` + rep("%{if true}", 100_000) + `"`, "1:636 " + deep},
		{"interpolations", `x = "` + rep("${a}", 5000) + `"`, ""},
		{"parentheses in a long comment", "/*" + rep("(\n", 10_000) + "*/ x = 1", ""},
		{"digits in a long comment", "a {}\n/*" + rep("\n", 5000) + rep("9", 100) + "*/", ""},
		{"parentheses after a quote in a long comment", "/*" + rep("\n", 5000) + "\" */ x = " + rep("(", 100_000), "5001:74 " + deep},
		{"comment in brackets", "x = [/*" + rep("(\n", 10_000) + "*/ 1]", ""},
		{"unterminated comments", rep("/*\n", 1<<20), "1:1 Unterminated comment: Its end is missing: a comment that begins with /* goes on up to */."},
		{"unterminated comments in brackets", "x = [" + rep("/*,", 1<<20), "1:6 Unterminated comment: Its end is missing: a comment that begins with /* goes on up to */."},
		{"unterminated comments behind a long text", `x = ["` + rep("a", 1<<20) + `"` + rep("/*,", 1<<19), "1:1048584 Unterminated comment: Its end is missing: a comment that begins with /* goes on up to */."},
		{"comments that one end closes", rep("/*\n", 1<<20) + "*/", ""},
		{"heredoc", "x = <<E\n" + rep("a\n", 10_000) + "E\n", ""},
		{"long heredoc", "x = <<E\n" + rep("a\n", 10_001) + "E\n", "10002:1 Heredoc too long: A heredoc holds at most 10,000 lines. Keep such a text in a file of its own and read it with file()."},
		{"many heredocs", rep("x = <<E\n"+rep("a\n", 1000)+"E\n", 50), ""},
		{"many long heredocs", rep("x = <<E\n"+rep("a\n", 10_000)+"E\n", 5), "50010:1 Heredocs too long: The heredocs of one file are too long together. Keep such texts in files of their own and read them with file()."},
		{"lines of 80 bytes", "x = <<E\n" + rep(rep("a", 71)+"\n", 10_000) + "E\n", ""},
		{"long lines", "x = <<E\n" + rep(rep("a", 399)+"\n", 10_000) + "E\n", "4905:1 Texts too long: " + textsTooLongDetail},
		{"dollars", `x = "` + rep("$", 300_000) + `"`, "1:24260 Texts too long: " + textsTooLongDetail},
		{"dollars in many strings", "x = [\n" + rep(`"`+rep("$", 10_000)+"\",\n", 100) + "]", "7:9398 Texts too long: " + textsTooLongDetail},
		{"dollars between values", `x = "` + rep("$a${a}", 50_000) + `"`, "1:86605 Texts too long: " + textsTooLongDetail},
		{"percents in a heredoc", "x = <<E\n" + rep("%a", 100_000) + "\nE\n", "2:24255 Texts too long: " + textsTooLongDetail},
		{"prices", "x = [\n" + rep(`"100 % of $5 and $6",`+"\n", 40_000) + "]", ""},
		{"digits", "x = " + rep("9", 64), ""},
		{"too many digits", "x = " + rep("9", 65), "1:5 Number too large: A number has at most 64 digits."},
		{"exponent", "x = 1e308", ""},
		{"large exponent", "x = 1e9999999", "1:5 Number too large: The exponent of a number is at most 308."},
		{"tokens", rep("a{}\n", 1<<20), "250001:1 File too large: A configuration file holds at most a million words and signs. Spread it over several files."},
		{"size", rep("a", 4<<20+1), "1:1 File too large: A configuration file holds at most 4 MiB; this one holds 4,194,305 bytes. Spread it over several files."},
		{"text", `x = "` + rep("a", 4<<20-10) + `"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			diags := Guard("test.hcl", []byte(tt.src))
			if got := write(diags); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if tt.want == "" && len(tt.src) < 1<<18 {
				hclsyntax.ParseConfig([]byte(tt.src), "test.hcl", hcl.InitialPos)
			}
		})
	}
}

func TestGuardJSON(t *testing.T) {
	t.Parallel()
	const (
		deep   = "Nested too deeply: Arrays and objects may stand at most 64 deep inside one another."
		inside = "Nested too deeply: Brackets, templates, conditionals and unary operators may stand at most 64 deep inside one another."
	)
	rep := strings.Repeat
	tests := []struct{ name, src, want string }{
		{"nothing", "", ""},
		{"arrays", rep("[", 64) + rep("]", 64), ""},
		{"deep arrays", rep("[", 100_000), "1:65 " + deep},
		{"deep objects", rep("{\"a\":\n", 100_000), "65:1 " + deep},
		{"brackets in a string", `{"x": "` + rep("[", 1000) + `"}`, ""},
		{"quotes in a string", `{"x": "\"` + rep("[", 1000) + `"}`, ""},
		{"templates", "{\n\"x\": \"" + rep("${(", 100_000) + `"}`, "2:104 " + inside},
		{"escaped templates", "{\n\"x\": \"" + rep(`\u0024\u007b(`, 100_000) + `"}`, "2:104 " + inside},
		{"quoted templates", "{\n\"x\": \"" + rep(`${\"`, 100_000) + `"}`, "2:103 " + inside},
		{"templates in a key", "{\n\"" + rep("${(", 100_000) + `": 1}`, "2:99 " + inside},
		{"operators in a template", `{"x": "${` + rep("!", 100) + `true}"}`, "1:73 " + inside},
		{"directives", `{"x": "` + rep("%{if true}a%{endif}", 501) + `"}`, "1:9508 Too many template directives: One string or heredoc holds at most 1,000 of %{ … }."},
		{"lines", `{"x": "` + rep(rep("a", 60)+`\n`, 5000) + `"}`, ""},
		{"many lines", "{\n" + `"x": "` + rep(`a\u000a`, 20_000) + `"}`, "2:6 Texts too long: " + textsTooLongDetail},
		{"dollars in many strings", "[\n" + rep(`"`+rep("$", 5000)+"\",\n", 100) + "1]", "7:1 Texts too long: " + textsTooLongDetail},
		{"quotes in a long string", `{"x": "` + rep(`\"abcdefgh\"`, 20_000) + `"}`, ""},
		{"digits", `{"x": ` + rep("9", 65) + "}", "1:7 Number too large: A number has at most 64 digits."},
		{"exponent", `{"x": -1E+9999999}`, "1:7 Number too large: The exponent of a number is at most 308."},
		{"tokens", "[" + rep("1,", 1<<20) + "1]", "1:1 File too large: A configuration file holds at most a million words and signs. Spread it over several files."},
		{"many templates", "{" + rep("\"x\": \"${a}\",\n", 20_000) + "}", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := write(Guard("test.hcl.json", []byte(tt.src))); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// bombs are seeds that would overflow the parser without Guard.
func bombs() []string {
	rep := strings.Repeat
	return []string{
		rep("(", 1000), rep(`"${`, 1000), rep("[", 1000), rep("{", 1000), "x = " + rep("!", 1000), "x = " + rep("-", 1000),
		"x = " + rep("a?b:", 1000), "x = 1" + rep("+1", 2000), "x = " + rep("a[", 1000), "x=a" + rep("[*]", 1000), "x = \"" + rep("%{if a}", 1000),
		"x = <<E\n" + rep("a\n", 100) + "E\n", "x = {for a in b : \n" + rep("a?b:\n", 1000), rep("a {", 1000), "x = 1e999999999", "x = \"${1e308*1e308}\"",
		`x = [status == 200, json.database == "up", "${secret.token}", try(json.a.b[0], 1), [for a in local.list : upper(a)]]`,
		`x = format("%9999999d", 1)`, `x = <<-E` + "\n  ${a}\n  %{for i in [1]}${i}%{endfor}\nE\n", `x = local.list[*]`, `x = {(secret.token) = 1}`, `x = -(!(1))`,
		`x = regexall("a*", "b")`, `x = jsondecode("[1e999999]")`, `x = range(1e9)`, `x = element([], 0)`, `x = sensitive([1])[0]`,
	}
}

// Line breaks do not end an expression of JSON.
func TestGuardExpression(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"not": strings.Repeat("!\n", 100) + "true", "minus": strings.Repeat("-\n", 100) + "1", "conditionals": strings.Repeat("a ?\n", 100)} {
		diags := guardTokens([]byte(text), "test.hcl.json", hcl.InitialPos, hclsyntax.LexExpression, nil)
		if got, want := write(diags), "65:"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want a mistake at %s", name, got, want)
		}
	}
}

func FuzzNative(f *testing.F) {
	for _, s := range bombs() {
		f.Add(s)
	}
	f.Add("x = \"https://a.example/${step.login.json.id}?token=${step.login.json[\"token\"]}&at=${each.key}\"")
	f.Add("x = { token = step.login.header[\"etag\"], y = try(step.login.json.items[0], each.value), z = step.order.status }")
	f.Add("x = step.login.json.id == json.id && step.login.tls.days_left > timing.total - step.login.timing.dns")
	f.Fuzz(func(t *testing.T, src string) {
		if Guard("test.hcl", []byte(src)).HasErrors() {
			return
		}
		file, _ := hclsyntax.ParseConfig([]byte(src), "test.hcl", hcl.InitialPos)
		if file == nil {
			return
		}
		s := testScope(t, map[string]Source{"test.hcl": {Text: []byte(src)}})
		exercise(file.Body, s)
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range bombs() {
		f.Add(`{"x": "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"}`)
	}
	f.Add(strings.Repeat("[", 1000))
	f.Add(strings.Repeat(`{"a":`, 1000))
	f.Add(`{"x": ["status == 200", "${json.a}", {"secret.token": "secret.token"}, null, 1e5, true]}`)
	f.Fuzz(func(t *testing.T, src string) {
		if Guard("test.hcl.json", []byte(src)).HasErrors() {
			return
		}
		file, diags := hcljson.Parse([]byte(src), "test.hcl.json")
		if file == nil || diags.HasErrors() {
			return
		}
		s := testScope(t, map[string]Source{"test.hcl.json": {Text: []byte(src)}})
		exercise(file.Body, s)
	})
}

// exerciseSteps takes every attribute for a part of a step of an instance.
func exerciseSteps(attrs hcl.Attributes, s *Scope) {
	s = s.WithEach("fra", cty.StringVal("fra.example"))
	for _, a := range attrs {
		exprs := RequestExprs{URL: a.Expr, Headers: []hcl.Expression{a.Expr}, JSON: a.Expr, BearerToken: a.Expr}
		proofs := s.Proofs(exprs)
		inner := steps(s, proofs...)
		answer := exchange(200, "application/json", orders)
		vars := &checks.Vars{Exchange: answer, Steps: map[string]*checks.Exchange{"login": answer}}
		if extract := inner.Extract("login", proofs); extract != nil {
			extract(answer)
		}
		_, _ = CompileRequest(exprs, inner)
		if r, diags := CompileRequest(RequestExprs{URL: a.Expr, JSON: a.Expr}, inner); !diags.HasErrors() {
			_, _ = r.Render(context.Background(), vars)
			_, _ = r.Render(context.Background(), &checks.Vars{})
		}
		if c, diags := CompileCondition(a.Expr, inner, Expect); !diags.HasErrors() {
			c.Judge(vars)
			c.Judge(&checks.Vars{Exchange: answer})
		}
		_, _ = inner.Referred(a.Expr, "local", "local.x")
	}
}

// exercise does with every attribute whatever this package can do.
func exercise(body hcl.Body, s *Scope) {
	attrs, _ := body.JustAttributes()
	for _, a := range attrs {
		v, diags := s.Value(a.Expr)
		if !diags.HasErrors() {
			Secrets(v)
			showValue(v)
		}
		_, _ = s.Typed(a.Expr, cty.String)
		_, _ = Reference(a.Expr, "check.NAME")
		_, _ = CompileConditions(a.Expr, s, Expect)
		if c, diags := CompileCondition(a.Expr, s, Expect); !diags.HasErrors() {
			c.Judge(&checks.Vars{Exchange: exchange(200, "application/json", orders)})
			c.Judge(&checks.Vars{Exchange: &checks.Exchange{}})
		}
		r := RequestExprs{
			URL: a.Expr, Method: a.Expr, Headers: []hcl.Expression{a.Expr}, Query: []hcl.Expression{a.Expr},
			Body: a.Expr, BasicAuth: a.Expr, BearerToken: a.Expr,
		}
		_, _ = CompileRequest(r, s)
		if r, diags := CompileRequest(RequestExprs{URL: a.Expr, JSON: a.Expr}, s); !diags.HasErrors() {
			_, _ = r.Render(nil, nil) //nolint:staticcheck // Render has no use for a context
		}
	}
	exerciseSteps(attrs, s)
	if syntax, ok := body.(*hclsyntax.Body); ok {
		for _, b := range syntax.Blocks {
			exercise(b.Body, s)
		}
	}
}
