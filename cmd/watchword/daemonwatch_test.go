package main

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// watching starts a watcher and ends it with the test.
func watching(t *testing.T) *watcher {
	t.Helper()
	w := newWatcher(slog.New(slog.DiscardHandler))
	if w.notify == nil {
		t.Fatal("the system lets no folder be watched")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func mustChange(t *testing.T, w *watcher, what string) {
	t.Helper()
	select {
	case <-w.changed:
	case <-time.After(patience):
		t.Fatalf("the watcher did not tell of %s", what)
	}
}

// later is a moment by which no file of a test has changed.
func later() time.Time { return time.Now().Add(time.Hour) }

func TestWatcherTellsOfChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := write(t, dir, "probe.key", "old")
	w := watching(t)

	w.Set([]string{key}, []string{dir}, time.Now().Add(-time.Hour))
	mustChange(t, w, "a file that changed before it was watched")

	w.Set([]string{key}, []string{dir}, later())
	write(t, dir, "probe.key", "new")
	mustChange(t, w, "a key that was written")

	write(t, dir, "more.hcl", "")
	mustChange(t, w, "a new file of the configuration")

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	mustChange(t, w, "a folder that is gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.Set([]string{key}, []string{dir}, later())
	write(t, dir, "probe.key", "newer")
	mustChange(t, w, "a key in a folder that was made again")
}

// Kubernetes mounts a folder of links through ..data, and swaps that.
func TestWatcherTellsOfKubernetesSwap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, version := range []string{"..v1", "..v2"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version), "tls.key", version)
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..v1", "..data")
	link("..data/tls.key", "tls.key")
	w := watching(t)
	w.Set([]string{filepath.Join(dir, "tls.key")}, []string{dir}, later())
	link("..v2", "..data_tmp")
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	mustChange(t, w, "the swap")
}

func TestWatcherIsNotConcerned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := watching(t)
	w.Set([]string{filepath.Join(dir, "probe.key")}, []string{dir}, later())
	for name, want := range map[string]bool{
		"watchword.db":   false, // written all the time
		"README.md":      false,
		".probe.key.swp": false,
		"probe.key":      true,
		"checks.hcl":     true,
		"x.hcl.json":     true,
		"..data":         true,
	} {
		if got := w.concerns(write(t, dir, name, "")); got != want {
			t.Errorf("concerns(%s) = %v, want %v", name, got, want)
		}
	}
}

// Where nothing can be watched, files are compared.
func TestWatcherCompares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		key := write(t, dir, "probe.key", "old")
		w := &watcher{changed: make(chan struct{}, 1), stale: make(chan struct{}, 1), logger: slog.New(slog.DiscardHandler), seed: maphash.MakeSeed()}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx) }()
		w.Set([]string{key}, []string{dir}, time.Now().AddDate(100, 0, 0))
		write(t, dir, "probe.key", "another one")
		mustChange(t, w, "a key that was written")
		cancel()
		if err := errors.Join(<-done, w.Close()); err != nil {
			t.Error(err)
		}
	})
}
