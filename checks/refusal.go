package checks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"watchword/certs"
)

// diagnoseTimeout bounds the wait for the alert that says why.
const diagnoseTimeout = 2 * time.Second

// diagnose finds out why a server that asked for a certificate broke the
// connection before the first byte of its answer. In TLS 1.3 the refusal
// comes after our side of the handshake, and is easily lost when the request
// is under way; so one more connection with the same certificate writes
// nothing and waits for the alert. Without one, found remains the failure.
func (h *hop) diagnose(ctx context.Context, found *failure) *failure {
	begin := time.Now()
	defer func() { h.diagnosis = time.Since(begin) }()
	ctx, cancel := context.WithTimeout(ctx, diagnoseTimeout)
	defer cancel()
	again := &hop{
		runner: h.runner, request: h.request, url: h.url, host: h.host, port: h.port, first: h.first,
		connectTo: h.connectTo, name: h.name, choice: h.choice, client: h.client, roots: h.roots,
	}
	if f := again.dial(ctx, []netip.AddrPort{h.remote}); f != nil {
		return found
	}
	defer again.wire.close()
	client := tls.Client(again.wire, again.tlsConfig())
	err := client.Handshake() //nolint:noctx // the wire ends with ctx
	if err == nil {
		_, err = client.Read(make([]byte, 1))
	}
	if alert, ok := alertNumber(err); ok && again.asked != nil {
		return h.refusal(alert)
	}
	return found
}

// clientCert reports whether the reason is a refusal of our certificate, or
// of having none.
func (r Reason) clientCert() bool {
	return strings.HasPrefix(string(r), "client_cert_") && r != ReasonClientCertLocal
}

// refusal tells what an alert means from a server that asked for a
// certificate.
func (h *hop) refusal(alert int) *failure {
	if !h.sent {
		switch alert {
		case alertHandshakeFailure, alertBadCertificate, alertCertificateRequired:
			return h.required()
		default:
			return failf(ReasonTLSOther, "%s asked for a client certificate, got none, and ended the connection with alert %d (%s).%s",
				h.host, alert, tls.AlertError(uint8(alert)), h.acceptance()) // #nosec G115 -- alerts have one byte
		}
	}
	reason := ReasonClientCertRejected
	switch alert {
	case alertBadCertificate, alertUnsupportedCertificate:
		reason = ReasonClientCertBad
	case alertCertificateRevoked:
		reason = ReasonClientCertRevoked
	case alertCertificateExpired:
		reason = ReasonClientCertExpired
	case alertUnknownCA:
		reason = ReasonClientCertUnknownCA
	case alertAccessDenied:
		reason = ReasonClientCertDenied
	}
	said := strings.TrimPrefix(tls.AlertError(uint8(alert)).Error(), "tls: ") // #nosec G115 -- alerts have one byte
	if alert == alertUnreadable {
		said = "something that cannot be told"
	}
	return h.refused(reason, fmt.Sprintf("%q", said))
}

// required tells that a certificate is demanded and none was sent.
func (h *hop) required() *failure {
	why := "none of yours is for this host"
	switch {
	case h.request.MTLS == certs.ModeNone:
		why = "the request says mtls = false"
	case len(h.runner.Certs.Identities()) == 0:
		why = "none is configured"
	}
	return failf(ReasonClientCertRequired, "%s demands a client certificate, and none was sent: %s.%s", h.host, why, h.acceptance())
}

// refused tells that the certificate that was sent is not accepted, and which
// would be.
func (h *hop) refused(reason Reason, said string) *failure {
	id, now := h.choice.Identity, h.runner.now()
	leaf := id.Leaf()
	dates := "expires " + stamp(leaf.NotAfter)
	cause := ""
	if reason == ReasonClientCertBad || reason == ReasonClientCertRejected { // the others say it all
		said = " with " + said
	} else {
		said = ""
	}
	switch {
	case now.After(leaf.NotAfter):
		dates = "expired " + stamp(leaf.NotAfter)
		cause = " That is the cause: the certificate has expired."
		if reason == ReasonClientCertBad || reason == ReasonClientCertRejected {
			reason = ReasonClientCertExpired
		}
	case now.Before(leaf.NotBefore):
		dates = "valid from " + stamp(leaf.NotBefore) + " on"
		cause = " That is the likely cause: the certificate is not valid yet."
	}
	return failf(reason, "%s accepted the connection, then refused certificate %s (%s, issued by %q, %s)%s.%s%s",
		h.host, id.Name(), describe(leaf), authority(&leaf.Issuer), dates, said, cause, h.acceptance())
}

