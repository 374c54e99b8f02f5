package lang

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"watchword/checks"
)

// request returns the expressions of a block's attributes. headers2 and
// query2 stand for those of an inner block.
func request(t *testing.T, src string) (RequestExprs, *Scope) {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(src), "test.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	attrs, _ := f.Body.JustAttributes()
	get := func(name string) hcl.Expression {
		if a, ok := attrs[name]; ok {
			return a.Expr
		}
		return nil
	}
	return RequestExprs{
		Range: hcl.Range{Filename: "test.hcl", Start: hcl.InitialPos, End: hcl.InitialPos},
		URL:   get("url"), Method: get("method"), Body: get("body"), JSON: get("json"), Form: get("form"), BasicAuth: get("basic_auth"), BearerToken: get("bearer_token"),
		Headers: []hcl.Expression{get("headers"), get("headers2")}, Query: []hcl.Expression{get("query"), get("query2")},
	}, testScope(t, map[string]Source{"test.hcl": {Text: []byte(src), Dir: "testdata"}})
}

// dump writes a request on one line.
func dump(r *checks.Rendered) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, " %s=%s", name, strings.Join(r.Header[name], "|"))
	}
	if r.Body != nil {
		fmt.Fprintf(&b, " body=%s", r.Body)
	}
	if len(r.Secrets) > 0 {
		fmt.Fprintf(&b, " secrets=%s", strings.Join(r.Secrets, "|"))
	}
	return b.String()
}

func TestRender(t *testing.T) {
	t.Parallel()
	const url = "url = \"https://a.example/x\"\n"
	tests := []struct{ name, src, want string }{
		{"plain", url, "GET https://a.example/x"},
		{"method", url + `method = "DELETE"`, "DELETE https://a.example/x"},
		{"null", url + "method = null\nbody = null\nheaders = null\nbearer_token = null", "GET https://a.example/x"},
		{"fragment", `url = "http://a.example:8080/x?y=1#z"`, "GET http://a.example:8080/x?y=1"},
		{"template", `url = "${local.api}/${var.env}"`, "GET https://api.acme.com/prod"},
		{
			"headers", url + "headers = { accept = \"a\", X-B = 5, x-c = [\"1\", \"2\"], x-gone = \"z\" }\nheaders2 = { ACCEPT = \" b \", x-gone = null }",
			"GET https://a.example/x Accept=b X-B=5 X-C=1|2",
		},
		{"host header", url + `headers = { Host = "b.example:81" }`, "GET https://a.example/x Host=b.example:81"},
		{
			"query", "url = \"https://a.example/x?b=%20+&c=1&d\"\nquery = { a = \"x y\", c = 2, e = \"gone\" }\nquery2 = { a = [\"1\", \"&\"], e = null }",
			"GET https://a.example/x?b=%20+&d&a=1&a=%26&c=2",
		},
		{"body", url + "method = \"POST\"\nbody = file(\"hello.txt\")", "POST https://a.example/x body=hello"},
		{"json", url + "method = \"POST\"\njson = { a = [1, true, null], b = \"<\" }", `POST https://a.example/x Content-Type=application/json body={"a":[1,true,null],"b":"\u003c"}`},
		{"json null", url + "method = \"POST\"\njson = null", `POST https://a.example/x Content-Type=application/json body=null`},
		{"json with type", url + "method = \"POST\"\nheaders = { content-type = \"a/b\" }\njson = 1", `POST https://a.example/x Content-Type=a/b body=1`},
		{
			"form", url + "method = \"POST\"\nform = { b = [\"1\", \"x y&\"], a = 5, gone = null, \"ü\" = \"\" }",
			`POST https://a.example/x Content-Type=application/x-www-form-urlencoded body=a=5&b=1&b=x+y%26&%C3%BC=`,
		},
		{"form with type", url + "method = \"POST\"\nheaders = { content-type = \"a/b\" }\nform = {}", `POST https://a.example/x Content-Type=a/b body=`},
		{
			"sensitive form", url + "method = \"POST\"\nform = { grant_type = \"password\", password = secret.token }",
			`POST https://a.example/x Content-Type=application/x-www-form-urlencoded body=grant_type=password&password=hunter2-token secrets=hunter2-token`,
		},
		{"bearer", url + `bearer_token = "plain"`, "GET https://a.example/x Authorization=Bearer plain secrets=Bearer plain|plain"},
		{"basic", url + `basic_auth = { username = "u", password = "p:w" }`, "GET https://a.example/x Authorization=Basic dTpwOnc= secrets=Basic dTpwOnc=|dTpwOnc=|p:w"},
		{"authorization", url + `headers = { authorization = "Custom abc" }`, "GET https://a.example/x Authorization=Custom abc secrets=Custom abc|abc"},
		{"sensitive header", url + `headers = { x-key = "k-${secret.token}" }`, "GET https://a.example/x X-Key=k-hunter2-token secrets=k-hunter2-token"},
		{
			"sensitive json", url + "method = \"POST\"\njson = { user = \"probe\", password = secret.token }",
			`POST https://a.example/x Content-Type=application/json body={"password":"hunter2-token","user":"probe"} secrets=hunter2-token`,
		},
		{"sensitive part of the url", `url = "${local.api}/x?k=${urlencode("${secret.token}/")}"`, "GET https://api.acme.com/x?k=hunter2-token%2F secrets=hunter2-token%2F"},
		{"sensitive query", url + `query = { k = secret.token }`, "GET https://a.example/x?k=hunter2-token secrets=hunter2-token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			exprs, s := request(t, tt.src)
			r, diags := CompileRequest(exprs, s)
			if len(diags) > 0 {
				t.Fatal(write(diags))
			}
			got, err := r.Render(t.Context(), nil)
			if err != nil || dump(got) != tt.want {
				t.Errorf("%v\n got %s\nwant %s", err, dump(got), tt.want)
			}
			if again, _ := r.Render(t.Context(), nil); again != got {
				t.Error("a constant request is rendered again")
			}
		})
	}
}

