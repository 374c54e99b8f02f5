package alerts

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpproxy"

	"watchword/certs"
)

// A webhookLine carries one attempt, over a connection of its own: what has
// expired or was revoked cannot go on passing, and no idle connection breaks
// under a message.
type webhookLine struct {
	http.RoundTripper
	own      *http.Transport // nil for one that was given
	identity *certs.Identity

	sent  sending
	asked atomic.Bool // the server has asked for a client certificate
}

// connect makes ready for one request to u.
func (w *Webhook) connect(u *url.URL) *webhookLine {
	line := &webhookLine{identity: w.Identity}
	if w.Client != nil && w.Client.Transport != nil {
		line.RoundTripper = w.Client.Transport
		return line
	}
	line.own = &http.Transport{
		Proxy:                  w.proxy,
		DialContext:            new(net.Dialer).DialContext,
		TLSClientConfig:        w.tlsConfig(u, line),
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxWebhookHeaders,
	}
	line.RoundTripper = line.own
	return line
}

func (l *webhookLine) close() {
	if l.own != nil {
		l.own.CloseIdleConnections()
	}
}

// tlsConfig verifies the server and presents the client certificate as checks
// do: one that the server does not list as acceptable is presented all the
// same, so that the server says what it thinks of it.
func (w *Webhook) tlsConfig(u *url.URL, line *webhookLine) *tls.Config {
	host, err := certs.NormalizeHost(u.Hostname())
	if err != nil {
		host = u.Hostname()
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // #nosec G402 -- VerifyConnection does it, by roots of several sources
		VerifyConnection: func(state tls.ConnectionState) error {
			return w.Roots.Verify(state.PeerCertificates, host, time.Now())
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			line.asked.Store(true)
			if w.Identity == nil || w.Identity.TLS() == nil {
				return new(tls.Certificate), nil
			}
			return w.Identity.TLS(), nil
		},
	}
}

var errTLSProxy = errors.New("an https:// proxy of the environment cannot be used for a webhook: name an http:// one, or the webhook's host in NO_PROXY")

// proxy is the one that the environment names, as for Slack. It sees no client
// certificate, and so none that itself speaks TLS is used: it would be shown.
func (w *Webhook) proxy(r *http.Request) (*url.URL, error) {
	u, err := httpproxy.FromEnvironment().ProxyFunc()(r.URL)
	if u != nil && u.Scheme == "https" {
		return nil, errTLSProxy
	}
	return u, err
}

// send makes the request.
func (l *webhookLine) send(r *http.Request) (*http.Response, error) {
	return l.RoundTrip(l.sent.follow(r, l.RoundTripper))
}

// failed says what it means that there is no answer.
func (l *webhookLine) failed(ctx context.Context, err error) *SendError {
	err = inner(err)
	out := &SendError{Err: err, Unsure: l.sent.unsure(err)}
	switch cause := context.Cause(ctx); {
	case cause != nil:
		out.Err = cause
	case l.asked.Load():
		presented := "none is for its host"
		if l.identity != nil {
			presented = fmt.Sprintf("%q was presented", l.identity.Name())
		}
		out.Err = fmt.Errorf("%w (the server asks for a client certificate; %s)", err, presented)
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
			out.Unsure = false // an alert: in TLS 1.3 the handshake fails after our side of it
		}
	}
	return out
}

// signingPrefix begins a key of the Standard Webhooks specification.
const signingPrefix = "whsec_"

// ParseSigningSecret returns the key that a signing secret stands for: what
// follows `whsec_` in base64, as the Standard Webhooks specification writes
// keys, else the text itself. An error never shows the secret.
func ParseSigningSecret(text string) ([]byte, error) {
	if strings.HasPrefix(text, "whsk_") || strings.HasPrefix(text, "whpk_") {
		return nil, errors.New("it is a key of an asymmetric signature; signatures are HMAC-SHA256, with a key that begins with whsec_ or any other text")
	}
	encoded, ok := strings.CutPrefix(text, signingPrefix)
	if !ok {
		return []byte(text), nil
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || len(key) == 0 {
		return nil, errors.New("it begins with whsec_, but what follows is not base64")
	}
	return key, nil
}