// acceptance lists the authorities that the server accepts, and says whether
// a certificate of ours is issued by one of them.
func (h *hop) acceptance() string {
	if h.asked == nil || len(h.asked.AcceptableCAs) == 0 {
		return ""
	}
	accepts := h.asked.AcceptableCAs
	const most = 5
	var b strings.Builder
	b.WriteString(" It accepts: ")
	for i, raw := range accepts {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(accepts)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", rawAuthority(raw))
	}
	b.WriteString(".")
	var fit []string
	for _, id := range h.runner.Certs.Identities() {
		if id.TLS() != nil && issuedByOneOf(id.Chain(), accepts) && (!h.sent || id != h.choice.Identity) {
			fit = append(fit, id.Name())
		}
	}
	switch {
	case len(fit) == 1:
		fmt.Fprintf(&b, " Your certificate %s is issued by that.", fit[0])
	case len(fit) > 1:
		fmt.Fprintf(&b, " Your certificates %s are issued by that.", strings.Join(fit[:min(len(fit), most)], ", "))
	case !h.sent || !issuedByOneOf(h.choice.Identity.Chain(), accepts):
		b.WriteString(" No certificate of yours is issued by that.")
	}
	return b.String()
}

// canSign reports whether our key can make a signature that the server takes.
func (h *hop) canSign() bool {
	signatures := tls.CertificateRequestInfo{Version: h.asked.Version, SignatureSchemes: h.asked.SignatureSchemes}
	return signatures.SupportsCertificate(h.client) == nil
}

// issuedByOneOf reports whether a certificate of the chain has one of these
// issuers.
func issuedByOneOf(chain []*x509.Certificate, accepts [][]byte) bool {
	for _, c := range chain {
		for _, raw := range accepts {
			if bytes.Equal(c.RawIssuer, raw) {
				return true
			}
		}
	}
	return false
}

// pageRefusal recognises the two pages by which nginx refuses a client
// certificate after the handshake has succeeded.
func (h *hop) pageRefusal(x *Exchange) *failure {
	if h.asked == nil || x.Status != http.StatusBadRequest {
		return nil
	}
	switch {
	case !h.sent && bytes.Contains(x.Body, []byte("No required SSL certificate was sent")):
		return h.required()
	case h.sent && bytes.Contains(x.Body, []byte("The SSL certificate error")):
		reason := ReasonClientCertRejected
		if accepts := h.asked.AcceptableCAs; len(accepts) > 0 && h.valid() && !issuedByOneOf(h.choice.Identity.Chain(), accepts) {
			reason = ReasonClientCertUnknownCA // the page does not tell, but the handshake did
		}
		return h.refused(reason, `status 400, "The SSL certificate error"`)
	default:
		return nil
	}
}

// valid reports whether the certificate that was sent is valid now.
func (h *hop) valid() bool {
	leaf, now := h.choice.Identity.Leaf(), h.runner.now()
	return !now.After(leaf.NotAfter) && !now.Before(leaf.NotBefore)
}

// rawAuthority returns the name of an authority from its subject in DER.
func rawAuthority(raw []byte) string {
	var rdn pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &rdn); err != nil {
		return fmt.Sprintf("%x", raw[:min(len(raw), 16)])
	}
	var name pkix.Name
	name.FillFromRDNSequence(&rdn)
	return authority(&name)
}

// authority returns the name by which people know an authority.
func authority(name *pkix.Name) string {
	if name.CommonName != "" {
		return name.CommonName
	}
	return name.String()
}

// describe names a certificate.
func describe(c *x509.Certificate) string {
	if c.Subject.CommonName == "" {
		return subject(c)
	}
	return "CN=" + c.Subject.CommonName
}

// namesOf lists what a certificate is for.
func namesOf(c *x509.Certificate) string {
	const most = 5
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "no name at all"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	default:
		return strings.Join(names, ", ")
	}
}

// stamp returns a date.
func stamp(t time.Time) string { return t.UTC().Format(time.DateOnly) }
