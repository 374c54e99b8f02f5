package main

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"watchword/cmd/internal/config"
)

func TestWritten(t *testing.T) {
	t.Parallel()
	read := time.Now()
	for _, c := range []struct {
		name    string
		changed time.Duration // after it was read
		want    bool
	}{
		{"quiet for long", -time.Hour, false},
		{"quiet for as long as it must be", -watchQuiet, false},
		{"not quiet yet", 10*time.Millisecond - watchQuiet, true},
		{"while it was read", time.Millisecond, true},
		{"by a clock that is a little ahead", time.Second, true},
		{"at a time to come", time.Hour, false},
	} {
		file := write(t, t.TempDir(), "main.hcl", "")
		if err := os.Chtimes(file, time.Time{}, read.Add(c.changed)); err != nil {
			t.Fatal(err)
		}
		if got := written([]string{file, file + ".gone"}, read); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A reload that nobody asked for leaves a file alone that is being written,
// and comes back to it.
func TestReloadWaitsForTheWriter(t *testing.T) {
	t.Parallel()
	file := write(t, t.TempDir(), "main.hcl", "")
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, time.Time{}, long); err != nil {
		t.Fatal(err)
	}
	writing := true
	d := &daemon{Files: func() []string { return []string{file} }, watcher: &watcher{stale: make(chan struct{}, 1)}}
	load := d.unlessWritten(func(context.Context) (*config.Config, error) {
		if writing {
			return new(config.Config), os.WriteFile(file, []byte("check"), 0o600)
		}
		return new(config.Config), nil
	})
	if cfg, err := load(t.Context()); cfg != nil || !errors.Is(err, errWritten) {
		t.Errorf("while it is written: %v, error %v", cfg, err)
	}
	select {
	case <-d.watcher.stale:
	default:
		t.Error("nothing brings the reload back")
	}
	writing = false
	if err := os.Chtimes(file, time.Time{}, long); err != nil {
		t.Fatal(err)
	}
	if cfg, err := load(t.Context()); cfg == nil || err != nil {
		t.Errorf("when it is quiet: %v, error %v", cfg, err)
	}
}
