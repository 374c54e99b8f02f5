package certs_test

import (
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

var full = flag.Bool("full", false, "run the long proofs with their whole counts")

// A way of replacing a certificate and its key, tls.crt and tls.key in dir. It
// calls between when one of them is there and the other is not, where the way
// has such a moment.
type way func(dir string, cert, key []byte, between func()) error

// ways are those by which certificates are replaced in the field.
func ways() map[string]way {
	return map[string]way{
		"written certificate first": func(dir string, cert, key []byte, between func()) error {
			return inTurn(between, func() error { return overwrite(dir, "tls.crt", cert) }, func() error { return overwrite(dir, "tls.key", key) })
		},
		"written key first": func(dir string, cert, key []byte, between func()) error {
			return inTurn(between, func() error { return overwrite(dir, "tls.key", key) }, func() error { return overwrite(dir, "tls.crt", cert) })
		},
		"renamed": func(dir string, cert, key []byte, between func()) error {
			return inTurn(between, func() error { return rename(dir, "tls.crt", cert) }, func() error { return rename(dir, "tls.key", key) })
		},
		"removed first": func(dir string, cert, key []byte, between func()) error {
			return inTurn(between,
				func() error { return os.Remove(filepath.Join(dir, "tls.key")) },
				func() error { return os.Remove(filepath.Join(dir, "tls.crt")) },
				func() error { return overwrite(dir, "tls.crt", cert) },
				func() error { return overwrite(dir, "tls.key", key) })
		},
	}
}

// inTurn does one thing after the other, with between in between.
func inTurn(between func(), steps ...func() error) error {
	for i, step := range steps {
		if i > 0 {
			between()
		}
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// overwrite empties a file and writes it anew, in two pieces.
func overwrite(dir, name string, data []byte) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, piece := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
		if _, err := f.Write(piece); err != nil {
			return err
		}
	}
	return f.Close()
}

// rename puts a file in the place of another.
func rename(dir, name string, data []byte) error {
	temp := filepath.Join(dir, "."+name+".tmp")
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, filepath.Join(dir, name))
}

// swap replaces both files at once as Kubernetes does: they are links through
// ..data, which is a link to a folder.
func swap(dir string, generation int, cert, key []byte) error {
	folder := fmt.Sprintf("..%d", generation)
	if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
		return err
	}
	for name, data := range map[string][]byte{"tls.crt": cert, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, folder, name), data, 0o600); err != nil {
			return err
		}
	}
	old, _ := os.Readlink(filepath.Join(dir, "..data"))
	if err := os.Symlink(folder, filepath.Join(dir, "..data_tmp")); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		return err
	}
	if old == "" {
		for _, name := range []string{"tls.crt", "tls.key"} {
			if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
				return err
			}
		}
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, old))
}

// A turnover replaces a pair again and again while it is loaded again and
// again and shaken hands with.
type turnover struct {
	t      *testing.T
	ca     *certstest.CA
	server *certstest.Server
	src    certs.Source

	now                     atomic.Pointer[certs.Identity] // as the daemon has it
	shaken                  atomic.Pointer[certs.Identity] // the last that was shaken hands with
	loads, kept, handshakes atomic.Int64
	rotations               int
}

// run makes n rotations, each of which must come to be used.
func (o *turnover) run(n int, replace func(generation int, pair *certstest.Pair, between func())) {
	var memory certs.Memory
	o.load(&memory)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				o.load(&memory)
				pause()
			}
		}
	})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					o.shake()
				}
			}
		})
	}
	for generation := 1; generation <= n && !o.t.Failed(); generation++ {
		pair := o.ca.Client(fmt.Sprintf("generation %d", generation))
		replace(generation, pair, func() {
			for before := o.loads.Load(); generation%5 == 0 && o.loads.Load() < before+2; { // the half must be met
				pause()
			}
		})
		o.await(pair)
		o.rotations++
	}
	close(done)
	wg.Wait()
}

// pause lets the other goroutines have the processor.
func pause() { <-time.After(100 * time.Microsecond) }

// load is a reload of the daemon: whatever the files are like, there is a pair.
func (o *turnover) load(memory *certs.Memory) {
	loader := certs.Loader{Memory: memory}
	id := loader.Load(o.src)
	loader.Remember()
	o.loads.Add(1)
	if id.Err() != nil || id.TLS() == nil {
		o.t.Errorf("there is no pair any more: %v", id.Err())
		return
	}
	if id.Rotation() != nil {
		o.kept.Add(1)
	}
	o.now.Store(id)
}

// shake makes a handshake with the identity of this moment.
func (o *turnover) shake() {
	id := o.now.Load()
	if !handshakes(o.t, o.server, o.ca, id.TLS()) {
		o.t.Error("the server refused a handshake: certificate and key are of two generations")
	}
	o.shaken.Store(id)
	o.handshakes.Add(1)
}

// await waits until the pair is in use.
func (o *turnover) await(pair *certstest.Pair) {
	want := pair.Fingerprint()
	for deadline := time.Now().Add(time.Minute); ; {
		if id := o.shaken.Load(); id != nil && id.Fingerprint() == want {
			return
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%s is not used after a minute: %v", pair.Leaf.Subject.CommonName, o.now.Load().Rotation())
		}
		pause()
	}
}

// TestRotationsUnderLoad replaces a pair in every way while it is loaded and
// used: no handshake has a certificate and a key that do not belong together.
func TestRotationsUnderLoad(t *testing.T) {
	total := 200
	if *full {
		total = 10_000
	}
	ca := certstest.NewCA(t)
	each := total / (len(ways()) + 1)
	turn := func(name string, prepare func(dir string, pair *certstest.Pair) error, replace func(dir string, generation int, pair *certstest.Pair, between func()) error) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			o := &turnover{
				t: t, ca: ca, server: certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAndVerifyClientCert}),
				src: certs.Source{Name: "acme", Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")},
			}
			if err := prepare(dir, ca.Client("generation 0")); err != nil {
				t.Fatal(err)
			}
			o.run(each, func(generation int, pair *certstest.Pair, between func()) {
				if err := replace(dir, generation, pair, between); err != nil {
					t.Fatal(err)
				}
			})
			met := make(map[string]bool)
			for _, peer := range o.server.Peers() {
				met[peer.Certificate.Subject.CommonName] = true
			}
			t.Logf("%d rotations, %d loads (%d met files that could not be used), %d handshakes with %d certificates: 0 mismatched",
				o.rotations, o.loads.Load(), o.kept.Load(), o.handshakes.Load(), len(met))
			if o.rotations != each || len(met) < each {
				t.Errorf("%d rotations and %d certificates, want %d of both", o.rotations, len(met), each)
			}
			if _, torn := ways()[name]; torn && o.kept.Load() == 0 {
				t.Error("no load met a pair that was half written")
			}
		})
	}
	for name, replace := range ways() {
		turn(name, func(dir string, pair *certstest.Pair) error {
			_, _, _, err := pair.Save(dir, "tls")
			return err
		}, func(dir string, _ int, pair *certstest.Pair, between func()) error {
			return replace(dir, pair.CertPEM(), keyPEM(t, pair, certstest.PKCS8), between)
		})
	}
	turn("swapped by Kubernetes", func(dir string, pair *certstest.Pair) error {
		return swap(dir, 0, pair.CertPEM(), keyPEM(t, pair, certstest.PKCS8))
	}, func(dir string, generation int, pair *certstest.Pair, _ func()) error {
		return swap(dir, generation, pair.CertPEM(), keyPEM(t, pair, certstest.PKCS8))
	})
}
