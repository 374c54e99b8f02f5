// Package store keeps the states, the queue and the closed incidents of
// [watchword/alerts] in one file, an embedded database.
//
// What is current stands in memory; the file follows. [DB.Update] changes the
// memory, and then waits until a commit has carried the change to the disk.
// Whoever finds no commit under way makes one with everything that has come
// together since the one before, so that a thousand concurrent updates cost a
// few commits. A commit that fails (a full disk) is counted, and what it held
// goes with the next: checks and messages go on from memory meanwhile.
//
// A process that is killed loses nothing for which Update has returned.
//
// A disk may lose or change what it was given. Each value carries a checksum,
// and each commit says how many records there are and what their checksums add
// up to, so that a file is taken for sound only if every record is the one that
// was written last. Since the database may panic, hang or eat all memory on a
// damaged file, another process looks at it first: see [Child] and [Inspect].
// Where none can be started this one does, which finds out about the records,
// but is not safe from what the database does.
// A file that is damaged is put aside under another name and a new one is
// begun; [DB.Problems] tells of it. [Check] does the same examination for who
// wants to know. One thing looks like a process that was killed, and is taken
// for that: a disk that has lost the whole of the latest commit.
package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"watchword/alerts"
)

var _ alerts.Store = (*DB)(nil)

// ErrClosed is returned by the methods of a DB that was closed.
var ErrClosed = errors.New("the state file is closed")

// Options of [Open]. The zero value is what a daemon wants.
type Options struct {
	Logger   *slog.Logger // nil discards
	MaxQueue int          // 0 means alerts.MaxQueue
	Child    Child        // examines a file before it is opened; nil: only its records are checked
}

// Stats are the figures of a [DB] since it was opened.
type Stats struct {
	Commits     uint64 // that have reached the disk
	WriteErrors uint64 // commits that failed; what they held is kept in memory and goes with the next
	Quarantined uint64 // state files put aside
	Dropped     uint64 // notifications beyond MaxQueue
	Failing     bool   // the last commit failed, or the file cannot be written at all
}

// DB is an [alerts.Store] on a file. Close it at the end.
type DB struct {
	path     string
	log      *slog.Logger
	maxQueue int
	lock     *lock
	problems []alerts.Problem

	writing sync.Mutex // held by whoever commits; taken before mu
	bolt    *bbolt.DB  // nil: the disk cannot be written, memory alone is kept

	mu      sync.Mutex // guards the following
	closed  bool
	states  map[string]alerts.State
	threads map[string]alerts.Reference // by threadKey
	queue   queue
	past    *alerts.Past
	dirty   map[slot][]byte // to be written by the next commit; a nil value deletes
	flying  map[slot][]byte // being written
	fresh   []*item         // notifications that the next commit makes visible
	change  uint64          // number of the latest change in memory
	settled uint64          // number of the latest change that a commit has written, or failed to
	failing bool            // the last commit failed
	retry   time.Time       // when to try again
	full    bool            // the last notification was dropped
	stats   Stats
}

// slot is a place in the file.
type slot struct {
	bucket string
	key    string
}

// Load implements [alerts.Store].
func (db *DB) Load(context.Context) (alerts.Snapshot, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return alerts.Snapshot{}, ErrClosed
	}
	return alerts.Snapshot{States: maps.Clone(db.states), Receivers: db.queue.receivers(), Closed: db.past.All()}, nil
}

// Closed returns the incidents of a check that are over, the oldest first. It
// reads no disk and waits for none.
func (db *DB) Closed(check string) []alerts.ClosedIncident {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.past.Of(check)
}

// Update implements [alerts.Store]. It returns when the change is on disk,
// or when writing it has failed and it is kept in memory.
func (db *DB) Update(ctx context.Context, key string, fn func(alerts.State) alerts.Change) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("updating the state of %s: %w", key, err)
	}
	number, err := db.apply(key, fn)
	if err != nil {
		return fmt.Errorf("updating the state of %s: %w", key, err)
	}
	db.commit(number)
	return nil
}

