package config

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/net/http/httpguts"

	"watchword/alerts"
	"watchword/certs"
	"watchword/cmd/internal/lang"
)

const (
	maxWebhookTimeout = 5 * time.Minute
	shortKey          = 24 // bytes; the least that the Standard Webhooks specification asks for
)

// A WebhookReceiver is where messages go as JSON, and how it is reached.
type WebhookReceiver struct {
	URL      string
	Headers  map[string]string
	Key      []byte          // of the signature; empty: none
	Timeout  time.Duration   // of one attempt
	Identity *certs.Identity // the client certificate; nil: none
	Roots    *certs.Roots    // that verify the server; nil: the system's
}

func webhookBlock() *blockType {
	return &blockType{
		name: "receiver", labels: []string{"webhook", "NAME"},
		doc: "A URL that every message is posted to as JSON, for machines; examples/webhook shows the bodies and how their signature is verified.",
		attrs: []attrType{
			{name: "url", is: webURL, required: true, secret: true, doc: "Where it is posted; any answer from 200 to 299 takes it, and redirects are not followed."},
			{name: "headers", is: textMap, secret: true, doc: "Header fields, such as Authorization."},
			{name: "signing_secret", is: text, secret: true, doc: "Signs every message as Standard Webhooks has it: a key in base64 after whsec_, else the text itself is the key."},
			{name: "timeout", is: duration, fallback: `"10s"`, doc: "Bounds one attempt; attempts go on until the message is taken."},
			{name: "mtls", is: truth, doc: "true demands that a client certificate goes along, false sends none."},
			{name: "certificate", is: certificateRef, doc: "The client certificate, instead of choosing it by host as for a request."},
			{name: "ca", is: path, doc: "PEM file with the CAs that the server's certificate must come from, instead of the ca of the certificate block for its host."},
		},
	}
}

// webhook evaluates a receiver "webhook" block. The error is of a secret,
// certificate or ca that cannot be read.
func (l *loader) webhook(b *block) (*WebhookReceiver, error) {
	address, addressErr := l.secretText(b, "url")
	headers, headersErr := l.webhookHeaders(b)
	key, keyErr := l.secretText(b, "signing_secret")
	w := &WebhookReceiver{
		URL: address.value, Headers: headers,
		Timeout: l.duration(b, "timeout", time.Millisecond).otherwise(alerts.DefaultWebhookTimeout),
	}
	if w.Timeout > maxWebhookTimeout {
		l.invalid(b, "timeout", fmt.Errorf("%s is more than %s", formatDuration(w.Timeout), formatDuration(maxWebhookTimeout)))
	}
	if key.ok() && keyErr == nil {
		w.Key = l.signingKey(b, key)
	}
	var u *url.URL
	switch {
	case !address.set && !b.broken:
		l.errorf(b.at, "Receiver without url", "Add url, such as url = \"https://hooks.example.com/watchword\".")
	case address.ok() && addressErr == nil:
		var err error
		if u, err = parseWebhookURL(address.value); err != nil {
			l.invalid(b, "url", err)
		}
	}
	tlsErr := l.webhookTLS(b, w, u)
	for _, err := range []error{addressErr, headersErr, keyErr, tlsErr} {
		if err != nil {
			return w, err
		}
	}
	return w, nil
}

// parseWebhookURL is parseWebURL for one that may be a secret: no error shows
// it.
func parseWebhookURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil && strings.Contains(s, "@"), err == nil && u.User != nil:
		return nil, errCredentials
	case err != nil:
		return nil, errors.New("it is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New(`it does not begin with "https://" or "http://"`)
	case u.Hostname() == "":
		return nil, errors.New("it has no host")
	}
	if _, err := certs.NormalizeHost(u.Hostname()); err != nil {
		return nil, errors.New("its host is not valid")
	}
	return u, nil
}

// signingKey is the key that signing_secret stands for.
func (l *loader) signingKey(b *block, secret opt[string]) []byte {
	at := b.attrs["signing_secret"].Expr.Range()
	key, err := alerts.ParseSigningSecret(secret.value)
	switch {
	case err != nil:
		l.mask(at)
		l.errorf(at, "Invalid signing_secret", "signing_secret cannot be used: %s.", err)
	case len(key) < shortKey:
		l.warnf(at, "Short signing_secret", "The key has %d bytes, and should have at least %d that nobody can guess, as `openssl rand -hex 32` gives.", len(key), shortKey)
	}
	return key
}

