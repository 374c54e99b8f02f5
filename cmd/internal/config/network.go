package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// describeConnection is describe for what says how to connect.
func (v valueType) describeConnection() string {
	switch v {
	case cidrs:
		return `a list of networks such as ["10.0.0.0/8", "2001:db8::/32"]`
	case proxyURL:
		return `the URL of a proxy such as "http://proxy.example.com:3128" or "socks5://proxy.example.com", or false for none`
	case ipFamily:
		return "4 or 6"
	case httpFamily:
		return `"1.1" or "2"`
	case signingSecrets:
		return fmt.Sprintf("a string, or a list of at most %d strings", maxSigningKeys)
	default:
		return "a value"
	}
}

// A requestProxy is the proxy of a request, or why its address cannot be had.
// Without both there is none.
type requestProxy struct {
	proxy *checks.Proxy
	err   error
}

// proxy is the URL of a proxy, or false. Credentials in it must come from a
// secret.
func (l *loader) proxy(b *block, name string) opt[requestProxy] {
	v, o := evaluate[requestProxy](l, b, name, cty.DynamicPseudoType)
	if !o.set || o.bad {
		return o
	}
	if o.value.err = lang.Reason(v); o.value.err != nil {
		return o
	}
	plain := lang.Plain(v)
	var err error
	switch {
	case !plain.IsKnown():
		o.bad = true
	case plain.Type() == cty.Bool && plain.False():
	case plain.Type() != cty.String:
		err = errors.New("it is neither")
	default:
		o.value.proxy, err = checks.ParseProxy(plain.AsString())
	}
	if err != nil {
		o.bad = true
		l.invalid(b, name, err)
		return o
	}
	if p := o.value.proxy; p != nil && p.Username != "" && !lang.IsSensitive(v) {
		o.bad = true
		l.mask(b.attrs[name].Expr.Range())
		l.errorf(b.attrs[name].Expr.Range(), "Credentials of a proxy in plain sight",
			`Whoever reads the file can read them. Take them from a secret, as in "http://probe:${urlencode(secret.proxy_password)}@%s".`, clip(p.Address()))
	}
	return o
}

func (l *loader) ipVersion(b *block, name string) opt[int] {
	return decode(l, b, name, cty.Number, func(v cty.Value) (int, error) {
		n, err := wholeNumber(v, 4, 6)
		if err == nil && n == 5 {
			err = errors.New("it is neither")
		}
		return n, err
	})
}

func (l *loader) httpVersion(b *block, name string) opt[string] {
	return parsed(l, b, name, func(s string) (string, error) {
		switch s {
		case "1.1", "2":
			return s, nil
		default:
			return "", fmt.Errorf("%q is neither", clip(s))
		}
	})
}

// networks is a list of networks, or of addresses, which are networks of one.
func (l *loader) networks(b *block, name string) []netip.Prefix {
	o := listOf(l, b, name, parseNetwork)
	if o.ok() && len(o.value) == 0 {
		l.invalid(b, name, errors.New("it is empty; leave it out instead"))
	}
	return o.value
}

func parseNetwork(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is no network", clip(s))
	case p.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q is IPv4 in the form of IPv6; write it as IPv4", clip(s))
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has bits set behind its first %d, unlike %q", clip(s), p.Bits(), p.Masked())
	}
	return p, nil
}

// reachable reports what cannot work whoever answers, as far as the URL is
// known: addresses of the wrong version, and HTTP/2 without TLS.
func (l *loader) reachable(q *requestLayer, template *lang.Request) {
	if q.httpVersion.value == "2" && template.Scheme() == "http" {
		l.errorf(q.httpVersion.at, "HTTP/2 without TLS", "With an http:// URL there is only HTTP/1.1: use https://, or leave http_version out.")
	}
	if !q.ipVersion.ok() {
		return
	}
	host := template.Host()
	if q.connectTo.ok() {
		host, _, _ = net.SplitHostPort(q.connectTo.value)
	}
	if q.proxy.value.proxy != nil {
		host = q.proxy.value.proxy.Host
	}
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.Unmap().Is4() != (q.ipVersion.value == 4) {
		l.errorf(q.ipVersion.at, "Address of another version of IP", "%s is no IPv%d address.", host, q.ipVersion.value)
	}
}
