package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"sync"
	"time"
)

// maxReads bounds how often files are read that change while they are read.
const maxReads = 3

// A Memory keeps what one load of a configuration has read for the next. Files
// that have not changed since are not parsed again, and where files were
// replaced by ones that cannot be used, those that were read before go on
// (see [Identity.Rotation]). The zero value is empty and ready for use. It is
// safe for concurrent use; the loads that use it come one after the other.
type Memory struct {
	mu   sync.Mutex
	kept kept
}

// kept is what a load has read.
type kept struct {
	certs  map[[sha256.Size]byte]*x509.Certificate
	bundle map[rootsKey]*Roots
	pairs  map[string]*keptPair // by name of the block
	roots  map[rootsPath]*keptRoots
}

// A keptPair is the certificate and the key of a block.
type keptPair struct {
	good  *Identity         // the last that could be used
	sum   [sha256.Size]byte // of the files that it was read from
	since time.Time         // from when on the files cannot be used; zero: they can
}

// keptRoots are those of a CA file.
type keptRoots struct {
	good     *Roots // the last that could be used
	err      error  // why the file cannot be used and nothing goes on in its place
	rotation *Rotation
}

// rootsPath tells apart where roots come from.
type rootsPath struct {
	path   string
	system bool
}

// Remember makes what l has loaded the Memory of the next load. What was not
// loaded again is forgotten. It is to be called once the configuration is
// taken, and does nothing without a Memory.
func (l *Loader) Remember() {
	if l.Memory == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.Memory.mu.Lock()
	defer l.Memory.mu.Unlock()
	l.Memory.kept = l.kept
	l.kept = kept{}
}

// before returns what the load before has read. It is not to be changed.
func (l *Loader) before() kept {
	if l.Memory == nil {
		return kept{}
	}
	l.Memory.mu.Lock()
	defer l.Memory.mu.Unlock()
	return l.Memory.kept
}

// now is the moment of the load.
func (l *Loader) now() time.Time {
	if l.Now.IsZero() {
		return time.Now()
	}
	return l.Now
}

// pair reads the certificate and the key of id. If they cannot be used as a
// pair, those that were read before from the same paths go on until they
// expire, and id.rotation tells. An error says that there is nothing to use.
func (l *Loader) pair(id *Identity) error {
	if l.Memory == nil {
		return id.load(l)
	}
	old := l.before().pairs[id.Name()]
	if old != nil && !sameFiles(old.good.source, id.source) {
		old = nil
	}
	sum, known := id.source.sum()
	if old != nil && known && sum == old.sum {
		id.take(old.good)
		l.adopt(id.chain)
		l.keepPair(id.Name(), &keptPair{good: id, sum: sum})
		return nil
	}
	sum, err := l.readPair(id, sum, old != nil)
	switch {
	case err == nil:
		l.keepPair(id.Name(), &keptPair{good: id, sum: sum})
		return nil
	case old == nil:
		return err
	}
	next := *old
	if next.since.IsZero() {
		next.since = l.now()
	}
	id.take(old.good)
	l.adopt(id.chain)
	l.keepPair(id.Name(), &next)
	id.rotation = &Rotation{Err: err, Since: next.since}
	if id.leaf != nil && l.now().After(id.leaf.NotAfter) {
		id.tls = nil
		return err
	}
	return nil
}

// readPair reads the files of id until they have stayed the same meanwhile, so
// that certificate and key are never of two generations, and returns their sum.
// With strict, files that never stay the same are an error.
func (l *Loader) readPair(id *Identity, sum [sha256.Size]byte, strict bool) ([sha256.Size]byte, error) {
	for range maxReads {
		read := &Identity{source: id.source}
		err := read.load(l)
		after, _ := id.source.sum()
		if after == sum {
			id.take(read)
			return sum, err
		}
		sum = after
	}
	if strict {
		return sum, errors.New("the files change while they are read")
	}
	return sum, id.load(l)
}

// take makes certificate and key of other those of id.
func (id *Identity) take(other *Identity) {
	id.leaf, id.chain, id.unused = other.leaf, other.chain, other.unused
	id.tls, id.fingerprint = other.tls, other.fingerprint
	id.keyFile, id.keyMode, id.plainKey = other.keyFile, other.keyMode, other.plainKey
}

func (l *Loader) keepPair(name string, p *keptPair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept.pairs == nil {
		l.kept.pairs = make(map[string]*keptPair)
	}
	l.kept.pairs[name] = p
}

// adopt lets certificates be shared with what is loaded after them.
func (l *Loader) adopt(certs []*x509.Certificate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, cert := range certs {
		l.share(sha256.Sum256(cert.Raw), cert)
	}
}

// share is adopt for one certificate; l.mu is held.
func (l *Loader) share(key [sha256.Size]byte, cert *x509.Certificate) {
	if l.kept.certs == nil {
		l.kept.certs = make(map[[sha256.Size]byte]*x509.Certificate)
	}
	l.kept.certs[key] = cert
}

// sameFiles reports whether two sources name the same files.
func sameFiles(a, b Source) bool {
	return a.PEM == b.PEM && a.Cert == b.Cert && a.Key == b.Key && a.PKCS12 == b.PKCS12
}

// sum condenses the contents and modes of the files of certificate and key, or
// why they cannot be read, and the passphrase. It is not known for a source
// without any.
func (src Source) sum() (sum [sha256.Size]byte, known bool) {
	h := sha256.New()
	for _, path := range []string{src.PEM, src.Cert, src.Key, src.PKCS12} {
		if path != "" {
			known = true
			sumFile(h, path)
		}
	}
	if !src.Passphrase.IsZero() {
		text, err := src.Passphrase.read()
		fmt.Fprintf(h, "%d:%v:%s", len(text), err, text)
	}
	h.Sum(sum[:0])
	return sum, known
}

func sumFile(h hash.Hash, path string) {
	f, err := readFile("", path, "")
	if err != nil {
		fmt.Fprintf(h, "%d:%v\n", -1, err)
		return
	}
	fmt.Fprintf(h, "%d:%o\n", len(f.data), f.mode)
	h.Write(f.data)
}