func TestRequestMistakes(t *testing.T) {
	t.Parallel()
	const url = "url = \"https://a.example/x\"\n"
	tests := []struct{ src, want string }{
		{``, `1:1 URL missing: A request needs a url.`},
		{`url = "a.example/x"`, `1:7 Invalid URL: "a.example/x": a URL begins with https:// or http://.`},
		{`url = "a.example:80/x"`, `1:7 Invalid URL: "a.example:80/x": a URL begins with https:// or http://.`},
		{`url = ""`, `1:7 Invalid URL: A URL begins with https:// or http://.`},
		{`url = null`, `1:7 Wrong type: url must be a string, not null.`},
		{`url = ["a"]`, `1:7 Wrong type: url must be a string, not a list.`},
		{`url = "ftp://a.example/"`, `1:7 Invalid URL: "ftp://a.example/": the scheme of a URL must be https or http.`},
		{`url = "https:///x"`, `1:7 Invalid URL: "https:///x": a URL needs a host, as in https://api.example.com/.`},
		{`url = "https://me:pw@a.example/"`, `1:7 Invalid URL: A URL cannot hold credentials. Use basic_auth.`},
		{`url = "https://a.example/\n"`, `1:7 Invalid URL: "https://a.example/\n": a URL cannot hold line breaks or other control characters.`},
		{`url = "https://a.example/a b"`, `1:7 Invalid URL: "https://a.example/a b": a URL cannot hold spaces. Escape what you insert with urlencode().`},
		{`url = "https://a.example:99999/"`, `1:7 Invalid URL: "https://a.example:99999/": the port of a URL is a number from 1 to 65535.`},
		{`url = "https://a.example/%zz"`, `1:7 Invalid URL: "https://a.example/%zz": this is no URL: its host, port or an escape is malformed.`},
		{`url = "https://a..example/"`, `1:7 Invalid URL: "https://a..example/": the host of the URL is no host name and no address.`},
		{`url = "ftp://${secret.token}/"`, `1:7 Invalid URL: The scheme of a URL must be https or http.`},
		{`url = "https://a.example/${status}"`, `1:28 No answer yet: status is a value of an answer. It can stand in expect and degraded_if, not here.`},
		{`url = "${locl.api}/"`, `1:10 Unknown name: There is no "locl" here. Did you mean "local"?`},
		{`url = "${null}x"`, `1:10 Invalid template interpolation value: The expression result is null. Cannot include a null value in a string template.`},
		{url + `method = "get"`, `2:10 Unknown method: Methods are in upper case. Did you mean "GET"?`},
		{url + `method = "G T"`, `2:10 Unknown method: A method is a word in upper case, such as GET.`},
		{url + `method = "CONNECT"`, `2:10 Unsupported method: CONNECT asks a proxy, not an API.`},
		{url + `headers = "a"`, `2:11 Wrong type: headers must be an object of strings, not a string.`},
		{url + `headers = { a = {} }`, `2:11 Wrong type: "a" of headers must be a string, not an object.`},
		{url + `headers = { "a b" = "" }`, `2:11 Invalid header: "a b" is no name of a header.`},
		{url + `headers = { a = "x\r\ny" }`, `2:11 Invalid header: The value of header "a" holds a line break or another control character.`},
		{url + `headers = { a = "${secret.token}\n\u0000" }`, `2:11 Invalid header: The value of header "a" holds a line break or another control character.`},
		{url + `headers = { content-length = 5 }`, `2:11 Invalid header: Content-Length is set by watchword itself.`},
		{url + `headers = { host = "a b" }`, `2:11 Invalid header: Host must be a host name, with a port if need be.`},
		{url + `query = ["a"]`, `2:9 Wrong type: query must be an object of strings, not a list.`},
		{url + "method = \"PUT\"\nbody = { a = 1 }", `3:8 Wrong type: body must be a string, not an object.`},
		{url + "method = \"PUT\"\nbody = \"a\"\njson = 1", `4:8 Two bodies: A request has one of body, body_file, json and form.`},
		{url + "method = \"PUT\"\njson = 1\nform = {}", `4:8 Two bodies: A request has one of body, body_file, json and form.`},
		{url + "method = \"PUT\"\nform = \"a=b\"", `3:8 Wrong type: form must be an object of strings, not a string.`},
		{url + "method = \"PUT\"\nform = { a = { b = 1 } }", `3:8 Wrong type: "a" of form must be a string, not an object.`},
		{url + "method = \"PUT\"\nform = { \"\" = 1 }", `3:8 Invalid form: A field of a form needs a name.`},
		{url + `form = { a = 1 }`, `warning 2:8 Body without method: A GET request has no use for a body. Did you mean method = "POST"?`},
		{url + `body = "a"`, `warning 2:8 Body without method: A GET request has no use for a body. Did you mean method = "POST"?`},
		{url + `basic_auth = "a"`, `2:14 Wrong type: basic_auth must be an object with username and password, not a string.`},
		{url + `basic_auth = { username = "a" }`, `2:14 Incomplete credentials: basic_auth needs password, a string.`},
		{url + `basic_auth = { username = "a", password = "b", pasword = "c" }`, `2:14 Unknown name: basic_auth has no "pasword". Did you mean "password"?`},
		{url + `basic_auth = { username = "a:b", password = "b" }`, `2:14 Invalid username: A username cannot hold a colon (RFC 7617).`},
		{url + `bearer_token = "a b"`, `2:16 Invalid token: bearer_token must be one word without control characters.`},
		{url + `bearer_token = "${secret.token}\n"`, `2:16 Invalid token: bearer_token must be one word without control characters.`},
		{url + "bearer_token = \"a\"\nbasic_auth = { username = \"a\", password = \"b\" }", `2:16 Two ways to authenticate: A request has either basic_auth or bearer_token.`},
		{url + "headers = { a = uuid(1) }\nmethod = \"x\"", "2:22 Too many function arguments: Function \"uuid\" expects only 0 argument(s).\n3:10 Unknown method: Methods are in upper case. Did you mean \"X\"?"},
		{url + "method = locl.m\nbody = \"a\"", `2:10 Unknown name: There is no "locl" here. Did you mean "local"?`},
		{url + `method = secret.token`, `2:10 Unknown method: A method is a word in upper case, such as GET.`},
		{url + `headers = { "${secret.token}" = "a\nb" }`, `2:11 Invalid header: The value of header "***" holds a line break or another control character.`},
		{url + `headers = { "${secret.token} " = "a" }`, `2:11 Invalid header: "***" is no name of a header.`},
		{url + `basic_auth = { username = "a", password = "b", (secret.token) = "c" }`, `2:14 Unknown name: basic_auth has no "***".`},
	}
	for _, tt := range tests {
		exprs, s := request(t, tt.src)
		_, diags := CompileRequest(exprs, s)
		if got := write(diags); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

func TestBodyFile(t *testing.T) {
	t.Parallel()
	exprs, s := request(t, "url = \"https://a.example/\"\nmethod = \"PUT\"\nheaders = { x-id = uuid() }")
	exprs.File = &File{Path: "/etc/order.xml", Text: []byte{0xff, 0}}
	r, diags := CompileRequest(exprs, s)
	if len(diags) > 0 {
		t.Fatal(write(diags))
	}
	got, err := r.Render(t.Context(), nil)
	if err != nil || string(got.Body) != "\xff\x00" || got.File != "/etc/order.xml" || got.Header.Get("Content-Type") != "" {
		t.Errorf("got %s from %q, %v", dump(got), got.File, err)
	}
	exprs.Method = nil
	if _, diags = CompileRequest(exprs, s); len(diags) != 1 || diags[0].Summary != "Body without method" {
		t.Error(write(diags))
	}
}

func TestScheme(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`url = "HTTP://a.example/"`:                "http",
		`url = "https://${uuid()}.example/"`:       "https",
		`url = "http${now() > 1 ? "" : "s"}://a"`:  "",
		`url = "https://a.example/${secret.gone}"`: "https",
	} {
		exprs, s := request(t, src)
		r, diags := CompileRequest(exprs, s)
		if diags.HasErrors() {
			t.Errorf("%s: %s", src, write(diags))
		} else if r.Scheme() != want {
			t.Errorf("%s: scheme is %q, want %q", src, r.Scheme(), want)
		}
	}
}

func TestRenderChanges(t *testing.T) {
	t.Parallel()
	exprs, s := request(t, `
url     = "${local.api}/x/${uuid()}?k=${secret.token}"
method  = "POST"
json    = { reference = uuid(), now = now(), signature = hmac_sha256(secret.token, timestamp()) }
headers = { x-id = random_string(20) }`)
	r, diags := CompileRequest(exprs, s)
	if len(diags) > 0 {
		t.Fatal(write(diags))
	}
	if r.Host() != "api.acme.com" || r.URL() != "" || r.Unavailable() != nil {
		t.Errorf("host %q, URL %q, unavailable %v", r.Host(), r.URL(), r.Unavailable())
	}
	a, err := r.Render(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := r.Render(t.Context(), nil)
	if a.URL.Path == b.URL.Path || string(a.Body) == string(b.Body) || a.Header.Get("X-Id") == b.Header.Get("X-Id") {
		t.Errorf("nothing has changed: %s", dump(b))
	}
	if len(a.Secrets) != 2 || !slices.Contains(a.Secrets, "hunter2-token") {
		t.Errorf("secrets are %q", a.Secrets)
	}
}

func TestRenderMistakesAtRunTime(t *testing.T) {
	t.Parallel()
	exprs, s := request(t, "url = \"https://a.example/\"\nheaders = { a = \"${now() > 5 ? \"\" : \"\\n\"}\" }\nbody = now()")
	r, diags := CompileRequest(exprs, s)
	if diags.HasErrors() {
		t.Fatal(write(diags))
	}
	if _, err := r.Render(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	r.fields[1].x = nil
	r.fields[1].value = Sensitive(r.fields[1].value, "x")
	r.fields[0].role = roleMethod
	r.fields[0].x = nil
	if _, err := r.Render(t.Context(), nil); err == nil || err.Error() != "rendering the request: methods are in upper case. Did you mean \"HTTPS://A.EXAMPLE/\"?" {
		t.Error(err)
	}
}

func TestRenderUnavailable(t *testing.T) {
	t.Parallel()
	const url = "url = \"https://a.example/x\"\n"
	for _, src := range []string{
		url + `bearer_token = secret.gone`,
		url + `headers = { a = sha256("${secret.gone}${uuid()}") }`,
		url + "method = \"POST\"\njson = { a = [can(secret.gone)] }",
		url + `query = { a = try(secret.gone, "b") }`,
		url + `basic_auth = { username = "a", password = secret.gone }`,
		`url = "https://a.example/${secret.gone}"`,
		`url = "https://a.example/${secret.gone}/${uuid()}"`,
	} {
		exprs, s := request(t, src)
		r, diags := CompileRequest(exprs, s)
		if len(diags) > 0 {
			t.Errorf("%s: %s", src, write(diags))
			continue
		}
		_, err := r.Render(t.Context(), nil)
		var why *UnavailableError
		if !errors.As(err, &why) || why.Origin != "secret.gone" || !errors.As(r.Unavailable(), &why) {
			t.Errorf("%s: %v", src, err)
		}
		if r.Host() != "a.example" {
			t.Errorf("%s: host %q", src, r.Host())
		}
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	tests := []struct{ src, host, url string }{
		{`url = "https://API.acme.com:8443/x"`, "api.acme.com", "https://API.acme.com:8443/x"},
		{`url = "https://[::1]:80/x"`, "::1", "https://[::1]:80/x"},
		{`url = "https://a.example/${secret.token}"`, "a.example", ""},
		{`url = "https://a.example/${uuid()}"`, "a.example", ""},
		{`url = "https://a.example${now() > 1 ? "" : ".com"}/"`, "", ""},
		{`url = "https://${uuid()}.example/"`, "", ""},
		{`url = "${uuid()}"`, "", ""},
	}
	for _, tt := range tests {
		exprs, s := request(t, tt.src)
		r, diags := CompileRequest(exprs, s)
		if diags.HasErrors() {
			if tt.host != "" || tt.src != `url = "${uuid()}"` {
				t.Errorf("%s: %s", tt.src, write(diags))
			}
			continue
		}
		if r.Host() != tt.host || r.URL() != tt.url {
			t.Errorf("%s: host %q, URL %q", tt.src, r.Host(), r.URL())
		}
	}
}
