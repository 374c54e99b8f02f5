//go:build unix

package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lock says that a process has the state file open. It is a file beside it
// that holds the pid; the kernel drops the lock with the process.
type lock struct{ file *os.File }

// acquire takes the lock, and waits a while for another process to drop it.
// The error names that process.
func acquire(path string, patience time.Duration) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode) //nolint:gosec // the path is the operator's
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || time.Now().After(end) {
			defer f.Close()
			return nil, held(f, err)
		}
		<-time.After(20 * time.Millisecond)
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil && !unwritable(err) { // the pid is a courtesy: a full disk does not stop us
		_ = f.Close()
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return &lock{f}, nil
}

// holder returns an error that names the process which has the lock, if there
// is one. It changes nothing.
func holder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil // nobody has ever taken it, or the file itself will tell
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return held(f, err)
	}
	return nil
}

// held explains why the lock cannot be had.
func held(f *os.File, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("locking %s: %w", f.Name(), err)
	}
	raw, _ := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(raw)); pid != "" {
		return fmt.Errorf("another watchword has it open: the process with pid %s", pid)
	}
	return errors.New("another process has it open")
}

// release drops the lock. The file stays: removing it would race with whoever
// waits for it.
func (l *lock) release() error {
	if l == nil {
		return nil
	}
	// A process that is being started has the file too for a moment, and would
	// keep the lock if the file was only closed.
	err := unix.Flock(int(l.file.Fd()), unix.LOCK_UN)
	return cmp.Or(l.file.Close(), err)
}
