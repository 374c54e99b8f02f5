package checks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"syscall"
	"time"
)

// Numbers of TLS alerts (RFC 8446, section 6, and the older ones of RFC 5246).
const (
	alertHandshakeFailure       = 40
	alertBadCertificate         = 42
	alertUnsupportedCertificate = 43
	alertCertificateRevoked     = 44
	alertCertificateExpired     = 45
	alertUnknownCA              = 48
	alertAccessDenied           = 49
	alertProtocolVersion        = 70
	alertCertificateRequired    = 116
	alertNoApplicationProtocol  = 120
	alertUnreadable             = 255 // an alert whose number could not be told
)

// alertNumber returns the number of the alert that the server sent, if err is
// one. crypto/tls has it as an unexported uint8.
func alertNumber(err error) (int, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return int(v.Uint() & 0xff), true
	}
	return alertUnreadable, true
}

// handshakeFailure classifies an error of the TLS handshake.
func (h *hop) handshakeFailure(ctx context.Context, err error) *failure {
	if h.verifyErr != nil {
		return h.serverCertFailure(h.verifyErr)
	}
	if alert, ok := alertNumber(err); ok {
		return h.alertFailure(alert, err)
	}
	var notTLS tls.RecordHeaderError
	switch {
	case ctx.Err() != nil:
		return failf(ReasonTLSTimeout, "%s did not end the TLS handshake within %s", h.host, short(h.timing.TLS))
	case localFault(err):
		return failf(ReasonInternal, "shaking hands with %s: %v", h.host, err)
	case errors.As(err, &notTLS):
		if strings.HasPrefix(string(notTLS.RecordHeader[:]), "HTTP/") {
			return failf(ReasonTLSNotTLS, "%s answers in plain HTTP on port %s, want TLS", h.host, dialedPort(h.connectTo))
		}
		return failf(ReasonTLSNotTLS, "%s does not speak TLS on port %s: it begins with %q", h.host, dialedPort(h.connectTo), notTLS.RecordHeader[:])
	case broken(err):
		if h.asked != nil {
			return h.diagnose(ctx, failf(ReasonConnectionClosed, "%s closed the connection during the TLS handshake", h.host))
		}
		return failf(ReasonConnectionClosed, "%s closed the connection during the TLS handshake: %v", h.host, err)
	case h.wire.localAlert == alertProtocolVersion:
		return failf(ReasonTLSVersion, "%s offers no TLS version from 1.2 on: %v", h.host, err)
	case h.wire.localAlert == alertNoApplicationProtocol:
		return h.noProtocol(err.Error())
	case h.sent && !h.canSign():
		return h.refused(ReasonClientCertBad, fmt.Sprintf("a list of signatures of which its key can make none (%v)", err))
	default:
		return failf(ReasonTLSOther, "the TLS handshake with %s failed: %v", h.host, err)
	}
}

// alertFailure classifies an alert from the server.
func (h *hop) alertFailure(alert int, err error) *failure {
	switch {
	case h.asked != nil:
		return h.refusal(alert)
	case alert == alertProtocolVersion:
		return failf(ReasonTLSVersion, "%s offers no TLS version from 1.2 on: it said %q", h.host, alertText(err))
	case alert == alertNoApplicationProtocol:
		return h.noProtocol(fmt.Sprintf("it said %q", alertText(err)))
	case alert == alertCertificateRequired: // asked for without our having seen it
		return h.refusal(alert)
	default:
		return failf(ReasonTLSOther, "%s refused the TLS handshake: it said %q", h.host, alertText(err))
	}
}

// alertText returns what an alert says, without the words around it.
func alertText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return strings.TrimPrefix(op.Err.Error(), "tls: ")
	}
	return err.Error()
}

// serverCertFailure classifies why the server's certificate does not verify.
func (h *hop) serverCertFailure(err error) *failure {
	leaf := h.chain[0]
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		system   x509.SystemRootsError
	)
	switch {
	case errors.As(err, &system):
		return failf(ReasonInternal, "the system's certificate authorities cannot be read: %v", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return h.dateFailure(invalid.Cert)
	case errors.As(err, &hostname):
		return failf(ReasonTLSHostname, "the certificate of %s is for %s, want %s", h.host, namesOf(leaf), h.name)
	case errors.As(err, &unknown):
		return failf(ReasonTLSUnknownCA, "the certificate of %s (%s) is issued by %q, which is not trusted",
			h.host, describe(leaf), authority(&leaf.Issuer))
	default:
		return failf(ReasonTLSOther, "the certificate of %s (%s) cannot be used: %v", h.host, describe(leaf), err)
	}
}

