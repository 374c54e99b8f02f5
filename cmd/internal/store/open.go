package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"watchword/alerts"
)

const (
	format     = 1 // version of the file that this program reads and writes
	versionKey = "format"
	fileMode   = 0o600

	// lockPatience is how long Open waits for a lock: a daemon that is being
	// replaced needs a moment.
	lockPatience = 2 * time.Second
)

// errNewer: the file is sound but not ours to touch.
var errNewer = errors.New("newer format")

// Open opens the state file at path, or makes it. It fails if another process
// has it open (the error names that one's pid), if a directory stands in its
// place, if a newer version of this program wrote it, or if it cannot be
// opened at all. A damaged file is put aside and an empty one begun; on a disk
// that is full or read-only everything is kept in memory: see Problems.
func Open(path string, o Options) (*DB, error) {
	db := &DB{
		path: path, log: o.Logger, maxQueue: o.MaxQueue,
		states: make(map[string]alerts.State), threads: make(map[string]alerts.Reference),
		queue: newQueue(), dirty: make(map[slot][]byte),
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.maxQueue <= 0 {
		db.maxQueue = alerts.MaxQueue
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { //nolint:gosec // the path is the operator's
		return nil, fmt.Errorf("opening state file %s: it is a %s, not a file", path, kind(info.Mode()))
	}
	var err error
	if db.lock, err = acquire(path+".lock", lockPatience); err != nil && !unwritable(err) {
		return nil, fmt.Errorf("opening state file %s: %w", path, err)
	}
	if err := db.open(); err != nil {
		_ = db.lock.release()
		return nil, fmt.Errorf("opening state file %s: %w", path, err)
	}
	return db, nil
}

func kind(m fs.FileMode) string {
	if m.IsDir() {
		return "directory"
	}
	return "special file"
}

// unwritable says whether the disk is full or read-only, which does not stop
// the daemon.
func unwritable(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// open opens the file, or deals with one that cannot be used.
func (db *DB) open() error {
	var refused syscall.Errno
	err := db.try(false)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return errors.New("another process has it open")
	case errors.Is(err, errNewer), errors.As(err, &refused) && !unwritable(err) && refused != syscall.EIO:
		return err // the system's refusal says nothing of the file
	case unwritable(err):
		db.problem("state file", fmt.Sprintf("the state file %s cannot be written (%v): the state is kept in memory and lost with the next restart", db.path, err))
		_ = db.try(true)
		db.failing = true
		return nil
	}
	aside, renameErr := putAside(db.path, time.Now())
	if renameErr != nil {
		return fmt.Errorf("it is damaged (%w) and cannot be put aside: %w", err, renameErr)
	}
	db.stats.Quarantined++
	db.problem("state file", fmt.Sprintf("the state file %s was damaged (%v) and put aside as %s: open incidents and undelivered messages of before are not known", db.path, err, aside))
	return db.try(false)
}

func (db *DB) problem(cause, text string) {
	db.problems = append(db.problems, alerts.Problem{Cause: cause, Text: text})
	db.log.ErrorContext(context.Background(), text)
}

// try opens the file and reads it. After an error nothing of it is kept.
func (db *DB) try(readOnly bool) (err error) {
	if err := verify(db.path); err != nil {
		return err
	}
	err = guarded(func() error {
		var err error
		db.bolt, err = bbolt.Open(db.path, fileMode, &bbolt.Options{
			Timeout: lockPatience, FreelistType: bbolt.FreelistMapType, ReadOnly: readOnly,
		})
		if err != nil {
			return err
		}
		if !readOnly {
			if err := db.prepare(); err != nil {
				return err
			}
		}
		return db.bolt.View(db.readAll)
	})
	if err == nil {
		return nil
	}
	if db.bolt != nil {
		_ = guarded(db.bolt.Close)
		db.bolt = nil
	}
	clear(db.states)
	clear(db.threads)
	db.queue = newQueue()
	return err
}

// prepare looks at the version and makes the buckets.
func (db *DB) prepare() error {
	return db.bolt.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists([]byte(metaBucket))
		if err != nil {
			return err
		}
		if v := meta.Get([]byte(versionKey)); v != nil {
			n, err := strconv.Atoi(string(bytes.TrimSpace(v)))
			if err != nil {
				return fmt.Errorf("its format %q is no number", v)
			}
			if n > format {
				return fmt.Errorf("it was written by a newer version of watchword (%w %d; this one reads %d): use that version, or another file", errNewer, n, format)
			}
		}
		for _, name := range []string{statesBucket, queueBucket, attemptBucket, threadBucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return meta.Put([]byte(versionKey), []byte(strconv.Itoa(format)))
	})
}

// readAll reads the whole file, and so finds out whether its values are sound.
func (db *DB) readAll(tx *bbolt.Tx) error {
	if err := db.readQueue(tx); err != nil {
		return err
	}
	err := each(tx, statesBucket, func(key string, value []byte) error {
		var s alerts.State
		err := decode(value, &s)
		db.states[key] = s
		return err
	})
	if err != nil {
		return err
	}
	return each(tx, threadBucket, func(key string, value []byte) error {
		var ref alerts.Reference
		err := decode(value, &ref)
		db.threads[key] = ref
		return err
	})
}

func (db *DB) readQueue(tx *bbolt.Tx) error {
	attempts := tx.Bucket([]byte(attemptBucket))
	return each(tx, queueBucket, func(key string, value []byte) error {
		var n alerts.Notification
		if err := decode(value, &n); err != nil {
			return err
		}
		if len(key) != 8 || binary.BigEndian.Uint64([]byte(key)) != n.ID {
			return fmt.Errorf("notification %d stands in the wrong place", n.ID)
		}
		it := newItem(n)
		it.visible = true
		it.attempted = attempts != nil && attempts.Get([]byte(key)) != nil
		db.queue.add(it)
		return nil
	})
}

func each(tx *bbolt.Tx, bucket string, fn func(key string, value []byte) error) error {
	b := tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	return b.ForEach(func(k, v []byte) error {
		if err := fn(string(k), v); err != nil {
			return fmt.Errorf("value %q of %s: %w", k, bucket, err)
		}
		return nil
	})
}

// putAside renames a damaged file and returns its new name.
func putAside(path string, now time.Time) (string, error) {
	base := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	name := base
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			break
		}
		name = fmt.Sprintf("%s-%d", base, i)
	}
	return name, os.Rename(path, name)
}
