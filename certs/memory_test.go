package certs_test

import (
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

// A place is a folder with the files of a block, and a memory of its loads.
type place struct {
	t      *testing.T
	dir    string
	src    certs.Source
	memory certs.Memory
	now    time.Time
}

// newPlace returns one with a pair in cert and key, and a ca.
func newPlace(t *testing.T, ca *certstest.CA) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), now: time.Now()}
	p.src = certs.Source{Name: "acme", Hosts: []string{"*.acme.test"}, Cert: p.path("tls.crt"), Key: p.path("tls.key"), CA: p.path("ca.crt")}
	p.put(ca.Client("probe"))
	p.write("ca.crt", ca.PEM())
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) write(name string, data []byte) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), data, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// put writes the two files of a pair.
func (p *place) put(pair *certstest.Pair) {
	p.t.Helper()
	p.write("tls.crt", pair.CertPEM())
	p.write("tls.key", keyPEM(p.t, pair, certstest.PKCS8))
}

// load loads the blocks as one configuration that is taken.
func (p *place) load(sources ...certs.Source) []*certs.Identity {
	loader := certs.Loader{Memory: &p.memory, Now: p.now}
	var ids []*certs.Identity
	for _, src := range sources {
		ids = append(ids, loader.Load(src))
	}
	loader.Remember()
	return ids
}

// good loads the block and wants it to be the pair, without reservations.
func (p *place) good(what string, want *certstest.Pair) *certs.Identity {
	p.t.Helper()
	id := p.load(p.src)[0]
	if id.Err() != nil || id.Rotation() != nil || id.TLS() == nil || id.Fingerprint() != want.Fingerprint() {
		p.t.Fatalf("%s: %s (error %v, rotation %v), want %s", what, id.Fingerprint(), id.Err(), id.Rotation(), want.Fingerprint())
	}
	return id
}

// kept loads the block and wants it to be the pair although its files cannot
// be used.
func (p *place) kept(what string, want *certstest.Pair) *certs.Identity {
	p.t.Helper()
	id := p.load(p.src)[0]
	if id.Err() != nil || id.Rotation() == nil || id.TLS() == nil || id.Fingerprint() != want.Fingerprint() {
		p.t.Fatalf("%s: %s (error %v, rotation %v), want %s kept", what, id.Fingerprint(), id.Err(), id.Rotation(), want.Fingerprint())
	}
	if key := want.Key.(interface{ Equal(crypto.PrivateKey) bool }); !key.Equal(id.TLS().PrivateKey) || !id.TLS().Leaf.Equal(want.Leaf) {
		p.t.Fatalf("%s: certificate and key are of two generations", what)
	}
	return id
}

func TestMemorySavesParsing(t *testing.T) {
	ca := certstest.NewCA(t, certstest.Options{Intermediate: true})
	p := newPlace(t, ca)
	pair := ca.Client("probe")
	p.put(pair)
	first, again := p.good("first", pair), p.good("again", pair)
	if first.Leaf() != again.Leaf() || first.TLS() != again.TLS() || first.Roots() != again.Roots() {
		t.Error("files that have not changed were parsed again")
	}

	// Everything else of the block follows the configuration.
	p.src.Hosts, p.src.Primary = []string{"a.acme.test"}, true
	again = p.good("other hosts", pair)
	if again.TLS() != first.TLS() || !again.Primary() || !slices.Equal(again.Hosts(), p.src.Hosts) {
		t.Errorf("hosts %q, primary %v, want those of the block and the pair of before", again.Hosts(), again.Primary())
	}

	// A new pair shares what it has in common with the one before.
	next := ca.Client("probe")
	p.put(next)
	if id := p.good("a new pair", next); id.Chain()[1] != first.Chain()[1] {
		t.Error("the issuer was parsed again")
	}

	// Modes are not remembered: a warning goes when it is mended.
	key := p.path("tls.key")
	for mode, want := range map[os.FileMode]int{0o644: 1, 0o600: 0} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		if got := p.good("another mode", next).Problems(p.now); len(got) != want {
			t.Errorf("mode %o: problems %v, want %d", mode, got, want)
		}
	}
}

