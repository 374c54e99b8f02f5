package checks

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"watchword/certs"
)

// A Proxy stands between watchword and the targets of a request. The names of
// targets are resolved by it, and no client certificate is ever shown to it:
// what it forwards for https is encrypted for the target alone.
type Proxy struct {
	Scheme             string // "http", "https" (TLS to the proxy itself) or "socks5"
	Host               string // normalized
	Port               string
	Username, Password string // sent to the proxy; no Username sends neither
}

// ParseProxy reads the URL of a proxy: http://, https:// or socks5:// (RFC
// 1928; socks5h:// means the same), credentials inside. Without a port it is
// 80, 443 or 1080. The error shows no part of the URL.
func ParseProxy(rawURL string) (*Proxy, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("it is no URL")
	}
	p := &Proxy{Scheme: u.Scheme, Port: u.Port()}
	fallback := ""
	switch u.Scheme {
	case "http":
		fallback = "80"
	case "https":
		fallback = "443"
	case "socks5h", "socks5":
		p.Scheme, fallback = "socks5", "1080"
	default:
		return nil, errors.New(`it does not begin with "http://", "https://" or "socks5://"`)
	}
	if p.Port == "" {
		p.Port = fallback
	}
	if p.Host, err = certs.NormalizeHost(u.Hostname()); err != nil || u.Opaque != "" {
		return nil, errors.New("it has no host, or one that is none")
	}
	if n, err := strconv.ParseUint(p.Port, 10, 16); err != nil || n == 0 {
		return nil, errors.New("its port is not between 1 and 65535")
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("a proxy has no path and no query")
	}
	p.Username = u.User.Username()
	p.Password, _ = u.User.Password()
	return p, p.checkCredentials(u.User != nil)
}

// checkCredentials reports credentials that the proxy's protocol cannot carry.
func (p *Proxy) checkCredentials(given bool) error {
	const longest = 255 // RFC 1929
	switch {
	case !given:
		return nil
	case p.Username == "":
		return errors.New("its credentials have no username")
	case p.Scheme != "socks5" && strings.Contains(p.Username, ":"):
		return errors.New("a username cannot hold a colon (RFC 7617)")
	case p.Scheme == "socks5" && (p.Password == "" || len(p.Username) > longest || len(p.Password) > longest):
		return errors.New("SOCKS takes a username and a password of at most 255 bytes each (RFC 1929)")
	}
	return nil
}

// Address returns host:port.
func (p *Proxy) Address() string { return net.JoinHostPort(p.Host, p.Port) }

// secrets are what must not be shown of a proxy, which may be nil.
func (p *Proxy) secrets() []string {
	if p == nil || p.Password == "" {
		return nil
	}
	return []string{p.Password, p.basic()}
}

// basic returns the credentials as HTTP takes them (RFC 7617).
func (p *Proxy) basic() string {
	return base64.StdEncoding.EncodeToString([]byte(p.Username + ":" + p.Password))
}

// absolute reports whether the proxy is asked for the URL itself, instead of
// for a connection: for http, where nothing has to be said that this form
// cannot express, such as another host to connect to.
func (h *hop) absolute() bool {
	p := h.request.Proxy
	return p != nil && p.Scheme != "socks5" && h.url.Scheme == "http" &&
		h.connectTo == net.JoinHostPort(h.host, h.port) && h.header["Host"] == nil
}

// dialThrough makes h.wire, a connection through the proxy to the target. The
// addresses are the proxy's; without any its name is resolved.
func (h *hop) dialThrough(ctx context.Context, addrs []netip.AddrPort) *failure {
	begin := time.Now()
	host, portText, err := net.SplitHostPort(h.connectTo)
	if err != nil {
		return failf(ReasonInternal, "connect_to %q is not host:port: %v", h.connectTo, err)
	}
	number, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return failf(ReasonInternal, "%q is not a port", portText)
	}
	if why := h.runner.blockedBeyond(host, uint16(number)); why != "" {
		return failf(ReasonTargetBlocked, "%s is %s", host, why)
	}
	p := h.proxyHop()
	conn, f := p.openProxy(ctx, addrs)
	h.remote = p.remote
	if f == nil {
		h.wire = p.wire
		if conn != p.wire {
			h.wire = newWire(ctx, &secured{conn, p.wire})
		}
		if f = h.tunnel(ctx, host, uint16(number)); f != nil {
			h.wire.close()
		}
		h.wire.read.Store(0)
	}
	h.timing.DNS = p.timing.DNS
	h.timing.Connect = time.Since(begin) - h.timing.DNS
	return f
}

// proxyHop returns a hop whose target is the proxy. It shows no client
// certificate to anyone.
func (h *hop) proxyHop() *hop {
	p := h.request.Proxy
	return &hop{
		runner: h.runner, request: &Request{IPVersion: h.request.IPVersion, HTTPVersion: "1.1"},
		url: &url.URL{Scheme: p.Scheme, Host: p.Address()}, host: p.Host, port: p.Port, connectTo: p.Address(), name: p.Host,
		begin: time.Now(),
	}
}

// openProxy connects to the proxy that h stands for. What goes wrong with that
// has the reason proxy.
func (h *hop) openProxy(ctx context.Context, addrs []netip.AddrPort) (net.Conn, *failure) {
	conn, f := h.openSecurely(ctx, addrs)
	if f != nil && f.reason != ReasonInternal && f.reason != ReasonTargetBlocked {
		f = failf(ReasonProxy, "the proxy %s cannot be used: %s", h.connectTo, f.message)
	}
	return conn, f
}

