package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/certs/certstest"
)

func TestCertificates(t *testing.T) {
	ca, other := certstest.NewCA(t), certstest.NewCA(t)
	dir := write(t, "conf/a.hcl", `
certificate "exact" {
  host  = "a.example"
  cert  = "../certs/a.crt"
  key   = "../certs/a.key"
  ca    = "../certs/ca.pem"
  added = "2026-03-01"
}
certificate "company" {
  pem     = "../certs/company.pem"
  primary = true
}
certificate "ca-only" {
  host = "*.b.example"
  ca   = "../certs/ca.pem"
}
check "a" {
  schedule = "@every 1m"
  request { url = "https://A.Example:8443/" }
}
check "off" {
  schedule = "@every 1m"
  enabled  = false
  request { url = "https://a.example/" }
}
check "b" {
  schedule = "@every 1m"
  request {
    url  = "https://x.b.example/"
    mtls = true
    ca   = "../certs/ca.pem"
  }
}
check "c" {
  schedule = "@every 1m"
  request { url = "https://y.b.example/" }
}
check "d" {
  schedule = "@every 1m"
  request {
    url                  = "https://z.b.example/"
    mtls                 = false
    insecure_skip_verify = true
  }
}
`)
	folder := filepath.Join(dir, "certs")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	move := func(from, to string) {
		if err := os.Rename(from, filepath.Join(folder, to)); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := ca.Client("a").WriteCertKey(t.TempDir())
	move(cert, "a.crt")
	move(key, "a.key")
	move(ca.Client("company").WritePEM(t.TempDir()), "company.pem")
	move(ca.WriteFile(t.TempDir()), "ca.pem")

	c := load(t, filepath.Join(dir, "conf"), Options{Validate: true})
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
	var users [][]string
	for _, s := range c.Sources {
		users = append(users, s.Checks)
	}
	if diff := cmp.Diff([][]string{{"a"}, {"b"}, nil}, users); diff != "" {
		t.Errorf("checks that use each (-want +got):\n%s", diff)
	}
	var verified [][]string
	for _, s := range c.Sources {
		verified = append(verified, s.Verifies)
	}
	if diff := cmp.Diff([][]string{{"a"}, nil, {"c"}}, verified); diff != "" {
		t.Errorf("checks that each verifies servers for (-want +got):\n%s", diff)
	}
	if len(c.CAs) != 1 || c.CAs[0].Path != filepath.Join(folder, "ca.pem") || !slices.Equal(c.CAs[0].Checks, []string{"b"}) || len(c.CAs[0].Roots.Certificates()) != 1 {
		t.Errorf("files of requests: %+v, want ca.pem for b", c.CAs)
	}
	if got := c.Monitors[0].Hosts; !slices.Equal(got, []string{"a.example"}) {
		t.Errorf("hosts are %q", got)
	}
	if id := c.Sources[0].Identity; id.Err() != nil || id.TLS() == nil || id.Roots() == nil || !id.Added().Equal(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("exact: %+v (%v)", id.Source(), id.Err())
	}
	if r := c.Monitors[2].Check.Steps[0].Request; r.Roots == nil || r.RootsErr != nil {
		t.Errorf("the request's own ca: %v (%v)", r.Roots, r.RootsErr)
	}
	for _, name := range []string{"a.crt", "a.key", "company.pem", "ca.pem"} {
		if !slices.Contains(c.Files, filepath.Join(folder, name)) {
			t.Errorf("%s is not watched", name)
		}
	}

	// The key of another certificate: a notice for the daemon, a mistake for validate.
	_, key = other.Client("a").WriteCertKey(t.TempDir())
	move(key, "a.key")
	c = load(t, filepath.Join(dir, "conf"), Options{})
	if len(c.Unreadable) != 1 || c.Unreadable[0].Name != "exact" || c.Unreadable[0].Source.Line < 2 {
		t.Errorf("notices: %+v", c.Unreadable)
	}
	_, err := Load(t.Context(), filepath.Join(dir, "conf"), Options{Validate: true})
	if err == nil || !strings.Contains(err.Error(), "a.hcl:5: Certificate cannot be used") {
		t.Errorf("validating: %v", err)
	}
}
