package checks_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"watchword/certs/certstest"
	"watchword/checks"
)

// leadsTo answers every name with these addresses.
func leadsTo(addrs ...string) func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) {
	var out []netip.Addr
	for _, a := range addrs {
		out = append(out, netip.MustParseAddr(a))
	}
	return func(dnsmessage.Question) (dnsmessage.RCode, []netip.Addr) { return dnsmessage.RCodeSuccess, out }
}

func TestHTTPVersion(t *testing.T) {
	ca := certstest.NewCA(t)
	for _, tls13 := range []bool{false, true} {
		for name, tt := range map[string]struct {
			offers        []string
			demand        string
			want          checks.Reason
			version, text string
		}{
			"both, 1.1":           {offers: nil, demand: "1.1", version: "1.1"},
			"both, 2":             {offers: nil, demand: "2", version: "2"},
			"both":                {offers: nil, version: "2"},
			"only 1.1, 2":         {offers: []string{"http/1.1"}, demand: "2", want: checks.ReasonTLSALPN, text: "does not agree to HTTP/2, which http_version demands: it said"},
			"only another, 1.1":   {offers: []string{"smtp"}, demand: "1.1", want: checks.ReasonTLSALPN, text: "does not agree to HTTP/1.1, which http_version demands: it said"},
			"knows nothing, 2":    {offers: []string{}, demand: "2", want: checks.ReasonTLSALPN, text: "does not agree to HTTP/2, which http_version demands"},
			"knows nothing, 1.1":  {offers: []string{}, demand: "1.1", version: "1.1"},
			"knows nothing, both": {offers: []string{}, version: "1.1"},
		} {
			s := &certstest.Server{Pair: ca.Server(), Protocols: tt.offers, ClientAuth: tls.RequestClientCert}
			if !tls13 {
				s.MaxVersion = tls.VersionTLS12
			}
			c := single(checks.Request{Template: get(t, certstest.NewServer(t, s).URL()), Roots: roots(t, ca), HTTPVersion: tt.demand})
			c.Steps[0].Expect = []checks.Condition{condition(func(x *checks.Exchange) (string, error) {
				if x.HTTPVersion != tt.version {
					return "http_version is " + x.HTTPVersion, nil
				}
				return "", nil
			})}
			t.Run(name, func(t *testing.T) { wantReason(t, new(checks.Runner).Run(t.Context(), c), tt.want, tt.text) })
		}
	}
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	wantReason(t, fetch(t, new(checks.Runner), url, func(r *checks.Request) { r.HTTPVersion = "2" }), checks.ReasonInternal, `http_version = "2" needs https`)
	wantReason(t, fetch(t, new(checks.Runner), url, func(r *checks.Request) { r.HTTPVersion = "1.1" }), "")
}

func TestIPVersion(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	named := strings.Replace(url, "127.0.0.1", "api.example", 1)
	demand := func(v int) func(*checks.Request) { return func(r *checks.Request) { r.IPVersion = v } }
	both := &checks.Runner{Resolver: nameServer(t, leadsTo("127.0.0.1", "::1"))}
	only4 := &checks.Runner{Resolver: nameServer(t, leadsTo("127.0.0.1"))}
	wantReason(t, fetch(t, both, named, demand(4)), "")
	wantReason(t, fetch(t, both, named, demand(6)), checks.ReasonConnectRefused, "[::1]") // nothing listens there
	wantReason(t, fetch(t, only4, named, demand(6)), checks.ReasonDNSNotFound, "api.example does not exist, or has no IPv6 address, as ip_version demands")
	wantReason(t, fetch(t, only4, url, demand(4)), "")
	wantReason(t, fetch(t, only4, url, demand(6)), checks.ReasonConnectUnreachable, "127.0.0.1 is no IPv6 address, as ip_version demands")
	wantReason(t, fetch(t, only4, "http://[::1]:1/", demand(4)), checks.ReasonConnectUnreachable, "::1 is no IPv4 address")
	// Of a proxy, it is the proxy that is asked by this version.
	p := &proxyServer{names: map[string]string{"api.example:80": strings.TrimPrefix(url, "http://")}}
	through := proxied(t, p.start(t, "http", nil), "")
	wantReason(t, fetch(t, only4, "http://api.example/", through, demand(4)), "")
	wantReason(t, fetch(t, only4, "http://api.example/", through, demand(6)), checks.ReasonProxy, "127.0.0.1 is no IPv6 address")
}

func TestNetworks(t *testing.T) {
	nets := func(list ...string) (out []netip.Prefix) {
		for _, n := range list {
			out = append(out, netip.MustParsePrefix(n))
		}
		return out
	}
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	port := url[strings.LastIndex(url, ":"):]
	for name, tt := range map[string]struct {
		allow, deny []netip.Prefix
		host        string
		want        checks.Reason
		text        string
	}{
		"allowed":            {allow: nets("127.0.0.0/8"), host: "127.0.0.1"},
		"not allowed":        {allow: nets("10.0.0.0/8", "::/0"), host: "127.0.0.1", want: checks.ReasonTargetBlocked, text: "in none of allow_networks"},
		"denied":             {deny: nets("10.0.0.0/8", "127.0.0.1/32"), host: "127.0.0.1", want: checks.ReasonTargetBlocked, text: "leads to 127.0.0.1" + port + ", in 127.0.0.1/32 of deny_networks"},
		"both":               {allow: nets("127.0.0.0/8"), deny: nets("127.0.0.0/24"), host: "127.0.0.1", want: checks.ReasonTargetBlocked, text: "deny_networks"},
		"another denied":     {deny: nets("127.0.0.2/32"), host: "127.0.0.1"},
		"mapped":             {deny: nets("127.0.0.0/8"), host: "[::ffff:127.0.0.1]", want: checks.ReasonTargetBlocked, text: "deny_networks"},
		"NAT64":              {deny: nets("127.0.0.0/8"), host: "[64:ff9b::7f00:1]", want: checks.ReasonTargetBlocked, text: "deny_networks"},
		"everything allowed": {allow: nets("0.0.0.0/0"), host: "169.254.169.254", want: checks.ReasonTargetBlocked, text: "link-local"},
		"link-local allowed": {allow: nets("169.254.0.0/16"), host: "169.254.169.254", want: checks.ReasonTargetBlocked, text: "link-local"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &checks.Runner{Allow: tt.allow, Deny: tt.deny}
			wantReason(t, fetch(t, r, "http://"+tt.host+port), tt.want, tt.text)
		})
	}
	// Of a name with several addresses, those that are allowed are asked.
	r := &checks.Runner{Deny: nets("::/0", "127.0.0.2/32"), Resolver: nameServer(t, leadsTo("127.0.0.2", "::1", "127.0.0.1"))}
	res := fetch(t, r, "http://api.example"+port)
	wantReason(t, res, "")
	if got := res.Steps[0].RemoteIP; got != "127.0.0.1" {
		t.Errorf("asked %s", got)
	}
	redirect := serveHTTP(t, http.RedirectHandler("http://127.0.0.2"+port, http.StatusFound).ServeHTTP)
	wantReason(t, fetch(t, r, redirect), checks.ReasonTargetBlocked, "127.0.0.2")
}
