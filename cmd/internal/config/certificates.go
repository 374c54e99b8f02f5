package config

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/certs"
	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// A certificate is a `certificate` block and what its checks turned up.
type certificate struct {
	block    *block
	source   certs.Source
	patterns []certs.HostPattern
	identity *certs.Identity
	usedBy   []string // enabled checks
	verifies []string // enabled checks, by the ca
	used     bool     // by any check or receiver, or as roots

	receivers []string // full names of those that present it
	trusting  []string // and of those that verify servers by its ca
}

// certificates reads all certificate blocks and the files they name, and
// makes the set that chooses among them. Blocks with mistakes that the set
// would refuse are left out of it, and setBroken is set.
func (l *loader) certificates(blocks []*block) {
	l.identities = make(map[string]*certificate, len(blocks))
	var ids []*certs.Identity
	var primary *block
	for _, b := range blocks {
		c := l.certificate(b)
		l.identities[c.source.Name] = c
		l.certs = append(l.certs, c)
		if c.source.Primary && primary != nil {
			l.errorf(b.attrAt("primary"), "Two primary certificates", "Certificate %q at %s is the primary already.", primary.label(), l.where(primary.at))
			l.setBroken = true
			continue
		}
		if c.source.Primary {
			primary = b
		}
		if b.broken || len(c.patterns) < len(c.source.Hosts) {
			l.setBroken = true
			continue
		}
		ids = append(ids, c.identity)
	}
	set, err := certs.NewSet(ids)
	if err != nil {
		l.setBroken = true
		l.errorf(blocks[0].at, "Certificates cannot be used together", "%s.", capital(err.Error()))
	}
	l.set = set
}

// certificate reads one certificate block and its files.
func (l *loader) certificate(b *block) *certificate {
	c := &certificate{block: b, source: certs.Source{Name: b.label(), Offline: l.opts.Offline}}
	src := &c.source
	pem, cert, key, bundle, ca := l.path(b, "pem"), l.path(b, "cert"), l.path(b, "key"), l.path(b, "pkcs12"), l.path(b, "ca")
	src.PEM, src.Cert, src.Key, src.PKCS12, src.CA = pem.value, cert.value, key.value, bundle.value, ca.value
	src.ExcludeSystemRoots = !l.flag(b, "system_roots").otherwise(true)
	src.Primary = l.flag(b, "primary").otherwise(false)
	src.Added = parsed(l, b, "added", parseMoment).otherwise(time.Time{})
	for _, path := range []string{src.PEM, src.Cert, src.Key, src.PKCS12, src.CA} {
		l.watch(path)
	}
	before := l.errors
	l.hosts(c)
	phrase := l.passphrase(c)
	l.pairing(c, parts{pem.set, cert.set, key.set, bundle.set, ca.set, phrase.set})
	c.identity = l.certLoader.Load(c.source)
	if l.errors == before && !b.broken && !pem.bad && !cert.bad && !key.bad && !bundle.bad && !ca.bad && !phrase.bad {
		l.problems(c) // which would repeat what has been reported
		l.rotation(c)
	}
	return c
}

// hosts reads host or hosts and parses each.
func (l *loader) hosts(c *certificate) {
	b := c.block
	host, hosts := l.text(b, "host"), l.texts(b, "hosts")
	if host.set && hosts.set {
		l.errorf(hosts.at, "Both host and hosts", "Write one of them: hosts = [\"a.example\", \"*.a.example\"] takes several.")
	}
	name := "hosts"
	if host.ok() {
		name, c.source.Hosts = "host", []string{host.value}
	}
	c.source.Hosts = append(c.source.Hosts, hosts.value...)
	places := elementPlaces(b.attr(name), len(c.source.Hosts))
	for i, text := range c.source.Hosts {
		p, err := certs.ParseHost(text)
		if err != nil {
			l.errorf(places[i], "Invalid host", "%s.", capital(err.Error()))
			continue
		}
		c.patterns = append(c.patterns, p)
		for _, warning := range p.Warnings() {
			l.warnf(places[i], "Wide host pattern", "%s.", capital(strings.TrimSuffix(warning, ".")))
		}
	}
	if hosts.ok() && len(hosts.value) == 0 {
		l.errorf(hosts.at, "No host", "The list is empty.")
	}
}

