package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"watchword/alerts"
	"watchword/certs"
	"watchword/cmd/internal/lang"
)

// AlertmanagerReceiver is one Alertmanager, or the instances of a cluster.
type AlertmanagerReceiver struct {
	URLs        []string
	Username    string // of basic authentication, with Password; may be empty
	Password    string
	BearerToken string                // instead of them; may be empty
	TLS         map[string]alerts.TLS // of the https URLs
}

func alertmanagerBlock() *blockType {
	return &blockType{
		name: "receiver", labels: []string{"alertmanager", "NAME"},
		doc: "A Prometheus Alertmanager, which groups, silences and sends on: what fails is an alert as long as it does. Instead of the rules that watchword rules writes, not beside them.",
		attrs: append([]attrType{
			{name: "url", is: webURL, doc: "Where it is, with the path below which it is served."},
			{name: "urls", is: texts, doc: "All instances of a cluster, instead of url; each gets every alert."},
			{name: "basic_auth", is: textMap, secret: true, doc: "{ username, password }."},
			{name: "bearer_token", is: text, secret: true, doc: "Sent as Authorization: Bearer, instead of basic_auth."},
		}, tlsAttrs()...),
	}
}

// alertmanager evaluates a receiver "alertmanager" block, and by which hosts
// it is reached. The error is of a secret that cannot be read, or of a
// certificate or ca without which no instance can be reached.
func (l *loader) alertmanager(b *block) (*AlertmanagerReceiver, []Host, error) {
	one := parsed(l, b, "url", parseAlertmanager)
	all := l.alertmanagerURLs(b)
	token, tokenErr := l.secretText(b, "bearer_token")
	basic, basicErr := l.basicAuth(b)
	a := &AlertmanagerReceiver{
		URLs: all.value, BearerToken: token.value, Username: basic.value["username"], Password: basic.value["password"],
	}
	if one.ok() {
		a.URLs = []string{one.value}
	}
	switch {
	case one.set && all.set:
		l.errorf(all.at, "url together with urls", "Write either url, or urls with all instances.")
	case b.broken:
	case !one.set && !all.set:
		l.errorf(b.at, "Receiver without address", "Add url, such as url = \"http://127.0.0.1:9093\".")
	}
	if token.set && basic.set {
		l.errorf(token.at, "Two ways to authenticate", "Write either basic_auth or bearer_token.")
	}
	if token.ok() && tokenErr == nil && strings.ContainsFunc(token.value, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		l.errorf(b.attrs["bearer_token"].Expr.Range(), "Invalid bearer_token", "bearer_token must be one word without control characters.")
	}
	hosts, tlsErr := l.alertmanagerTLS(b, a)
	return a, hosts, errors.Join(tokenErr, basicErr, tlsErr)
}

// alertmanagerTLS chooses for each instance of a what it is reached with. The
// error is that of all instances, if each has one.
func (l *loader) alertmanagerTLS(b *block, a *AlertmanagerReceiver) ([]Host, error) {
	reached := l.receiverTLS(b)
	if len(a.URLs) == 0 {
		reached.reach(nil)
	}
	plain := false
	var errs []error
	for _, text := range a.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" {
			plain = plain || err == nil && u.Scheme == "http"
			continue
		}
		way := reached.reach(u)
		if a.TLS == nil {
			a.TLS = make(map[string]alerts.TLS, len(a.URLs))
		}
		a.TLS[text] = way
		if way.Err != nil && !slices.ContainsFunc(errs, func(err error) bool { return err.Error() == way.Err.Error() }) {
			errs = append(errs, way.Err)
		}
	}
	if plain {
		reached.withoutTLS()
	}
	for _, text := range a.URLs {
		if a.TLS[text].Err == nil {
			return reached.hosts, nil
		}
	}
	return reached.hosts, errors.Join(errs...)
}

// alertmanagerURLs is the list urls.
func (l *loader) alertmanagerURLs(b *block) opt[[]string] {
	list := l.texts(b, "urls")
	if !list.ok() {
		return list
	}
	if len(list.value) == 0 {
		l.invalid(b, "urls", errors.New("it is empty"))
		list.bad = true
	}
	for i, text := range list.value {
		_, err := parseAlertmanager(text)
		if err == nil && slices.Contains(list.value[:i], text) {
			err = fmt.Errorf("%q stands in it twice", clip(text))
		}
		if err != nil {
			l.invalid(b, "urls", err)
			list.bad = true
		}
	}
	return list
}

// parseAlertmanager checks where an Alertmanager is.
func parseAlertmanager(s string) (string, error) {
	if _, err := parseWebURL(s); err != nil {
		return "", err
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is not a URL", clip(s))
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("%q goes on after the path", clip(s))
	case strings.Contains(u.Path, "/api/v"):
		return "", fmt.Errorf("%q names the API, which is found by itself", clip(s))
	}
	if _, err := certs.NormalizeHost(u.Hostname()); err != nil {
		return "", fmt.Errorf("the host of %q is not valid", clip(s))
	}
	return s, nil
}

// basicAuth is { username, password }, which may be secrets. The error is why
// one cannot be read; there is no value then.
func (l *loader) basicAuth(b *block) (opt[map[string]string], error) {
	const name = "basic_auth"
	v, o := evaluate[map[string]string](l, b, name, cty.Map(cty.String))
	if !o.set || o.bad {
		return o, nil
	}
	if err := lang.Reason(v); err != nil {
		return o, err
	}
	wrong := func(summary, format string, args ...any) {
		l.errorf(b.attrs[name].Expr.Range(), summary, format, args...)
		o.bad = true
	}
	o.value = make(map[string]string)
	known := []string{"username", "password"}
	values := lang.Plain(v).AsValueMap()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch v := values[key]; {
		case !slices.Contains(known, key):
			wrong("Unknown name", "basic_auth has no %q.%s", clip(key), lang.DidYouMean(key, known))
		case v.IsKnown() && !v.IsNull():
			o.value[key] = v.AsString()
		}
	}
	for _, key := range known {
		if o.value[key] == "" && !o.bad {
			wrong("Incomplete credentials", "basic_auth needs %s, a string.", key)
		}
	}
	if strings.Contains(o.value["username"], ":") {
		wrong("Invalid username", "A username cannot hold a colon (RFC 7617).")
	}
	return o, nil
}
