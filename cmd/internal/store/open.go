package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"watchword/alerts"
)

const (
	fileMode = 0o600

	// lockPatience is how long Open waits for a lock: a daemon that is being
	// replaced needs a moment.
	lockPatience = 2 * time.Second
)

// Open opens the state file at path, or makes it. It fails if another process
// has it open (the error names that one's pid), if a directory stands in its
// place, if a newer version of this program wrote it, or if it cannot be
// opened at all. A damaged file is put aside and an empty one begun; on a disk
// that is full or read-only everything is kept in memory: see Problems.
//
// It returns early if ctx ends.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	db := &DB{
		path: path, log: o.Logger, maxQueue: o.MaxQueue,
		states: make(map[string]alerts.State), threads: make(map[string]alerts.Reference),
		queue: newQueue(), past: new(alerts.Past), dirty: make(map[slot][]byte),
	}
	if db.log == nil {
		db.log = slog.New(slog.DiscardHandler)
	}
	if db.maxQueue <= 0 {
		db.maxQueue = alerts.MaxQueue
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { //nolint:gosec // the path is the operator's
		return nil, fmt.Errorf("opening state file %s: it is a %s, %w", path, kind(info.Mode()), errNoFile)
	}
	var err error
	if db.lock, err = acquire(path+".lock", lockPatience); err != nil && !unwritable(err) {
		return nil, fmt.Errorf("opening state file %s: %w", path, err)
	}
	if err := db.open(ctx, o.Child); err != nil {
		_ = db.lock.release()
		return nil, fmt.Errorf("opening state file %s: %w", path, err)
	}
	return db, nil
}

// unwritable says whether the disk is full or read-only, which does not stop
// the daemon.
func unwritable(err error) bool {
	return errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// open opens the file, or deals with one that cannot be used.
func (db *DB) open(ctx context.Context, child Child) error {
	r, err := db.examine(ctx, child)
	switch {
	case errors.Is(err, errSlow):
		db.fromMemory("be read", err)
		return nil
	case err != nil:
		return err
	case r.Verdict == Newer, r.Verdict == Unreadable:
		return errors.New(r.Problem)
	case r.Verdict == Damaged, r.Verdict == Foreign:
		return db.replace(errors.New(r.Problem))
	}
	var refused syscall.Errno
	err = db.try(false)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return errors.New("another process has it open")
	case errors.Is(err, errNewer), errors.As(err, &refused) && !unwritable(err) && refused != syscall.EIO:
		return err // the system's refusal says nothing of the file
	case unwritable(err):
		db.fromMemory("be written", err)
		_ = db.try(true)
		return nil
	}
	return db.replace(err)
}

// examine looks at a file before it is opened. One that is not there is sound.
func (db *DB) examine(ctx context.Context, child Child) (Report, error) {
	if _, err := os.Stat(db.path); errors.Is(err, fs.ErrNotExist) {
		return Report{Verdict: Sound}, nil
	}
	r, err := check(ctx, db.path, child)
	if r.Partial != "" {
		db.log.WarnContext(ctx, "the state file was checked within this process, which leaves its pages out", "file", db.path, "reason", r.Partial)
	}
	return r, err
}

// fromMemory goes on without the file, which cannot be read or written.
func (db *DB) fromMemory(what string, err error) {
	db.problem("state file", fmt.Sprintf("the state file %s cannot %s (%v): the state is kept in memory and lost with the next restart", db.path, what, err))
	db.failing = true
}

// replace puts a damaged file aside and begins a new one.
func (db *DB) replace(damage error) error {
	aside, err := putAside(db.path, time.Now())
	if unwritable(err) {
		db.fromMemory("be used", fmt.Errorf("it is damaged (%w) and cannot be put aside: %w", damage, err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("it is damaged (%w) and cannot be put aside: %w", damage, err)
	}
	db.stats.Quarantined++
	db.problem("state file", fmt.Sprintf("the state file %s was damaged (%v) and put aside as %s: incidents and undelivered messages of before are not known", db.path, damage, aside))
	if err = db.try(false); unwritable(err) {
		db.fromMemory("be written", err)
		return nil
	}
	return err
}

func (db *DB) problem(cause, text string) {
	db.problems = append(db.problems, alerts.Problem{Cause: cause, Text: text})
	db.log.ErrorContext(context.Background(), text)
}

// try opens the file and reads it. After an error nothing of it is kept.
func (db *DB) try(readOnly bool) error {
	err := guarded(func() error {
		var err error
		db.bolt, err = bbolt.Open(db.path, fileMode, &bbolt.Options{
			Timeout: lockPatience, FreelistType: bbolt.FreelistMapType, ReadOnly: readOnly,
		})
		if err != nil {
			return err
		}
		was, err := db.readAll()
		if err != nil || readOnly || was.format == format {
			return err
		}
		return db.bolt.Update(func(tx *bbolt.Tx) error { return prepare(tx, was) })
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
	db.queue, db.past = newQueue(), new(alerts.Past)
	return err
}

// readAll reads the whole file.
func (db *DB) readAll() (l ledger, err error) {
	attempted := make(map[string]bool)
	var closed []alerts.ClosedIncident
	err = db.bolt.View(func(tx *bbolt.Tx) error {
		l, err = readContents(tx, func(s slot, payload []byte) error {
			switch s.bucket {
			case statesBucket:
				var state alerts.State
				err := fromJSON(payload, &state)
				db.states[s.key] = state
				return err
			case threadBucket:
				var ref alerts.Reference
				err := fromJSON(payload, &ref)
				db.threads[s.key] = ref
				return err
			case attemptBucket:
				attempted[s.key] = true
			case closedBucket:
				c, err := closedIncident(s, payload)
				closed = append(closed, c)
				return err
			case queueBucket:
				return db.readQueued(s.key, payload, attempted[s.key])
			}
			return nil
		})
		return err
	})
	db.past = alerts.PastOf(closed)
	return l, err
}

func closedIncident(s slot, payload []byte) (c alerts.ClosedIncident, err error) {
	if err := fromJSON(payload, &c); err != nil {
		return c, err
	}
	if s != closedSlot(&c) {
		return c, fmt.Errorf("incident %d of %s stands in the wrong place", c.Incident, c.Check)
	}
	return c, nil
}

func (db *DB) readQueued(key string, payload []byte, attempted bool) error {
	var n alerts.Notification
	if err := fromJSON(payload, &n); err != nil {
		return err
	}
	if key != idKey(n.ID) {
		return fmt.Errorf("notification %d stands in the wrong place", n.ID)
	}
	it := newItem(n)
	it.visible, it.attempted = true, attempted
	db.queue.add(it)
	return nil
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
