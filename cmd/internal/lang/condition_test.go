package lang

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"watchword/checks"
)

const orders = `{"id": "x-1", "database": "down", "count": 3, "ratio": 0.1, "nothing": null, "ok": true,
	"items": [{"id": 1}, {"id": 2}], "content-type": "t", "big": "` + "BIG" + `"}`

func TestJudge(t *testing.T) {
	t.Parallel()
	long := strings.Replace(orders, "BIG", strings.Repeat("é", 300), 1)
	tests := []struct {
		x     string
		holds bool
		want  string // message; of an expectation that does not hold
	}{
		{x: `status == 200`, want: `status is 422, want 200`},
		{x: `200 == status`, want: `status is 422, want 200`},
		{x: `(status) == (200)`, want: `status is 422, want 200`},
		{x: `status != 422`, want: `status is 422, want != 422`},
		{x: `status == 422`, holds: true},
		{x: `status < 400`, want: `status is 422, want < 400`},
		{x: `400 > status`, want: `status is 422, want < 400`},
		{x: `status >= 200 && status < 400`, want: `status is 422, want status >= 200 && status < 400`},
		{x: `status == 200 || json.ok == false`, want: `status is 422 and json.ok is true, want status == 200 || json.ok == false`},
		{x: `json.database == "up"`, want: `json.database is "down", want "up"`},
		{x: `json.database == var.env`, want: `json.database is "down", want "prod"`},
		{x: `json.database == secret.token`, want: `json.database is "down", want ***`},
		{x: `matches(json.id, "^ord_")`, want: `json.id is "x-1", want matches(json.id, "^ord_")`},
		{x: `!json.ok`, want: `json.ok is true, want !json.ok`},
		{x: `json.count == var.max + 1`, want: `json.count is 3, want 4`},
		{x: `json.ratio == 0.1`, holds: true},
		{x: `json.ratio > 0.1`, want: `json.ratio is 0.1, want > 0.1`},
		{x: `json.nothing == "x"`, want: `json.nothing is null, want "x"`},
		{x: `json.nothing == null`, holds: true},
		{x: `json.items[1].id == 2`, holds: true},
		{x: `json.items[0].id == 2`, want: `json.items[0].id is 1, want 2`},
		{x: `json["items"][0]["id"] == 2`, want: `json["items"][0]["id"] is 1, want 2`},
		{x: `json.items[*].id == [1, 3]`, want: `json.items[*].id is [1,2], want [1,3]`},
		{x: `length(json.items) > 5`, want: `length(json.items) is 2, want > 5`},
		{x: `alltrue([for i in json.items : i.id > 1])`, want: `json.items is [{"id":1},{"id":2}], want alltrue([for i in json.items : i.id > 1])`},
		{x: `alltrue([for status in json.items : status.id > 0])`, holds: true},
		{x: `json.content-type == "t"`, holds: true},
		{x: `json.big == "x"`, want: `json.big is "` + strings.Repeat("é", 100) + `…", want "x"`},
		{x: `length(json) > 20`, want: `length(json) is 9, want > 20`},

		{x: `json.databas == "up"`, want: `json.databas is missing: the object has "big", "content-type", "count", "database", "id", "items", "nothing", "ok" and 1 more`},
		{x: `json.items[5].id == 1`, want: `json.items[5] is missing: the list has 2 elements`},
		{x: `json.items[0].name == 1`, want: `json.items[0].name is missing: the object has "id"`},
		{x: `json.items.id == 1`, want: `json.items.id is missing: json.items is a list: take an element of it by [0], or all by [*]`},
		{x: `json.id.x == 1`, want: `json.id.x is missing: json.id is a string`},
		{x: `json.nothing.x == 1`, want: `json.nothing.x is missing: json.nothing is null`},
		{x: `json.count-1 == 1`, want: `json.count-1 is missing: the object has "big", "content-type", "count", "database", "id", "items", "nothing", "ok" and 1 more ("count-1" is one name to HCL; to subtract, write spaces around the minus sign)`},
		{x: `json.database > 5`, want: `json.database is "down": unsuitable value for left operand: a number is required`},
		{x: `json.count && true`, want: `json.count is 3: unsuitable value for left operand: bool required, but have number`},
		{x: `json.id`, want: `json.id is "x-1": the result is a string, neither true nor false`},
		{x: `json.nothing`, want: `json.nothing is null: the result is null, neither true nor false`},
		{x: `matches(json.nothing, "a")`, want: `json.nothing is null: invalid value for "text" parameter of matches(): argument must not be null`},
		{x: `try(json.missing, json.count) == 4`, want: `try(json.missing, json.count) is 3, want 4`},
		{x: `can(json.missing)`, want: `the condition is false, want can(json.missing)`},
		{x: `try(json.missing, json.gone) == 4`, want: `json.missing is missing: the object has "big", "content-type", "count", "database", "id", "items", "nothing", "ok" and 1 more`},
		{x: `status == 200 && json.missing == 1`, want: `status is 422, want status == 200 && json.missing == 1`},

		{x: `header["content-type"] == "text/plain"`, want: `header["content-type"] is "application/json", want "text/plain"`},
		{x: `header.vary == "a"`, want: `header.vary is "a, b", want "a"`},
		{x: `header["x-none"] == "a"`, want: `header["x-none"] is missing, want "a"`},
		{x: `header["x-none"] == null`, holds: true},
		{x: `lookup(header, "x-none", "-") == "-"`, holds: true},
		{x: `body == "x"`, want: `body is 6,0` + "", holds: false},
		{x: `lower(body) == "x"`, want: ``},
		{x: `url == "https://api.acme.com/"`, want: `url is "https://api.acme.com/x", want "https://api.acme.com/"`},
		{x: `redirects == 0`, want: `redirects is 1, want 0`},
		{x: `remote_ip == "::1"`, want: `remote_ip is "192.0.2.1", want "::1"`},
		{x: `http_version == "1.1"`, want: `http_version is "2", want "1.1"`},
		{x: `timing.total < 1`, want: `timing.total is 1.203, want < 1`},
		{x: `timing.total - timing.dns < 1`, want: `timing.total - timing.dns is 1.202, want < 1`},
		{x: `tls.version == "1.2"`, want: `tls.version is "1.3", want "1.2"`},
		{x: `tls.client_certificate == null`, want: `tls.client_certificate is "acme", want null`},
		{x: `tls.client_certificate_requested`, holds: true},
		{x: `request.headers["authorization"] == "x"`, want: `request.headers["authorization"] is ***, want "x"`},
		{x: `request.headers["accept"] == "x"`, want: `request.headers["accept"] is "text/plain", want "x"`},
		{x: `request.body == "x"`, want: `request.body is 4 bytes, want "x"`},
		{x: `request.method == "PUT"`, want: `request.method is "GET", want "PUT"`},
		{x: `status == secret.gone`, want: `secret.gone is not available: opening gone.txt: no such file`},
		{x: `can(secret.gone) && status == 422`, want: `secret.gone is not available: opening gone.txt: no such file`},
	}
	for _, tt := range tests {
		t.Run(tt.x, func(t *testing.T) {
			t.Parallel()
			expr, s := attribute(t, "\nx = "+tt.x+"\n")
			c, diags := CompileCondition(expr, s, Expect)
			if diags.HasErrors() {
				t.Fatalf("compiling: %s", write(diags))
			}
			v := c.Judge(&checks.Vars{Exchange: exchange(422, "application/json", long)})
			if v.Holds != tt.holds {
				t.Errorf("Holds = %v, want %v (%s)", v.Holds, tt.holds, v.Explanation.Message)
			}
			switch tt.x {
			case `body == "x"`:
				tt.want = `body is 754 bytes, want "x"`
			case `lower(body) == "x"`:
				tt.want = `body is 754 bytes, want lower(body) == "x"`
			}
			if v.Explanation.Message != tt.want {
				t.Errorf("message\n got %s\nwant %s", v.Explanation.Message, tt.want)
			}
			if e := v.Explanation; e.Expression != tt.x || e.File != "test.hcl" || e.Line != 2 {
				t.Errorf("explained as %q at %s:%d", e.Expression, e.File, e.Line)
			}
		})
	}
}

