package lang

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"golang.org/x/net/http/httpguts"

	"watchword/checks"
)

// A mistake is what is wrong with a value of a request. It is a diagnostic at
// load and an error at run time.
type mistake struct {
	at              hcl.Range
	summary, detail string
	warning         bool
	why             error // instead of all else: the value is not available
}

// An assembly puts a request together.
type assembly struct {
	out      checks.Rendered
	query    map[string][]string
	hasBody  bool
	basic    bool // basic_auth is there
	mistakes []mistake
}

// assemble makes a request of the values of its attributes, and of a file if
// there is one. It returns every mistake in them.
func assemble(fields []field, file *File) (*checks.Rendered, []mistake) {
	a := &assembly{out: checks.Rendered{Method: http.MethodGet, Header: make(http.Header)}, query: make(map[string][]string)}
	var target *field
	for i := range fields {
		f := &fields[i]
		a.out.Secrets = append(a.out.Secrets, f.secrets...)
		if f.pending {
			a.pending(f)
			continue
		}
		if !a.available(f) || f.value.IsNull() && f.role != roleURL && f.role != roleJSON {
			continue
		}
		switch f.role {
		case roleURL:
			target = f
		case roleMethod:
			a.method(f)
		case roleHeaders:
			a.headers(f)
		case roleQuery:
			a.addQuery(f)
		case roleBody:
			a.body(f)
		case roleJSON:
			a.json(f)
		case roleForm:
			a.form(f)
		case roleFile: // no expression
		case roleBasicAuth:
			a.basicAuth(f)
		case roleBearerToken:
			a.bearer(f)
		}
	}
	if target != nil {
		a.url(target)
	}
	if file != nil {
		a.file(file)
		fields = append(slices.Clip(fields), field{role: roleFile, at: file.At})
	}
	a.bodyWithoutMethod(fields)
	a.authentication()
	slices.Sort(a.out.Secrets)
	a.out.Secrets = slices.Compact(a.out.Secrets)
	out := a.out // alone: most are kept
	if len(out.Header) == 0 {
		out.Header = nil
	}
	return &out, a.mistakes
}

// available reports whether a value is known; if not, it says why.
func (a *assembly) available(f *field) bool {
	if f.value.IsWhollyKnown() {
		return true
	}
	why := Reason(f.value)
	if why == nil {
		why = &UnavailableError{Origin: string(f.role), Err: fmt.Errorf("it is not known")}
	}
	a.mistakes = append(a.mistakes, mistake{at: f.at, why: why})
	return false
}

func (a *assembly) fail(f *field, summary, detail string) {
	a.mistakes = append(a.mistakes, mistake{at: f.at, summary: summary, detail: detail})
}

func (a *assembly) warn(f *field, summary, detail string) {
	a.mistakes = append(a.mistakes, mistake{at: f.at, summary: summary, detail: detail, warning: true})
}

// text returns a value as text, or reports what else it is.
func (a *assembly) text(f *field) (string, bool) {
	v, err := convert.Convert(Plain(f.value), cty.String)
	if err != nil || v.IsNull() {
		is := "null"
		if err != nil {
			is = typeName(f.value.Type())
		}
		a.fail(f, "Wrong type", fmt.Sprintf("%s must be a string, not %s.", f.role, is))
		return "", false
	}
	return v.AsString(), true
}

func (a *assembly) method(f *field) {
	method, ok := a.text(f)
	if !ok {
		return
	}
	valid := method != "" && len(method) <= 32 && strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") == ""
	switch {
	case method == http.MethodConnect:
		a.fail(f, "Unsupported method", "CONNECT asks a proxy, not an API.")
	case !valid && strings.ToUpper(method) != method && !IsSensitive(f.value):
		a.fail(f, "Unknown method", fmt.Sprintf("Methods are in upper case. Did you mean %q?", cut(strings.ToUpper(method), maxKey)))
	case !valid:
		a.fail(f, "Unknown method", "A method is a word in upper case, such as GET.")
	}
	a.out.Method = method
}

func (a *assembly) addQuery(f *field) {
	maps.Copy(a.query, a.pairs(f))
}

func (a *assembly) body(f *field) {
	text, ok := a.text(f)
	if !ok {
		return
	}
	a.setBody(f, []byte(text), "")
}

func (a *assembly) json(f *field) {
	encoded, err := stdlib.JSONEncodeFunc.Call([]cty.Value{Plain(f.value)})
	if err != nil {
		a.fail(f, "Not JSON", "This value cannot be written as JSON.")
		return
	}
	a.setBody(f, []byte(encoded.AsString()), "application/json")
}

func (a *assembly) basicAuth(f *field) {
	v := Plain(f.value)
	if t := v.Type(); !t.IsObjectType() && !t.IsMapType() {
		a.fail(f, "Wrong type", fmt.Sprintf("basic_auth must be an object with username and password, not %s.", typeName(t)))
		return
	}
	known := []string{"username", "password"}
	got := v.AsValueMap()
	var texts [2]string
	for i, name := range known {
		given, ok := got[name]
		if !ok {
			given = cty.NullVal(cty.String)
		}
		text, err := convert.Convert(given, cty.String)
		if err != nil || text.IsNull() {
			a.fail(f, "Incomplete credentials", fmt.Sprintf("basic_auth needs %s, a string.", name))
			return
		}
		texts[i] = text.AsString()
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !slices.Contains(known, name) {
			a.fail(f, "Unknown name", fmt.Sprintf("basic_auth has no %s.%s", f.quote(name), DidYouMean(name, known)))
		}
	}
	if strings.Contains(texts[0], ":") {
		a.fail(f, "Invalid username", "A username cannot hold a colon (RFC 7617).")
	}
	token := base64.StdEncoding.EncodeToString([]byte(texts[0] + ":" + texts[1]))
	a.basic = true
	a.out.Header.Set("Authorization", "Basic "+token)
	a.out.Secrets = append(a.out.Secrets, texts[1], token)
}

func (a *assembly) bearer(f *field) {
	token, ok := a.text(f)
	if !ok {
		return
	}
	if token == "" || !httpguts.ValidHeaderFieldValue(token) || strings.ContainsAny(token, " \t") {
		a.fail(f, "Invalid token", "bearer_token must be one word without control characters.")
		return
	}
	if a.basic {
		a.fail(f, "Two ways to authenticate", "A request has either basic_auth or bearer_token.")
	}
	a.out.Header.Set("Authorization", "Bearer "+token)
	a.out.Secrets = append(a.out.Secrets, token)
}

// authentication adds what authenticates, marked or not, to the secrets.
func (a *assembly) authentication() {
	for name, values := range a.out.Header {
		if !authenticates(strings.ToLower(name)) {
			continue
		}
		for _, v := range values {
			a.out.Secrets = append(a.out.Secrets, v)
			if _, token, ok := strings.Cut(v, " "); ok && token != "" {
				a.out.Secrets = append(a.out.Secrets, token)
			}
		}
	}
}

// quote names a key of the value, unless the key itself is a secret.
func (f *field) quote(name string) string {
	if f.value.IsMarked() {
		return strconv.Quote(checks.Mask)
	}
	return strconv.Quote(cut(name, maxKey))
}

// pending takes over what is known of a field whose value comes with a run.
func (a *assembly) pending(f *field) {
	if why := Reason(f.value); why != nil {
		a.mistakes = append(a.mistakes, mistake{at: f.at, why: why})
	}
	switch f.role {
	case roleBody, roleJSON:
		a.hasBody = true
	case roleMethod:
		a.out.Method = ""
	default:
	}
}
