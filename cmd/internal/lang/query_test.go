package lang

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
)

const shop = `{"items": [{"id": 1, "price": 9.5, "tags": ["a"]}, {"id": 2, "price": 12, "tags": []}], "next": null, "a b": {"c": 1.10}, "big": 12345678901234567890}`

const feed = `<?xml version="1.0"?><feed xmlns:x="urn:x"><status code="7">up</status><x:n>5</x:n><e>1</e><e>2</e></feed>`

const page = `<!DOCTYPE html><html><head><title>Shop</title></head><body><p class="a">one<p>two<br></body></html>`

func TestQueries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body, x string
		want    string // message; empty if the expectation holds
	}{
		{shop, `jsonpath(json, "$.items[*].id") == [1, 2]`, ``},
		{shop, `jsonpath(json, "$.items[*].id") == [1, 2, 3]`, `jsonpath(json, "$.items[*].id") is [1,2], want [1,2,3]`},
		{shop, `jsonpath(json, "$.items[0].price") == 9.5`, ``},
		{shop, `jsonpath(json, "$['a b'].c") == 1.1`, ``},
		{shop, `jsonpath(json, "$.big") == 12345678901234567890`, ``},
		{shop, `jsonpath(json, "$.next") == null`, ``},
		{shop, `jsonpath(json, "$.nothing") == 1`, "JSONPath `$.nothing`: nothing is there"},
		{shop, `jsonpath(json, "$..[?@.price > 10].id") == [2]`, ``},
		{shop, `jsonpath(json.items, "$[?@.id == 2].tags") == [[]]`, ``},
		{shop, `jsonpath(json, "$.items[?match(@.tags[0], \"[ab]\")].id") == [1]`, ``},
		{shop, `jsonpath(json, "$.items[?length(@.tags) == 1 && length(@.none) != 1].id") == [1]`, ``},
		{shop, `length(jsonpath(json, "$.none[*]")) == 0`, ``},
		{shop, `contains(jsonpath(json, "$.items[*].id"), 3)`, `jsonpath(json, "$.items[*].id") is [1,2], want contains(jsonpath(json, "$.items[*].id"), 3)`},
		{shop, `jq(json, ".items | length") == 2`, ``},
		{shop, `jq(json, ".items | length") == 3`, `jq(json, ".items | length") is 2, want 3`},
		{shop, `jq(json, "[.items[] | select(.price > 10).id]") == [2]`, ``},
		{shop, `jq(json, "[.items[].price] | add") == 21.5`, ``},
		{shop, `jq(json, ".items | map(.id) | join(\"-\")") == "1-2"`, ``},
		{shop, `jq(json, "\"\\(.items[0].id)/\\(.items[1].id)\"") == "1/2"`, ``},
		{shop, `jq(json, ".items | map(.price * 2)[0]") == 19`, ``},
		{shop, `jq(json, "[paths(type == \"number\")] | length") == 6`, ``},
		{shop, `jq(json, "del(.items) | keys") == ["a b", "big", "next"]`, ``},
		{shop, `jq(json, "reduce .items[] as $i (0; . + $i.id)") == 3`, ``},
		{shop, `jq(json, "def f(x): x * 2; f(.items[1].id)") == 4`, ``},
		{shop, `jq(json, ".items[].id") == 1`, "jq `.items[].id`: it gives more than one value: write [ … ] around it for a list of them"},
		{shop, `jq(json, "empty") == 1`, "jq `empty`: it gives no value"},
		{shop, `jq(json, ".items.id") == 1`, "jq `.items.id`: expected an object but got: array"},
		{shop, `jq(json, ".items + 1") == 1`, "jq `.items + 1`: cannot add: array"},
		{shop, `jq(json, "error(.big)") == 1`, "jq `error(.big)`: it ends with error()"},
		{feed, `xpath(body, "//status/text()") == ["up"]`, ``},
		{feed, `xpath(body, "string(//status)") == "down"`, `xpath(body, "string(//status)") is "up", want "down"`},
		{feed, `xpath(body, "//status/@code") == ["7"]`, ``},
		{feed, `xpath(body, "count(//e)") == 2`, ``},
		{feed, `xpath(body, "boolean(//none)") == false`, ``},
		{feed, `xpath(body, "//e[2]") == ["2"]`, ``},
		{feed, `xpath(body, "//x:n") == ["5"]`, ``},
		{feed, `xpath(body, "//none") == []`, ``},
		{page, `xpath(body, "string(//title)") == "Shop"`, ``},
		{page, `xpath(body, "//p") == ["one", "two"]`, ``},
		{`{"a": 1}`, `xpath(body, "//p") == []`, "not XML"},
		{`<a><b></a>`, `xpath(body, "//p") == []`, "not XML (line 1)"},
		{shop, `valid_schema(json, { type = "object", required = ["items"] })`, ``},
		{shop, `valid_schema(json, { properties = { items = { items = { properties = { price = { type = "string" } } } } } })`, `json.items[0].price: want string, got number; json.items[1].price: want string, got number`},
		{shop, `valid_schema(json, { properties = { "a b" = { required = ["d"], additionalProperties = false } } })`, `json["a b"]: missing "d"; json["a b"]: not allowed: "c"`},
		{shop, `valid_schema(json.items, file("items.schema.json"))`, `json.items[0].tags[0]: want number, got string`},
		{shop, `status == 422 && valid_schema(json.items, file("items.schema.json"))`, `json.items[0].tags[0]: want number, got string, want status == 422 && valid_schema(json.items, file("items.schema.json"))`},
		{shop, `valid_schema(json, { anyOf = [{ required = ["x"] }, { properties = { next = { type = "string" } } }] })`, `json.next: want string, got null`},
	}
	for _, tt := range tests {
		t.Run(tt.x, func(t *testing.T) {
			t.Parallel()
			v := verdict(t, tt.x, tt.body)
			if v.Holds != (tt.want == "") || v.Explanation.Message != tt.want {
				t.Errorf("holds %v, message\n got %s\nwant %s", v.Holds, v.Explanation.Message, tt.want)
			}
		})
	}
}

