package certstest

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// lifetime is how long certificates are valid unless they say otherwise.
const lifetime = 365 * 24 * time.Hour

// Options say what kind of authority [New] makes. The zero value is a root
// that issues certificates itself.
type Options struct {
	Name         string    // common name; "Test CA" if empty
	Key          KeyType   // of the authority; ECDSA P-256 if empty
	Intermediate bool      // an intermediate below the root issues the certificates
	NotBefore    time.Time // an hour ago if zero
	NotAfter     time.Time // ten years after now if zero
}

// A CA is a certificate authority. It is safe for concurrent use.
type CA struct {
	root   *authority
	issuer *authority // the intermediate, or the root itself
	t      testing.TB // nil outside of tests
}

// An authority is a certificate that signs others.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// New makes a certificate authority.
func New(o Options) (*CA, error) {
	if o.Name == "" {
		o.Name = "Test CA"
	}
	root, err := newAuthority(o, nil)
	if err != nil {
		return nil, fmt.Errorf("making authority %q: %w", o.Name, err)
	}
	ca := &CA{root: root, issuer: root}
	if o.Intermediate {
		o.Name += " Intermediate"
		if ca.issuer, err = newAuthority(o, root); err != nil {
			return nil, fmt.Errorf("making authority %q: %w", o.Name, err)
		}
	}
	return ca, nil
}

// NewCA is [New] for tests: it ends tb if it fails, and so do the methods of
// the CA and its certificates that return no error. Only the first of opts
// counts.
func NewCA(tb testing.TB, opts ...Options) *CA {
	tb.Helper()
	var o Options
	if len(opts) > 0 {
		o = opts[0]
	}
	ca, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	ca.t = tb
	return ca
}

// newAuthority makes an authority signed by parent, or by itself.
func newAuthority(o Options, parent *authority) (*authority, error) {
	key, err := o.Key.generate()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: o.Name, Organization: []string{"watchword"}},
		NotBefore:             orTime(o.NotBefore, time.Now().Add(-time.Hour)),
		NotAfter:              orTime(o.NotAfter, time.Now().Add(10*lifetime)),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	a := &authority{key: key}
	if parent == nil {
		parent = &authority{cert: template, key: key}
	}
	a.cert, err = parent.sign(template, key.Public())
	return a, err
}

// sign signs a certificate of the public key.
func (a *authority) sign(template *x509.Certificate, public crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Certificate returns the root.
func (ca *CA) Certificate() *x509.Certificate { return ca.root.cert }

// Issuer returns the certificate that signs others: the intermediate if there
// is one, else the root.
func (ca *CA) Issuer() *x509.Certificate { return ca.issuer.cert }

// Pool returns a new pool with the root.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.root.cert)
	return pool
}

// PEM returns the root.
func (ca *CA) PEM() []byte { return certPEM(ca.root.cert) }

// Save writes the root to NAME.pem in dir and returns the file's path.
func (ca *CA) Save(dir, name string) (string, error) {
	file := filepath.Join(dir, name+".pem")
	if err := os.WriteFile(file, ca.PEM(), 0o644); err != nil {
		return "", fmt.Errorf("writing the certificate of %q: %w", ca.root.cert.Subject.CommonName, err)
	}
	return file, nil
}

// WriteFile writes the root to a new file in dir, named after the CA, and
// returns its path. It is for tests; elsewhere use [CA.Save].
func (ca *CA) WriteFile(dir string) string {
	ca.helper()()
	file, err := ca.Save(dir, freeName(dir, ca.root.cert.Subject.CommonName))
	ca.must(err)
	return file
}

// helper returns t.Helper where there is a test.
func (ca *CA) helper() func() {
	if ca.t == nil {
		return func() {}
	}
	return ca.t.Helper
}

// must ends the test if err is not nil. Outside of tests it panics: the forms
// that return errors are for there.
func (ca *CA) must(err error) {
	if err == nil {
		return
	}
	if ca.t == nil {
		panic(err)
	}
	ca.t.Helper()
	ca.t.Fatal(err)
}

func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

func certPEM(certs ...*x509.Certificate) []byte {
	var b []byte
	for _, cert := range certs {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return b
}
