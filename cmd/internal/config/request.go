package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/certs"
	"watchword/checks"
	"watchword/cmd/internal/lang"
)

const (
	maxHops    = 50
	maxMaxBody = 1 << 30
)

// A requestLayer is what one request block says. What is computed at each
// run stays an expression until the layers are merged.
type requestLayer struct {
	block                     *block
	url, method, basic, token hcl.Expression
	bodies                    bodyLayer
	headers, query            []hcl.Expression // outermost first

	mtls            opt[bool]
	certificate     opt[*certificate]
	ca              opt[requestRoots]
	connectTo       opt[string]
	serverName      opt[string]
	followRedirects opt[int]
	skipVerify      opt[bool]
	maxBody         opt[int64]
	proxy           opt[requestProxy]
	ipVersion       opt[int]
	httpVersion     opt[string]
}

// requestRoots are the CAs of a request, or why they cannot be used.
type requestRoots struct {
	path  string
	roots *certs.Roots
	err   error
}

// request evaluates a request block.
func (l *loader) request(b *block) *requestLayer {
	q := &requestLayer{
		block:       b,
		url:         given1(b, "url"),
		method:      given1(b, "method"),
		bodies:      l.bodies(b),
		basic:       given1(b, "basic_auth"),
		token:       given1(b, "bearer_token"),
		mtls:        l.flag(b, "mtls"),
		certificate: l.certificateRef(b, "certificate"),
		ca:          l.roots(b, "ca"),
		connectTo: parsed(l, b, "connect_to", func(s string) (string, error) {
			return parseHostPort(s, false)
		}),
		serverName:      parsed(l, b, "server_name", certs.NormalizeHost),
		followRedirects: l.hops(b, "follow_redirects"),
		skipVerify:      l.flag(b, "insecure_skip_verify"),
		maxBody:         l.maxBody(b),
		proxy:           l.proxy(b, "proxy"),
		ipVersion:       l.ipVersion(b, "ip_version"),
		httpVersion:     l.httpVersion(b, "http_version"),
	}
	if e := given1(b, "headers"); e != nil {
		q.headers = []hcl.Expression{e}
	}
	if e := given1(b, "query"); e != nil {
		q.query = []hcl.Expression{e}
	}
	l.exclusive(q)
	return q
}

// given1 is an attribute's expression, nil where it is the literal null.
func given1(b *block, name string) hcl.Expression {
	e := b.attr(name)
	if e == nil || isNull(e) {
		return nil
	}
	return e
}

// exclusive reports attributes of one block that exclude one another.
func (l *loader) exclusive(q *requestLayer) {
	b := q.block
	if q.basic != nil && q.token != nil {
		l.errorf(b.attrs["bearer_token"].Range, "Two ways to authenticate", "Write either basic_auth or bearer_token.")
		q.token = nil
	}
	if (q.basic != nil || q.token != nil) && authorizes(q.headers) {
		l.errorf(b.attrs["headers"].Range, "Two ways to authenticate", "Authorization stands in headers; write either that, or basic_auth or bearer_token.")
	}
	if q.certificate.set && q.mtls.ok() && !q.mtls.value {
		l.errorf(q.certificate.at, "certificate together with mtls = false", "With mtls = false no certificate goes along; leave one of them out.")
	}
}

// authorizes tells that headers hold Authorization, by a name that is written
// out.
func authorizes(headers []hcl.Expression) bool {
	for _, expr := range headers {
		pairs, _ := hcl.ExprMap(expr)
		for _, pair := range pairs {
			if name, ok := literal(pair.Key); ok && strings.EqualFold(name, "Authorization") {
				return true
			}
		}
	}
	return false
}