// openSecurely connects and, to an https proxy, shakes hands.
func (h *hop) openSecurely(ctx context.Context, addrs []netip.AddrPort) (net.Conn, *failure) {
	if f := h.dial(ctx, addrs); f != nil {
		return nil, f
	}
	if h.url.Scheme != "https" {
		return h.wire, nil
	}
	var err error
	if h.roots, err = h.runner.Certs.Roots(h.host, certs.Want{FirstHost: h.host}); err != nil {
		h.wire.close()
		return nil, failf(ReasonClientCertLocal, "the ca for %s cannot be used: %v", h.host, err)
	}
	begin := time.Now()
	conn := tls.Client(h.wire, h.tlsConfig())
	err = conn.Handshake() //nolint:noctx // the wire ends with ctx
	h.timing.TLS = time.Since(begin)
	if err != nil {
		h.wire.close()
		if _, refused := alertNumber(err); refused && h.asked != nil {
			return nil, failf(ReasonProxy, "it demands a client certificate, and those are for targets alone")
		}
		return nil, h.handshakeFailure(ctx, err)
	}
	return conn, nil
}

// A secured connection is one inside of TLS that ends without a farewell,
// which could take its time.
type secured struct {
	net.Conn

	below *wire
}

func (s *secured) Close() error {
	s.below.close()
	return nil
}

// tunnel has the proxy at the end of h.wire connect to the target, unless it is
// to be asked for the URL itself.
func (h *hop) tunnel(ctx context.Context, host string, port uint16) *failure {
	if h.request.Proxy.Scheme == "socks5" {
		return h.socks(ctx, host, port)
	}
	if h.absolute() {
		return nil
	}
	return h.connectMethod(ctx)
}

// connectMethod asks an HTTP proxy for a connection (RFC 9110, section 9.3.6).
func (h *hop) connectMethod(ctx context.Context) *failure {
	p := h.request.Proxy
	agent := h.runner.UserAgent
	if agent == "" {
		agent = "watchword"
	}
	req := &http.Request{
		Method: http.MethodConnect, URL: &url.URL{Opaque: h.connectTo}, Host: h.connectTo,
		Header: http.Header{"User-Agent": {agent}},
	}
	if p.Username != "" {
		req.Header["Proxy-Authorization"] = []string{"Basic " + p.basic()}
	}
	if err := req.Write(h.wire); err != nil {
		return h.tunnelFailure(ctx, err)
	}
	src := &source{r: h.wire, limit: maxHeaders}
	buf := bufio.NewReader(src)
	answer, err := http.ReadResponse(buf, req) //nolint:bodyclose // closing would wait for a body, of which a success has none
	switch {
	case errors.Is(src.failed(), errHeaders):
		return failf(ReasonProxy, "the proxy %s answers with headers larger than 64 KiB", p.Address())
	case err != nil && src.failed() == nil:
		return failf(ReasonProxy, "the answer of the proxy %s is not HTTP: %v", p.Address(), err)
	case err != nil:
		return h.tunnelFailure(ctx, src.failed())
	}
	switch {
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return h.demandsCredentials()
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return failf(ReasonProxy, "the proxy %s did not connect to %s: it answered %s", p.Address(), h.connectTo, answer.Status)
	case buf.Buffered() > 0: // a target that speaks TLS or HTTP does not begin
		return failf(ReasonProxy, "the proxy %s goes on after its answer to CONNECT", p.Address())
	}
	return nil
}

// demandsCredentials tells that the proxy has answered 407.
func (h *hop) demandsCredentials() *failure {
	p := h.request.Proxy
	if p.Username == "" {
		return failf(ReasonProxy, "the proxy %s demands credentials (status 407), and proxy has none", p.Address())
	}
	return failf(ReasonProxy, "the proxy %s refuses the credentials for user %s (status 407)", p.Address(), p.Username)
}

// tunnelFailure classifies an error of the connection to the proxy before it
// has connected to the target.
func (h *hop) tunnelFailure(ctx context.Context, err error) *failure {
	at := h.request.Proxy.Address()
	switch {
	case localFault(err):
		return failf(ReasonInternal, "asking the proxy %s: %v", at, err)
	case ctx.Err() != nil:
		return failf(ReasonProxy, "the proxy %s did not connect to %s within %s", at, h.connectTo, short(time.Since(h.begin)))
	case broken(err):
		return failf(ReasonProxy, "the proxy %s closed the connection before it was through to %s", at, h.connectTo)
	default:
		return failf(ReasonProxy, "the proxy %s did not connect to %s: %v", at, h.connectTo, err)
	}
}

// authorize adds what an HTTP proxy that is asked for the URL itself wants to
// know, and no one else: expressions see the request as it was before.
func (h *hop) authorize(req *http.Request) {
	if p := h.request.Proxy; p != nil && p.Username != "" && h.absolute() {
		req.Header = req.Header.Clone()
		req.Header["Proxy-Authorization"] = []string{"Basic " + p.basic()}
	}
}

// refusedByProxy tells of an answer that only a proxy gives: a target that is
// asked for through one answers with all others itself, as far as can be told.
func (h *hop) refusedByProxy(answer *http.Response) *failure {
	if h.request.Proxy == nil || !h.absolute() || answer.StatusCode != http.StatusProxyAuthRequired {
		return nil
	}
	return h.demandsCredentials()
}

// proxyCurl returns the options of curl for the proxy.
func (h *hop) proxyCurl(red *Redactor) []string {
	p := h.request.Proxy
	if p == nil {
		return nil
	}
	scheme := p.Scheme
	if scheme == "socks5" {
		scheme = "socks5h" // curl's word for names that the proxy resolves
	}
	words := []string{"--proxy", quote(red, fmt.Sprintf("%s://%s", scheme, p.Address()))}
	if p.Username != "" {
		words = append(words, "--proxy-user", quote(red, p.Username+":"+p.Password))
	}
	return words
}
