package config

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchword/certs/certstest"
)

// A maker makes the certificate files of an archive: the lines "make FILE
// KIND" of its comment, "share FILE", which every user may read then, and
// "openssl ARGS", which runs in the folder of the configuration.
type maker struct {
	*testing.T
	dir          string
	ca           *certstest.CA
	chained      *certstest.Pair // issued by an intermediate
	pair, second *certstest.Pair
	server       *certstest.Pair
}

// make writes one file. All of an archive belong to the same certificate.
func (m *maker) make(name, kind string) {
	m.Helper()
	if m.pair == nil {
		m.ca = certstest.NewCA(m.T)
		m.chained = certstest.NewCA(m.T, certstest.Options{Intermediate: true}).Client("probe.acme.example")
		m.pair, m.second, m.server = m.ca.Client("probe.acme.example"), m.ca.Client("second"), m.ca.Client("www.acme.example", certstest.ServerAuthOnly)
	}
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.Fatal(err)
	}
	if kind == "directory" {
		if err := os.Mkdir(path, 0o755); err != nil {
			m.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(path, m.contents(kind), 0o600); err != nil {
		m.Fatal(err)
	}
}

// contents are a certificate file of some kind. Passphrases are "correct".
func (m *maker) contents(kind string) []byte {
	m.Helper()
	must := func(data []byte, err error) []byte {
		m.Helper()
		if err != nil {
			m.Fatal(err)
		}
		return data
	}
	cert, key := m.pair.CertPEM(), must(m.pair.KeyPEM(certstest.PKCS8))
	second := must(m.second.KeyPEM(certstest.PKCS8))
	encoded := func(label string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}) }
	switch kind {
	case "certificate":
		return cert
	case "key":
		return key
	case "pem":
		return slices.Concat(cert, key)
	case "truncated":
		return slices.Concat(key, cert[:len(cert)/2])
	case "two-keys":
		return slices.Concat(key, second)
	case "key-of-another":
		return second
	case "signing-request":
		return encoded("CERTIFICATE REQUEST", must(x509.CreateCertificateRequest(nil, &x509.CertificateRequest{}, m.pair.Key)))
	case "public-key":
		return encoded("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(m.pair.Key.Public())))
	case "certificate-in-der":
		return m.pair.Leaf.Raw
	case "encrypted-key":
		sec1, _ := pem.Decode(must(m.pair.KeyPEM(certstest.SEC1)))
		block, err := x509.EncryptPEMBlock(rand.Reader, sec1.Type, sec1.Bytes, []byte("correct"), x509.PEMCipherAES256) //nolint:staticcheck // such keys are in use
		if err != nil {
			m.Fatal(err)
		}
		return pem.EncodeToMemory(block)
	case "server-pem":
		return m.together(m.server)
	case "expired-pem":
		return m.together(m.issue(certstest.Leaf{NotBefore: year(2019), NotAfter: year(2020)}))
	case "not-yet-valid-pem":
		return m.together(m.issue(certstest.Leaf{NotBefore: year(2090), NotAfter: year(2091)}))
	case "rsa-1024-pem":
		return m.together(m.issue(certstest.Leaf{Key: certstest.RSA1024}))
	case "sha1-pem":
		return m.together(m.issue(certstest.Leaf{SHA1: true}))
	case "leaf-pem":
		return slices.Concat(encoded("CERTIFICATE", m.chained.Leaf.Raw), must(m.chained.KeyPEM(certstest.PKCS8)))
	case "pem-and-stranger":
		return slices.Concat(cert, key, encoded("CERTIFICATE", m.second.Leaf.Raw))
	case "intermediate":
		return encoded("CERTIFICATE", m.chained.Chain[1].Raw)
	case "ca-with-key":
		return slices.Concat(m.ca.PEM(), key)
	case "ca-and-expired":
		return slices.Concat(m.ca.PEM(), encoded("CERTIFICATE", m.issue(certstest.Leaf{NotBefore: year(2019), NotAfter: year(2020)}).Leaf.Raw))
	case "bundle":
		return must(m.pair.PKCS12("correct"))
	case "bundle-of-three":
		return must(certstest.Bundle(m.pair, m.second, m.server))
	case "java-key-store":
		return []byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x00")
	}
	m.Fatalf("no such kind of file: %q", kind)
	return nil
}

// issue makes a certificate whose dates, if they are given, are those of the
// golden files in every year to come.
func (m *maker) issue(l certstest.Leaf) *certstest.Pair {
	m.Helper()
	l.CommonName = "probe.acme.example"
	pair, err := m.ca.Issue(l)
	if err != nil {
		m.Fatal(err)
	}
	return pair
}

// together are the chain and the key of pair in one file.
func (m *maker) together(pair *certstest.Pair) []byte {
	m.Helper()
	key, err := pair.KeyPEM(certstest.PKCS8)
	if err != nil {
		m.Fatal(err)
	}
	return slices.Concat(pair.CertPEM(), key)
}

func year(n int) time.Time { return time.Date(n, 3, 1, 12, 0, 0, 0, time.UTC) }

// share lets every user of the machine read a file.
func (m *maker) share(name string) {
	m.Helper()
	if err := os.Chmod(filepath.Join(m.dir, name), 0o644); err != nil {
		m.Fatal(err)
	}
}

// openssl runs openssl in the folder of the configuration.
func (m *maker) openssl(args string) {
	m.Helper()
	if _, err := exec.LookPath("openssl"); err != nil && os.Getenv("CI") != "true" {
		m.Skip(err)
	}
	cmd := exec.CommandContext(m.Context(), "openssl", strings.Fields(args)...)
	cmd.Dir = m.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		m.Fatalf("openssl %s: %v\n%s", args, err, out)
	}
}
