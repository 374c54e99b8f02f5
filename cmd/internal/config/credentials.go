package config

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A detector finds literals that look like credentials.
type detector struct {
	*report
	userinfo []string // in URLs

	keys   *regexp.Regexp // names of things that are secret
	values *regexp.Regexp // forms that only credentials have
	names  *regexp.Regexp // references
}

// Limits of what is looked into: the depth of objects and lists, and the
// beginning of a text, in bytes.
const (
	maxLiteralDepth = 16
	maxExamined     = 64 << 10
)

// credentials warns of literals below root that look like credentials. Their
// text is not shown. It changes nothing of l, and its report is to be joined.
func (l *loader) credentials(root *block) *detector {
	d := &detector{
		report: l.another(),
		names:  regexp.MustCompile(`^((secret|var|local|each)\.[\w-]+|step\.[\w.\[\]-]+)$`),
		keys:   regexp.MustCompile(`(?i)(^|[-_.])(password|passwd|passphrase|secret|token|api[-_]?key|apikey|authorization|cookie|private[-_]?key)$`),
		values: regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY|\bxox[abeoprs]-[0-9A-Za-z-]{10,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[0-9A-Za-z]{30,}|\bsk_live_[0-9A-Za-z]{10,}|\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.|hooks\.slack\.com/services/T|\bAGE-SECRET-KEY-`),
	}
	for _, b := range root.blocks {
		d.block(b)
	}
	return d
}

func (d *detector) block(b *block) {
	for _, c := range b.blocks {
		d.block(c)
	}
	for _, a := range inOrder(b.attrs) {
		name, key := a.Name, a.Name
		switch {
		case b.is.name == "secret", b.is.name == "certificate" && name != "passphrase":
			continue // names of files and variables
		case b.is.name == "variable" && name == "default":
			key = b.label()
		case name == "webhook_url":
			key = "token"
		}
		d.expression(a.Expr, key, 0)
	}
}

// expression looks into the literal parts of expr, which is known as key.
func (d *detector) expression(expr hcl.Expression, key string, depth int) {
	if depth > maxLiteralDepth {
		return
	}
	if d.inside(expr, key, depth) {
		return
	}
	text, ok := literal(expr)
	if !ok || strings.TrimSpace(text) == "" {
		return
	}
	if u, err := url.Parse(text); err == nil && u.User != nil && u.Host != "" { // a mistake, told elsewhere
		d.mask(expr.Range())
		_, after, _ := strings.Cut(text, "//")
		authority := after[:strings.IndexAny(after+"/", "/?#")]
		d.userinfo = append(d.userinfo, authority[:strings.LastIndexByte(authority, '@')+1])
	}
	if d.names.MatchString(text) { // JSON syntax: a reference without ${ }
		return
	}
	if d.keys.MatchString(key) || d.values.MatchString(text[:min(len(text), maxExamined)]) {
		d.mask(expr.Range())
		d.warnf(expr.Range(), "This looks like a credential",
			"Whoever reads the file can read it. Put it into the environment or a file, and name it by a secret block: secret %q { env = %q }.",
			secretName(key), strings.ToUpper(secretName(key)))
	}
}

// inside looks into the elements of expr, if it is an object or a list.
func (d *detector) inside(expr hcl.Expression, key string, depth int) bool {
	if _, text := expr.(*hclsyntax.TemplateExpr); text { // most are: each answer below would be a diagnostic
		return false
	}
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		for _, pair := range pairs {
			name, _ := literal(pair.Key)
			d.expression(pair.Value, name, depth+1)
		}
		return true
	}
	list, diags := hcl.ExprList(expr)
	for _, element := range list {
		d.expression(element, key, depth+1)
	}
	return !diags.HasErrors()
}

// secretName makes an example's name of key.
func secretName(key string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(key))
	if name == "" || name == "authorization" {
		return "api_token"
	}
	return cutTail(name, 40)
}

// literal is the text of a string literal: no reference, no call.
func literal(expr hcl.Expression) (string, bool) {
	switch native := expr.(type) {
	case *hclsyntax.ObjectConsKeyExpr:
		if word := hcl.ExprAsKeyword(native.Wrapped); word != "" && !native.ForceNonLiteral {
			return word, true
		}
		return literal(native.Wrapped)
	case *hclsyntax.TemplateExpr:
		if !native.IsStringLiteral() {
			return "", false
		}
	case hclsyntax.Expression:
		return "", false
	}
	if len(expr.Variables()) > 0 {
		return "", false
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.IsMarked() || !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return "", false
	}
	text := v.AsString()
	_, native := expr.(*hclsyntax.TemplateExpr)
	template := !native && (strings.Contains(text, "${") || strings.Contains(text, "%{")) // in JSON syntax
	return text, !template
}
