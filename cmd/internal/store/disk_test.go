//go:build linux

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"watchword/alerts"
)

// smallDisk mounts a disk of 512 KiB, where the test may do that.
func smallDisk(t *testing.T) (dir string, remount func(readOnly bool)) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skipf("mounting a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir, func(readOnly bool) {
		t.Helper()
		flags := uintptr(unix.MS_REMOUNT)
		if readOnly {
			flags |= unix.MS_RDONLY
		}
		if err := unix.Mount("tmpfs", dir, "tmpfs", flags, "size=512k"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiskFull(t *testing.T) {
	dir, _ := smallDisk(t)
	path, filler := filepath.Join(dir, "s.db"), filepath.Join(dir, "filler")
	db := open(t, path, Options{})
	put(t, db, "a", 1, "r")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	big := strings.Repeat("x", 50_000)
	for range 5 {
		put(t, db, big[:1000], 2, "r")
	}
	err := db.Update(t.Context(), "b", func(s alerts.State) alerts.Change {
		s.Failing = 7
		return alerts.Change{State: s, Queue: []alerts.Notification{{Receiver: "r", Message: alerts.Message{Headline: big}}}}
	})
	if err != nil || failing(t, db, "b") != 7 {
		t.Fatalf("Update: %v, state %d", err, failing(t, db, "b"))
	}
	if s := db.Stats(); s.WriteErrors == 0 || !s.Failing {
		t.Errorf("no write error was counted: %+v", s)
	}
	q, err := db.Pending(t.Context(), "r", 100)
	if err != nil || len(q.Notifications) != 7 {
		t.Fatalf("%d notifications can be sent, want 7: %v", len(q.Notifications), err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	db.mu.Lock()
	db.retry = time.Time{}
	db.mu.Unlock()
	if _, err := db.Pending(t.Context(), "r", 1); err != nil { // looks whether the disk can be written again
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, path, Options{})
	if failing(t, db, "b") != 7 || db.Problems() != nil {
		t.Errorf("after reopening: state %d, problems %v", failing(t, db, "b"), db.Problems())
	}
}

// TestRunsOnFullDisk keeps what was saved before, and takes no room.
func TestRunsOnFullDisk(t *testing.T) {
	dir, remount := smallDisk(t)
	path, filler := filepath.Join(dir, "s.db"), filepath.Join(dir, "filler")
	db := open(t, path, Options{})
	if err := saveRuns(db, "before"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filler, make([]byte, 300<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 400_000)
	if err := saveRuns(db, big); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("got %v", err)
	}
	wantRuns(t, db, "before")
	put(t, db, "a", 1, "r")
	if db.Stats().WriteErrors != 0 {
		t.Error("there is no room left for the state")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := saveRuns(db, big[:300_000]); err != nil {
		t.Fatal(err)
	}
	wantRuns(t, db, big[:300_000])
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	remount(true)
	if db = open(t, path, Options{}); saveRuns(db, "in vain") == nil {
		t.Error("a disk that is read-only was written")
	}
	wantRuns(t, db, big[:300_000])
}

func TestDiskReadOnlyAtStart(t *testing.T) {
	dir, remount := smallDisk(t)
	path := filepath.Join(dir, "s.db")
	db := open(t, path, Options{})
	put(t, db, "a", 1, "r")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	remount(true)
	for _, p := range []string{path, filepath.Join(dir, "new.db")} {
		db = open(t, p, Options{})
		if len(db.Problems()) != 1 || !strings.Contains(db.Problems()[0].Text, "kept in memory") {
			t.Errorf("problems %v", db.Problems())
		}
		if p == path && failing(t, db, "a") != 1 {
			t.Error("what stands in the file is not known")
		}
		if _, err := db.Pending(t.Context(), "r", 9); err != nil || !db.Stats().Failing { // as the outbox asks all the time
			t.Errorf("with nothing to write the disk is taken for a good one: %v", err)
		}
		put(t, db, "b", 2, "r")
		q, err := db.Pending(t.Context(), "r", 9)
		if want := map[string]int{path: 2}[p]; err != nil || len(q.Notifications) != max(want, 1) {
			t.Errorf("%d notifications: %v", len(q.Notifications), err)
		}
		if db.Stats().WriteErrors == 0 || db.Stats().Quarantined != 0 {
			t.Errorf("stats %+v", db.Stats())
		}
		_ = db.Close()
	}
}

// TestDamagedOnFullDisk puts the file aside, and cannot begin a new one.
func TestDamagedOnFullDisk(t *testing.T) {
	dir, _ := smallDisk(t)
	path := filepath.Join(dir, "s.db")
	if err := os.WriteFile(path, []byte("this is no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600); err == nil {
		t.Fatal("the disk is not full")
	}
	db := open(t, path, Options{Child: child})
	if p := db.Problems(); len(p) != 2 || !strings.Contains(p[0].Text, "put aside as") || !strings.Contains(p[1].Text, "kept in memory") {
		t.Errorf("problems %v", p)
	}
	put(t, db, "a", 1, "r")
	if failing(t, db, "a") != 1 {
		t.Error("the state is not known")
	}
}

// TestDamagedOnReadOnlyDisk cannot put the file aside, and goes on without it.
func TestDamagedOnReadOnlyDisk(t *testing.T) {
	dir, remount := smallDisk(t)
	path := filepath.Join(dir, "s.db")
	if err := os.WriteFile(path, []byte("this is no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	remount(true)
	db := open(t, path, Options{Child: child})
	if p := db.Problems(); len(p) != 1 || !strings.Contains(p[0].Text, "cannot be put aside") || !strings.Contains(p[0].Text, "kept in memory") {
		t.Errorf("problems %v", p)
	}
	put(t, db, "a", 1, "r")
	if failing(t, db, "a") != 1 || db.Stats().Quarantined != 0 {
		t.Errorf("stats %+v", db.Stats())
	}
}
