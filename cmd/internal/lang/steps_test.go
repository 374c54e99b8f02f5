package lang

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// steps places an expression in the step "order", after "login".
func steps(s *Scope, secrets ...Proof) *Scope {
	return s.WithSteps(Steps{Name: "order", Earlier: []string{"login"}, Later: []string{"cancel"}, Secrets: secrets})
}

func loginAnswer(body string) *checks.Vars {
	return &checks.Vars{
		Exchange: exchange(201, "application/json", `{"id": "ord_1", "user": "probe"}`),
		Steps:    map[string]*checks.Exchange{"login": exchange(200, "application/json", body)},
	}
}

func TestRenderFromSteps(t *testing.T) {
	t.Parallel()
	const url = "url = \"https://a.example/x\"\n"
	tests := []struct{ name, src, answer, want string }{
		{"bearer", url + `bearer_token = step.login.json.token`, `{"token": "abc"}`, "GET https://a.example/x Authorization=Bearer abc secrets=Bearer abc|abc"},
		{"url", `url = "https://a.example/${step.login.json.id}?n=${step.login.status}"`, `{"id": 5}`, "GET https://a.example/5?n=200"},
		{"host", `url = step.login.json.next`, `{"next": "https://b.example/y"}`, "GET https://b.example/y"},
		{"json", url + "method = \"POST\"\njson = { a = step.login.json.list[1], b = \"<${step.login.json.list[0]}>\" }", `{"list": ["x", {"y": 1}]}`, `POST https://a.example/x Content-Type=application/json body={"a":{"y":1},"b":"\u003cx\u003e"}`},
		{"headers", url + `headers = { X-A = step.login.header["content-type"], X-B = "b" }`, `{}`, "GET https://a.example/x X-A=application/json X-B=b"},
		{"query", url + `query = { a = step.login.json.a }`, `{"a": "x y"}`, "GET https://a.example/x?a=x+y"},
		{"try", url + `headers = { X = try(step.login.json.gone, "none") }`, `{}`, "GET https://a.example/x X=none"},
		{"twice", url + `headers = { X = "${step.login.json.a}-${step.login.json.a}" }`, `{"a": 1}`, "GET https://a.example/x X=1-1"},
		{"for", url + `query = { for k, v in step.login.json.all : k => upper(v) }`, `{"all": {"a": "x"}}`, "GET https://a.example/x?a=X"},
		{"object of headers", url + `headers = step.login.json.headers`, `{"headers": {"X-A": "1"}}`, "GET https://a.example/x X-A=1"},
		{"merged query", url + `query = merge(step.login.json.page, { b = "2" })`, `{"page": {"a": 1}}`, "GET https://a.example/x?a=1&b=2"},
		{"object of credentials", url + `basic_auth = step.login.json`, `{"username": "me", "password": "s3cret"}`, "GET https://a.example/x Authorization=Basic bWU6czNjcmV0 secrets=Basic bWU6czNjcmV0|bWU6czNjcmV0|s3cret"},
		{"no object of headers", url + `headers = step.login.json.headers`, `{"headers": 1}`, "rendering the request: headers must be an object of strings, not a number"},

		{"missing", url + `bearer_token = step.login.json.token`, `{"tokn": 1}`, `rendering the request: bearer_token: step.login.json.token is missing: the object has "tokn"`},
		{"not JSON", url + `bearer_token = step.login.json.token`, `<html>`, `rendering the request: bearer_token: step "login": `},
		{"hostile token", url + `bearer_token = step.login.json.token`, `{"token": "a\r\nX: y"}`, "rendering the request: bearer_token must be one word without control characters"},
		{"hostile URL", `url = step.login.json.next`, `{"next": "file:///etc/passwd"}`, "rendering the request: "},
		{"null", `url = step.login.json.next`, `{"next": null}`, "rendering the request: url must be a string, not null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			exprs, s := request(t, tt.src)
			r, diags := CompileRequest(exprs, steps(s))
			if len(diags) > 0 {
				t.Fatal(write(diags))
			}
			for range 2 { // the tree does not change
				got := ""
				rendered, err := r.Render(t.Context(), loginAnswer(tt.answer))
				if err == nil {
					got = dump(rendered)
				} else if _, ok := errors.AsType[*checks.ValueError](err); ok {
					got = err.Error()
				} else {
					t.Errorf("error %T, want a ValueError: %v", err, err)
				}
				if got != tt.want && (!strings.HasSuffix(tt.want, ": ") || !strings.HasPrefix(got, tt.want)) {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			}
			_, err := r.Render(t.Context(), &checks.Vars{})
			if _, ok := errors.AsType[*checks.ValueError](err); !ok && tt.name != "try" {
				t.Errorf("without an answer: %v", err)
			}
		})
	}
}