func TestJudgeDegraded(t *testing.T) {
	t.Parallel()
	expr, s := attribute(t, "x = timing.total > 0.8")
	c, diags := CompileCondition(expr, s, DegradedIf)
	if diags.HasErrors() {
		t.Fatal(write(diags))
	}
	v := c.Judge(&checks.Vars{Exchange: exchange(200, "", "")})
	if got, want := v.Explanation.Message, "timing.total is 1.203"; !v.Holds || got != want {
		t.Errorf("holds %v: %q, want %q", v.Holds, got, want)
	}
	if got := v.Explanation.Values; len(got) != 1 || got[0] != (checks.Value{Name: "timing.total", Value: 1.203456}) {
		t.Errorf("values are %v", got)
	}
	fast := exchange(200, "", "")
	fast.Timing.Total = 0
	if v := c.Judge(&checks.Vars{Exchange: fast}); v.Holds || v.Explanation.Message != "" || v.Explanation.Values != nil {
		t.Errorf("explained without need: %+v", v)
	}
}

func TestJudgeAnswersThatAreNotJSON(t *testing.T) {
	t.Parallel()
	tests := []struct{ contentType, body, want string }{
		{"text/html", "<html>", `the body is not JSON (content type text/html): decoding the body: `},
		{"", "", `the body is not JSON (without content type): it is empty`},
		{"application/json", "1e9999999", "reading the body as JSON: "},
		{"application/json", strings.Repeat("[", 100), "reading the body as JSON: "},
	}
	expr, s := attribute(t, `x = json.database == "up"`)
	c, _ := CompileCondition(expr, s, Expect)
	for _, tt := range tests {
		v := c.Judge(&checks.Vars{Exchange: exchange(200, tt.contentType, tt.body)})
		if v.Holds || v.Err == nil || !strings.HasPrefix(v.Explanation.Message, strings.TrimSuffix(tt.want, "decoding the body: ")) {
			t.Errorf("%q: %q, want %q", tt.body, v.Explanation.Message, tt.want)
		}
		if limit := strings.HasPrefix(tt.want, "reading"); errors.Is(v.Err, checks.ErrLimit) != limit {
			t.Errorf("%q: errors.Is(err, ErrLimit) is %v", tt.body, !limit)
		}
	}
}

