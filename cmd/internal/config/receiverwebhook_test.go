package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/certs/certstest"
)

// The certificate and the roots of a webhook come by its host, as those of a
// request do.
func TestWebhookReceiver(t *testing.T) {
	dir := t.TempDir()
	ca, own := certstest.NewCA(t), certstest.NewCA(t)
	for _, name := range []string{"probe", "other", "company"} {
		if _, _, _, err := ca.Client(name).Save(dir, name); err != nil {
			t.Fatal(err)
		}
	}
	for name, ca := range map[string]*certstest.CA{"ca": ca, "own": own} {
		if _, err := ca.Save(dir, name); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "main.hcl")
	const text = `
secret "token"   { env = "TOKEN" }
secret "signing" { env = "SIGNING" }
certificate "probe" {
  host = "*.acme.example"
  pem  = "probe.pem"
  ca   = "ca.pem"
}
certificate "other" { pem = "other.pem" }
certificate "company" {
  pem     = "company.pem"
  primary = true
}
receiver "webhook" "by-host" {
  url            = "https://hooks.acme.example/in/${secret.token}"
  headers        = { authorization = "Bearer ${secret.token}", X-Team = "orders" }
  signing_secret = secret.signing
  timeout        = "3s"
}
receiver "webhook" "named" {
  url         = "https://hooks.acme.example/"
  certificate = certificate.other
  ca          = "own.pem"
}
receiver "webhook" "none" {
  url  = "https://hooks.acme.example/"
  mtls = false
}
receiver "webhook" "primary" {
  url  = "https://hooks.example.com/"
  mtls = true
}
receiver "webhook" "plain" { url = "http://127.0.0.1:8080/" }
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"TOKEN": "canary-token", "SIGNING": "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"}
	options := Options{Validate: true, Environ: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	type webhook struct {
		URL, Key, Identity, Roots string
		Headers                   map[string]string
		Timeout                   time.Duration
	}
	got := map[string]webhook{}
	c := load(t, path, options)
	for _, r := range c.Receivers {
		w := r.Webhook
		found := webhook{URL: w.URL, Key: string(bytes.Join(w.Keys, []byte(" "))), Headers: w.Headers, Timeout: w.Timeout}
		if w.TLS.Identity != nil {
			found.Identity = w.TLS.Identity.Name()
		}
		for _, cert := range w.TLS.Roots.Certificates() {
			found.Roots = map[string]string{string(ca.Certificate().Raw): "ca", string(own.Certificate().Raw): "own"}[string(cert.Raw)]
		}
		got[r.FullName()] = found
	}
	want := map[string]webhook{
		"webhook.by-host": {
			URL: "https://hooks.acme.example/in/canary-token", Key: "canary-canary-canary-canary", Identity: "probe", Roots: "ca", Timeout: 3 * time.Second,
			Headers: map[string]string{"Authorization": "Bearer canary-token", "X-Team": "orders"},
		},
		"webhook.named":   {URL: "https://hooks.acme.example/", Identity: "other", Roots: "own", Timeout: 10 * time.Second},
		"webhook.none":    {URL: "https://hooks.acme.example/", Roots: "ca", Timeout: 10 * time.Second},
		"webhook.primary": {URL: "https://hooks.example.com/", Identity: "company", Timeout: 10 * time.Second},
		"webhook.plain":   {URL: "http://127.0.0.1:8080/", Timeout: 10 * time.Second},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	users := map[string][]string{}
	for _, s := range c.Sources {
		users[s.Identity.Name()], users["ca of "+s.Identity.Name()] = s.Receivers, s.Trusting
	}
	for _, ca := range c.CAs {
		users[filepath.Base(ca.Path)] = ca.Receivers
	}
	wantUsers := map[string][]string{
		"probe": {"webhook.by-host"}, "ca of probe": {"webhook.by-host", "webhook.none"}, "other": {"webhook.named"}, "ca of other": nil,
		"company": {"webhook.primary"}, "ca of company": nil, "own.pem": {"webhook.named"},
	}
	if diff := cmp.Diff(wantUsers, users); diff != "" {
		t.Errorf("who uses what (-want +got)\n%s", diff)
	}
	for _, w := range c.Warnings {
		t.Errorf("warning: %s %s", w.Summary, w.Detail)
	}

	// What cannot be read makes that receiver unusable, and nothing else.
	options.Validate = false
	delete(env, "TOKEN")
	if err := os.Remove(filepath.Join(dir, "other.pem")); err != nil {
		t.Fatal(err)
	}
	for _, r := range load(t, path, options).Receivers {
		text := ""
		if r.Err != nil {
			text = r.Err.Error()
		}
		want := map[string]string{"by-host": "the environment variable TOKEN is not set", "named": `loading certificate "other"`}[r.Name]
		if want == "" && text != "" || !strings.Contains(text, want) || strings.Contains(text, "canary") {
			t.Errorf("%s: error is %q, want %q", r.FullName(), text, want)
		}
	}
}
