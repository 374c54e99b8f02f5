package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
)

// A Loader loads identities and lets those share memory that hold the same
// certificates: one for a whole configuration keeps it small. The zero value
// is ready for use. It is safe for concurrent use.
type Loader struct {
	mu    sync.Mutex
	certs map[[sha256.Size]byte]*x509.Certificate
	roots map[rootsKey]*Roots
}

// rootsKey tells CA files apart by their contents.
type rootsKey struct {
	contents [sha256.Size]byte
	system   bool
}

// parse is x509.ParseCertificate with equal certificates shared.
func (l *Loader) parse(der []byte) (*x509.Certificate, error) {
	key := sha256.Sum256(der)
	l.mu.Lock()
	defer l.mu.Unlock()
	if cert := l.certs[key]; cert != nil {
		return cert, nil
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if l.certs == nil {
		l.certs = make(map[[sha256.Size]byte]*x509.Certificate)
	}
	l.certs[key] = cert
	return cert, nil
}

// Roots is [LoadRoots]; files with the same contents share their roots.
func (l *Loader) Roots(path string, system bool) (*Roots, error) {
	f, err := readFile("ca", path, wantCA)
	if err != nil {
		return nil, err
	}
	key := rootsKey{sha256.Sum256(f.data), system}
	l.mu.Lock()
	roots := l.roots[key]
	l.mu.Unlock()
	if roots != nil {
		return roots, nil
	}
	c, err := parsePEM(f, l.parse)
	if err != nil {
		return nil, err
	}
	if len(c.certs) == 0 {
		return nil, f.fail(describe(f.data), hintFor(f))
	}
	roots = newRoots(c, system)
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.roots[key]; first != nil {
		return first, nil
	}
	if l.roots == nil {
		l.roots = make(map[rootsKey]*Roots)
	}
	l.roots[key] = roots
	return roots, nil
}