func TestHalfWrittenPairKeepsTheOldOne(t *testing.T) {
	ca := certstest.NewCA(t)
	p := newPlace(t, ca)
	old, next := ca.Client("probe"), ca.Client("probe")
	p.put(old)
	p.good("first", old)
	begin := p.now

	p.write("tls.crt", next.CertPEM())
	id := p.kept("the certificate was written", old)
	if file, ok := errors.AsType[*certs.FileError](id.Rotation().Err); !ok || file.Attribute != "key" {
		t.Errorf("rotation: %v, want what is wrong with the key", id.Rotation().Err)
	}
	for after, want := range map[time.Duration]struct {
		lasts bool
		retry time.Duration
	}{
		0:                {false, 2 * time.Second},
		2 * time.Second:  {false, 7 * time.Second},
		8 * time.Second:  {false, 17 * time.Second},
		29 * time.Second: {false, 30 * time.Second},
		30 * time.Second: {true, 330 * time.Second},
		-time.Hour:       {true, 5*time.Minute - time.Hour}, // the clock was set back
	} {
		p.now = begin.Add(after)
		r := p.kept("still", old).Rotation()
		if r.Since != begin || r.Lasts(p.now) != want.lasts || !r.Retry(p.now).Equal(begin.Add(want.retry)) {
			t.Errorf("after %s: since %s, lasts %v, retried after %s, want %+v", after, r.Since.Sub(begin), r.Lasts(p.now), r.Retry(p.now).Sub(begin), want)
		}
	}
	p.now = begin.Add(40 * time.Second)
	p.write("tls.key", keyPEM(t, next, certstest.PKCS8))
	p.good("the key was written", next)

	// The time is that of this rotation, not of the one before.
	p.now = begin.Add(time.Hour)
	p.write("tls.key", keyPEM(t, old, certstest.PKCS8))
	if r := p.kept("the next rotation", next).Rotation(); r.Since != p.now {
		t.Errorf("since %s, want %s", r.Since, p.now)
	}
	p.put(next)
	p.good("rolled back", next)
}

func TestBrokenFilesKeepTheOldPair(t *testing.T) {
	ca := certstest.NewCA(t)
	other := ca.Client("other")
	breaks := map[string]func(p *place, name string){
		"missing":   func(p *place, name string) { _ = os.Remove(p.path(name)) },
		"empty":     func(p *place, name string) { p.write(name, nil) },
		"text":      func(p *place, name string) { p.write(name, []byte("Not found\n")) },
		"truncated": func(p *place, name string) { p.truncate(name) },
		"a folder": func(p *place, name string) {
			_ = os.Remove(p.path(name))
			_ = os.Mkdir(p.path(name), 0o700)
		},
		"of another": func(p *place, name string) {
			p.write(name, map[string][]byte{
				"tls.crt": other.CertPEM(), "tls.key": keyPEM(p.t, other, certstest.PKCS8), "tls.pem": other.CertPEM(),
			}[name])
		},
	}
	for what, damage := range breaks {
		for _, name := range []string{"tls.crt", "tls.key", "tls.pem"} {
			t.Run(what+" "+name, func(t *testing.T) {
				p := newPlace(t, ca)
				pair := ca.Client("probe")
				p.put(pair)
				if name == "tls.pem" {
					p.src.Cert, p.src.Key, p.src.PEM = "", "", p.path(name)
					p.write(name, slices.Concat(pair.CertPEM(), keyPEM(t, pair, certstest.PKCS8)))
				}
				p.good("first", pair)
				damage(p, name)
				id := p.kept(what, pair)
				if !strings.Contains(id.Rotation().Err.Error(), p.path(name)) {
					t.Errorf("rotation: %v, want it to name %s", id.Rotation().Err, p.path(name))
				}
				if len(id.Problems(p.now)) != 0 {
					t.Errorf("problems: %v, want none of the pair that goes on", id.Problems(p.now))
				}
			})
		}
	}
}

