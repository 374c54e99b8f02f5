package main

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"watchword/certs/certstest"
)

// The configuration of the README is valid, and its failure looks as the
// guide shows it.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../examples/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	configuration, failure := fenced(t, readme, "hcl", 1)[0], fenced(t, guide, "text", 1)[0]

	dir := t.TempDir()
	path := write(t, dir, "watchword.hcl", configuration)
	ca := exampleCertificates(t, dir)
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"validate", "-c", path}, nil, &stdout, &stderr); code != exitOK {
		t.Fatalf("validate: exit code %d\n%s", code, stderr.String())
	}
	api := certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("*.acme.example"), ClientAuth: tls.RequireAndVerifyClientCert,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"database": "down"}`))
		}),
	})
	write(t, dir, "here.hcl", `
certificate "ca" {
  host = "orders.acme.example"
  ca   = "ca.pem"
}
defaults {
  request { connect_to = %q }
}
`, api.Addr())
	stdout.Reset()
	if code := run(t.Context(), []string{"test", "-c", dir}, nil, &stdout, &stderr); code != exitFailed {
		t.Errorf("test: exit code %d, want %d\n%s", code, exitFailed, stderr.String())
	}
	if !strings.Contains(stdout.String(), failure) {
		t.Errorf("the failure reads\n%s\nwant in it\n%s", stdout.String(), failure)
	}
}

// The examples of the guide are one valid configuration, laid out as fmt does.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../../examples/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, t.TempDir(), "guide.hcl", strings.Join(fenced(t, guide, "hcl", 4), "\n"))
	for _, args := range [][]string{{"validate", "--offline", "--strict", "-c", path}, {"fmt", "--check", "--diff", path}} {
		var out bytes.Buffer
		if code := run(t.Context(), args, nil, &out, &out); code != exitOK {
			t.Errorf("%s: exit code %d\n%s", args[0], code, out.String())
		}
	}
}

// exampleCertificates are the files that the examples name: the client
// certificate of certs, and ca.pem of the CA that issued it.
func exampleCertificates(t *testing.T, dir string) *certstest.CA {
	t.Helper()
	ca := certstest.NewCA(t)
	if _, err := ca.Save(dir, "ca"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "certs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := ca.Client("probe").Save(filepath.Join(dir, "certs"), "acme"); err != nil {
		t.Fatal(err)
	}
	return ca
}

// fenced returns the blocks of a language in a Markdown text, of which there
// must be n.
func fenced(t *testing.T, text []byte, language string, n int) []string {
	t.Helper()
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllSubmatch(text, -1)
	if len(found) != n {
		t.Fatalf("there are %d blocks of %s, want %d", len(found), language, n)
	}
	var out []string
	for _, match := range found {
		out = append(out, string(match[1]))
	}
	return out
}
