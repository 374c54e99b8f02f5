package certstest

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Leaf says what certificate [CA.Issue] makes. The zero value is a client
// certificate without a name, valid for a year.
type Leaf struct {
	CommonName string
	Names      []string           // DNS names and IP addresses
	Usages     []x509.ExtKeyUsage // client authentication if nil; none if empty
	Key        KeyType            // ECDSA P-256 if empty
	NotBefore  time.Time          // an hour ago if zero
	NotAfter   time.Time          // a year after now if zero
	SHA1       bool               // signed with SHA-1, which only an authority with an RSA or ECDSA key does
}

// A Variation makes a certificate of [CA.Client] or [CA.Server] special.
type Variation int

// The variations.
const (
	Expired        Variation = iota + 1 // since an hour ago
	NotYetValid                         // until an hour from now
	ExpiresSoon                         // in two days
	ServerAuthOnly                      // no extended key usage for client authentication
	AnyUsage                            // without extended key usages
	WithP384                            // key of another kind
	WithEd25519                         // likewise
	WithRSA2048                         // likewise
	WithRSA1024                         // a weak key
	WithSHA1                            // a weak signature
)

func (v Variation) apply(l *Leaf) {
	now := time.Now()
	switch v {
	case Expired:
		l.NotBefore, l.NotAfter = now.Add(-lifetime), now.Add(-time.Hour)
	case NotYetValid:
		l.NotBefore, l.NotAfter = now.Add(time.Hour), now.Add(lifetime)
	case ExpiresSoon:
		l.NotBefore, l.NotAfter = now.Add(-lifetime), now.Add(48*time.Hour)
	case ServerAuthOnly:
		l.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case AnyUsage:
		l.Usages = []x509.ExtKeyUsage{}
	case WithP384:
		l.Key = P384
	case WithEd25519:
		l.Key = Ed25519
	case WithRSA2048:
		l.Key = RSA2048
	case WithRSA1024:
		l.Key = RSA1024
	case WithSHA1:
		l.SHA1 = true
	}
}

// A Pair is a certificate with its key and chain.
type Pair struct {
	Leaf  *x509.Certificate
	Chain []*x509.Certificate // the leaf and the intermediate, if there is one
	Key   crypto.Signer
	ca    *CA
}

// Issue makes a certificate.
func (ca *CA) Issue(l Leaf) (*Pair, error) {
	key, err := l.Key.generate()
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate to %q: %w", l.CommonName, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: l.CommonName},
		NotBefore:    orTime(l.NotBefore, time.Now().Add(-time.Hour)),
		NotAfter:     orTime(l.NotAfter, time.Now().Add(lifetime)),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  l.Usages,
	}
	if l.Usages == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	if l.SHA1 {
		template.SignatureAlgorithm = x509.ECDSAWithSHA1
		if ca.issuer.cert.PublicKeyAlgorithm == x509.RSA {
			template.SignatureAlgorithm = x509.SHA1WithRSA
		}
	}
	for _, name := range l.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	leaf, err := ca.issuer.sign(template, key.Public())
	if err != nil {
		return nil, fmt.Errorf("issuing a certificate to %q: %w", l.CommonName, err)
	}
	p := &Pair{Leaf: leaf, Chain: []*x509.Certificate{leaf}, Key: key, ca: ca}
	if ca.issuer != ca.root {
		p.Chain = append(p.Chain, ca.issuer.cert)
	}
	return p, nil
}

// Client makes a client certificate for tests; elsewhere use [CA.Issue].
func (ca *CA) Client(cn string, variations ...Variation) *Pair {
	ca.helper()()
	l := Leaf{CommonName: cn}
	for _, v := range variations {
		v.apply(&l)
	}
	p, err := ca.Issue(l)
	ca.must(err)
	return p
}

// Server makes a server certificate for tests, for the DNS names and IP
// addresses that are given: 127.0.0.1, ::1 and localhost if none are.
// Elsewhere use [CA.Issue].
func (ca *CA) Server(names ...string) *Pair {
	ca.helper()()
	return ca.ServerWith(names)
}

// ServerWith is [CA.Server] with variations.
func (ca *CA) ServerWith(names []string, variations ...Variation) *Pair {
	ca.helper()()
	l := ServerLeaf(names...)
	for _, v := range variations {
		v.apply(&l)
	}
	p, err := ca.Issue(l)
	ca.must(err)
	return p
}

// ServerLeaf returns what [CA.Server] issues.
func ServerLeaf(names ...string) Leaf {
	if len(names) == 0 {
		names = []string{"127.0.0.1", "::1", "localhost"}
	}
	return Leaf{CommonName: names[0], Names: names, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
}

// TLS returns the pair as crypto/tls wants it.
func (p *Pair) TLS() tls.Certificate {
	c := tls.Certificate{PrivateKey: p.Key, Leaf: p.Leaf}
	for _, cert := range p.Chain {
		c.Certificate = append(c.Certificate, cert.Raw)
	}
	return c
}

// Fingerprint returns the SHA-256 of the certificate in lower-case hex.
func (p *Pair) Fingerprint() string {
	sum := sha256.Sum256(p.Leaf.Raw)
	return hex.EncodeToString(sum[:])
}

// CertPEM returns the certificate and its chain.
func (p *Pair) CertPEM() []byte { return certPEM(p.Chain...) }

// KeyPEM returns the private key.
func (p *Pair) KeyPEM(format KeyFormat) ([]byte, error) { return format.encode(p.Key) }

// Save writes NAME.pem with the chain and the key, NAME.crt with the chain and
// NAME.key with the key to dir, and returns their paths. Files with a key have
// mode 0600.
func (p *Pair) Save(dir, name string) (pem, cert, key string, err error) {
	keyPEM, err := p.KeyPEM(PKCS8)
	if err != nil {
		return "", "", "", err
	}
	base := filepath.Join(dir, name)
	pem, cert, key = base+".pem", base+".crt", base+".key"
	for _, file := range []struct {
		path string
		data []byte
		mode os.FileMode
	}{
		{pem, slices.Concat(p.CertPEM(), keyPEM), 0o600},
		{cert, p.CertPEM(), 0o644},
		{key, keyPEM, 0o600},
	} {
		if err := os.WriteFile(file.path, file.data, file.mode); err != nil {
			return "", "", "", fmt.Errorf("writing the certificate of %q: %w", p.Leaf.Subject.CommonName, err)
		}
	}
	return pem, cert, key, nil
}

// WritePEM writes the chain and the key to one new file in dir and returns its
// path. It is for tests; elsewhere use [Pair.Save].
func (p *Pair) WritePEM(dir string) (file string) {
	p.ca.helper()()
	pem, _, _, err := p.Save(dir, freeName(dir, p.Leaf.Subject.CommonName))
	p.ca.must(err)
	return pem
}

// WriteCertKey writes the chain and the key to two new files in dir and
// returns their paths. It is for tests; elsewhere use [Pair.Save].
func (p *Pair) WriteCertKey(dir string) (cert, key string) {
	p.ca.helper()()
	_, cert, key, err := p.Save(dir, freeName(dir, p.Leaf.Subject.CommonName))
	p.ca.must(err)
	return cert, key
}

// freeName returns a file name without extension that is not taken in dir.
func freeName(dir, name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune("/\\:*? ", r) || r < ' ' {
			return '-'
		}
		return r
	}, name)
	if name == "" {
		name = "certificate"
	}
	for free, n := name, 2; ; n++ {
		if _, err := os.Lstat(filepath.Join(dir, free+".pem")); err != nil {
			return free
		}
		free = fmt.Sprintf("%s-%d", name, n)
	}
}
