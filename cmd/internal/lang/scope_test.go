package lang

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

func TestValue(t *testing.T) {
	t.Parallel()
	tests := []struct{ x, want string }{
		{`upper("a")`, `"A"`},
		{`"${local.api}/x"`, `"https://api.acme.com/x"`},
		{`var.max * 2`, `6`},
		{`file("hello.txt")`, `"hello"`},
		{`env("SET")`, `"value of SET"`},
		{`try(file("none.txt"), "default")`, `"default"`},
		{`can(file("none.txt"))`, `false`},
		{`{ a = [1, null, true], "b" = "c" }`, `{"a":[1,null,true],"b":"c"}`},
		{`range(100)`, `a list of 100 elements`},
		{`[for s in local.list : upper(s)]`, `["A"]`},
		{`secret.token`, `***`},
		{`"a${secret.token}b"`, `***`},
		{`{ a = secret.token, b = 1 }`, `***`},
		{`secret.token == "x"`, `***`},
		{`sensitive("x")`, `***`},
		{`1 / 3`, `0.3333333333333333`},
		{`"${1}"`, `1`},
	}
	for _, tt := range tests {
		expr, s := attribute(t, "x = "+tt.x)
		v, diags := s.Value(expr)
		if diags.HasErrors() {
			t.Errorf("%s: %s", tt.x, write(diags))
			continue
		}
		if got := showValue(v); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.x, got, tt.want)
		}
	}
}

func TestValueMistakes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 5000)
	tests := []struct{ x, want string }{
		{`uuid()`, `1:5 Function changes with each call: uuid() gives another value each time. It can stand in requests and conditions, not here.`},
		{`[for x in local.list : now()]`, `1:28 Function changes with each call: now() gives another value each time. It can stand in requests and conditions, not here.`},
		{`status`, `1:5 No answer yet: status is a value of an answer. It can stand in expect and degraded_if, not here.`},
		{`locl.api`, `1:5 Unknown name: There is no "locl" here. Did you mean "local"?`},
		{`local.ap`, `1:10 Unknown name: local has no "ap". Did you mean "api"?`},
		{`true ? 1 : local.ap`, `1:21 Unknown name: local has no "ap". Did you mean "api"?`},
		{`var.max-1`, `1:8 Unknown name: HCL reads "max-1" as one name. To subtract, write spaces around the minus sign, as in var.max - 1.`},
		{`uper("a")`, `1:5 Unknown function: There is no function uper(). Did you mean "upper"?`},
		{`nothing_like_it("a")`, `1:5 Unknown function: There is no function nothing_like_it().`},
		{`env("UNSET")`, `1:5 Error in function call: Call to function "env" failed: the environment variable UNSET is not set.`},
		{`env(secret.token)`, `1:5 Error in function call: What went wrong in env() is not shown: a secret is involved.`},
		{`file("none.txt")`, `1:5 Error in function call: Call to function "file" failed: none.txt: no such file or directory.`},
		{`file("../testdata")`, `1:5 Error in function call: Call to function "file" failed: ../testdata: not a plain file.`},
		{`file("binary.bin")`, `1:5 Error in function call: Call to function "file" failed: binary.bin: not UTF-8.`},
		{`file("/dev/zero")`, `1:5 Error in function call: Call to function "file" failed: /dev/zero: not a plain file.`},
		{`file(secret.token)`, `1:5 Error in function call: What went wrong in file() is not shown: a secret is involved.`},
		{`parseint(secret.token, 10)`, `1:14 Invalid function argument: What went wrong in parseint() is not shown: a secret is involved.`},
		{`regex("x", secret.token)`, `1:5 Error in function call: What went wrong in regex() is not shown: a secret is involved.`},
		{`base64decode("%")`, `1:5 Error in function call: Call to function "base64decode" failed: not base64.`},
		{`jwt("a.b")`, `1:9 Invalid function argument: Invalid value for "token" parameter of jwt(): not a JSON Web Token: it has no three parts.`},
		{`jsondecode("{")`, `1:16 Invalid function argument: Invalid value for "text" parameter of jsondecode(): not JSON.`},
		{`jsondecode("1e99999999")`, `1:16 Invalid function argument: Invalid value for "text" parameter of jsondecode(): decoding the body: a number with an exponent beyond 308 at byte 0: beyond the limits for JSON.`},
		{`regex("` + long + `", "a")`, `1:11 Invalid function argument: Invalid value for "re2" parameter of regex(): a regular expression has at most 1,000 characters.`},
		{`regex("(a{100}){100}", "a")`, `1:11 Invalid function argument: Invalid value for "re2" parameter of regex(): not a regular expression of RE2: invalid repeat count.`},
		{`format("%99999d", 1)`, `1:12 Invalid function argument: Invalid value for "format" parameter of format(): widths and precisions have at most three digits.`},
		{`indent(100000, "a\nb")`, `1:12 Invalid function argument: Invalid value for "spaces" parameter of indent(): at most 1,000 spaces.`},
		{`replace("` + long + `", "a", "` + long + `")`, `1:5 Error in function call: Call to function "replace" failed: the result would be too long.`},
		{`[for a in range(330) : range(330)]`, `1:5 Value too large: The result has over 100,000 elements or 8 MiB of text.`},
		{`1 + "a"`, `1:9 Invalid operand: Unsuitable value for right operand: a number is required.`},
	}
	for _, tt := range tests {
		expr, s := attribute(t, "x = "+tt.x)
		_, diags := s.Value(expr)
		if got := write(diags); got != tt.want && (!strings.HasSuffix(tt.want, ": ") || !strings.HasPrefix(got, tt.want)) {
			t.Errorf("%.60s\n got %s\nwant %s", tt.x, got, tt.want)
		}
		for _, d := range diags {
			if d.Expression != nil || d.EvalContext != nil || d.Extra != nil {
				t.Errorf("%.60s: the mistake still knows the values", tt.x)
			}
		}
	}
}

func TestFileReadsNoPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, MaxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"pipe": "not a plain file", "large": "larger than 4 MiB"} {
		if _, err := readText(filepath.Join(dir, name)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestFilesAreReadOnceAndListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	expr, _ := attribute(t, `x = file("a.txt")`)
	s := NewScope(nil, Options{Sources: map[string]Source{"test.hcl": {Dir: dir}}})
	for range 2 {
		v, diags := s.With(nil).Value(expr)
		if diags.HasErrors() || v.AsString() != "one" {
			t.Fatalf("%v %s", v, write(diags))
		}
		_ = os.WriteFile(path, []byte("two"), 0o600)
	}
	if got := s.Files(); !slices.Equal(got, []string{path}) {
		t.Errorf("files are %v", got)
	}
}

func TestTyped(t *testing.T) {
	t.Parallel()
	tests := []struct {
		x    string
		want cty.Type
		diag string
	}{
		{`"a"`, cty.String, ""},
		{`5`, cty.String, ""},
		{`null`, cty.String, ""},
		{`["a", 5]`, cty.List(cty.String), ""},
		{`["a"]`, cty.String, "1:5 Wrong type: This must be a string, not a list."},
		{`"a"`, cty.Number, "1:5 Wrong type: This must be a number, not a string."},
		{`{ a = [] }`, cty.Map(cty.String), `1:5 Wrong type: "a" must be a string, not a list.`},
		{`secret.token`, cty.Bool, "1:5 Wrong type: This must be true or false, not a string."},
		{`secret.gone`, cty.String, ""},
	}
	for _, tt := range tests {
		expr, s := attribute(t, "x = "+tt.x)
		v, diags := s.Typed(expr, tt.want)
		if got := write(diags); got != tt.diag {
			t.Errorf("%s: %q, want %q", tt.x, got, tt.diag)
		}
		if !v.Type().Equals(tt.want) {
			t.Errorf("%s is %#v", tt.x, v.Type())
		}
	}
}

func TestUnavailableGoesThroughEverything(t *testing.T) {
	t.Parallel()
	for _, x := range []string{
		`secret.gone`, `"a${secret.gone}"`, `[secret.gone]`, `{ a = { b = secret.gone } }`, `upper(secret.gone)`,
		`try(secret.gone, "a")`, `can(secret.gone)`, `secret.gone == "a" ? 1 : 2`, `[for x in [secret.gone] : x]`,
		`[for x in split(",", secret.gone) : x]`, `sha256(secret.gone)`, `jsonencode({ a = secret.gone })`, `"%{if secret.gone == ""}a%{endif}"`,
		`jsondecode(secret.gone).a`, `merge({ a = 1 }, { b = secret.gone })`, `coalesce(null, secret.gone)`, `sensitive(secret.gone)`,
	} {
		expr, s := attribute(t, "x = "+x)
		v, diags := s.Value(expr)
		if diags.HasErrors() {
			t.Errorf("%s: %s", x, write(diags))
			continue
		}
		var why *UnavailableError
		if err := Reason(v); !errors.As(err, &why) || why.Origin != "secret.gone" || !why.Unavailable() || errors.Unwrap(why) == nil {
			t.Errorf("%s: reason is %v", x, err)
		}
		if !IsSensitive(v) {
			t.Errorf("%s is not sensitive", x)
		}
	}
	if Reason(cty.StringVal("a")) != nil || Reason(cty.UnknownVal(cty.String)) != nil {
		t.Error("a reason out of nothing")
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	expr, s := attribute(t, `x = [secret.token, { a = "${secret.token}!", b = 1 }, sensitive({ c = 42, d = true, e = ["f", ""] })]`)
	v, diags := s.Value(expr)
	if diags.HasErrors() {
		t.Fatal(write(diags))
	}
	if got, want := Secrets(v), []string{"42", "f", "hunter2-token", "hunter2-token!"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Secrets(Plain(v)); got != nil {
		t.Errorf("plain value has secrets %q", got)
	}
}

func TestJSONValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ json, want, diag string }{
		{`"a${upper("b")}c"`, `"aBc"`, ""},
		{`{"a": ["${var.max}", 5, null, true], "${var.env}": "x"}`, `{"a":[3,5,null,true],"prod":"x"}`, ""},
		{`"secret.token"`, "", `1:7 Reference written as text: In JSON, "secret.token" is plain text. To use the value, write "${secret.token}".`},
		{`"secret.unknown"`, "", `1:7 Reference written as text: In JSON, "secret.unknown" is plain text. To use the value, write "${secret.unknown}".`},
		{"{\"a\":\n[\"local.api\"]}", "", `2:2 Reference written as text: In JSON, "local.api" is plain text. To use the value, write "${local.api}".`},
		{`"local.example"`, `"local.example"`, ""},
		{`"see secret.token"`, `"see secret.token"`, ""},
		{`"http://local.api/"`, `"http://local.api/"`, ""},
		{`"${local.ap}"`, "", `1:15 Unknown name: local has no "ap". Did you mean "api"?`},
		{`"\u0024{local.ap}"`, "", `1:15 Unknown name: local has no "ap". Did you mean "api"?`},
		{`"a\nb\n${local.ap}"`, "", `1:7 Unknown name: local has no "ap". Did you mean "api"?`},
		{`"${"`, "", `1:10 `},
		{`{"a": 1, "a": 2}`, "", `1:16 Duplicate key: The key "a" is already in this object.`},
	}
	for _, tt := range tests {
		if tt.json == `"a${upper("b")}c"` {
			tt.json = `"a${upper(\"b\")}c"`
		}
		expr, s := jsonAttribute(t, `{"x": `+tt.json+`}`)
		v, diags := s.Value(expr)
		if got := write(diags); got != tt.diag && (len(tt.diag) != 5 || !strings.HasPrefix(got, tt.diag)) {
			t.Errorf("%s\n got %s\nwant %s", tt.json, got, tt.diag)
		}
		if !diags.HasErrors() && showValue(v) != tt.want {
			t.Errorf("%s is %s, want %s", tt.json, showValue(v), tt.want)
		}
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	tests := []struct{ json, want, diag string }{
		{`"certificate.acme-wildcard"`, "certificate.acme-wildcard", ""},
		{`"${certificate.acme}"`, "certificate.acme", ""},
		{`"${ certificate.acme }"`, "certificate.acme", ""},
		{`"certificate.orders[\"fra\"]"`, `certificate.orders["fra"]`, ""},
		{`"acme"`, "", "Reference expected: This must be a reference like certificate.NAME, not acme."},
		{`"secret.acme"`, "", "Reference expected: This must be a reference like certificate.NAME, not secret.acme."},
		{`"a b"`, "", "Reference expected: This must be a reference like certificate.NAME."},
		{`5`, "", "Reference expected: This must be a reference like certificate.NAME."},
		{`["certificate.acme"]`, "", "Reference expected: This must be a reference like certificate.NAME."},
	}
	for _, tt := range tests {
		expr, _ := jsonAttribute(t, `{"x": `+tt.json+`}`)
		trav, diags := Reference(expr, "certificate.NAME")
		got := strings.TrimPrefix(write(diags), "1:7 ")
		if got != tt.diag || describe(trav) != tt.want {
			t.Errorf("%s: %q %s, want %q %s", tt.json, describe(trav), got, tt.want, tt.diag)
		}
	}
	expr, _ := attribute(t, "x = receiver.slack.oncall")
	if trav, diags := Reference(expr, "receiver.TYPE.NAME"); diags.HasErrors() || describe(trav) != "receiver.slack.oncall" {
		t.Errorf("%s %s", describe(trav), write(diags))
	}
	expr, _ = attribute(t, "x = upper(1)")
	if _, diags := Reference(expr, "receiver.TYPE.NAME"); write(diags) != "1:5 Reference expected: This must be a reference like receiver.TYPE.NAME." {
		t.Error(write(diags))
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	known := []string{"schedule", "timeout", "days_left", "url", "var"}
	for given, want := range map[string]string{
		"shedule": "schedule", "shcedule": "schedule", "time_out": "timeout", "days_lef": "days_left", "vra": "var", "xyz": "", "": "", "ur": "url", "uxx": "",
	} {
		if got := Suggest(given, known); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", given, got, want)
		}
	}
	if got := DidYouMean("shedule", known); got != ` Did you mean "schedule"?` {
		t.Error(got)
	}
	if got := DidYouMean("xyz", known); got != "" {
		t.Error(got)
	}
}

func TestMergeTellsOnePlaceOnce(t *testing.T) {
	t.Parallel()
	at := func(from, to int) hcl.Range {
		return hcl.Range{Filename: "a", Start: hcl.Pos{Line: 1, Column: from, Byte: from}, End: hcl.Pos{Line: 1, Column: to, Byte: to}}
	}
	diags := merge(errorAt(at(1, 5), "A", "a"), append(errorAt(at(2, 3), "B", "b"), append(errorAt(at(5, 6), "C", "c"), errorAt(at(5, 6), "C", "c")...)...))
	if got := write(diags); got != "1:1 A: a\n1:5 C: c" {
		t.Error(got)
	}
}

func TestDocumentationIsComplete(t *testing.T) {
	t.Parallel()
	for _, d := range append(Functions(), Values()...) {
		if d.Name == "" || d.Signature == "" || !strings.HasSuffix(d.Doc, ".") {
			t.Errorf("%+v", d)
		}
	}
	if len(Functions()) < 80 || len(Values()) < 25 {
		t.Errorf("%d functions, %d values", len(Functions()), len(Values()))
	}
	_ = fmt.Sprint(Functions())
}
