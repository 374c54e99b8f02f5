package config

import (
	"cmp"
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
	"github.com/zclconf/go-cty/cty/convert"
	"golang.org/x/net/http/httpguts"

	"watchword/alerts"
	"watchword/certs"
)

const (
	maxWebhookTimeout = 5 * time.Minute
	shortKey          = 24 // bytes; the least that the Standard Webhooks specification asks for
	maxSigningKeys    = 5
)

// A WebhookReceiver is where messages go as JSON, and how it is reached.
type WebhookReceiver struct {
	URL     string
	Headers map[string]string
	Keys    [][]byte      // of the signatures, in their order; none: not signed
	Timeout time.Duration // of one attempt
	TLS     alerts.TLS    // its Err is the receiver's
}

func webhookBlock() *blockType {
	return &blockType{
		name: "receiver", labels: []string{"webhook", "NAME"},
		doc: "A URL that every message is posted to as JSON, for machines; examples/webhook shows the bodies and how their signature is verified.",
		attrs: append([]attrType{
			{name: "url", is: webURL, required: true, secret: true, doc: "Where it is posted; any answer from 200 to 299 takes it, and redirects are not followed."},
			{name: "headers", is: textMap, secret: true, doc: "Header fields, such as Authorization."},
			{name: "signing_secret", is: signingSecrets, secret: true, doc: "Signs every message as Standard Webhooks has it: a key in base64 after whsec_, else the text itself is the key. While a key is replaced, a list: each signs, in its order."},
			{name: "timeout", is: duration, fallback: `"10s"`, doc: "Bounds one attempt; attempts go on until the message is taken."},
		}, tlsAttrs()...),
	}
}

// webhook evaluates a receiver "webhook" block, and by which hosts it is
// reached. The error is of a secret, certificate or ca that cannot be read.
func (l *loader) webhook(b *block) (*WebhookReceiver, []Host, error) {
	address, addressErr := l.secretText(b, "url")
	headers, headersErr := l.webhookHeaders(b)
	keys, keysErr := l.signingKeys(b)
	w := &WebhookReceiver{
		URL: address.value, Headers: headers, Keys: keys,
		Timeout: l.duration(b, "timeout", time.Millisecond).otherwise(alerts.DefaultWebhookTimeout),
	}
	if w.Timeout > maxWebhookTimeout {
		l.invalid(b, "timeout", fmt.Errorf("%s is more than %s", formatDuration(w.Timeout), formatDuration(maxWebhookTimeout)))
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
	reached := l.receiverTLS(b)
	if u != nil {
		_, plain := literal(b.attr("url"))
		reached.hidden = !plain
		if u.Scheme == "http" {
			reached.withoutTLS()
		}
	}
	w.TLS = reached.reach(u)
	return w, reached.hosts, cmp.Or(addressErr, headersErr, keysErr, w.TLS.Err)
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

// signingKeys are the keys that signing_secret stands for: one secret or a list
// of them. The error is of one that cannot be read.
func (l *loader) signingKeys(b *block) ([][]byte, error) {
	const name = "signing_secret"
	plain, o, err := secretValue[[][]byte](l, b, name, cty.DynamicPseudoType)
	if err != nil || !o.ok() {
		return nil, err
	}
	list := []cty.Value{plain}
	if plain.Type().IsTupleType() || plain.Type().IsListType() {
		list = plain.AsValueSlice()
	}
	if err := signingList(list); err != nil {
		l.invalid(b, name, err)
		return nil, nil
	}
	places := elementPlaces(b.attrs[name].Expr, len(list))
	keys := make([][]byte, 0, len(list))
	for i, secret := range list {
		keys = append(keys, l.signingKey(places[i], secret.AsString()))
	}
	return keys, nil
}

// signingList checks that there are some secrets, and not too many.
func signingList(list []cty.Value) error {
	switch n := len(list); {
	case n == 0:
		return errors.New("it is empty")
	case n > maxSigningKeys:
		return fmt.Errorf("it has %d", n)
	}
	for i, secret := range list {
		text, err := convert.Convert(secret, cty.String)
		switch {
		case err != nil:
			return errors.New("it is neither")
		case text.IsNull():
			return errors.New("null stands in it")
		}
		list[i] = text
	}
	return nil
}

// signingKey is the key that a secret stands for.
func (l *loader) signingKey(at hcl.Range, secret string) []byte {
	if strings.TrimSpace(secret) == "" {
		l.errorf(at, "Invalid signing_secret", "signing_secret must not be empty.")
		return nil
	}
	key, err := alerts.ParseSigningSecret(secret)
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
	plain, o, err := secretValue[map[string]string](l, b, name, cty.Map(cty.String))
	if err != nil || !o.ok() {
		return nil, err
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