func TestExplanationRedactsBeforeItCuts(t *testing.T) {
	t.Parallel()
	expr, s := attribute(t, `x = json.echo == "x" || json.list == ["a"]`)
	c, diags := CompileCondition(expr, s, Expect)
	if diags.HasErrors() {
		t.Fatal(write(diags))
	}
	padding := strings.Repeat("-", maxText-8)
	v := c.Judge(&checks.Vars{Exchange: exchange(200, "", `{"echo": "`+padding+`hunter2-token", "list": ["hunter2-token", {"hunter2-token": "a"}]}`)})
	b, err := json.Marshal(v.Explanation)
	if err != nil || strings.Contains(string(b), "hunter") || !strings.Contains(string(b), "---***") {
		t.Errorf("%s %v", b, err)
	}
}

func TestJudgeHugeNumbersInTexts(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"n": "1e999999999"}`, `{"n": "` + strings.Repeat("9", 1<<19) + `"}`} {
		for _, x := range []string{`json.n > 5`, `-json.n < 5`, `"a${json.n * 2}" == "x"`} {
			expr, s := attribute(t, "x = "+x)
			c, diags := CompileCondition(expr, s, Expect)
			if diags.HasErrors() {
				t.Fatal(write(diags))
			}
			if v := c.Judge(&checks.Vars{Exchange: exchange(200, "", body)}); v.Err == nil || !strings.Contains(v.Explanation.Message, "a number is required") {
				t.Errorf("%s: %.200s", x, v.Explanation.Message)
			}
		}
	}
}

func TestJudgeWithoutTLS(t *testing.T) {
	t.Parallel()
	plain := exchange(200, "", "")
	plain.TLS = nil
	for x, want := range map[string]string{
		`tls.days_left > 14`:               `tls.days_left is missing: the answer came without TLS`,
		`length(tls) == 0`:                 `tls is missing: the answer came without TLS`,
		`try(tls.version, "none") == "no"`: `try(tls.version, "none") is "none", want "no"`,
	} {
		expr, s := attribute(t, "x = "+x)
		c, diags := CompileCondition(expr, s, Expect)
		if diags.HasErrors() {
			t.Fatalf("%s: %s", x, write(diags))
		}
		if got := c.Judge(&checks.Vars{Exchange: plain}).Explanation.Message; got != want {
			t.Errorf("%s: %q, want %q", x, got, want)
		}
	}
}

func TestConditionMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct{ x, want string }{
		{`tls.days_lef > 14`, `1:8 Unknown name: tls has no "days_lef". Did you mean "days_left"?`},
		{`true || tls.days_lef > 14`, `1:16 Unknown name: tls has no "days_lef". Did you mean "days_left"?`},
		{`try(tls.days_lef, 0) > 14`, `1:12 Unknown name: tls has no "days_lef". Did you mean "days_left"?`},
		{`status == 200 ? tls.days_lef > 1 : true`, `1:24 Unknown name: tls has no "days_lef". Did you mean "days_left"?`},
		{`alltrue([for i in json.items : i.id > tls.days_lef])`, `1:46 Unknown name: tls has no "days_lef". Did you mean "days_left"?`},
		{`timing.total-timing.dns < 1`, `1:11 Unknown name: HCL reads "total-timing" as one name. To subtract, write spaces around the minus sign, as in timing.total - timing.dns.`},
		{`timing.total-timing.dns-timing.connect-tls.days_left < 1`, `1:11 Unknown name: HCL reads "total-timing" as one name. To subtract, write spaces around the minus sign, as in timing.total - timing.dns - timing.connect - tls.days_left.`},
		{`status-json.count == 1`, `1:5 Unknown name: HCL reads "status-json" as one name. To subtract, write spaces around the minus sign, as in status - json.count.`},
		{`status-1 == 199`, `1:5 Unknown name: HCL reads "status-1" as one name. To subtract, write spaces around the minus sign, as in status - 1.`},
		{`statu == 200`, `1:5 Unknown name: There is no "statu" here. Did you mean "status"?`},
		{`response == 200`, `1:5 Unknown name: There is no "response" here. An answer has "status", "header", "body", "body_size", "body_sha256", "cookie", "json", "url", "redirects", "remote_ip", "http_version", "timing", "tls" and "request".`},
		{`status == vra.env`, `1:15 Unknown name: There is no "vra" here. Did you mean "var"?`},
		{`status == var.enf`, `1:18 Unknown name: var has no "enf". Did you mean "env"?`},
		{`status == var.other`, `1:18 Unknown name: var has no "other". It has "env" and "max".`},
		{`matchs(body, "x")`, `1:5 Unknown function: There is no function matchs(). Did you mean "matches"?`},
		{`status == 200 || matchs(body, "x")`, `1:22 Unknown function: There is no function matchs(). Did you mean "matches"?`},
		{`status == 200 && status + "x" == 1`, `1:31 Invalid operand: Unsuitable value for right operand: a number is required.`},
		{`status == 200 && upper(status, 1) == "x"`, `1:36 Too many function arguments: Function "upper" expects only 1 argument(s).`},
		{`matches(body, "(")`, `1:19 Invalid function argument: Invalid value for "re2" parameter of matches(): not a regular expression of RE2: missing closing ).`},
		{`status`, `1:5 Not a condition: A condition is true or false; this is a number. Compare it with something: status == …`},
		{`1 == 1`, `1:5 Condition does not depend on the answer: This expectation names no value of the answer, such as status, header, json or timing.`},
		{`now() > 5`, `1:5 Condition does not depend on the answer: This expectation names no value of the answer, such as status, header, json or timing.`},
		{`status != null`, `1:5 Condition does not depend on the answer: This expectation is true whatever the answer is.`},
		{`true || status == 200`, `1:5 Condition does not depend on the answer: This expectation is true whatever the answer is.`},
		{`header["Content-Type"] == "x"`, `1:11 Unknown name: Names of headers are in lower case here. Did you mean "content-type"?`},
		{`header["a"].b == "x"`, `1:11 Unknown name: header takes the name of a header: header["content-type"].`},
		{`status.code == 1`, `1:11 Unknown name: status is a number: nothing can follow it.`},
		{`tls["nothing"] == 1`, `1:8 Unknown name: tls has no "nothing". It has "version", "cipher", "issuer", "subject", "names", "not_after", "days_left", "client_certificate" and "client_certificate_requested".`},
		{`status == "200"`, `1:5 Comparison of different types: status is a number and "200" is a string: such values are never equal. Write both as the same type, or convert one with tonumber() or tostring().`},
		{`"status == 200"`, `1:5 Not a condition: A condition is true or false; this is a string. Write the condition without quotes.`},
		{`contains(body, "ok")`, `1:14 Invalid function argument: Invalid value for "list" parameter of contains(): a list is required.`},
		{`sum(status) > 1`, `1:9 Invalid function argument: Invalid value for "list" parameter of sum(): a list is required.`},
		{`alltrue(body)`, `1:13 Invalid function argument: Invalid value for "list" parameter of alltrue(): a list is required.`},
		{`index(body, "x") == 1`, `1:11 Invalid function argument: Invalid value for "list" parameter of index(): a list is required.`},
		{`flatten(body) == []`, `1:13 Invalid function argument: Invalid value for "list" parameter of flatten(): a list is required.`},
		{`json.ok && "200" != status`, `warning 1:16 Comparison of different types: "200" is a string and status is a number: such values are always unequal. Write both as the same type, or convert one with tonumber() or tostring().`},
		{`json.ok || tls.names == ["a"]`, `warning 1:16 Comparison of different types: tls.names is a list of strings and ["a"] is a list: such values are never equal. Convert one with tolist().`},
		{`json.token == "x" && secret.token > 5`, `1:26 Invalid operand: The value is not shown: a secret is involved.`},
	}
	for _, tt := range tests {
		t.Run(tt.x, func(t *testing.T) {
			t.Parallel()
			expr, s := attribute(t, "x = "+tt.x)
			_, diags := CompileCondition(expr, s, Expect)
			if got := write(diags); got != tt.want {
				t.Errorf("mistakes\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestConditionsOfJSON(t *testing.T) {
	t.Parallel()
	expr, s := jsonAttribute(t, `{
  "x": [
    "status == 200",
    "${json.database == \"up\"}",
    "tls.days_lef > 3",
    "!!!",
    5
  ]
}`)
	conditions, diags := CompileConditions(expr, s, Expect)
	want := `5:9 Unknown name: tls has no "days_lef". Did you mean "days_left"?
