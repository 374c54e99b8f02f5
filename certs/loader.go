package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"
)

// A Loader loads identities and lets those share memory that hold the same
// certificates: one for a whole configuration keeps it small. It remembers what
// it has decrypted of a file until that or its passphrase changes. The zero value
// is ready for use. It is safe for concurrent use.
type Loader struct {
	Memory *Memory   // of the load before; nil: nothing is known of any
	Now    time.Time // the moment of the load; zero: the present

	mu     sync.Mutex
	kept   kept
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
	if cert := l.kept.certs[key]; cert != nil {
		return cert, nil
	}
	cert := l.before().certs[key]
	if cert == nil {
		var err error
		if cert, err = x509.ParseCertificate(der); err != nil {
			return nil, err
		}
	}
	l.share(key, cert)
	return cert, nil
}

// Roots is [LoadRoots]; files with the same contents share their roots. With a
// Memory each file is read once, and if it cannot be used, the roots that were
// read from it before go on, as [Loader.RootsRotation] tells.
func (l *Loader) Roots(path string, system bool) (*Roots, error) {
	at := rootsPath{path, system}
	if l.Memory == nil {
		return l.loadRoots(at)
	}
	l.mu.Lock()
	k := l.kept.roots[at]
	l.mu.Unlock()
	if k == nil {
		k = l.readRoots(at)
	}
	return k.good, k.err
}

// readRoots reads a CA file, and keeps what came of it.
func (l *Loader) readRoots(at rootsPath) *keptRoots {
	k := new(keptRoots)
	k.good, k.err = l.loadRoots(at)
	if old := l.before().roots[at]; k.err != nil && old != nil && old.good != nil {
		k.good, k.err, k.rotation = old.good, nil, &Rotation{Err: k.err, Since: l.now()}
		if old.rotation != nil {
			k.rotation.Since = old.rotation.Since
		}
		l.adopt(k.good.certs)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.kept.roots[at]; first != nil {
		return first
	}
	if l.kept.roots == nil {
		l.kept.roots = make(map[rootsPath]*keptRoots)
	}
	l.kept.roots[at] = k
	return k
}

// loadRoots reads and parses a CA file, unless one of the same contents was.
func (l *Loader) loadRoots(at rootsPath) (*Roots, error) {
	f, err := readFile("ca", at.path, wantCA)
	if err != nil {
		return nil, err
	}
	key := rootsKey{sha256.Sum256(f.data), at.system}
	l.mu.Lock()
	roots := l.kept.bundle[key]
	l.mu.Unlock()
	if roots != nil {
		return roots, nil
	}
	if roots = l.before().bundle[key]; roots != nil {
		l.adopt(roots.certs)
	} else {
		c, err := parsePEM(f, l.parse)
		if err != nil {
			return nil, err
		}
		if len(c.certs) == 0 {
			return nil, f.instead(describe(f.data))
		}
		roots = newRoots(c, at.system)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.kept.bundle[key]; first != nil {
		return first, nil
	}
	if l.kept.bundle == nil {
		l.kept.bundle = make(map[rootsKey]*Roots)
	}
	l.kept.bundle[key] = roots
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