// problems reports what certs found wrong with the files. What makes the
// certificate unusable is for the daemon a notice, not a mistake.
func (l *loader) problems(c *certificate) {
	_, told := errors.AsType[*certs.PassphraseError](c.identity.Err())
	told = told && l.opts.Validate // where the secret stands
	for _, p := range c.identity.Problems(l.now) {
		at := c.block.attrAt(p.Attribute)
		detail := p.Detail
		if p.Command != "" {
			detail = strings.TrimSpace(detail + " Run `" + p.Command + "`.")
		}
		if p.Severity == certs.Error {
			if told && p.Attribute == "passphrase" {
				continue
			}
			told = true
			text := p.Summary
			if detail != "" {
				text += ". " + strings.TrimSuffix(detail, ".")
			}
			l.unreadable(Notice{Kind: "certificate", Name: c.source.Name, Err: errors.New(text)}, at)
			continue
		}
		l.warnf(at, capital(strings.TrimSuffix(p.Summary, ".")), "%s", detail)
	}
	if err := c.identity.Err(); err != nil && !told {
		l.unreadable(Notice{Kind: "certificate", Name: c.source.Name, Err: err}, c.block.at)
	}
}

// elementPlaces are the ranges of a list's n elements, or n times its own.
func elementPlaces(expr hcl.Expression, n int) []hcl.Range {
	places := make([]hcl.Range, n)
	if n == 0 {
		return places
	}
	elements, diags := lang.Elements(expr)
	for i := range places {
		places[i] = expr.Range()
		if !diags.HasErrors() && len(elements) == n {
			places[i] = elements[i].Range()
		}
	}
	return places
}

// certificateNames is the object `certificate`: what a reference evaluates
// to is its own path.
func (l *loader) certificateNames() cty.Value {
	values := make(map[string]cty.Value, len(l.identities))
	for name := range l.identities {
		values[name] = cty.StringVal("certificate." + name)
	}
	return cty.ObjectVal(values)
}

// certificateRef resolves `certificate = certificate.NAME`.
func (l *loader) certificateRef(b *block, name string) opt[*certificate] {
	a := b.attrs[name]
	if a == nil || isNull(a.Expr) {
		return opt[*certificate]{}
	}
	o := opt[*certificate]{at: a.Range, set: true, bad: true}
	path, diags := lang.Reference(a.Expr, "certificate.NAME")
	l.add(diags)
	if diags.HasErrors() {
		return o
	}
	wanted := ""
	if len(path) == 2 {
		wanted = stepName(path[1])
	}
	switch c := l.identities[wanted]; {
	case wanted == "":
		l.errorf(a.Expr.Range(), "Invalid "+name, "%s must be %s.", name, certificateRef.describe())
	case c == nil:
		l.errorf(a.Expr.Range(), "Unknown certificate", "There is no certificate %q.%s", clip(wanted), lang.DidYouMean(wanted, slices.Sorted(maps.Keys(l.identities))))
	case !c.identity.HasCertificate():
		l.errorf(a.Expr.Range(), "Nothing to present", "Certificate %q only brings a ca.", wanted)
	default:
		o.value, o.bad = c, false
	}
	return o
}

// isNull reports whether expr is the literal null, which unsets an attribute.
func isNull(expr hcl.Expression) bool {
	if native, ok := expr.(hclsyntax.Expression); ok {
		constant, ok := native.(*hclsyntax.LiteralValueExpr)
		return ok && constant.Val.IsNull()
	}
	if len(expr.Variables()) > 0 {
		return false
	}
	v, diags := expr.Value(nil)
	return !diags.HasErrors() && v.IsKnown() && v.IsNull()
}

// sourceAt is a place as the rest of watchword knows it.
func sourceAt(at hcl.Range) checks.Source {
	return checks.Source{File: at.Filename, Line: at.Start.Line}
}

// capital begins s with a capital letter.
func capital(s string) string {
	if s == "" {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}