// Mistakes beside the values of a step are found at load.
func TestStepRequestsAreChecked(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`url = "https://u:p@a.example/${step.login.json.id}"`:                          "Invalid URL",
		"url = \"https://a.example/\"\nheaders = { \"a b\" = step.login.json.x }":      "Invalid header",
		"url = \"https://a.example/\"\nheaders = { X = upper(step.login.status, 3) }":  "Too many function arguments",
		"url = \"https://a.example/\"\nbody = \"${step.login.json.x}\"":                "Body without method",
		"url = \"https://a.example/\"\nbasic_auth = { username = step.login.json.me }": "Incomplete credentials",
	} {
		exprs, s := request(t, src)
		if _, diags := CompileRequest(exprs, steps(s)); !strings.Contains(write(diags), want) {
			t.Errorf("%s: diagnostics are %q, want %q in them", src, write(diags), want)
		}
	}
}

func TestConditionsOverSteps(t *testing.T) {
	t.Parallel()
	const answer = `{"user": "other", "token": "abcdef"}`
	tests := []struct{ src, want string }{
		{`json.user == step.login.json.user`, `json.user is "probe" and step.login.json.user is "other", want json.user == step.login.json.user`},
		{`status == step.login.status + 1`, ""},
		{`status == step.login.status`, `status is 201 and step.login.status is 200, want status == step.login.status`},
		{`json.id == step.login.json.gone`, `step.login.json.gone is missing: the object has "token" and "user"`},
		{`json.id == step.login.json.token`, `json.id is "ord_1" and step.login.json.token is ***, want json.id == step.login.json.token`},
		{`json.id == step.login.json["token"]`, `json.id is "ord_1" and step.login.json["token"] is ***, want json.id == step.login.json["token"]`},
		{`length(body) == length(step.login.body)`, `body is 32 bytes and step.login.body is 36 bytes, want length(body) == length(step.login.body)`},
	}
	exprs, s := request(t, "url = \"https://a.example/\"\nheaders = { Authorization = \"Bearer ${step.login.json.token}\" }")
	proofs := s.Proofs(exprs)
	for _, tt := range tests {
		expr, s := attribute(t, "x = "+tt.src)
		c, diags := CompileCondition(expr, steps(s, proofs...), Expect)
		if len(diags) > 0 {
			t.Errorf("%s: %s", tt.src, write(diags))
			continue
		}
		v := c.Judge(loginAnswer(answer))
		if v.Explanation.Message != tt.want || v.Holds != (tt.want == "") {
			t.Errorf("%s: %q, want %q", tt.src, v.Explanation.Message, tt.want)
		}
	}
}