// webhookHeaders are header fields whose values may be secrets. The error is
// of one that cannot be read.
func (l *loader) webhookHeaders(b *block) (map[string]string, error) {
	const name = "headers"
	v, o := evaluate[map[string]string](l, b, name, cty.Map(cty.String))
	if !o.set || o.bad {
		return nil, nil
	}
	if err := lang.Reason(v); err != nil {
		return nil, err
	}
	plain := lang.Plain(v)
	if !plain.IsWhollyKnown() {
		return nil, nil
	}
	expr := b.attrs[name].Expr
	headers, seen := map[string]string{}, map[string]bool{}
	values := plain.AsValueMap()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fail := func(format string, args ...any) {
			l.errorf(keyAt(expr, key), "Invalid header", format, args...)
		}
		canonical := http.CanonicalHeaderKey(key)
		switch {
		case !httpguts.ValidHeaderFieldName(key):
			fail("%q is no name of a header.", clip(key))
		case ownHeader(canonical):
			fail("%s is set by watchword itself.", canonical)
		case seen[canonical]:
			fail("%s stands in it twice.", canonical)
		case values[key].IsNull():
			fail("The value of header %s is null.", canonical)
		case !httpguts.ValidHeaderFieldValue(values[key].AsString()):
			fail("The value of header %s holds a line break or another control character.", canonical)
		default:
			headers[canonical] = values[key].AsString()
		}
		seen[canonical] = true
	}
	return headers, nil
}

// ownHeader says whether a header belongs to the connection, the body or the
// signature.
func ownHeader(canonical string) bool {
	switch canonical {
	case "Host", "Content-Type", "Content-Length", "Content-Encoding", "Connection", "Keep-Alive", "Proxy-Connection",
		"Transfer-Encoding", "Te", "Trailer", "Upgrade", "Expect", "Accept-Encoding":
		return true
	}
	return strings.HasPrefix(canonical, "Webhook-")
}

// webhookTLS chooses certificate and roots by the rules for requests. u is nil
// where the URL is not known. The error is of files that cannot be read.
func (l *loader) webhookTLS(b *block, w *WebhookReceiver, u *url.URL) error {
	chosen, mtls, ca := l.certificateRef(b, "certificate"), l.flag(b, "mtls"), l.roots(b, "ca")
	want := certs.Want{Mode: (&requestLayer{mtls: mtls}).mode()}
	if chosen.ok() {
		chosen.value.used = true
		want.Explicit = chosen.value.identity
	}
	if chosen.set && mtls.ok() && !mtls.value {
		l.errorf(chosen.at, "certificate together with mtls = false", "With mtls = false no certificate goes along; leave one of them out.")
		return nil
	}
	switch {
	case u == nil:
		l.hostUnknown = true
		return nil
	case u.Scheme == "http":
		l.webhookWithoutTLS(b)
		return nil
	case l.setBroken:
		return nil
	}
	host, _ := certs.NormalizeHost(u.Hostname()) // parseWebhookURL has looked
	full := dottedName(b)
	rootsErr := l.webhookRoots(w, ca, host, want, full)
	choice := l.set.Select(host, want)
	if id := choice.Identity; id != nil {
		c := l.identities[id.Name()]
		c.used = true
		c.receivers = append(c.receivers, full)
		w.Identity = id
		if err := id.Err(); err != nil {
			return fmt.Errorf("loading certificate %q: %w", id.Name(), err)
		}
	} else if want.Mode == certs.ModeRequired && !chosen.set {
		l.errorf(mtls.at, "No certificate for a receiver that demands one",
			"mtls = true, but no certificate is for its host and none is primary. Add a certificate block with host = %q, or mark one with primary = true.", webhookHost(b, host))
	}
	return rootsErr
}

// dottedName is the full name of a receiver.
func dottedName(b *block) string { return b.labels[0] + "." + b.label() }

// webhookRoots chooses what the server is verified by, and notes who is.
func (l *loader) webhookRoots(w *WebhookReceiver, ca opt[requestRoots], host string, want certs.Want, full string) error {
	l.rootsOf(host)
	if ca.set {
		w.Roots = ca.value.roots
		if ca.value.roots != nil {
			l.requestCAs = append(l.requestCAs, CA{Path: ca.value.path, Roots: ca.value.roots, Receivers: []string{full}})
		}
		return ca.value.err
	}
	if id := l.set.Verifier(host, want); id != nil {
		c := l.identities[id.Name()]
		c.trusting = append(c.trusting, full)
	}
	roots, err := l.set.Roots(host, want)
	w.Roots = roots
	return err
}

// webhookHost is the host as a message may show it.
func webhookHost(b *block, host string) string {
	if _, ok := literal(b.attr("url")); ok {
		return host
	}
	return "…"
}

// webhookWithoutTLS reports what only https can do.
func (l *loader) webhookWithoutTLS(b *block) {
	for _, name := range []string{"certificate", "ca", "mtls"} {
		if a := b.attrs[name]; a != nil && !isNull(a.Expr) && !isFalse(a.Expr) {
			l.errorf(a.Range, "No TLS", "%s has no meaning for an http:// URL: use https://, or leave it out.", name)
		}
	}
}

// isFalse reports whether expr is the literal false.
func isFalse(expr hcl.Expression) bool {
	v, diags := expr.Value(nil)
	return !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.Bool && v.False()
}
