package lang

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"watchword/checks"
)

func BenchmarkJudge(b *testing.B) {
	body := `{"database": "up", "items": [` + strings.TrimSuffix(strings.Repeat(`{"id": 1, "name": "x"},`, 200), ",") + `]}`
	for _, x := range []string{`status == 200`, `json.database == "up"`, `matches(json.database, "^u")`, `timing.total < 2 && tls.version == "1.3"`} {
		b.Run(x, func(b *testing.B) {
			expr, s := attribute(b, "x = "+x)
			c, diags := CompileCondition(expr, s, Expect)
			if diags.HasErrors() {
				b.Fatal(write(diags))
			}
			judge(b, c, body)
		})
	}
	b.Run("default", func(b *testing.B) {
		_, s := attribute(b, "x = 1")
		judge(b, DefaultExpect(hcl.Range{}, s), body)
	})
	b.Run("failing", func(b *testing.B) {
		expr, s := attribute(b, "x = status == 201")
		c, _ := CompileCondition(expr, s, Expect)
		vars := &checks.Vars{Exchange: exchange(200, "application/json", body)}
		b.ReportAllocs()
		for b.Loop() {
			c.Judge(vars)
		}
	})
}

// What answers of 1 MiB cost: expressions of each kind over one body.
func BenchmarkMebibyte(b *testing.B) {
	body := `{"items": [` + strings.Repeat(`{"id": "ord_1", "name": "something of some length", "price": 12.5, "tags": ["a", "b"], "note": "`+strings.Repeat("x", 60)+`"},`, 5500) + `{}]}`
	document := "<feed>" + strings.Repeat("<item id=\"1\"><name>something of some length</name><price>12.5</price></item>", 14_000) + "</feed>"
	for _, tt := range []struct{ x, body string }{
		{`matches(body, "ord_[0-9]+\"}$") == false`, body},
		{`length(jsonpath(json, "$.items[?@.price > 10]")) == 5500`, body},
		{`jq(json, "[.items[].price | select(. != null)] | add") > 0`, body},
		{`valid_schema(json, { properties = { items = { items = { properties = { price = { type = "number" } } } } } })`, body},
		{`xpath(body, "count(//item[price > 10])") == 14000`, document},
		{`body_sha256 != ""`, body},
	} {
		b.Run(tt.x, func(b *testing.B) {
			expr, s := attribute(b, "x = "+tt.x)
			c, diags := CompileCondition(expr, s, Expect)
			if diags.HasErrors() {
				b.Fatal(write(diags))
			}
			b.SetBytes(int64(len(tt.body)))
			judge(b, c, tt.body)
		})
	}
}

// judge measures a condition that holds, with the body already decoded.
func judge(b *testing.B, c checks.Condition, body string) {
	b.Helper()
	vars := &checks.Vars{Exchange: exchange(200, "application/json", body)}
	if v := c.Judge(vars); !v.Holds {
		b.Fatal(v.Explanation.Message)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Judge(vars)
	}
}

func BenchmarkCompile(b *testing.B) {
	b.Run("condition", func(b *testing.B) {
		expr, s := attribute(b, `x = json.database == "up" && status == 200`)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = CompileCondition(expr, s.With(nil), Expect) // which has compiled nothing yet
		}
	})
	b.Run("request", func(b *testing.B) {
		expr, s := attribute(b, `x = "${local.api}/orders"`)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = CompileRequest(RequestExprs{URL: expr}, s)
		}
	})
}

func BenchmarkGuard(b *testing.B) {
	var src strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&src, "check \"c%d\" {\n  request {\n    url = \"${local.api}/orders/%d\"\n  }\n  expect = [status == 200, json.database == \"up\"]\n}\n", i, i)
	}
	for name, src := range map[string]string{
		"10000 checks": src.String(), "parentheses": strings.Repeat("(", MaxFile), "templates": strings.Repeat(`"${`, MaxFile/3),
		"blocks": strings.Repeat("a{}\n", MaxFile/4), "list": "x = [" + strings.Repeat("1,", MaxFile/2-4) + "]",
		"text after a list": "x = [" + strings.Repeat("1,", maxTokens/2-10) + `"` + strings.Repeat("a", MaxFile-maxTokens) + `"]`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Guard("x.hcl", []byte(src))
			}
		})
	}
}

// BenchmarkParse parses what most files hold, and the same with a mark in each
// block that a glance does not see through.
func BenchmarkParse(b *testing.B) {
	var src strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&src, "check \"c%d\" {\n  # NAME\n  request {\n    url = \"${local.api}/orders/%d\"\n  }\n  expect = [status == 200, json.database == \"up\"]\n}\n", i, i)
	}
	for name, comment := range map[string]string{"plain": "# orders", "lexed": "/* orders */"} {
		b.Run(name, func(b *testing.B) {
			text := []byte(strings.ReplaceAll(src.String(), "# NAME", comment))
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, diags := Parse("x.hcl", text); diags.HasErrors() {
					b.Fatal(diags)
				}
			}
		})
	}
}