6:9 Invalid expression: Expected the start of an expression, but found an invalid expression token.
7:5 Not a condition: A condition is true or false; this is a number. Compare it with something: 5 == …`
	if got := write(diags); !strings.HasPrefix(got, want[:60]) || !strings.Contains(got, "7:5 Not a condition") {
		t.Errorf("mistakes\n got %s\nwant %s", got, want)
	}
	if len(conditions) != 2 {
		t.Fatalf("%d conditions, want 2", len(conditions))
	}
	for i, want := range []checks.Explanation{
		{Expression: "status == 200", File: "test.hcl.json", Line: 3, Message: "status is 500, want 200"},
		{Expression: `json.database == "up"`, File: "test.hcl.json", Line: 4, Message: `json.database is "down", want "up"`},
	} {
		got := conditions[i].Judge(&checks.Vars{Exchange: exchange(500, "", orders)}).Explanation
		if got.Expression != want.Expression || got.File != want.File || got.Line != want.Line || got.Message != want.Message {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	single, s := attribute(t, "x = status == 200")
	if _, diags := CompileConditions(single, s, DegradedIf); write(diags) != "1:5 List expected: degraded_if is a list of conditions in brackets: [status == 200]." {
		t.Errorf("got %s", write(diags))
	}
}

func TestDefaultExpect(t *testing.T) {
	t.Parallel()
	_, s := attribute(t, "x = 1")
	at := hcl.Range{Filename: "/etc/watchword/orders.hcl", Start: hcl.Pos{Line: 7, Column: 1}}
	c := DefaultExpect(at, s)
	for status, holds := range map[int]bool{200: true, 399: true, 400: false, 199: false} {
		v := c.Judge(&checks.Vars{Exchange: exchange(status, "", "")})
		if v.Holds != holds {
			t.Errorf("status %d: %v, want %v", status, v.Holds, holds)
		}
		if e := v.Explanation; e.File != at.Filename || e.Line != 7 || e.Expression != "status >= 200 && status < 400" {
			t.Errorf("explained at %s:%d as %s", e.File, e.Line, e.Expression)
		}
	}
}

func TestExplanationIsBoundedAndMarshals(t *testing.T) {
	t.Parallel()
	expr, s := attribute(t, `x = json.items == json`)
	c, diags := CompileCondition(expr, s, Expect)
	if diags.HasErrors() {
		t.Fatal(write(diags))
	}
	body := `{"items": [` + strings.TrimSuffix(strings.Repeat(`"0123456789",`, 40_000), ",") + `]}`
	v := c.Judge(&checks.Vars{Exchange: exchange(200, "", body)})
	want := `json.items is a list of 40,000 elements and json is {"items":"(a list of 40,000 elements)"}, want json.items == json`
	if v.Explanation.Message != want {
		t.Errorf("got %s\nwant %s", v.Explanation.Message, want)
	}
	b, err := json.Marshal(v.Explanation)
	if err != nil || len(b) > 1000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
