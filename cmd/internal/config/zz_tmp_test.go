package config

import (
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
)

func TestZZHeap(t *testing.T) {
	runtime.MemProfileRate = 512
	dir := generate(t, 10000, 1000)
	c, err := Load(t.Context(), dir, Options{Environ: environ("PASSWORD", "hunter2-hunter2")})
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC()
	f, _ := os.Create("/tmp/rev_heap.prof")
	pprof.WriteHeapProfile(f)
	f.Close()
	runtime.KeepAlive(c)
}