// truncate cuts a file in the middle.
func (p *place) truncate(name string) {
	p.t.Helper()
	info, err := os.Stat(p.path(name))
	if err == nil {
		err = os.Truncate(p.path(name), info.Size()/2)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestOldPairEndsWhenItExpires(t *testing.T) {
	ca := certstest.NewCA(t)
	p := newPlace(t, ca)
	pair, next := ca.Client("probe"), ca.Client("probe")
	p.put(pair)
	p.good("first", pair)
	p.write("tls.key", nil)
	p.now = pair.Leaf.NotAfter
	p.kept("until the last moment", pair)

	p.now = pair.Leaf.NotAfter.Add(time.Second)
	id := p.load(p.src)[0]
	if id.Err() == nil || id.TLS() != nil || id.Rotation() == nil {
		t.Errorf("after its end: error %v, rotation %v, want both and nothing to present", id.Err(), id.Rotation())
	}
	if id.Leaf() == nil || id.Fingerprint() != pair.Fingerprint() || len(id.Chain()) == 0 {
		t.Error("after its end nobody knows any more what it was")
	}
	if got := id.Problems(p.now); len(got) != 1 || got[0].Severity != certs.Error || got[0].Attribute != "key" {
		t.Errorf("problems: %v, want what is wrong with the key alone", got)
	}
	p.now = pair.Leaf.NotAfter.Add(-time.Hour) // the clock was wrong
	p.kept("the clock was set back", pair)
	p.put(next)
	p.good("mended", next)
}

// An expired certificate that was read as such is tried all the same.
func TestExpiredPairReplaces(t *testing.T) {
	ca := certstest.NewCA(t)
	p := newPlace(t, ca)
	expired := ca.Client("probe", certstest.Expired)
	p.load(p.src)
	p.put(expired)
	p.good("an expired pair", expired)
	p.good("and again", expired)
}

func TestBrokenCAKeepsTheOldRoots(t *testing.T) {
	ca, other := certstest.NewCA(t), certstest.NewCA(t)
	p := newPlace(t, ca)
	p.src.Cert, p.src.Key = "", "" // a block that only brings a ca
	roots := p.load(p.src)[0].Roots()
	server := ca.Server("a.acme.test")
	begin := p.now
	for _, damage := range []func(){
		func() { p.write("ca.crt", nil) },
		func() { p.truncate("ca.crt") },
		func() { _ = os.Remove(p.path("ca.crt")) },
	} {
		p.write("ca.crt", ca.PEM())
		damage()
		id := p.load(p.src)[0]
		if id.Err() != nil || id.Rotation() == nil || id.Roots() != roots {
			t.Errorf("error %v, rotation %v, want the roots of before", id.Err(), id.Rotation())
		}
		if err := id.Roots().Verify(server.Chain, "a.acme.test", p.now); err != nil {
			t.Error(err)
		}
	}
	p.now = begin.Add(time.Minute)
	loader := certs.Loader{Memory: &p.memory, Now: p.now}
	if got, err := loader.Roots(p.src.CA, true); got != roots || err != nil {
		t.Errorf("roots of a request: %v, want those of before", err)
	}
	if r := loader.RootsRotation(p.src.CA, true); r == nil || r.Since != begin {
		t.Errorf("rotation %v, want since %s", r, begin)
	}
	if _, err := loader.Roots(p.src.CA, false); err == nil {
		t.Error("roots that were never read go on")
	}
	p.write("ca.crt", other.PEM())
	if id := p.load(p.src)[0]; id.Rotation() != nil || id.CACerts()[0].SerialNumber.Cmp(other.Certificate().SerialNumber) != 0 {
		t.Errorf("mended: rotation %v, certificates %v", id.Rotation(), id.CACerts())
	}

	// Both at once are one rotation, since the earlier of the two.
	p = newPlace(t, ca)
	p.load(p.src)
	p.write("ca.crt", nil)
	p.load(p.src)
	begin, p.now = p.now, p.now.Add(time.Minute)
	p.write("tls.key", nil)
	if r := p.load(p.src)[0].Rotation(); r == nil || r.Since != begin || !strings.Contains(r.Err.Error(), "ca.crt") || !strings.Contains(r.Err.Error(), "tls.key") {
		t.Errorf("rotation %v, want both files since %s", r, begin)
	}
}

func TestMemoryDoesNotResurrect(t *testing.T) {
	ca := certstest.NewCA(t)
	tests := map[string]func(p *place){
		"other paths": func(p *place) { p.src.Key = p.path("other.key") },
		"pem instead": func(p *place) { p.src.Cert, p.src.Key, p.src.PEM = "", "", p.path("tls.crt") },
		"another block": func(p *place) {
			p.src.Name = "other"
			p.write("tls.key", nil)
		},
		"removed and added again": func(p *place) {
			p.load()
			p.write("tls.key", nil)
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, ca)
			p.load(p.src)
			change(p)
			if id := p.load(p.src)[0]; id.Err() == nil || id.TLS() != nil || id.Rotation() != nil || id.Leaf() != nil {
				t.Errorf("error %v, rotation %v, want an error alone", id.Err(), id.Rotation())
			}
		})
	}
}

// A configuration that is not taken leaves no trace.
func TestMemoryOfWhatWasTaken(t *testing.T) {
	ca := certstest.NewCA(t)
	p := newPlace(t, ca)
	old, next := ca.Client("probe"), ca.Client("probe")
	p.put(old)
	p.good("first", old)
	p.put(next)
	refused := certs.Loader{Memory: &p.memory, Now: p.now}
	if id := refused.Load(p.src); id.Fingerprint() != next.Fingerprint() {
		t.Errorf("the refused one is %s", id.Fingerprint())
	}
	p.write("tls.key", nil)
	p.kept("what was taken last", old)
}

// Without a memory, and at the first load, there is nothing to go on.
func TestNoMemory(t *testing.T) {
	p := newPlace(t, certstest.NewCA(t))
	p.write("tls.key", nil)
	if id := p.load(p.src)[0]; id.Err() == nil || id.Rotation() != nil {
		t.Errorf("the first load: error %v, rotation %v", id.Err(), id.Rotation())
	}
	var loader certs.Loader
	loader.Remember()
	if id := loader.Load(p.src); id.Err() == nil || id.Rotation() != nil {
		t.Errorf("without a memory: error %v, rotation %v", id.Err(), id.Rotation())
	}
}