// Queries leave the decoded answer as it is: all conditions share it.
func TestQueriesChangeNothing(t *testing.T) {
	t.Parallel()
	x := exchange(200, "application/json", shop)
	for _, q := range []string{".items | sort_by(-.id)", "del(.items[0])", "[.items[] | . + {a: 1}]", ".items | map_values(.id)", "[.. | numbers] | sort", "with_entries({key, value: 1})", ".items + .items", ".owner * {a: {b: 1}}", "to_entries", "delpaths([[\"items\", 0]])", "[.items[], .items[]] | unique_by(.id) | reverse"} {
		expr, s := attribute(t, fmt.Sprintf("x = jq(json, %q) != 17\n", q))
		c, diags := CompileCondition(expr, s, Expect)
		if diags.HasErrors() {
			t.Fatalf("%s: %s", q, write(diags))
		}
		c.Judge(&checks.Vars{Exchange: x})
	}
	after, err := x.JSON()
	if err != nil {
		t.Fatal(err)
	}
	before, err := exchange(200, "application/json", shop).JSON()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the decoded answer has changed (-before +after):\n%s", diff)
	}
}

func verdict(tb testing.TB, x, body string) checks.Verdict {
	tb.Helper()
	expr, s := attribute(tb, "\nx = "+x+"\n")
	c, diags := CompileCondition(expr, s, Expect)
	if diags.HasErrors() {
		tb.Fatalf("compiling: %s", write(diags))
	}
	return c.Judge(&checks.Vars{Exchange: exchange(422, "application/json", body)})
}

