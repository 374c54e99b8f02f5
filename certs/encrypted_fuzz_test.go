package certs

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"watchword/certs/certstest"
)

// Opening an arbitrary bundle never panics nor hangs, and gives either a
// certificate that can be used or one error without the passphrase.
func FuzzPKCS12(f *testing.F) {
	pair := certstest.NewCA(f, certstest.Options{Intermediate: true}).Client("probe")
	for _, encoder := range []*pkcs12.Encoder{pkcs12.Modern2023, pkcs12.Modern2026, pkcs12.LegacyDES, pkcs12.LegacyRC2} {
		for _, passphrase := range []string{"letmein", "", "x"} {
			der, err := encoder.WithIterations(1).Encode(pair.Key, pair.Leaf, pair.Chain[1:], passphrase)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(der)
		}
	}
	open, err := certstest.Bundle(pair)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(open)
	encoded, _ := encodePassphrase("letmein")
	f.Add(verified(encoded, seal(f, sequence(sealedKey(math.MaxInt)), "letmein")))
	f.Add(pfx(math.MaxInt, plainPart(sealedKey(math.MaxInt))))
	f.Add(pfx(1, sealedPart(math.MaxInt, nil)))
	path := filepath.Join(f.TempDir(), "x.p12")
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzLoad(t, path, data, Source{PKCS12: path})
	})
}

// Likewise for an arbitrary encrypted key.
func FuzzEncryptedKey(f *testing.F) {
	pair := certstest.NewCA(f).Client("probe")
	block, err := pair.KeyPEM(certstest.PKCS8)
	if err != nil {
		f.Fatal(err)
	}
	plain, _ := pem.Decode(block)
	sealed := func(rounds int, data []byte) []byte { return sequence(pbes2(rounds), octets(data)) }
	for _, der := range [][]byte{
		nil, plain.Bytes, sealed(1, encrypt(f, plain.Bytes, "letmein")), sealed(1, encrypt(f, plain.Bytes, "other")), sealed(1, encrypt(f, []byte("x"), "letmein")),
		sealed(math.MaxInt, make([]byte, 64)), sealed(0, make([]byte, 64)), sealed(1, nil), sealed(1, make([]byte, 15)),
		sequence(sequence(identifier(1, 2, 840, 113549, 1, 5, 3)), octets(nil)),
	} {
		f.Add(der, "ENCRYPTED PRIVATE KEY", "")
	}
	for _, cipher := range []x509.PEMCipher{x509.PEMCipherDES, x509.PEMCipher3DES, x509.PEMCipherAES128, x509.PEMCipherAES256} {
		legacy, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", plain.Bytes, []byte("letmein"), cipher) //nolint:staticcheck // such keys are in use
		if err != nil {
			f.Fatal(err)
		}
		f.Add(legacy.Bytes, legacy.Type, legacy.Headers["DEK-Info"])
	}
	path, cert := filepath.Join(f.TempDir(), "x.key"), filepath.Join(f.TempDir(), "x.crt")
	if err := os.WriteFile(cert, pair.CertPEM(), 0o600); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, der []byte, label, dek string) {
		block := &pem.Block{Type: label, Bytes: der}
		if dek != "" {
			block.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": dek}
		}
		fuzzLoad(t, path, pem.EncodeToMemory(block), Source{Cert: cert, Key: path})
	})
}

// fuzzLoad loads src, whose file at path holds data.
func fuzzLoad(t *testing.T, path string, data []byte, src Source) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	src.Passphrase = NewPassphrase(func() (string, error) { return "letmein", nil })
	id := Load(src)
	if (id.TLS() != nil) == (id.Err() != nil) {
		t.Errorf("error is %v, and certificate %v", id.Err(), id.TLS())
	}
	if id.TLS() != nil && !bytes.Equal(id.TLS().Certificate[0], id.Leaf().Raw) {
		t.Error("what is sent does not begin with the leaf")
	}
	if failed := slices.ContainsFunc(id.Problems(time.Now()), func(p Problem) bool { return p.Severity == Error }); failed != (id.Err() != nil) {
		t.Errorf("error is %v, and problems %v", id.Err(), id.Problems(time.Now()))
	}
	if id.Err() != nil && strings.Contains(id.Err().Error(), "letmein") {
		t.Errorf("the passphrase is in the error: %v", id.Err())
	}
}
