package checks

// Reason says why a run failed. It comes from a closed list, so that it can
// be a metric's label; see [Reasons]. The zero value means "did not fail".
type Reason string

// The reasons, in the order in which a request can meet them. Each is a
// failure of the target or of the path to it, except [ReasonInternal], which
// is watchword's own and gives the outcome [Unknown].
const (
	ReasonDNSNotFound        Reason = "dns_not_found"
	ReasonDNSTimeout         Reason = "dns_timeout"
	ReasonDNSError           Reason = "dns_error"
	ReasonConnectRefused     Reason = "connect_refused"
	ReasonConnectTimeout     Reason = "connect_timeout"
	ReasonConnectUnreachable Reason = "connect_unreachable"
	ReasonTargetBlocked      Reason = "target_blocked"
	ReasonProxy              Reason = "proxy"

	ReasonTLSNotTLS      Reason = "tls_not_tls"
	ReasonTLSTimeout     Reason = "tls_timeout"
	ReasonTLSUnknownCA   Reason = "tls_unknown_ca"
	ReasonTLSHostname    Reason = "tls_hostname"
	ReasonTLSExpired     Reason = "tls_expired"
	ReasonTLSNotYetValid Reason = "tls_not_yet_valid"
	ReasonTLSVersion     Reason = "tls_version"
	ReasonTLSALPN        Reason = "tls_alpn"
	ReasonTLSOther       Reason = "tls_other"

	ReasonClientCertRequired  Reason = "client_cert_required"
	ReasonClientCertExpired   Reason = "client_cert_expired"
	ReasonClientCertUnknownCA Reason = "client_cert_unknown_ca"
	ReasonClientCertRevoked   Reason = "client_cert_revoked"
	ReasonClientCertBad       Reason = "client_cert_bad"
	ReasonClientCertDenied    Reason = "client_cert_denied"
	ReasonClientCertRejected  Reason = "client_cert_rejected"
	ReasonClientCertLocal     Reason = "client_cert_local"

	ReasonHTTPProtocol     Reason = "http_protocol"
	ReasonConnectionClosed Reason = "connection_closed"
	ReasonTimeoutHeaders   Reason = "timeout_headers"
	ReasonTimeoutBody      Reason = "timeout_body"
	ReasonBodyTooLarge     Reason = "body_too_large"
	ReasonHeadersTooLarge  Reason = "headers_too_large"
	ReasonDecode           Reason = "decode"
	ReasonRedirect         Reason = "redirect"
	ReasonExpectation      Reason = "expectation"
	ReasonInternal         Reason = "internal"
)

// Reasons returns every reason there is, in the order in which a request can
// meet them.
func Reasons() []Reason {
	return []Reason{
		ReasonDNSNotFound, ReasonDNSTimeout, ReasonDNSError,
		ReasonConnectRefused, ReasonConnectTimeout, ReasonConnectUnreachable, ReasonTargetBlocked, ReasonProxy,
		ReasonTLSNotTLS, ReasonTLSTimeout, ReasonTLSUnknownCA, ReasonTLSHostname, ReasonTLSExpired,
		ReasonTLSNotYetValid, ReasonTLSVersion, ReasonTLSALPN, ReasonTLSOther,
		ReasonClientCertRequired, ReasonClientCertExpired, ReasonClientCertUnknownCA, ReasonClientCertRevoked,
		ReasonClientCertBad, ReasonClientCertDenied, ReasonClientCertRejected, ReasonClientCertLocal,
		ReasonHTTPProtocol, ReasonConnectionClosed, ReasonTimeoutHeaders, ReasonTimeoutBody,
		ReasonBodyTooLarge, ReasonHeadersTooLarge, ReasonDecode, ReasonRedirect,
		ReasonExpectation, ReasonInternal,
	}
}

// ParseReason returns the reason of this name, and false if there is none.
func ParseReason(name string) (Reason, bool) {
	r := Reason(name)
	return r, r.Sentence() != ""
}

// Outcome returns what a run that ended for this reason comes to: [Passed]
// for the zero value, [Unknown] for [ReasonInternal], else [Failed].
func (r Reason) Outcome() Outcome {
	switch r {
	case "":
		return Passed
	case ReasonInternal:
		return Unknown
	default:
		return Failed
	}
}

// Sentence says what the reason means and what to do about it, in one
// sentence. It is empty for what is not a reason.
func (r Reason) Sentence() string {
	if s := r.networkSentence(); s != "" {
		return s
	}
	if s := r.tlsSentence(); s != "" {
		return s
	}
	return r.httpSentence()
}

