//go:build unix

package store

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLockIsNotInherited drops a lock while a process is being started, which
// has all files for a moment.
func TestLockIsNotInherited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db.lock")
	for range 2 {
		l, err := acquire(path, 0)
		if err != nil {
			t.Fatal(err)
		}
		inherited, err := unix.Dup(int(l.file.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(inherited) })
		if err := l.release(); err != nil {
			t.Error(err)
		}
	}
}
