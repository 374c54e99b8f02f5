package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

// A replaced file that cannot be used is news only if it stays so, and the
// configuration is to be loaded again until then.
func TestRotation(t *testing.T) {
	ca := certstest.NewCA(t)
	dir := write(t, "a.hcl", `
certificate "acme" {
  host = "a.example"
  cert = "acme.crt"
  key  = "acme.key"
}
check "a" {
  schedule = "@every 1m"
  request {
    url = "https://a.example/"
    ca  = "own.pem"
  }
}
`)
	put := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair := ca.Client("probe")
	key, err := pair.KeyPEM(certstest.PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	put("acme.crt", pair.CertPEM())
	put("acme.key", key)
	put("own.pem", ca.PEM())
	o := Options{Certificates: new(certs.Memory), Now: time.Now()}
	begin := o.Now
	first := load(t, dir, o)
	if len(first.Unsettled)+len(first.Unreadable) > 0 || !first.Again.IsZero() {
		t.Fatalf("at first: unsettled %v, unreadable %v, again %v", first.Unsettled, first.Unreadable, first.Again)
	}

	put("acme.key", nil)
	put("own.pem", nil)
	c := load(t, dir, o)
	if len(c.Unsettled) != 2 || len(c.Unreadable) != 0 || !c.Again.Equal(begin.Add(2*time.Second)) {
		t.Errorf("just broken: unsettled %v, unreadable %v, again %v", c.Unsettled, c.Unreadable, c.Again)
	}
	if c.Sources[0].Identity.TLS() == nil {
		t.Error("the pair before does not go on")
	}
	if r := c.Monitors[0].Check.Steps[0].Request; r.RootsErr != nil || r.Roots != first.Monitors[0].Check.Steps[0].Request.Roots {
		t.Errorf("the request's own ca: %v, want the roots of before", r.RootsErr)
	}

	o.Now = begin.Add(30 * time.Second)
	c = load(t, dir, o)
	if len(c.Unsettled) != 0 || len(c.Unreadable) != 2 || !c.Again.Equal(o.Now.Add(5*time.Minute)) {
		t.Fatalf("still broken: unsettled %v, unreadable %v, again %v", c.Unsettled, c.Unreadable, c.Again)
	}
	for i, want := range []string{
		"certificate acme was replaced by files that cannot be used, and those before go on until " +
			pair.Leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST") + ": " + filepath.Join(dir, "acme.key") + " is empty, want ",
		"certificate ca " + filepath.Join(dir, "own.pem") + " was replaced by files that cannot be used, and those before go on: " + filepath.Join(dir, "own.pem") + " is empty, want ",
	} {
		if got := c.Unreadable[i].Text(); !strings.HasPrefix(got, want) {
			t.Errorf("notice %q, want %q…", got, want)
		}
	}
	if line := c.Unreadable[0].Source.Line; line != 5 {
		t.Errorf("the place is line %d, want that of key", line)
	}

	// What goes on ends with its certificate: it is loaded again then.
	o.Now = pair.Leaf.NotAfter.Add(-time.Minute)
	if c = load(t, dir, o); !c.Again.Equal(pair.Leaf.NotAfter.Add(time.Second)) {
		t.Errorf("a minute before the end: again %v, want right after it", c.Again)
	}
	o.Now = pair.Leaf.NotAfter.Add(time.Second)
	c = load(t, dir, o)
	want := "certificate acme cannot be used, and the checks that need it fail: "
	if len(c.Unreadable) != 2 || !strings.HasPrefix(c.Unreadable[0].Text(), want) || c.Again.IsZero() {
		t.Errorf("after the end: unreadable %v, again %v, want %q…", c.Unreadable, c.Again, want)
	}

	// What is wrong is no news to a command, which has no memory.
	c = load(t, dir, Options{})
	if len(c.Unreadable) != 2 || c.Unreadable[0].Kept || !c.Again.IsZero() {
		t.Errorf("without a memory: unreadable %v, again %v", c.Unreadable, c.Again)
	}
}

// A configuration that is refused does not change what is remembered.
func TestRotationOfRefusedConfiguration(t *testing.T) {
	ca := certstest.NewCA(t)
	conf := "certificate \"acme\" {\n  host = \"a.example\"\n  pem  = \"acme.pem\"\n}\n" + named("a")
	dir := write(t, "a.hcl", conf)
	pem := filepath.Join(dir, "acme.pem")
	if err := os.Rename(ca.Client("probe").WritePEM(t.TempDir()), pem); err != nil {
		t.Fatal(err)
	}
	o := Options{Certificates: new(certs.Memory)}
	load(t, dir, o)
	if err := os.WriteFile(filepath.Join(dir, "a.hcl"), []byte(named("a")+"check {"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), dir, o); err == nil {
		t.Fatal("it was taken")
	}
	for name, text := range map[string]string{"a.hcl": conf, "acme.pem": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c := load(t, dir, o); c.Sources[0].Identity.TLS() == nil || len(c.Unsettled) != 1 {
		t.Errorf("unsettled %v, unreadable %v, want the pair before to go on", c.Unsettled, c.Unreadable)
	}
}
