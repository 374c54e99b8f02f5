package checks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"watchword/certs"
)

// A hop is one request on one connection: everything that is asked of it, and
// everything that has been learnt so far.
type hop struct {
	runner  *Runner
	request *Request

	method string
	url    *url.URL
	header http.Header // nil after a redirect to another origin
	body   []byte
	file   string // that body came from

	host      string // of the URL, normalized: it alone selects the certificate
	port      string
	first     bool   // host is the first hop's
	connectTo string // host:port that is dialled
	name      string // SNI, and what the server's certificate must be for

	choice certs.Choice
	client *tls.Certificate // nil: none goes along
	roots  *certs.Roots

	remote    netip.AddrPort
	wire      *wire
	tls       *tls.Conn // nil for http
	state     tls.ConnectionState
	asked     *tls.CertificateRequestInfo // by which the server asked for a client certificate; nil: it did not
	sent      bool                        // ours was sent
	chain     []*x509.Certificate
	verifyErr error
	answered  bool // the first byte of an answer has come
	status    int  // of the answer

	begin     time.Time
	timing    Timing
	diagnosis time.Duration // what diagnose took, which is no phase of the exchange
}

// choose selects the certificate and the roots for the host of this hop.
func (h *hop) choose(want certs.Want) *failure {
	if h.request.ProxyErr != nil {
		return failf(ReasonInternal, "the proxy cannot be used: %v", h.request.ProxyErr)
	}
	if h.url.Scheme != "https" {
		h.choice.Rule = certs.RuleNone
		if h.request.HTTPVersion == "2" {
			return failf(ReasonInternal, `http_version = "2" needs https, and %s is asked without TLS`, h.host)
		}
		if want.Mode == certs.ModeRequired && h.first {
			return failf(ReasonClientCertLocal, "mtls = true demands a client certificate, and %s is asked without TLS", h.host)
		}
		return nil
	}
	if h.request.RootsErr != nil {
		return failf(ReasonClientCertLocal, "the request's ca cannot be used: %v", h.request.RootsErr)
	}
	set := h.runner.Certs
	want = h.runner.rehearsed(h.host, want)
	h.choice = set.Select(h.host, want)
	id := h.choice.Identity
	switch {
	case id == nil && want.Mode == certs.ModeRequired && h.first:
		return failf(ReasonClientCertLocal, "mtls = true, but no certificate is for %s and none is primary", h.host)
	case id == nil:
	case id.Err() != nil:
		return failf(ReasonClientCertLocal, "certificate %s cannot be used: %v", id.Name(), id.Err())
	case id.TLS() == nil:
		return failf(ReasonClientCertLocal, "certificate %s has no key pair", id.Name())
	case h.insecure() && want.Mode != certs.ModeRequired:
		return failf(ReasonClientCertLocal,
			"certificate %s would go to a server that insecure_skip_verify leaves unverified: say mtls = true if that is meant", id.Name())
	default:
		h.client = id.TLS()
	}
	if h.roots = h.request.Roots; h.roots != nil {
		return nil
	}
	var err error
	if h.roots, err = set.Roots(h.host, want); err != nil {
		return failf(ReasonClientCertLocal, "the ca for %s cannot be used: %v", h.host, err)
	}
	return nil
}

// rehearsed is want with the certificate that is rehearsed, where it goes
// instead of another.
func (r *Runner) rehearsed(host string, want certs.Want) certs.Want {
	if r.Rehearse != nil && r.Certs.Select(host, want).Identity != nil {
		want.Explicit = r.Rehearse
	}
	return want
}

// insecure reports whether the server's certificate is not verified. A
// redirect to another host always is.
func (h *hop) insecure() bool { return h.request.InsecureSkipVerify && h.first }

// exchange makes the request and reads the whole answer. Nothing of the
// connection is left when it returns.
func (h *hop) exchange(ctx context.Context) (*Exchange, *failure) {
	h.begin = time.Now()
	defer func() { h.timing.Total = time.Since(h.begin) - h.diagnosis }()

	conn, f := h.open(ctx)
	if f != nil {
		return nil, f
	}
	defer h.wire.close()
	var answer *http.Response
	req, err := h.newRequest(ctx)
	if err != nil {
		return nil, failf(ReasonInternal, "the request cannot be made: %v", err)
	}
	wait := time.Now()
	x := h.newExchange(req)
	h.authorize(req)
	var source *source
	if h.state.NegotiatedProtocol == "h2" {
		answer, source, f = h.http2(ctx, conn, req) //nolint:bodyclose // h.wire is closed, and nothing else holds the body
	} else {
		var done func()
		answer, source, f, done = h.http1(ctx, conn, req) //nolint:bodyclose // likewise
		defer done()
	}
	h.timing.Wait = time.Since(wait) - h.diagnosis
	if f == nil {
		f = h.refusedByProxy(answer)
	}
	if f != nil {
		return nil, f
	}
	transfer := time.Now()
	f = h.read(ctx, x, answer, source)
	h.timing.Transfer = time.Since(transfer)
	if f == nil {
		f = h.pageRefusal(x)
	}
	if f != nil {
		return nil, f
	}
	if h.tls != nil && x.HTTPVersion != "2" && len(h.body) <= smallBody { // a larger one may not be written yet
		_ = h.tls.CloseWrite() // the answer is complete: what fails from here on does not matter
	}
	return x, nil
}

// newExchange returns the part of an Exchange that is known beforehand.
func (h *hop) newExchange(req *http.Request) *Exchange {
	x := &Exchange{
		Method: h.method, RequestURL: h.url.String(), RequestHeader: req.Header, RequestBody: h.body,
		URL: h.url.String(), RemoteIP: h.remote.Addr().String(),
	}
	if h.tls == nil {
		return x
	}
	x.TLS = &TLS{
		Version: tlsVersion(h.state.Version), Cipher: tls.CipherSuiteName(h.state.CipherSuite),
		Leaf: h.state.PeerCertificates[0], Chain: h.state.PeerCertificates, ClientRequested: h.asked != nil,
	}
	if h.sent {
		x.TLS.Certificate = h.choice.Identity.Name()
	}
	return x
}

// newRequest returns the request as it goes over the wire.
func (h *hop) newRequest(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, h.method, "http://-", nil)
	if err != nil {
		return nil, err
	}
	req.URL, req.Host = h.url, h.url.Host
	req.Header = make(http.Header, len(h.header)+2)
	for name, values := range h.header {
		if name == "Host" {
			if len(values) > 0 {
				req.Host = values[0]
			}
			continue
		}
		req.Header[name] = values
	}
	if _, set := req.Header["User-Agent"]; !set {
		agent := h.runner.UserAgent
		if agent == "" {
			agent = "watchword"
		}
		req.Header["User-Agent"] = []string{agent}
	}
	if _, set := req.Header["Accept-Encoding"]; !set {
		req.Header["Accept-Encoding"] = []string{acceptEncoding}
	}
	if len(h.body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(h.body)), int64(len(h.body))
	}
	return req, validHeader(req.Header)
}

// tlsVersion returns the number by which people know a TLS version.
func tlsVersion(v uint16) string {
	switch v {
	case tls.VersionTLS13:
		return "1.3"
	case tls.VersionTLS12:
		return "1.2"
	default:
		return tls.VersionName(v)
	}
}
