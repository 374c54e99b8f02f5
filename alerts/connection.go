package alerts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpproxy"

	"watchword/certs"
)

// TLS is what a receiver behind https is reached with. The zero value verifies
// it by the system's roots, and presents nothing.
type TLS struct {
	Identity *certs.Identity // the client certificate; nil means none
	Roots    *certs.Roots    // that the server is verified by; nil means the system's
	Err      error           // why it cannot be reached before the configuration is mended: its certificate cannot be read, say
}

// A connection carries one request: what has expired or was revoked cannot go
// on passing, and no idle connection breaks under a message.
type connection struct {
	http.RoundTripper
	own *http.Transport // nil for one that was given
	TLS

	sent  sending
	asked atomic.Bool // the server has asked for a client certificate
}

// connect makes ready for one request to u, by the transport of client if it
// has one.
func (t TLS) connect(u *url.URL, client *http.Client) *connection {
	c := &connection{TLS: t}
	if client != nil && client.Transport != nil {
		c.RoundTripper = client.Transport
		return c
	}
	c.own = &http.Transport{
		Proxy:                  proxy,
		TLSClientConfig:        c.config(u),
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswerHeaders,
	}
	c.RoundTripper = c.own
	return c
}

func (c *connection) close() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// config verifies the server and presents the client certificate as checks
// do: one that the server does not list as acceptable is presented all the
// same, so that the server says what it thinks of it.
func (c *connection) config(u *url.URL) *tls.Config {
	host, err := certs.NormalizeHost(u.Hostname())
	if err != nil {
		host = u.Hostname()
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // #nosec G402 -- VerifyConnection does it, by roots of several sources
		VerifyConnection: func(state tls.ConnectionState) error {
			return c.Roots.Verify(state.PeerCertificates, host, time.Now())
		},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			c.asked.Store(true)
			if c.Identity == nil || c.Identity.TLS() == nil {
				return new(tls.Certificate), nil
			}
			return c.Identity.TLS(), nil
		},
	}
}

// maxAnswerHeaders bounds the headers of an answer, in bytes.
const maxAnswerHeaders = 64 << 10

var errTLSProxy = errors.New("an https:// proxy of the environment cannot be used for a receiver: name an http:// one, or the receiver's host in NO_PROXY")

// proxy is the one that the environment names, as for Slack. It sees no client
// certificate, and so none that itself speaks TLS is used: it would be shown.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := httpproxy.FromEnvironment().ProxyFunc()(r.URL)
	if u != nil && u.Scheme == "https" {
		return nil, errTLSProxy
	}
	return u, err
}

// send makes the request.
func (c *connection) send(r *http.Request) (*http.Response, error) {
	if c.Err != nil {
		return nil, c.Err
	}
	return c.RoundTrip(c.sent.follow(r, c.RoundTripper))
}

// failed says what it means that there is no answer.
func (c *connection) failed(ctx context.Context, err error) *SendError {
	err = inner(err)
	out := &SendError{Err: err, Unsure: c.sent.unsure(err)}
	switch cause := context.Cause(ctx); {
	case cause != nil:
		out.Err = cause
	case c.asked.Load():
		presented := "none is for its host"
		if c.Identity != nil {
			presented = fmt.Sprintf("%q was presented", c.Identity.Name())
		}
		out.Err = fmt.Errorf("%w (the server asks for a client certificate; %s)", err, presented)
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
			out.Unsure = false // an alert: in TLS 1.3 the handshake fails after our side of it
		}
	}
	return out
}
