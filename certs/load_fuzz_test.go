package certs_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

// Loading arbitrary bytes never panics, and gives either a certificate that
// can be used or an error.
func FuzzLoad(f *testing.F) {
	ca := certstest.NewCA(f, certstest.Options{Intermediate: true})
	pair := ca.Client("probe")
	cert, key := pair.CertPEM(), keyPEM(f, pair, certstest.PKCS8)
	for _, seed := range [][]byte{
		nil, cert, key, slices.Concat(cert, key), slices.Concat(key, ca.PEM(), cert), keyPEM(f, pair, certstest.SEC1),
		pair.Leaf.Raw, []byte("\x30\x82\x04\x0c\x02\x01\x03\x30\x82\x03\xc2\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"),
		[]byte("-----BEGIN CERTIFICATE-----\n"), block("ENCRYPTED PRIVATE KEY", []byte("x")), []byte("\n -----BEGIN X-----"),
	} {
		f.Add(seed)
	}
	file := filepath.Join(f.TempDir(), "file")
	good := pair.WritePEM(f.TempDir())
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, src := range []certs.Source{{PEM: file}, {Cert: file, Key: good}, {Cert: good, Key: file}, {CA: file}, {PEM: good, CA: file}} {
			id := certs.Load(src)
			problems := id.Problems(time.Now())
			usable := id.TLS() != nil || !id.HasCertificate() && len(id.CACerts()) > 0
			if usable == (id.Err() != nil) {
				t.Errorf("%+v: error is %v, and certificate %v", src, id.Err(), id.TLS())
			}
			failed := slices.ContainsFunc(problems, func(p certs.Problem) bool { return p.Severity == certs.Error })
			if failed != (id.Err() != nil) {
				t.Errorf("%+v: error is %v, and problems %v", src, id.Err(), problems)
			}
			if id.TLS() != nil && !bytes.Equal(id.TLS().Certificate[0], id.Leaf().Raw) {
				t.Errorf("%+v: what is sent does not begin with the leaf", src)
			}
		}
	})
}
