package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchword/certs/certstest"
)

// A bundle is opened by its secret and watched; a secret that cannot be read
// spoils its certificate alone.
func TestPassphrase(t *testing.T) {
	dir := write(t, "a.hcl", `
secret "a" { env = "A_PASSPHRASE" }
secret "b" { env = "B_PASSPHRASE" }
certificate "a" {
  host       = "a.example"
  pkcs12     = "a.p12"
  passphrase = secret.a
}
certificate "b" {
  host       = "b.example"
  pkcs12     = "b.p12"
  passphrase = secret.b
}
check "a" {
  schedule = "@every 1m"
  request { url = "https://a.example/" }
}
check "b" {
  schedule = "@every 1m"
  request { url = "https://b.example/" }
}
`)
	ca := certstest.NewCA(t)
	for name, passphrase := range map[string]string{"a.p12": "hunter22", "b.p12": "sesame88"} {
		der, err := ca.Client(name).PKCS12(passphrase)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), der, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := func(name string) (string, bool) { return "hunter22", name == "A_PASSPHRASE" }
	c := load(t, dir, Options{Environ: environ})
	if len(c.Sources) != 2 {
		t.Fatalf("%d certificates, want 2", len(c.Sources))
	}
	a, b := c.Sources[0], c.Sources[1]
	if a.Identity.Err() != nil || a.Identity.TLS() == nil || !slices.Equal(a.Checks, []string{"a"}) {
		t.Errorf("certificate a, used by %v: %v", a.Checks, a.Identity.Err())
	}
	if err := b.Identity.Err(); err == nil || !strings.Contains(err.Error(), `b.p12 is a PKCS#12 bundle with a passphrase, and its passphrase cannot be read: reading secret "b": the environment variable B_PASSPHRASE is not set`) {
		t.Errorf("certificate b: %v", err)
	}
	var kinds []string
	for _, n := range c.Unreadable {
		kinds = append(kinds, n.Kind+" "+n.Name)
	}
	if want := []string{"secret b", "certificate b"}; !slices.Equal(kinds, want) {
		t.Errorf("notices of %v, want %v", kinds, want)
	}
	for _, name := range []string{"a.p12", "b.p12"} {
		if !slices.Contains(c.Files, filepath.Join(dir, name)) {
			t.Errorf("%s is not watched", name)
		}
	}
	shown, err := json.Marshal([]any{a.Identity.Source(), c.Unreadable, c.Warnings, a.Identity.Problems(time.Now())})
	if text := fmt.Sprintf("%s%+v%#v", shown, a, c.Sources); err != nil || strings.Contains(text, "hunter22") {
		t.Errorf("the passphrase is printed (%v): %s", err, text)
	}

	if err := os.Remove(filepath.Join(dir, "a.p12")); err != nil {
		t.Fatal(err)
	}
	c = load(t, dir, Options{Offline: true, Validate: true})
	if len(c.Unreadable)+len(c.Warnings) > 0 || c.Sources[0].Identity.Err() != nil || !c.Sources[0].Identity.HasCertificate() {
		t.Errorf("offline: notices %v, warnings %v, error %v", c.Unreadable, c.Warnings, c.Sources[0].Identity.Err())
	}
}