func (r Reason) networkSentence() string {
	switch r {
	case ReasonDNSNotFound:
		return "The host name does not exist: check its spelling and the zone it should be in."
	case ReasonDNSTimeout:
		return "No name server answered in time: check the resolver this machine uses."
	case ReasonDNSError:
		return "The name server answered with an error: check the resolver and the zone."
	case ReasonConnectRefused:
		return "Nothing listens on that port: check whether the service runs and the port is right."
	case ReasonConnectTimeout:
		return "The address did not answer in time: check the host, firewalls and routes on the way."
	case ReasonConnectUnreachable:
		return "There is no way to the address: check routes, firewalls and whether IPv6 works here."
	case ReasonTargetBlocked:
		return "The address is one that watchword never asks (link-local, cloud metadata, itself, or by `allow_networks` and `deny_networks`): check where the name or the redirect leads."
	case ReasonProxy:
		return "The proxy cannot be reached, refused, or could not connect to the target: check its address, its credentials and what it allows."
	default:
		return ""
	}
}

func (r Reason) tlsSentence() string {
	switch r {
	case ReasonTLSNotTLS:
		return "The port does not speak TLS: check the port, or use http:// if that is meant."
	case ReasonTLSTimeout:
		return "The TLS handshake did not end in time: check the load of the server and what stands before it."
	case ReasonTLSUnknownCA:
		return "The server's certificate comes from an authority that is not trusted here: set `ca`, or have the server send its whole chain."
	case ReasonTLSHostname:
		return "The server's certificate is for other names: check the host, `server_name` and which certificate the server presents."
	case ReasonTLSExpired:
		return "The server's certificate has expired: renew it."
	case ReasonTLSNotYetValid:
		return "The server's certificate is not valid yet: check the clocks, or when it was meant to take over."
	case ReasonTLSVersion:
		return "The server offers no TLS version that is still safe: enable TLS 1.2 or 1.3 there."
	case ReasonTLSALPN:
		return "The server speaks no version of HTTP that is offered: check what the port is for, and `http_version`."
	case ReasonTLSOther:
		return "The TLS handshake failed: the message has what the server or the library said."
	case ReasonClientCertRequired:
		return "The server demands a client certificate and got none: add a `certificate` block for this host, or set `mtls = true`."
	case ReasonClientCertExpired:
		return "The client certificate has expired: renew it. New files are taken by themselves."
	case ReasonClientCertUnknownCA:
		return "The server does not trust the authority that issued the client certificate: use one issued by an authority that it accepts."
	case ReasonClientCertRevoked:
		return "The client certificate has been revoked: get a new one."
	case ReasonClientCertBad:
		return "The server finds the client certificate unusable: check its key type, extended key usage and chain."
	case ReasonClientCertDenied:
		return "The server knows the client certificate and denies it access: ask its owner to allow the subject."
	case ReasonClientCertRejected:
		return "The server refused the client certificate without saying why: ask for its log."
	case ReasonClientCertLocal:
		return "The client certificate cannot be used on this side: run `watchword validate` to see what is wrong with its files."
	default:
		return ""
	}
}

func (r Reason) httpSentence() string {
	switch r {
	case ReasonHTTPProtocol:
		return "The answer is not valid HTTP: check what the port is for, and what stands before the service."
	case ReasonConnectionClosed:
		return "The connection was closed before the answer was complete: look into the log of the server and of what stands before it."
	case ReasonTimeoutHeaders:
		return "The server took the request and did not answer in time: look for what it waits for, or raise `timeout`."
	case ReasonTimeoutBody:
		return "The answer began and did not end in time: look for what the server waits for, or raise `timeout`."
	case ReasonBodyTooLarge:
		return "The body is larger than `max_body` allows: ask for less, or raise it."
	case ReasonHeadersTooLarge:
		return "The headers of the answer are larger than 64 KiB: find out what adds them."
	case ReasonDecode:
		return "The body cannot be decoded: it is damaged, or beyond the limits for JSON."
	case ReasonRedirect:
		return "The redirect cannot be followed: too many hops, from https to http, or a bad Location."
	case ReasonExpectation:
		return "The answer is not as expected: the message shows the expression and its values."
	case ReasonInternal:
		return "Watchword itself could not do the run: this says nothing about the target; see its log."
	default:
		return ""
	}
}