func TestProofs(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`bearer_token = step.login.json.token`:                                                "t0ken",
		`bearer_token = "${step.login.json.deep.key}-x"`:                                      "k3y",
		`basic_auth = { username = "u", password = step.login.json.token }`:                   "t0ken",
		`headers = { Cookie = step.login.header["set-cookie"], X = step.login.json.x }`:       "s=1; Path=/",
		`headers = merge({ "X-Api-Key" = step.login.json.token }, { Y = "z" })`:               "t0ken",
		`query = { access_token = step.login.json.token, page = step.login.json.x }`:          "t0ken",
		`json = { auth = { refresh_token = step.login.json.token }, x = step.login.url }`:     "t0ken",
		`url = "https://a.example/?page=${step.login.json.x}&token=${step.login.json.token}"`: "t0ken",
		// What is computed from a whole answer is what comes out; where it takes several answers, all that stands in this one.
		`bearer_token = jsonpath(step.login.json, "$.token")[0]`:                             "t0ken",
		`bearer_token = regex("t0\\w+", step.login.body)`:                                    "t0ken",
		`basic_auth = { username = "u", password = "${jq(step.login.json, ".deep.key")}" }`:  "k3y|t0ken",
		`bearer_token = "${jq(step.login.json, ".x")}.${jq(step.order.json, ".y")}"`:         "other|t0ken",
		`bearer_token = jq([step.login.json, step.order.json], ".[0].x")`:                    "k3y|other|t0ken",
		`bearer_token = regex("t0\\w+", lower(step.login.body))`:                             `t0ken|{"token": "t0ken", "x": "other", "deep": {"key": "k3y"}}`,
		`headers = { Authorization = [for k, v in step.login.json : v if k == "token"][0] }`: "t0ken",
		// What goes along as a whole: what is called a token in it.
		`json = step.login.json`:                  "t0ken",
		`json = { all = [step.login.json.deep] }`: "",
		`body = jsonencode(step.login.json)`:      "t0ken",
		`json = { x = step.login.json.token }`:    "t0ken",
		`body = step.login.body`:                  "t0ken",
		`headers = step.login.header`:             "",
		`bearer_token = step.login.body`:          `t0ken|{"token": "t0ken", "x": "other", "deep": {"key": "k3y"}}`,
		`headers = { X = step.login.json.x }`:     "",
		`bearer_token = step.order.json.token`:    "",
	} {
		exprs, s := request(t, src)
		proofs := s.Proofs(exprs)
		x := exchange(200, "application/json", `{"token": "t0ken", "x": "other", "deep": {"key": "k3y"}}`)
		x.Header.Set("Set-Cookie", "s=1; Path=/")
		var got []string
		if extract := s.Extract("login", proofs); extract != nil {
			got = extract(x)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%s: secrets are %q, want %q", src, got, want)
		}
	}
}

// Conditions that do not name what differs are compiled once.
func TestInstancesShareConditions(t *testing.T) {
	t.Parallel()
	compile := func(s *Scope, expr hcl.Expression) *compiled {
		c, diags := CompileCondition(expr, s, Expect)
		if diags.HasErrors() {
			t.Fatal(write(diags))
		}
		return c.(*condition).compiled //nolint:forcetypeassert // what it returns
	}
	each := func(s *Scope, key string) *Scope { return s.WithEach(key, cty.StringVal(key)) }
	same, s := attribute(t, "x = status == 200")
	if compile(each(s, "a"), same) != compile(steps(each(s, "b")), same) {
		t.Error("status == 200 is compiled twice")
	}
	other, s := attribute(t, "x = json.at == each.key")
	if compile(each(s, "a"), other) == compile(each(s, "b"), other) {
		t.Error("each.key is the same in two instances")
	}
	step, s := attribute(t, "x = json.at == step.login.json.at")
	if compile(steps(each(s, "a")), step) != compile(steps(each(s, "b")), step) {
		t.Error("a condition over steps is compiled twice")
	}
	proof, _ := request(t, "bearer_token = step.login.json.at")
	if compile(steps(s), step) == compile(steps(s, s.Proofs(proof)...), step) {
		t.Error("a secret value and another one are the same")
	}
	x, s := attribute(t, "x = json.region == each.key")
	c := compile(each(s, "fra"), x)
	v := (&condition{c, "a.hcl", 1}).Judge(&checks.Vars{Exchange: exchange(200, "application/json", `{"region": "nyc"}`)})
	if want := `json.region is "nyc", want "fra"`; v.Explanation.Message != want {
		t.Errorf("message is %q, want %q", v.Explanation.Message, want)
	}
}

func TestStepScopeIsSafe(t *testing.T) {
	t.Parallel()
	exprs, s := request(t, "url = \"https://a.example/${step.login.json.id}\"")
	inner := steps(s)
	for range 3 { // the same block, as each instance compiles it
		if _, diags := CompileRequest(exprs, inner); len(diags) > 0 {
			t.Fatal(write(diags))
		}
	}
	if _, diags := CompileRequest(exprs, s); !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool { return strings.Contains(d.Detail, "step.NAME stands") }) {
		t.Errorf("outside of steps: %s", write(diags))
	}
}
