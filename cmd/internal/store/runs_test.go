package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func saveRuns(db *DB, text string) error {
	return db.SaveRuns(func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

func wantRuns(t *testing.T, db *DB, want string) {
	t.Helper()
	got, err := db.LoadRuns()
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestRuns saves runs, fails to, and reads what was saved last.
func TestRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db := open(t, path, Options{})
	if raw, err := db.LoadRuns(); raw != nil || err != nil {
		t.Errorf("before: %q, %v", raw, err)
	}
	for _, text := range []string{"", "first", strings.Repeat("second", 100_000)} {
		if err := saveRuns(db, text); err != nil {
			t.Fatal(err)
		}
		wantRuns(t, db, text)
	}
	broken := errors.New("broken off")
	err := db.SaveRuns(func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of")
		return broken
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), path+".runs") {
		t.Errorf("got %v", err)
	}
	wantRuns(t, db, strings.Repeat("second", 100_000))
	if left, _ := filepath.Glob(path + ".runs?*"); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
	if info, err := os.Stat(path + ".runs"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info, err)
	}
	if err := os.WriteFile(path+".runs.new", []byte("of a process that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := saveRuns(db, "short"); err != nil {
		t.Fatal(err)
	}
	wantRuns(t, db, "short")
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := saveRuns(db, "nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}

// TestDamagedRuns damages the file in every byte, and puts something else in
// its place. Nothing of that is taken, nothing is waited for, and the state
// file has no part in it.
func TestDamagedRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	db := open(t, path, Options{})
	if err := saveRuns(db, "runs of a check"); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path + ".runs")
	if err != nil {
		t.Fatal(err)
	}
	try := func(raw []byte) {
		t.Helper()
		if err := os.WriteFile(path+".runs", raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := db.LoadRuns(); err == nil {
			t.Errorf("got %q of %q", got, raw)
		}
	}
	for i := range sound {
		raw := bytes.Clone(sound)
		raw[i] ^= 1
		try(raw)
		try(sound[:i])
	}
	try(append(bytes.Clone(sound), 0))
	if err := os.Remove(path + ".runs"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path+".runs", 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := db.LoadRuns(); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("got %q, %v of a directory", got, err)
	}
	if err := saveRuns(db, "in vain"); err == nil {
		t.Error("a directory was replaced")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db = open(t, path, Options{Child: child}); db.Problems() != nil {
		t.Errorf("problems %v", db.Problems())
	}
}
