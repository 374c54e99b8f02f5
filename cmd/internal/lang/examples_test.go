package lang

import (
	"net/http"
	"testing"
	"time"

	"watchword/checks"
)

// Each function has an example, and it is true.
func TestExamples(t *testing.T) {
	t.Parallel()
	x := exchange(200, "application/json", `{"id": "ord_1", "items": [{"id": 1, "price": 9.5}, {"id": 2, "price": 12}]}`)
	x.RemoteIP = "127.0.0.1"
	x.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	for _, f := range Functions() {
		if f.Example == "" {
			t.Errorf("%s has no example", f.Name)
			continue
		}
		example := f.Example
		if f.Name == "env" {
			example = `env("SET") != ""`
		}
		expr, s := attribute(t, "x = "+example+" && status == 200\n")
		c, diags := CompileCondition(expr, s, Expect)
		if diags.HasErrors() {
			t.Errorf("%s: %s", example, write(diags))
			continue
		}
		if v := c.Judge(&checks.Vars{Exchange: x}); !v.Holds {
			t.Errorf("%s does not hold: %s (%v)", example, v.Explanation.Message, v.Err)
		}
	}
	for _, name := range []string{"no_such_function", ""} {
		if example(name) != "" {
			t.Errorf("%q has an example", name)
		}
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	tests := []struct{ x, want string }{
		{`cookie["sid"] != null`, ``},
		{`cookie.sid.value == "hunter2"`, ``},
		{`cookie.sid.value == "x"`, `cookie.sid.value is ***, want "x"`},
		{`cookie.sid.secure && cookie.sid.http_only`, ``},
		{`cookie.sid.same_site == "Lax"`, `cookie.sid.same_site is "Strict", want "Lax"`},
		{`cookie.sid.max_age == 60`, `cookie.sid.max_age is null, want 60`},
		{`cookie.sid.expires == "2030-01-02T03:04:05Z"`, ``},
		{`cookie.theme.max_age == 60`, ``},
		{`cookie.none == null`, ``},
		{`cookie.none != null`, `cookie.none is missing, want != null`},
		{`cookie.none.value == "x"`, `cookie.none is missing: the answer does not set it`},
	}
	x := exchange(200, "text/plain", "")
	x.Header["Set-Cookie"] = []string{
		"sid=hunter2; Path=/; Secure; HttpOnly; SameSite=Strict; Expires=Wed, 02 Jan 2030 03:04:05 GMT", "theme=dark; Max-Age=60",
	}
	for _, tt := range tests {
		expr, s := attribute(t, "x = "+tt.x+"\n")
		c, diags := CompileCondition(expr, s, Expect)
		if diags.HasErrors() {
			t.Errorf("%s: %s", tt.x, write(diags))
			continue
		}
		if v := c.Judge(&checks.Vars{Exchange: x}); v.Holds != (tt.want == "") || v.Explanation.Message != tt.want {
			t.Errorf("%s: holds %v\n got %s\nwant %s", tt.x, v.Holds, v.Explanation.Message, tt.want)
		}
	}
	for x, want := range map[string]string{
		`cookie.sid.valu == "x"`:            `1:15 Unknown name: A cookie has no "valu". Did you mean "value"? It has "value", "path", "domain", "expires", "max_age", "secure", "http_only" and "same_site".`,
		`cookie == null`:                    `1:5 Unknown name: cookie takes the name of a cookie: cookie["session"].`,
		`header["x"] == 5`:                  `1:5 Comparison of different types: header["x"] is a string and 5 is a number: such values are never equal. Write both as the same type, or convert one with tonumber() or tostring().`,
		`status == 200 || header["x"] == 5`: `warning 1:22 Comparison of different types: header["x"] is a string and 5 is a number: such values are never equal. Write both as the same type, or convert one with tonumber() or tostring().`,
	} {
		expr, s := attribute(t, "x = "+x+"\n")
		_, diags := CompileCondition(expr, s, Expect)
		if got := write(diags); got != want {
			t.Errorf("%s\n got %s\nwant %s", x, got, want)
		}
	}
}
