package checks

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"net"
	"net/netip"
	"time"
)

// open connects and, for https, shakes hands. What it returns is what HTTP is
// spoken over; h.wire is to be closed if there is no failure.
func (h *hop) open(ctx context.Context) (net.Conn, *failure) {
	if f := h.dial(ctx, nil); f != nil {
		return nil, f
	}
	if h.url.Scheme != "https" {
		return h.wire, nil
	}
	begin := time.Now()
	h.tls = tls.Client(h.wire, h.tlsConfig())
	err := h.tls.Handshake() //nolint:noctx // the wire ends with ctx; a goroutine to watch it twice is not free
	h.timing.TLS = time.Since(begin)
	if err != nil {
		h.wire.close()
		return nil, h.handshakeFailure(ctx, err)
	}
	h.state = h.tls.ConnectionState()
	if h.request.HTTPVersion == "2" && h.state.NegotiatedProtocol != "h2" { // it has chosen nothing at all
		h.wire.close()
		return nil, h.noProtocol("")
	}
	return h.tls, nil
}

// dial makes h.wire, the connection to the target itself or through the
// proxy. Without targets the name of whom it dials is resolved.
func (h *hop) dial(ctx context.Context, targets []netip.AddrPort) *failure {
	if h.request.Proxy != nil {
		return h.dialThrough(ctx, targets)
	}
	if targets == nil {
		var f *failure
		if targets, f = h.resolve(ctx); f != nil {
			return f
		}
	}
	conn, f := h.connect(ctx, targets)
	if f != nil {
		return f
	}
	h.remote = conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	h.wire = newWire(ctx, conn)
	return nil
}

// protocols are what is offered to the server by ALPN.
func (h *hop) protocols() []string {
	switch h.request.HTTPVersion {
	case "1.1":
		return []string{"http/1.1"}
	case "2":
		return []string{"h2"}
	default:
		return []string{"h2", "http/1.1"}
	}
}

// noProtocol tells that the server speaks nothing of what is offered; said is
// how it came out, and may be empty.
func (h *hop) noProtocol(said string) *failure {
	if said != "" {
		said = ": " + said
	}
	switch h.request.HTTPVersion {
	case "1.1":
		return failf(ReasonTLSALPN, "%s does not agree to HTTP/1.1, which http_version demands%s", h.host, said)
	case "2":
		return failf(ReasonTLSALPN, "%s does not agree to HTTP/2, which http_version demands%s", h.host, said)
	default:
		return failf(ReasonTLSALPN, "%s agrees to neither HTTP/2 nor HTTP/1.1%s", h.host, said)
	}
}

// tlsConfig returns the configuration of one handshake. There is no session
// cache, and Certificates stays empty: with that, a certificate whose issuer
// the server does not list would silently not be sent.
func (h *hop) tlsConfig() *tls.Config {
	return &tls.Config{
		ServerName:           h.name,
		NextProtos:           h.protocols(),
		MinVersion:           tls.VersionTLS12,
		InsecureSkipVerify:   true, // #nosec G402 -- h.verify does it, and sees certificates that fail too
		VerifyConnection:     h.verify,
		GetClientCertificate: h.present,
		Time:                 h.runner.Now,
	}
}

// verify keeps the chain that the server presents, and verifies it.
func (h *hop) verify(state tls.ConnectionState) error {
	h.chain = state.PeerCertificates
	if h.insecure() {
		return nil
	}
	h.verifyErr = h.roots.Verify(h.chain, h.name, h.runner.now())
	return h.verifyErr
}

// present answers the server's request for a client certificate.
func (h *hop) present(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	h.asked = asked
	if h.client == nil {
		return new(tls.Certificate), nil
	}
	h.sent = true
	return h.client, nil
}

// serverCertificate describes the chain that host presented.
func serverCertificate(host string, chain []*x509.Certificate) ServerCertificate {
	leaf := chain[0]
	sum := sha256.Sum256(leaf.Raw)
	s := ServerCertificate{
		Host: host, Fingerprint: hex.EncodeToString(sum[:]), Subject: subject(leaf),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter,
	}
	for _, c := range chain[1:] {
		if c.NotAfter.Before(s.NotAfter) {
			sum := sha256.Sum256(c.Raw)
			s.NotAfter = c.NotAfter
			s.Issuing = &IssuingCertificate{Fingerprint: hex.EncodeToString(sum[:]), NotBefore: c.NotBefore, NotAfter: c.NotAfter}
		}
	}
	return s
}

// subject returns the name by which people know a certificate.
func subject(c *x509.Certificate) string {
	switch {
	case c.Subject.CommonName != "":
		return c.Subject.CommonName
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		return c.IPAddresses[0].String()
	default:
		return c.Subject.String()
	}
}