// A mistake in a constant query or schema is found at load, at its place.
func TestQueryMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct{ x, want string }{
		{`jsonpath(json, "$.items[") == 1`, "1:20 Invalid function argument: Invalid value for \"path\" parameter of jsonpath(): JSONPath `$.items[`: unexpected eof at position 9."},
		{`jq(json, ".items |") == 1`, "1:14 Invalid function argument: Invalid value for \"filter\" parameter of jq(): jq `.items |`: it ends too early."},
		{`jq(json, ".a == nope(1)") == 1`, "1:14 Invalid function argument: Invalid value for \"filter\" parameter of jq(): jq `.a == nope(1)`: function not defined: nope/1."},
		{`jq(json, "input") == 1`, "1:14 Invalid function argument: Invalid value for \"filter\" parameter of jq(): jq `input`: input is not available."},
		{`jq(json, "$ENV.HOME") == 1`, "1:14 Invalid function argument: Invalid value for \"filter\" parameter of jq(): jq `$ENV.HOME`: $ENV is not available."},
		{`jq(json, ".a = 1") == 1`, "1:14 Invalid function argument: Invalid value for \"filter\" parameter of jq(): jq `.a = 1`: assignment is not available."},
		{`xpath(body, "//a[") == 1`, "1:17 Invalid function argument: Invalid value for \"expression\" parameter of xpath(): XPath `//a[`: expression must evaluate to a node-set."},
		{`xpath(body, "//a[matches(., 'x')]") == 1`, "1:17 Invalid function argument: Invalid value for \"expression\" parameter of xpath(): XPath `//a[matches(., 'x')]`: matches() and replace() are not of XPath 1.0: use those of the language on the result."},
		{`valid_schema(json, "{") && status == 1`, `1:24 Invalid function argument: Invalid value for "schema" parameter of valid_schema(): not JSON.`},
		{`valid_schema(json, { type = "nonsense" })`, `1:24 Invalid function argument: Invalid value for "schema" parameter of valid_schema(): not a JSON Schema: schema.type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'.`},
		{`valid_schema(json, { "$ref" = "https://example.com/a.json" })`, `1:24 Invalid function argument: Invalid value for "schema" parameter of valid_schema(): references to other files are not followed.`},
		{`valid_schema(json, { pattern = "(" })`, `1:24 Invalid function argument: Invalid value for "schema" parameter of valid_schema(): not a JSON Schema: schema.pattern: '(' is not valid regex: not a regular expression of RE2: missing closing ).`},
	}
	for _, tt := range tests {
		t.Run(tt.x, func(t *testing.T) {
			t.Parallel()
			expr, s := attribute(t, "x = "+tt.x+"\n")
			_, diags := CompileCondition(expr, s, Expect)
			if got := write(diags); got != tt.want {
				t.Errorf("diagnostics\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What a target or a filter can do to be slow or large ends in an error.
func TestQueriesAreBounded(t *testing.T) {
	t.Parallel()
	wide := `{"a": [` + strings.Repeat(`{"b": [1, 2]},`, 10_000) + `1]}`
	deep := strings.Repeat(`{"a":[1,`, 30) + "1" + strings.Repeat(`]}`, 30)
	tests := []struct{ name, body, x, want string }{
		{"number", `{"a": 1e9999999}`, `jq(json, ".a") == 1`, "beyond the limits for JSON"},
		{"depth", strings.Repeat("[", 1000), `jsonpath(json, "$..*") == 1`, "beyond the limits for JSON"},
		{"endless", `1`, `jq(json, "def f: f; f") == 1`, "takes too long"},
		{"range", `1`, `jq(json, "[range(1e12)] | length") == 1`, "takes too long"},
		{"repeat", `1`, `jq(json, "last(repeat(1))") == 1`, "takes too long"},
		{"doubling text", `1`, `jq(json, "reduce range(100) as $i (\"x\"; . + .)") == 1`, "too large"},
		{"doubling template", `1`, `jq(json, "reduce range(100) as $i (\"x\"; \"\\(.)\\(.)\")") == 1`, "too large"},
		{"doubling list", `1`, `jq(json, "reduce range(100) as $i (1; [., .]) | tojson") == 1`, "too large"},
		{"doubling in a row", `1`, `jq(json, "1` + strings.Repeat("|[.,.]", 100) + `|tojson") == 1`, "too large"},
		{"text times", `1`, `jq(json, "\"x\" * 1e9") == 1`, "too large"},
		{"square", `1`, `jq(json, "reduce range(60) as $i (10; . * .)") != 1`, ""},
		{"join", `1`, `jq(json, "(\"x\" * 1e6) as $s | [range(1e4)] | join($s)") == 1`, "too large"},
		{"growing list", `1`, `jq(json, "reduce range(1e6) as $i ([]; . + [$i])") == 1`, "takes too long"},
		{"recursion", `1`, `jq(json, "def f: [f]; f") == 1`, "takes too long"},
		{"output", wide, `jq(json, "[., ., ., .]") == 1`, "too large"},
		{"descendants", deep, `jsonpath(json, "$..*..*..*..*..*..*") == 1`, "too complex"},
		{"filter in filter", wide, `jsonpath(json, "$.a[?$..b]") == 1`, "too complex"},
		{"selectors", deep, `jsonpath(json, "$` + strings.Repeat("[*,*]", 40) + `") == 1`, "too complex"},
		{"laughs", `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>`, `xpath(body, "/l") == []`, "not XML"},
		{"deep XML", strings.Repeat("<a>", 100_000), `xpath(body, "//a") == []`, "nested deeper"},
		{"many tags", "<a>" + strings.Repeat("<b/>", 150_000) + "</a>", `xpath(body, "//a") == []`, "limit of 100,000 tags"},
		{"deep HTML", "<html>" + strings.Repeat("<div>", 90_000), `xpath(body, "//div") == []`, "nested too deeply"},
		{"quadratic XPath", "<a>" + strings.Repeat("<b>1</b>", 20_000) + "</a>", `xpath(body, "count(//b[. = //b])") == 1`, ""},
		{"blowup", strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200), `xpath(body, "count(//a//a//a//a//a//a)") == 1`, "takes too long"},
		{"preceding", "<a>" + strings.Repeat("<b>1</b>", 20_000) + "</a>", `xpath(body, "count(//b[count(preceding::b) > 5])") == 1`, "takes too long"},
		{"pattern of the target", `{"a": [{"p": "(x{1,30}){1,20}y", "t": "` + strings.Repeat("x", 500_000) + `"}]}`, `jsonpath(json, "$.a[?match(@.t, @.p)]") == 1`, "takes too long"},
		{"pattern", `{"a": "` + strings.Repeat("x", 500_000) + `"}`, `valid_schema(json, { properties = { a = { pattern = "(x{1,30}){1,20}y" } } })`, "takes too long"},
		{"alternatives", strings.Repeat(`{"a":`, 60) + "1" + strings.Repeat("}", 60), `valid_schema(json, { "$defs" = { n = { anyOf = [{ properties = { a = { "$ref" = "#/$defs/n" } }, required = ["x"] }, { properties = { a = { "$ref" = "#/$defs/n" } }, required = ["y"] }] } }, "$ref" = "#/$defs/n" })`, "takes too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := verdict(t, tt.x, tt.body)
			if tt.want == "" && v.Err == nil {
				return
			}
			if v.Err == nil || !strings.Contains(v.Err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", v.Err, tt.want)
			}
		})
	}
}

// Secrets stay secret through queries, and their errors do not show them.
func TestQueriesKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ x, want string }{
		{`jsonpath({ a = secret.token, b = json }, "$.a") == "x"`, `jsonpath({ a = secret.token, b = json }, "$.a") is ***, want "x"`},
		{`jq({ a = secret.token, b = json }, ".a") == "x"`, `jq({ a = secret.token, b = json }, ".a") is ***, want "x"`},
		{`jq({ a = secret.token, b = json }, ".a[]") == "x"`, `secret.token`},
		{`jsonpath(json, secret.token) == "x"`, `secret is involved`},
		{`jq(json, secret.token) == "x"`, `secret is involved`},
		{`valid_schema({ a = secret.token, b = json }, { properties = { a = { type = "number" } } })`, `want valid_schema`},
		{`xpath("<a>${secret.token}</a>${substr(body, 0, 0)}", "string(/a)") == "x"`, `is ***, want "x"`},
	} {
		expr, s := attribute(t, "x = "+tt.x+"\n")
		c, diags := CompileCondition(expr, s, Expect)
		message := write(diags)
		if !diags.HasErrors() {
			v := c.Judge(&checks.Vars{Exchange: exchange(200, "application/json", "[]")})
			message = fmt.Sprint(v.Explanation.Message, v.Err, v.Explanation.Values)
		}
		if strings.Contains(message, "hunter2") || !strings.Contains(message, tt.want) && tt.want != "secret.token" {
			t.Errorf("%s says %q, want %q in it", tt.x, message, tt.want)
		}
	}
}
