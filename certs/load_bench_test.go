package certs_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"watchword/certs"
	"watchword/certs/certstest"
)

// What 1,000 identities cost that share a bundle of 150 authorities: reported
// as time, and as memory that stays, for each identity.
func BenchmarkLoad1000(b *testing.B) {
	const identities = 1_000
	var bundle []byte
	for range 150 {
		bundle = slices.Concat(bundle, certstest.NewCA(b).PEM())
	}
	caFile := write(b, "bundle.pem", bundle)
	ca := certstest.NewCA(b, certstest.Options{Intermediate: true})
	dir := b.TempDir()
	var sources []certs.Source
	for i := range identities {
		name := fmt.Sprint("probe-", i)
		sources = append(sources, certs.Source{Name: name, Hosts: []string{"*." + name + ".acme.com"}, PEM: ca.Client(name).WritePEM(dir), CA: caFile})
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var loader certs.Loader
		ids := make([]*certs.Identity, 0, identities)
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
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/identities, "heap-B/identity")
		runtime.KeepAlive(set)
	}
}
