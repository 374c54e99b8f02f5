package lang

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// testScope returns a scope with a few names, two of them secret.
func testScope(tb testing.TB, sources map[string]Source) *Scope {
	tb.Helper()
	return NewScope(map[string]cty.Value{
		"var":   cty.ObjectVal(map[string]cty.Value{"env": cty.StringVal("prod"), "max": cty.NumberIntVal(3)}),
		"local": cty.ObjectVal(map[string]cty.Value{"api": cty.StringVal("https://api.acme.com"), "list": cty.ListVal([]cty.Value{cty.StringVal("a")})}),
		"secret": cty.ObjectVal(map[string]cty.Value{
			"token": Sensitive(cty.StringVal("hunter2-token"), "secret.token"),
			"gone":  Unavailable(cty.String, "secret.gone", fmt.Errorf("opening gone.txt: no such file")),
		}),
	}, Options{
		Sources: sources,
		Environ: func(name string) (string, bool) { return "value of " + name, name == "SET" },
	})
}

// attribute returns the expression of the attribute x in a text of native
// syntax, and a scope that knows the text.
func attribute(tb testing.TB, src string) (hcl.Expression, *Scope) {
	tb.Helper()
	if diags := Guard("test.hcl", []byte(src)); diags.HasErrors() {
		tb.Fatalf("guarding %s: %v", src, diags)
	}
	f, diags := hclsyntax.ParseConfig([]byte(src), "test.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		tb.Fatalf("parsing %s: %v", src, diags)
	}
	attrs, _ := f.Body.JustAttributes()
	return attrs["x"].Expr, testScope(tb, map[string]Source{"test.hcl": {Text: []byte(src), Dir: "testdata"}})
}

// jsonAttribute is attribute for JSON syntax.
func jsonAttribute(tb testing.TB, src string) (hcl.Expression, *Scope) {
	tb.Helper()
	if diags := Guard("test.hcl.json", []byte(src)); diags.HasErrors() {
		tb.Fatalf("guarding %s: %v", src, diags)
	}
	f, diags := hcljson.Parse([]byte(src), "test.hcl.json")
	if diags.HasErrors() {
		tb.Fatalf("parsing %s: %v", src, diags)
	}
	attrs, _ := f.Body.JustAttributes()
	return attrs["x"].Expr, testScope(tb, map[string]Source{"test.hcl.json": {Text: []byte(src), Dir: "testdata"}})
}

// write returns mistakes one a line, as `severity line:column text`.
func write(diags hcl.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		severity := ""
		if d.Severity == hcl.DiagWarning {
			severity = "warning "
		}
		fmt.Fprintf(&b, "%s%d:%d %s: %s\n", severity, d.Subject.Start.Line, d.Subject.Start.Column, d.Summary, d.Detail)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func exchange(status int, contentType, body string) *checks.Exchange {
	return &checks.Exchange{
		Method: "GET", RequestURL: "https://api.acme.com/first", RequestHeader: http.Header{"Authorization": {"Bearer abc"}, "Accept": {"text/plain"}},
		RequestBody: []byte("ping"),
		URL:         "https://api.acme.com/x", Status: status, Body: []byte(body), HTTPVersion: "2", RemoteIP: "192.0.2.1", Redirects: 1,
		Header: http.Header{"Content-Type": {contentType}, "Vary": {"a", "b"}},
		Timing: checks.Timing{DNS: time.Millisecond, Total: 1203456789 * time.Nanosecond},
		TLS:    &checks.TLS{Version: "1.3", Cipher: "TLS_AES_128_GCM_SHA256", Certificate: "acme", ClientRequested: true},
	}
}