// Pending implements [alerts.Store]. A notification is seen once its commit
// has ended.
func (db *DB) Pending(_ context.Context, receiver string, limit int) (alerts.Queue, error) {
	if limit > 0 { // who only counts does not wait for a disk
		db.tryAgain()
	}
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return alerts.Queue{}, ErrClosed
	}
	items, total := db.queue.pending(receiver, limit)
	out := alerts.Queue{Total: total, Oldest: db.queue.oldest(receiver)}
	var later []*item
	if len(items) > 0 {
		later = db.queue.later(items[0])
	}
	all := slices.Concat(items, later)
	values := make([][]byte, len(all))
	for i, it := range all {
		values[i] = db.unwritten(slot{queueBucket, idKey(it.id)})
	}
	db.mu.Unlock()

	for i, it := range all {
		n, err := db.read(it, values[i])
		db.mu.Lock()
		gone := db.queue.items[it.id] == nil // taken meanwhile
		n.Attempted = it.attempted
		if i < len(items) {
			n.Reference = db.threads[threadKey(it.receiver, it.thread)]
		}
		db.mu.Unlock()
		switch {
		case gone:
		case err != nil:
			return out, fmt.Errorf("reading notification %d for %s: %w", it.id, receiver, err)
		case i < len(items):
			out.Notifications = append(out.Notifications, n)
		case len(out.Notifications) > 0 && out.Notifications[0].ID == items[0].id:
			out.Notifications[0].Later = append(out.Notifications[0].Later, n)
		}
	}
	return out, nil
}

// read returns a notification, from what is to be written or from the file.
func (db *DB) read(it *item, value []byte) (alerts.Notification, error) {
	var n alerts.Notification
	place := slot{queueBucket, idKey(it.id)}
	if value != nil {
		return n, decode(place, value, &n)
	}
	err := guarded(func() error {
		return db.bolt.View(func(tx *bbolt.Tx) error {
			return decode(place, tx.Bucket([]byte(place.bucket)).Get([]byte(place.key)), &n)
		})
	})
	return n, err
}

// Ack implements [alerts.Store].
func (db *DB) Ack(_ context.Context, r alerts.Receipt) error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return fmt.Errorf("recording the delivery of notification %d: %w", r.ID, ErrClosed)
	}
	it := db.queue.items[r.ID]
	if it == nil {
		db.mu.Unlock()
		return nil
	}
	if r.Stage == alerts.Taken {
		db.take(it, r.Reference)
		for _, id := range r.Folded {
			if other := db.queue.items[id]; other != nil {
				db.take(other, alerts.Reference{})
			}
		}
	} else {
		db.attempt(it, r.Stage)
		for _, id := range r.Folded {
			if other := db.queue.items[id]; other != nil {
				db.attempt(other, r.Stage)
			}
		}
	}
	db.change++
	number := db.change
	db.mu.Unlock()
	db.commit(number)
	return nil
}

// attempt notes whether an attempt has begun whose end is not known. mu is
// held.
func (db *DB) attempt(it *item, stage alerts.Stage) {
	it.attempted = stage == alerts.Begun
	place := slot{attemptBucket, idKey(it.id)}
	db.dirty[place] = nil
	if it.attempted {
		db.dirty[place] = seal(place, []byte{1})
	}
}

// take removes a notification and remembers where its thread stands. mu is
// held.
func (db *DB) take(it *item, ref alerts.Reference) {
	key := threadKey(it.receiver, it.thread)
	db.queue.remove(it)
	db.dirty[slot{queueBucket, idKey(it.id)}] = nil
	db.dirty[slot{attemptBucket, idKey(it.id)}] = nil
	switch {
	case it.closes:
		if _, ok := db.threads[key]; ok {
			delete(db.threads, key)
			db.dirty[slot{threadBucket, key}] = nil
		}
	case ref != (alerts.Reference{}):
		place := slot{threadBucket, key}
		if value, err := encode(place, ref); err == nil {
			db.threads[key] = ref
			db.dirty[place] = value
		}
	}
}

// Stats returns the figures.
func (db *DB) Stats() Stats {
	db.mu.Lock()
	defer db.mu.Unlock()
	s := db.stats
	s.Failing = db.failing
	return s
}

// Problems says what went wrong at Open although it succeeded: a damaged file
// that was put aside, a disk that cannot be written.
func (db *DB) Problems() []alerts.Problem { return slices.Clone(db.problems) }

// Close writes what is still to be written and releases the file. The error
// says that not everything could be written.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true // whoever has changed something before is waited for
	db.change++
	number := db.change
	db.mu.Unlock()
	db.commit(number)

	db.writing.Lock()
	defer db.writing.Unlock()
	db.mu.Lock()
	left := len(db.dirty)
	db.mu.Unlock()
	var err error
	if db.bolt != nil {
		err = db.bolt.Close()
	}
	err = cmp.Or(err, db.lock.release())
	if err != nil {
		return fmt.Errorf("closing state file %s: %w", db.path, err)
	}
	if left > 0 {
		return fmt.Errorf("closing state file %s: %d values could not be written", db.path, left)
	}
	return nil
}

// threadKey is the place of a thread's reference.
func threadKey(receiver, thread string) string { return receiver + "\x00" + thread }

// idKey is the place of a notification; in the order of IDs.
func idKey(id uint64) string { return string(binary.BigEndian.AppendUint64(nil, id)) }