// dateFailure tells which certificate of the server's chain is out of date.
func (h *hop) dateFailure(c *x509.Certificate) *failure {
	whose := "the certificate of " + h.host
	if len(h.chain) > 0 && !c.Equal(h.chain[0]) {
		whose = "an issuing certificate of " + h.host
	}
	if h.runner.now().Before(c.NotBefore) {
		return failf(ReasonTLSNotYetValid, "%s (%s) is valid from %s on", whose, describe(c), stamp(c.NotBefore))
	}
	return failf(ReasonTLSExpired, "%s (%s) expired on %s", whose, describe(c), stamp(c.NotAfter))
}

// noAnswer classifies an error that came before the first byte of an answer.
func (h *hop) noAnswer(ctx context.Context, err error) *failure {
	if alert, ok := alertNumber(err); ok && h.asked != nil {
		return h.refusal(alert)
	}
	switch {
	case ctx.Err() != nil:
		return failf(ReasonTimeoutHeaders, "%s did not answer within %s", h.host, short(time.Since(h.begin)))
	case localFault(err):
		return failf(ReasonInternal, "asking %s: %v", h.host, err)
	}
	f := failf(ReasonConnectionClosed, "%s closed the connection before it answered", h.host)
	if !broken(err) {
		f = failf(ReasonHTTPProtocol, "the answer of %s cannot be read: %v", h.host, err)
		if _, ok := alertNumber(err); ok {
			f = failf(ReasonConnectionClosed, "%s ended the connection before it answered: it said %q", h.host, alertText(err))
		}
	}
	if h.asked != nil {
		return h.diagnose(ctx, f)
	}
	return f
}

// headerFailure classifies an error within the headers of an answer.
func (h *hop) headerFailure(ctx context.Context, src *source, err error) *failure {
	switch own := src.failed(); {
	case errors.Is(own, errHeaders):
		return failf(ReasonHeadersTooLarge, "the headers of %s are larger than 64 KiB", h.host)
	case ctx.Err() != nil:
		return failf(ReasonTimeoutHeaders, "the headers of %s did not end within %s", h.host, short(time.Since(h.begin)))
	case own != nil:
		return failf(ReasonConnectionClosed, "%s closed the connection in the middle of the headers", h.host)
	default:
		return failf(ReasonHTTPProtocol, "the answer of %s is not HTTP: %v", h.host, err)
	}
}

// http2ProtocolError is the code of a stream on which something is not valid
// (RFC 9113, section 7). All others are ways to say that it has ended.
const http2ProtocolError = 1

// A streamError has the shape of the one that net/http keeps to itself, which
// copies itself into any that has the same fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return e.Cause.Error() }

// http2Failure classifies an error before the body of an answer over HTTP/2.
func (h *hop) http2Failure(ctx context.Context, src *source, err error) *failure {
	// No type tells this one apart; a connection is given up without this
	// error if the server has sent far too much.
	const headerList = "http2: response header list larger than advertised limit"
	own := h.cause(src, err)
	var stream streamError
	switch isStream := errors.As(err, &stream); {
	case ctx.Err() != nil:
		return h.noAnswer(ctx, ctx.Err())
	case isStream && stream.Cause != nil && stream.Cause.Error() == headerList,
		!isStream && !isNetwork(own) && h.wire.read.Load() > maxHeaders/4:
		return failf(ReasonHeadersTooLarge, "the headers of %s are larger than 64 KiB", h.host)
	case isStream && stream.Code == http2ProtocolError:
		h.answered = true
		return failf(ReasonHTTPProtocol, "the answer of %s is not valid HTTP/2: %v", h.host, err)
	case isStream:
		h.answered = true
		return failf(ReasonConnectionClosed, "%s ended the request before it answered: %v", h.host, err)
	default:
		return h.noAnswer(ctx, own)
	}
}

// bodyFailure classifies an error within the body of an answer.
func (h *hop) bodyFailure(ctx context.Context, src *source, err error, limit int64) *failure {
	var stream streamError
	var damaged damagedError
	switch own := src.failed(); {
	case errors.Is(err, errTooLarge):
		return failf(ReasonBodyTooLarge, "the body has more than %d bytes, the limit of max_body", limit)
	case errors.As(err, &damaged):
		return failf(ReasonDecode, "%s", damaged.Error())
	case ctx.Err() != nil:
		return failf(ReasonTimeoutBody, "the body of %s did not end within %s", h.host, short(time.Since(h.begin)))
	case own != nil, broken(err):
		return failf(ReasonConnectionClosed, "%s closed the connection in the middle of the body", h.host)
	case errors.As(err, &stream) && stream.Code != http2ProtocolError:
		return failf(ReasonConnectionClosed, "%s ended the answer in the middle of the body: %v", h.host, err)
	default:
		return failf(ReasonHTTPProtocol, "the body of %s cannot be read: %v", h.host, err)
	}
}

// broken reports whether err says that the connection has ended.
func broken(err error) bool {
	for _, end := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, syscall.ENOTCONN,
	} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
