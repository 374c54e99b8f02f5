package lang

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// A Doc documents a function or a value of the language.
type Doc struct {
	Name      string // matches, timing.total
	Signature string // matches(string, re2); the type of a value
	Doc       string // one sentence or two
	Example   string // of a function: an expression that is true
	Volatile  bool   // gives another value with each call
}

// Values documents the values of an exchange that conditions may name.
func Values() []Doc {
	return document(nil, "", exchangeValues())
}

func document(docs []Doc, prefix string, values []value) []Doc {
	for _, v := range values {
		if v.inside == nil {
			docs = append(docs, Doc{Name: prefix + v.name + v.suffix, Signature: v.kind, Doc: v.doc})
		}
		docs = document(docs, prefix+v.name+".", v.inside)
	}
	return docs
}

// A value is one entry of the table of values: its name, what it is, and how
// to take it from an exchange.
type value struct {
	name   string
	suffix string // how its parts are named
	kind   string // its type in words; "…, or null" if it may be missing
	doc    string
	t      cty.Type
	get    func(*checks.Exchange) (cty.Value, error)
	header func(*checks.Exchange) http.Header // instead of get: one of its parts is named
	json   bool                               // instead of get: the answer as JSON
	cookie bool                               // instead of get: the cookies of the answer
	size   bool                               // explanations show its size only
	secret func(part string) bool             // parts that are sensitive
	inside []value
}

// exchangeValues is the table of all values of an exchange.
func exchangeValues() []value {
	return []value{
		{
			name: "status", kind: "number", t: cty.Number, doc: "Status code of the answer.",
			get: func(x *checks.Exchange) (cty.Value, error) { return cty.NumberIntVal(int64(x.Status)), nil },
		},
		{
			name: "header", suffix: `["content-type"]`, kind: "string, or null", t: cty.Map(cty.String),
			doc:    "A header of the answer, by its name in lower case; several of one name are joined by commas. Null where there is none.",
			header: func(x *checks.Exchange) http.Header { return x.Header },
		},
		{
			name: "body", kind: "string", t: cty.String, size: true, doc: "Body of the answer as text. Explanations show its size only.",
			get: func(x *checks.Exchange) (cty.Value, error) { return cty.StringVal(string(x.Body)), nil },
		},
		{
			name: "body_size", kind: "number", t: cty.Number, doc: "Size of the body in bytes, after decompression.",
			get: func(x *checks.Exchange) (cty.Value, error) { return cty.NumberIntVal(int64(len(x.Body))), nil },
		},
		text("body_sha256", "SHA-256 of the body's bytes, in hexadecimal; sha256(body) is that of the text.", func(x *checks.Exchange) string {
			return hex.EncodeToString(digest(sha256.New(), string(x.Body)))
		}),
		{
			name: "cookie", suffix: `["name"].value`, kind: "object, or null", t: cty.DynamicPseudoType, cookie: true,
			doc: "A cookie that the answer sets, by its name: value (sensitive), path, domain, expires (RFC 3339), max_age, secure, http_only, same_site. Null where there is none, and so are its attributes that are not given.",
		},
		{
			name: "json", suffix: ".name[0]", kind: "any", t: cty.DynamicPseudoType, json: true,
			doc: "Body of the answer as JSON, or a part of it. A key that is missing fails the expectation.",
		},
		text("url", "URL of the answer, after redirects.", func(x *checks.Exchange) string { return x.URL }),
		{
			name: "redirects", kind: "number", t: cty.Number, doc: "How many redirects were followed.",
			get: func(x *checks.Exchange) (cty.Value, error) { return cty.NumberIntVal(int64(x.Redirects)), nil },
		},
		text("remote_ip", "IP address that answered.", func(x *checks.Exchange) string { return x.RemoteIP }),
		text("http_version", `Version of HTTP: "1.1" or "2".`, func(x *checks.Exchange) string { return x.HTTPVersion }),
		{name: "timing", t: cty.DynamicPseudoType, inside: []value{
			seconds("dns", "Time to resolve the host's name, in seconds; of a redirect, the sum of its hops, as all times here.", func(t *checks.Timing) time.Duration { return t.DNS }),
			seconds("connect", "Time to connect over TCP, in seconds.", func(t *checks.Timing) time.Duration { return t.Connect }),
			seconds("tls", "Time of the TLS handshake, in seconds.", func(t *checks.Timing) time.Duration { return t.TLS }),
			seconds("wait", "Time from the request sent to the first byte of the answer, in seconds.", func(t *checks.Timing) time.Duration { return t.Wait }),
			seconds("transfer", "Time to receive the rest of the answer, in seconds.", func(t *checks.Timing) time.Duration { return t.Transfer }),
			seconds("total", "Time of the whole exchange, in seconds.", func(t *checks.Timing) time.Duration { return t.Total }),
		}},
		{name: "tls", t: cty.DynamicPseudoType, inside: tlsValues()},
		{name: "request", t: cty.DynamicPseudoType, inside: []value{
			text("url", "URL that was asked, before redirects.", func(x *checks.Exchange) string { return x.RequestURL }),
			text("method", "Method that was sent.", func(x *checks.Exchange) string { return x.Method }),
			{
				name: "headers", suffix: `["accept"]`, kind: "string, or null", t: cty.Map(cty.String), secret: authenticates,
				doc:    "A header as it was sent, by its name in lower case. What authenticates is sensitive.",
				header: func(x *checks.Exchange) http.Header { return x.RequestHeader },
			},
			{
				name: "body", kind: "string", t: cty.String, size: true, doc: "Body as it was sent. Explanations show its size only.",
				get: func(x *checks.Exchange) (cty.Value, error) { return cty.StringVal(string(x.RequestBody)), nil },
			},
		}},
	}
}

func text(name, doc string, get func(*checks.Exchange) string) value {
	return value{name: name, kind: "string", t: cty.String, doc: doc, get: func(x *checks.Exchange) (cty.Value, error) {
		return cty.StringVal(get(x)), nil
	}}
}

// seconds is a time in seconds, to the microsecond.
func seconds(name, doc string, get func(*checks.Timing) time.Duration) value {
	return value{name: name, kind: "number", t: cty.Number, doc: doc, get: func(x *checks.Exchange) (cty.Value, error) {
		return cty.NumberFloatVal(float64(get(&x.Timing).Microseconds()) / 1e6), nil
	}}
}

// find returns the entry of a name.
func find(values []value, name string) (*value, bool) {
	for i := range values {
		if values[i].name == name {
			return &values[i], true
		}
	}
	return nil, false
}

func nameList(values []value) []string {
	names := make([]string, 0, len(values))
	for _, v := range values {
		names = append(names, v.name)
	}
	return names
}
