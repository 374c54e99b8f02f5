package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/certs/certstest"
)

func TestAlertmanagerReceivers(t *testing.T) {
	env := func(name string) (string, bool) { return "s3cret", name == "PASSWORD" }
	c := load(t, write(t, "main.hcl", `
secret "password" { env = "PASSWORD" }
secret "gone" { env = "GONE" }
receiver "alertmanager" "basic" {
  url        = "http://127.0.0.1:9093/prefix/"
  basic_auth = { username = "probe", password = secret.password }
}
receiver "alertmanager" "bearer" {
  urls         = ["https://a.example", "https://b.example:9093"]
  bearer_token = secret.password
}
receiver "alertmanager" "unusable" {
  url        = "http://127.0.0.1:9093"
  basic_auth = { username = "probe", password = secret.gone }
}
route { receivers = [receiver.alertmanager.basic] }
check "a" {
  schedule = "@every 1m"
  request { url = "https://a.example/" }
}
`), Options{Environ: env})
	want := []*AlertmanagerReceiver{
		{URLs: []string{"http://127.0.0.1:9093/prefix/"}, Username: "probe", Password: "s3cret"},
		{URLs: []string{"https://a.example", "https://b.example:9093"}, BearerToken: "s3cret"},
		{URLs: []string{"http://127.0.0.1:9093"}},
	}
	var got []*AlertmanagerReceiver
	for _, r := range c.Receivers {
		r.Alertmanager.TLS = nil
		got = append(got, r.Alertmanager)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("receivers (-want +got):\n%s", diff)
	}
	if err := c.Receivers[2].Err; err == nil || !strings.Contains(err.Error(), "GONE") || c.Receivers[0].Err != nil {
		t.Errorf("errors are %v and %v", c.Receivers[0].Err, err)
	}
	if diff := cmp.Diff([]string{"alertmanager.basic"}, monitor(t, c, "a").Receivers); diff != "" {
		t.Errorf("who is told of the check (-want +got):\n%s", diff)
	}
}

// Certificate and roots of each instance come by its host, as those of a
// request do.
func TestAlertmanagerBehindTLS(t *testing.T) {
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
certificate "probe" {
  host = "*.acme.example"
  pem  = "probe.pem"
  ca   = "ca.pem"
}
certificate "other" {
  host = "other.example"
  pem  = "other.pem"
}
certificate "company" {
  pem     = "company.pem"
  primary = true
}
receiver "alertmanager" "by-host" {
  urls = ["https://am1.acme.example", "https://AM1.acme.example:9093/prefix", "https://other.example", "https://elsewhere.example"]
}
receiver "alertmanager" "named" {
  urls        = ["https://am1.acme.example", "https://elsewhere.example"]
  certificate = certificate.other
  ca          = "own.pem"
}
receiver "alertmanager" "none" {
  url  = "https://am1.acme.example"
  mtls = false
}
receiver "alertmanager" "demanded" {
  url  = "https://elsewhere.example"
  mtls = true
}
receiver "alertmanager" "plain" { urls = ["http://127.0.0.1:9093", "https://am1.acme.example"] }
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	used := func(c *Config) map[string][]string {
		out := map[string][]string{}
		for _, r := range c.Receivers {
			for _, url := range r.Alertmanager.URLs {
				way := r.Alertmanager.TLS[url]
				id, roots := "-", "-"
				if way.Identity != nil {
					id = way.Identity.Name()
				}
				for _, cert := range way.Roots.Certificates() {
					roots = map[string]string{string(ca.Certificate().Raw): "ca", string(own.Certificate().Raw): "own"}[string(cert.Raw)]
				}
				out[r.Name] = append(out[r.Name], url+" "+id+" "+roots)
			}
		}
		return out
	}
	c := load(t, path, Options{Validate: true})
	want := map[string][]string{
		"by-host": {
			"https://am1.acme.example probe ca", "https://AM1.acme.example:9093/prefix probe ca", "https://other.example other -", "https://elsewhere.example - -",
		},
		"named":    {"https://am1.acme.example other own", "https://elsewhere.example other own"},
		"none":     {"https://am1.acme.example - ca"},
		"demanded": {"https://elsewhere.example company -"},
		"plain":    {"http://127.0.0.1:9093 - -", "https://am1.acme.example probe ca"},
	}
	if diff := cmp.Diff(want, used(c)); diff != "" {
		t.Errorf("what instances are reached with (-want +got):\n%s", diff)
	}
	users := map[string][]string{}
	for _, s := range c.Sources {
		users[s.Identity.Name()], users["ca of "+s.Identity.Name()] = s.Receivers, s.Trusting
	}
	for _, ca := range c.CAs {
		users[filepath.Base(ca.Path)] = ca.Receivers
	}
	wantUsers := map[string][]string{
		"probe": {"alertmanager.by-host", "alertmanager.plain"}, "ca of probe": {"alertmanager.by-host", "alertmanager.none", "alertmanager.plain"},
		"other": {"alertmanager.by-host", "alertmanager.named"}, "ca of other": nil, "company": {"alertmanager.demanded"}, "ca of company": nil,
		"own.pem": {"alertmanager.named"},
	}
	if diff := cmp.Diff(wantUsers, users); diff != "" {
		t.Errorf("who uses what (-want +got):\n%s", diff)
	}
	var hosts []string
	for _, h := range c.Receivers[0].Hosts {
		hosts = append(hosts, h.Shown())
	}
	if !slices.Equal(hosts, []string{"am1.acme.example", "other.example", "elsewhere.example"}) {
		t.Errorf("hosts are %q", hosts)
	}
	for _, w := range c.Warnings {
		t.Errorf("warning: %s %s", w.Summary, w.Detail)
	}

	// What cannot be read keeps only those instances from being reached that
	// need it.
	if err := os.Remove(filepath.Join(dir, "other.pem")); err != nil {
		t.Fatal(err)
	}
	for _, r := range load(t, path, Options{}).Receivers {
		unusable := r.Err != nil && strings.HasPrefix(r.Err.Error(), `loading certificate "other"`)
		if (r.Err != nil) != unusable || unusable != (r.Name == "named") {
			t.Errorf("%s: error is %v", r.FullName(), r.Err)
		}
		for url, way := range r.Alertmanager.TLS {
			broken := r.Name == "named" || r.Name == "by-host" && url == "https://other.example"
			if (way.Err != nil) != broken || r.Err == nil && broken && !strings.HasPrefix(way.Err.Error(), `loading certificate "other"`) {
				t.Errorf("%s at %s: error is %v", r.FullName(), url, way.Err)
			}
		}
	}
}
