package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
)

// A Loader loads identities and lets those share memory that hold the same
// certificates: one for a whole configuration keeps it small. It remembers what
// it has decrypted of a file until that or its passphrase changes. The zero value
// is ready for use. It is safe for concurrent use.
type Loader struct {
	mu     sync.Mutex
	certs  map[[sha256.Size]byte]*x509.Certificate
	roots  map[rootsKey]*Roots
	opened map[fileKey]opened
}

// fileKey tells apart what files are read for.
type fileKey struct{ attribute, path string }

// opened is what was decrypted of a file. It is good for as long as neither
// the file nor its passphrase changes.
type opened struct {
	sum   [sha256.Size]byte // of both
	certs *contents         // of a bundle
	key   privateKey
	err   error
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
		return nil, f.instead(describe(f.data))
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

// bundle reads the certificates and the key of a PKCS#12 file.
func (l *Loader) bundle(f *file, p Passphrase) (*contents, privateKey, error) {
	o := l.open(f, p, func(p Passphrase) (o opened) {
		b, err := readBundle(f)
		if err != nil {
			return opened{err: err}
		}
		o.certs, o.key, o.err = b.unlock(p, l.parse)
		if o.err == nil {
			o.err = o.certs.check()
		}
		return o
	})
	return o.certs, o.key, o.err
}

// key reads the private key of a PEM file.
func (l *Loader) key(c *contents, p Passphrase) (privateKey, error) {
	if len(c.keys) != 1 || !isEncrypted(c.keys[0]) {
		return c.privateKey(p)
	}
	o := l.open(c.file, p, func(p Passphrase) (o opened) {
		o.key, o.err = c.privateKey(p)
		return o
	})
	return o.key, o.err
}

// open returns what was decrypted of f before, or decrypts it. The passphrase
// is read once.
func (l *Loader) open(f *file, p Passphrase, decrypt func(Passphrase) opened) opened {
	h := sha256.New()
	h.Write(f.data)
	if !p.IsZero() {
		text, err := p.read()
		p = NewPassphrase(func() (string, error) { return text, err })
		sum := sha256.Sum256([]byte(text))
		h.Write(sum[:])
		if err != nil {
			return decrypt(p)
		}
	}
	sum, key := [sha256.Size]byte(h.Sum(nil)), fileKey{f.attribute, f.path}
	l.mu.Lock()
	o, ok := l.opened[key]
	l.mu.Unlock()
	if ok && o.sum == sum {
		return o
	}
	o = decrypt(p)
	o.sum = sum
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.opened == nil {
		l.opened = make(map[fileKey]opened)
	}
	l.opened[key] = o
	return o
}
