package lang

import (
	"fmt"
	"net/http"
	"time"

	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// cookie is one cookie that the answer sets, or an attribute of it.
func (p path) cookie() (access, cty.Value) {
	if len(p.steps) == 0 {
		p.fail(p.x.at, "Unknown name", `cookie takes the name of a cookie: cookie["session"].`)
		return nil, cty.DynamicVal
	}
	name, ok := stepKey(p.steps[0])
	if !ok {
		p.fail(p.steps.SourceRange(), "Unknown name", `cookie takes the name of a cookie: cookie["session"].`)
		return nil, cty.DynamicVal
	}
	unknown := cty.UnknownVal(cookieType())
	rest, full := p.steps[1:], p.name+describe(p.steps[:1])
	result, diags := rest.TraverseRel(unknown)
	if diags.HasErrors() {
		attr, _ := stepKey(rest[0])
		known := []string{"value", "path", "domain", "expires", "max_age", "secure", "http_only", "same_site"}
		p.fail(rest.SourceRange(), "Unknown name", fmt.Sprintf("A cookie has no %q.%s It has %s.", attr, DidYouMean(attr, known), list(known)))
		return nil, cty.DynamicVal
	}
	return func(x *checks.Exchange) (cty.Value, error) {
		v := cookieValue(x.Header, name)
		if len(rest) == 0 {
			return v, nil
		}
		if v.IsNull() {
			return cty.NilVal, &missingError{name: full, why: "the answer does not set it"}
		}
		v, diags := rest.TraverseRel(v)
		if diags.HasErrors() {
			return cty.NilVal, &missingError{name: full + describe(rest), why: "a cookie has no such attribute"}
		}
		return v, nil
	}, result
}

func cookieType() cty.Type {
	return cty.Object(map[string]cty.Type{
		"value": cty.String, "path": cty.String, "domain": cty.String, "expires": cty.String, "max_age": cty.Number,
		"secure": cty.Bool, "http_only": cty.Bool, "same_site": cty.String,
	})
}

// cookieValue is the last cookie of a name, or null. Its value may be what
// logs in.
func cookieValue(h http.Header, name string) cty.Value {
	var found *http.Cookie
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.Name == name {
			found = c
		}
	}
	if found == nil {
		return cty.NullVal(cookieType())
	}
	optional := func(s string) cty.Value {
		if s == "" {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(s)
	}
	attrs := map[string]cty.Value{
		"value": Sensitive(cty.StringVal(found.Value), "cookie"), "path": optional(found.Path), "domain": optional(found.Domain),
		"expires": cty.NullVal(cty.String), "max_age": cty.NullVal(cty.Number),
		"secure": cty.BoolVal(found.Secure), "http_only": cty.BoolVal(found.HttpOnly), "same_site": cty.NullVal(cty.String),
	}
	if !found.Expires.IsZero() {
		attrs["expires"] = cty.StringVal(found.Expires.UTC().Format(time.RFC3339))
	}
	switch {
	case found.MaxAge > 0:
		attrs["max_age"] = cty.NumberIntVal(int64(found.MaxAge))
	case found.MaxAge < 0: // Max-Age=0
		attrs["max_age"] = cty.Zero
	}
	switch found.SameSite {
	case http.SameSiteLaxMode:
		attrs["same_site"] = cty.StringVal("Lax")
	case http.SameSiteStrictMode:
		attrs["same_site"] = cty.StringVal("Strict")
	case http.SameSiteNoneMode:
		attrs["same_site"] = cty.StringVal("None")
	default:
	}
	return cty.ObjectVal(attrs)
}