// over is q where it says something, and outer elsewhere. Either may be nil.
// What excludes something inherited clears it.
func (q *requestLayer) over(outer *requestLayer) *requestLayer {
	if q == nil || outer == nil {
		if q == nil {
			return outer
		}
		return q
	}
	m := *q
	m.url, m.method = either(q.url, outer.url), either(q.method, outer.method)
	m.headers = slices.Concat(outer.headers, q.headers)
	m.query = slices.Concat(outer.query, q.query)
	m.bodies = q.bodies.over(outer.bodies)
	if q.basic == nil && q.token == nil && !authorizes(q.headers) {
		m.basic, m.token = outer.basic, outer.token
	}
	m.mtls, m.certificate = q.mtls.or(outer.mtls), q.certificate.or(outer.certificate)
	switch without := func(o opt[bool]) bool { return o.ok() && !o.value }; {
	case q.certificate.set && !q.mtls.set && without(outer.mtls):
		m.mtls = opt[bool]{}
	case without(q.mtls) && !q.certificate.set:
		m.certificate = opt[*certificate]{}
	}
	m.ca = q.ca.or(outer.ca)
	m.connectTo = q.connectTo.or(outer.connectTo)
	m.serverName = q.serverName.or(outer.serverName)
	m.followRedirects = q.followRedirects.or(outer.followRedirects)
	m.skipVerify = q.skipVerify.or(outer.skipVerify)
	m.maxBody = q.maxBody.or(outer.maxBody)
	m.proxy = q.proxy.or(outer.proxy)
	m.ipVersion = q.ipVersion.or(outer.ipVersion)
	m.httpVersion = q.httpVersion.or(outer.httpVersion)
	return &m
}

func either(inner, outer hcl.Expression) hcl.Expression {
	if inner != nil {
		return inner
	}
	return outer
}

// mode is what the request says about client certificates.
func (q *requestLayer) mode() checks.MTLS {
	switch {
	case !q.mtls.ok():
		return certs.ModeUnset
	case q.mtls.value:
		return certs.ModeRequired
	default:
		return certs.ModeNone
	}
}

// exprs is what lang compiles into a template.
func (q *requestLayer) exprs() lang.RequestExprs {
	return lang.RequestExprs{
		Range: q.block.at, URL: q.url, Method: q.method, Headers: q.headers, Query: q.query,
		Body: q.bodies.body, JSON: q.bodies.json, Form: q.bodies.form, File: q.bodies.file, BasicAuth: q.basic, BearerToken: q.token,
	}
}

// roots loads the file of a request's ca, each file once.
func (l *loader) roots(b *block, name string) opt[requestRoots] {
	path := l.path(b, name)
	o := opt[requestRoots]{at: path.at, set: path.set, bad: path.bad}
	if !path.ok() {
		return o
	}
	l.watch(path.value)
	if l.opts.Offline {
		return o
	}
	known, again := l.rootFiles[path.value]
	if !again {
		known.path = path.value
		known.roots, known.err = l.certLoader.Roots(path.value, false)
		l.rootFiles[path.value] = known
		if r := l.certLoader.RootsRotation(path.value, false); r != nil {
			l.rotating(Notice{Kind: "certificate", Name: "ca " + path.value, Err: r.Err, Kept: true, Source: sourceAt(path.at)}, r)
		}
	}
	if known.err != nil {
		l.unreadable(Notice{Kind: "certificate", Name: "ca " + path.value, Err: known.err}, path.at)
	}
	o.value = known
	return o
}

// hops is a number of redirects, or a bool.
func (l *loader) hops(b *block, name string) opt[int] {
	return decode(l, b, name, cty.DynamicPseudoType, func(v cty.Value) (int, error) {
		switch {
		case v.Type() == cty.Bool && v.True():
			return checks.DefaultMaxRedirects, nil
		case v.Type() == cty.Bool:
			return 0, nil
		case v.Type() == cty.Number:
			return wholeNumber(v, 0, maxHops)
		default:
			return 0, errors.New("it is neither")
		}
	})
}

func (l *loader) maxBody(b *block) opt[int64] {
	return parsed(l, b, "max_body", func(s string) (int64, error) {
		n, err := parseSize(s)
		switch {
		case err != nil:
			return 0, err
		case n < 1:
			return 0, errors.New("it is nothing at all")
		case n > maxMaxBody:
			return 0, fmt.Errorf("%q is more than %s", clip(s), formatSize(maxMaxBody))
		}
		return n, nil
	})
}
