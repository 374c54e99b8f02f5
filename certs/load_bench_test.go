package certs_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"watchword/certs"
	"watchword/certs/certstest"
)

// What 1,000 identities cost that share a bundle of 150 authorities: reported
// as time, and as memory that stays, for each identity.
func BenchmarkLoad1000(b *testing.B) {
	sources := thousand(b)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var loader certs.Loader
		ids := make([]*certs.Identity, 0, len(sources))
		for _, src := range sources {
			id := loader.Load(src)
			if err := id.Err(); err != nil {
				b.Fatal(err)
			}
			ids = append(ids, id)
		}
		set, err := certs.NewSet(ids)
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(sources)), "heap-B/identity")
		runtime.KeepAlive(set)
	}
}

// thousand are the sources of 1,000 identities that share a bundle of 150
// authorities.
func thousand(b *testing.B) []certs.Source {
	b.Helper()
	var bundle []byte
	for range 150 {
		bundle = slices.Concat(bundle, certstest.NewCA(b).PEM())
	}
	caFile := write(b, "bundle.pem", bundle)
	ca := certstest.NewCA(b, certstest.Options{Intermediate: true})
	dir := b.TempDir()
	var sources []certs.Source
	for i := range 1_000 {
		name := fmt.Sprint("probe-", i)
		sources = append(sources, certs.Source{Name: name, Hosts: []string{"*." + name + ".acme.com"}, PEM: ca.Client(name).WritePEM(dir), CA: caFile})
	}
	return sources
}

// What a reload costs in which one certificate of 1,000 was replaced.
func BenchmarkReload1000(b *testing.B) {
	sources := thousand(b)
	ca := certstest.NewCA(b)
	pairs := [2]*certstest.Pair{ca.Client("probe"), ca.Client("probe")}
	dir := b.TempDir()
	var memory certs.Memory
	for i := 0; b.Loop(); i++ {
		if _, _, _, err := pairs[i%2].Save(dir, "probe"); err != nil {
			b.Fatal(err)
		}
		sources[0].PEM = filepath.Join(dir, "probe.pem")
		loader := certs.Loader{Memory: &memory}
		for _, src := range sources {
			if id := loader.Load(src); id.Err() != nil || id.Rotation() != nil {
				b.Fatal(id.Err(), id.Rotation())
			}
		}
		loader.Remember()
	}
}
