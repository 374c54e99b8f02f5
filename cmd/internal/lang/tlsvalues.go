package lang

import (
	"crypto/x509"
	"math"
	"time"

	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// tlsValues is the part of the table that stands below tls.
func tlsValues() []value {
	return []value{
		ofTLS("version", "string", cty.String, `Version of TLS: "1.2" or "1.3".`, func(t *checks.TLS) cty.Value { return cty.StringVal(t.Version) }),
		ofTLS("cipher", "string", cty.String, "Name of the cipher suite.", func(t *checks.TLS) cty.Value { return cty.StringVal(t.Cipher) }),
		ofTLS("issuer", "string, or null", cty.String, "Issuer of the server's certificate.", func(t *checks.TLS) cty.Value {
			return ofLeaf(t, func(c *x509.Certificate) cty.Value { return cty.StringVal(c.Issuer.String()) }, cty.String)
		}),
		ofTLS("subject", "string, or null", cty.String, "Subject of the server's certificate.", func(t *checks.TLS) cty.Value {
			return ofLeaf(t, func(c *x509.Certificate) cty.Value { return cty.StringVal(c.Subject.String()) }, cty.String)
		}),
		ofTLS("names", "list of string, or null", cty.List(cty.String), "Host names and addresses that the server's certificate is for.", func(t *checks.TLS) cty.Value {
			return ofLeaf(t, certificateNames, cty.List(cty.String))
		}),
		ofTLS("not_after", "number, or null", cty.Number, "When the first certificate of the server's chain expires, in seconds since 1970.", func(t *checks.TLS) cty.Value {
			return ofExpiry(t, func(end time.Time) int64 { return end.Unix() })
		}),
		ofTLS("days_left", "number, or null", cty.Number, "Whole days until the first certificate of the server's chain expires.", func(t *checks.TLS) cty.Value {
			return ofExpiry(t, func(end time.Time) int64 { return int64(math.Floor(time.Until(end).Hours() / 24)) })
		}),
		ofTLS("client_certificate", "string, or null", cty.String, "Name of the client certificate that was presented. Null for none.", func(t *checks.TLS) cty.Value {
			if t.Certificate == "" {
				return cty.NullVal(cty.String)
			}
			return cty.StringVal(t.Certificate)
		}),
		ofTLS("client_certificate_requested", "bool", cty.Bool, "Whether the server asked for a client certificate.", func(t *checks.TLS) cty.Value { return cty.BoolVal(t.ClientRequested) }),
	}
}

func ofTLS(name, kind string, t cty.Type, doc string, get func(*checks.TLS) cty.Value) value {
	return value{name: name, kind: kind, t: t, doc: doc, get: func(x *checks.Exchange) (cty.Value, error) {
		if x.TLS == nil {
			return cty.NilVal, &missingError{name: "tls." + name, why: "the answer came without TLS"}
		}
		return get(x.TLS), nil
	}}
}

func ofLeaf(t *checks.TLS, get func(*x509.Certificate) cty.Value, null cty.Type) cty.Value {
	if t.Leaf == nil {
		return cty.NullVal(null)
	}
	return get(t.Leaf)
}

// ofExpiry uses the earliest end of the chain that was presented, as the
// metric of server certificates does.
func ofExpiry(t *checks.TLS, get func(time.Time) int64) cty.Value {
	chain := t.Chain
	if len(chain) == 0 && t.Leaf != nil {
		chain = []*x509.Certificate{t.Leaf}
	}
	if len(chain) == 0 {
		return cty.NullVal(cty.Number)
	}
	end := chain[0].NotAfter
	for _, c := range chain {
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return cty.NumberIntVal(get(end))
}

func certificateNames(c *x509.Certificate) cty.Value {
	names := make([]cty.Value, 0, len(c.DNSNames)+len(c.IPAddresses))
	for _, n := range c.DNSNames {
		names = append(names, cty.StringVal(n))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, cty.StringVal(ip.String()))
	}
	if len(names) == 0 {
		return cty.ListValEmpty(cty.String)
	}
	return cty.ListVal(names)
}
