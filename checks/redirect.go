package checks

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"watchword/certs"
)

// A trip is the way of one request through its redirects.
type trip struct {
	runner   *Runner
	step     *Step
	redactor *Redactor

	firstHost, firstPort string // of the first hop, normalized

	// What the next hop sends. Header and body are those of the template
	// until a redirect leaves the origin, and nothing after that.
	method string
	url    *url.URL
	header http.Header
	body   []byte

	hop        *hop      // the last one
	static     *prepared // nil until the request is known
	exchange   *Exchange // of the last hop; nil unless it was answered
	timing     Timing
	servers    []ServerCertificate
	handshakes []Handshake
}

// follow makes the request and follows its redirects. Each hop is a
// connection of its own with a certificate of its own.
func (t *trip) follow(ctx context.Context, req *Rendered) (*Exchange, *failure) {
	t.method, t.url, t.header, t.body = req.Method, req.URL, req.Header, req.Body
	if t.method == "" {
		t.method = http.MethodGet
	}
	host, err := certs.NormalizeHost(t.url.Hostname())
	if err != nil {
		return nil, failf(ReasonInternal, "the request cannot be made: %v", err)
	}
	t.firstHost, t.firstPort = host, port(t.url)

	for redirects := 0; ; redirects++ {
		h, f := t.newHop()
		if f != nil {
			return nil, f
		}
		x, f := h.exchange(ctx)
		t.timing = t.timing.plus(h.timing)
		t.note(h, f)
		if f != nil {
			return nil, f
		}
		x.Redirects, x.Timing = redirects, t.timing
		t.exchange = x
		target, f := t.target(x, redirects)
		if f != nil {
			return nil, f
		}
		if target == nil {
			return x, nil
		}
		t.turn(x.Status, target)
	}
}

// target returns where the answer sends the request, or nil if the answer is
// to be judged itself.
func (t *trip) target(x *Exchange, redirects int) (*url.URL, *failure) {
	switch x.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	location := x.Header.Get("Location")
	limit := t.step.Request.MaxRedirects
	if limit <= 0 || location == "" {
		return nil, nil
	}
	if redirects >= limit {
		return nil, failf(ReasonRedirect, "%s redirects to %s: more than %d redirects", t.url.Host, location, limit)
	}
	target, err := t.url.Parse(location)
	if err != nil || target.Hostname() == "" && (target.Scheme == "http" || target.Scheme == "https") {
		return nil, failf(ReasonRedirect, "%s redirects to %q, which is not a URL", t.url.Host, location)
	}
	target.User, target.Fragment, target.RawFragment = nil, "", ""
	if _, err := certs.NormalizeHost(target.Hostname()); err != nil && target.Hostname() != "" {
		return nil, failf(ReasonRedirect, "%s redirects to %q: %v", t.url.Host, location, err)
	}
	switch {
	case target.Scheme != "http" && target.Scheme != "https":
		return nil, failf(ReasonRedirect, "%s redirects to %q, want http or https", t.url.Host, location)
	case t.url.Scheme == "https" && target.Scheme == "http":
		return nil, failf(ReasonRedirect, "%s redirects from https to http: %s", t.url.Host, location)
	}
	return target, nil
}

// turn makes the next hop go to target: the method as the Fetch standard has
// it (301 and 302 turn POST into GET, 303 all but GET and HEAD, 307 and 308
// keep it), and nothing that the check set to another origin, not even when a
// later redirect leads back.
func (t *trip) turn(status int, target *url.URL) {
	post := status == http.StatusMovedPermanently || status == http.StatusFound
	if post && t.method == http.MethodPost ||
		status == http.StatusSeeOther && t.method != http.MethodGet && t.method != http.MethodHead {
		t.method, t.body = http.MethodGet, nil
		t.header = withoutBody(t.header)
	}
	if !sameOrigin(t.url, target) {
		t.header, t.body = nil, nil
	}
	t.url = target
}

// withoutBody returns header without what describes a body.
func withoutBody(header http.Header) http.Header {
	header = header.Clone()
	for name := range header {
		if strings.HasPrefix(name, "Content-") {
			delete(header, name)
		}
	}
	return header
}

// note keeps what a hop has shown of the server's and our certificate.
func (t *trip) note(h *hop, f *failure) {
	t.hop = h
	if len(h.chain) > 0 {
		t.servers = append(t.servers, serverCertificate(h.host, h.chain))
	}
	if !h.sent {
		return
	}
	switch {
	case f == nil || h.answered && !f.reason.clientCert():
		t.handshakes = append(t.handshakes, Handshake{Certificate: h.choice.Identity.Name(), Accepted: true})
	case f.reason.clientCert():
		t.handshakes = append(t.handshakes, Handshake{Certificate: h.choice.Identity.Name()})
	}
}

// newHop prepares the next hop: its host, and the certificate that this host
// selects at this moment.
func (t *trip) newHop() (*hop, *failure) {
	host, err := certs.NormalizeHost(t.url.Hostname())
	if err != nil {
		return nil, failf(ReasonInternal, "the request cannot be made: %v", err)
	}
	h := &hop{
		runner: t.runner, request: &t.step.Request,
		method: t.method, url: t.url, header: t.header, body: t.body,
		host: host, port: port(t.url), first: host == t.firstHost,
	}
	h.connectTo = net.JoinHostPort(host, h.port)
	h.name = host
	if h.first && h.request.ServerName != "" {
		h.name = h.request.ServerName
	}
	if to := h.request.ConnectTo; to != "" && h.first && h.port == t.firstPort {
		h.connectTo = to
	}
	if len(h.body) > 0 && t.static != nil {
		h.file = t.static.rendered.File
	}
	t.hop, t.exchange = h, nil
	return h, h.choose(certs.Want{Mode: h.request.MTLS, Explicit: h.request.Certificate, FirstHost: t.firstHost})
}

// port returns the port of u, or the default one of its scheme.
func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// sameOrigin reports whether scheme, host and port are the same.
func sameOrigin(a, b *url.URL) bool {
	ha, errA := certs.NormalizeHost(a.Hostname())
	hb, errB := certs.NormalizeHost(b.Hostname())
	return errA == nil && errB == nil && ha == hb && a.Scheme == b.Scheme && port(a) == port(b)
}

// plus adds up phase by phase.
func (t Timing) plus(o Timing) Timing {
	return Timing{
		DNS: t.DNS + o.DNS, Connect: t.Connect + o.Connect, TLS: t.TLS + o.TLS,
		Wait: t.Wait + o.Wait, Transfer: t.Transfer + o.Transfer, Total: t.Total + o.Total,
	}
}
