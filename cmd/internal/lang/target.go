package lang

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/certs"
	"watchword/checks"
)

// url checks the URL and joins it with the query.
func (a *assembly) url(f *field) {
	text, ok := a.text(f)
	if !ok {
		return
	}
	u, detail := parseURL(text)
	if detail != "" {
		if IsSensitive(f.value) || len(f.secrets) > 0 || strings.Contains(text, "@") {
			text = "" // parts of it may be secret
		}
		if text != "" {
			detail = fmt.Sprintf("%q: %s", cut(text, maxText), phrase(detail)) + "."
		}
		a.fail(f, "Invalid URL", detail)
		return
	}
	if len(a.query) > 0 {
		u.RawQuery = joinQuery(u.RawQuery, a.query)
	}
	a.out.URL = u
}

// parseURL returns a URL that can be asked, or what is wrong with it without
// naming any part of it.
func parseURL(text string) (*url.URL, string) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, "A URL cannot hold line breaks or other control characters."
	}
	if strings.ContainsAny(text, " ") {
		return nil, "A URL cannot hold spaces. Escape what you insert with urlencode()."
	}
	u, err := url.Parse(text)
	if err != nil {
		var bad *url.Error
		if errors.As(err, &bad) && !strings.Contains(text, "://") {
			return nil, "A URL begins with https:// or http://."
		}
		return nil, "This is no URL: its host, port or an escape is malformed."
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https" && strings.Contains(text, "://"):
		return nil, "The scheme of a URL must be https or http."
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, "A URL begins with https:// or http://."
	case u.User != nil:
		return nil, "A URL cannot hold credentials. Use basic_auth."
	case u.Hostname() == "" || u.Opaque != "":
		return nil, "A URL needs a host, as in https://api.example.com/."
	}
	if _, err := certs.NormalizeHost(u.Hostname()); err != nil {
		return nil, "The host of the URL is no host name and no address."
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, "The port of a URL is a number from 1 to 65535."
		}
	}
	u.Fragment, u.RawFragment = "", "" // never sent
	return u, ""
}

// joinQuery adds parameters to a query. One that is in both replaces that of
// the URL; the rest of the URL's query stays as it is written.
func joinQuery(raw string, more map[string][]string) string {
	var parts []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		if _, replaced := more[name]; pair != "" && !replaced {
			parts = append(parts, pair)
		}
	}
	if encoded := url.Values(more).Encode(); encoded != "" {
		parts = append(parts, encoded)
	}
	return strings.Join(slices.Clip(parts), "&")
}

// lead returns the beginning of a text that is the same for each run and no
// secret.
func (n *lookup) lead(ctx *hcl.EvalContext) string {
	template, ok := n.x.node.(*hclsyntax.TemplateExpr)
	if !ok {
		return ""
	}
	var b strings.Builder
	for _, e := range template.Parts {
		if !n.constant(e) {
			break
		}
		v, diags := e.Value(ctx)
		if diags.HasErrors() || !v.IsKnown() || v.IsNull() || IsSensitive(v) || v.Type() != cty.String {
			break
		}
		b.WriteString(v.AsString())
	}
	return b.String()
}

// known returns what is known of the URL at load.
func (f *field) known(r *checks.Rendered) (host, whole string) {
	if f.x == nil && r != nil && r.URL != nil {
		host = strings.ToLower(r.URL.Hostname())
		if !IsSensitive(f.value) && len(f.secrets) == 0 {
			whole = r.URL.String()
		}
		return host, whole
	}
	u, err := url.Parse(f.lead)
	if err != nil || u.Host == "" || u.User != nil {
		return "", ""
	}
	_, rest, _ := strings.Cut(f.lead, "://")
	if !strings.ContainsAny(rest, "/?#") { // more of the host may follow
		return "", ""
	}
	return strings.ToLower(u.Hostname()), ""
}

// scheme returns the scheme of the URL if it is known at load.
func (f *field) scheme(r *checks.Rendered) string {
	if f.x == nil && r != nil && r.URL != nil {
		return r.URL.Scheme
	}
	scheme, _, ok := strings.Cut(f.lead, "://")
	if !ok {
		return ""
	}
	return strings.ToLower(scheme)
}
