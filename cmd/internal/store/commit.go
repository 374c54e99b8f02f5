package store

import (
	"errors"
	"time"

	"go.etcd.io/bbolt"
)

// retryEvery is how long a disk that could not be written is left alone.
const retryEvery = time.Second

var errNoDisk = errors.New("the state file cannot be written")

// commit returns when the change with this number is on disk, or when writing
// it has failed. Those who come while a commit is under way share the next.
func (db *DB) commit(number uint64) {
	db.writing.Lock()
	defer db.writing.Unlock()
	batch, upTo := db.takeBatch(number)
	if batch == nil {
		return
	}
	db.finish(batch, upTo, db.write(batch))
}

// tryAgain makes a commit of what could not be written before, if it is time.
func (db *DB) tryAgain() {
	db.mu.Lock()
	due := db.failing && !db.closed && !time.Now().Before(db.retry)
	number := db.change + 1
	if due {
		db.change++
	}
	db.mu.Unlock()
	if due {
		db.commit(number)
	}
}

// takeBatch returns what is to be written, and the number of the latest
// change in it. It returns nil if the change with this number is settled, or
// if there is nothing to write, which proves nothing of the disk.
func (db *DB) takeBatch(number uint64) (map[slot][]byte, uint64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.settled >= number {
		return nil, 0
	}
	early := db.failing && !db.closed && time.Now().Before(db.retry) // once closed, there is no later
	if early || len(db.dirty) == 0 {
		db.settle(db.change)
		return nil, 0
	}
	batch := db.dirty
	db.dirty, db.flying = make(map[slot][]byte), batch
	return batch, db.change
}

// settle makes notifications visible. mu is held.
func (db *DB) settle(upTo uint64) {
	db.settled = upTo
	keep := db.fresh[:0]
	for _, it := range db.fresh {
		if it.change <= upTo {
			it.visible = true
		} else {
			keep = append(keep, it)
		}
	}
	clear(db.fresh[len(keep):])
	db.fresh = keep
}

// finish takes note of how a commit has gone.
func (db *DB) finish(batch map[slot][]byte, upTo uint64, err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.settle(upTo)
	db.flying = nil
	if err == nil {
		db.stats.Commits++
		if db.failing {
			db.log.Info("the state file is written again", "file", db.path)
		}
		db.failing = false
		return
	}
	for s, value := range batch {
		if _, newer := db.dirty[s]; !newer {
			db.dirty[s] = value
		}
	}
	db.stats.WriteErrors++
	if !db.failing {
		db.log.Error("the state file could not be written, going on from memory", "file", db.path, "error", err)
	}
	db.failing, db.retry = true, time.Now().Add(retryEvery)
}

// unwritten returns a value that is not on disk yet; nil if it is. mu is held.
func (db *DB) unwritten(s slot) []byte {
	if value, ok := db.dirty[s]; ok {
		return value
	}
	return db.flying[s]
}

// write puts a batch on disk, all of it or nothing.
func (db *DB) write(batch map[slot][]byte) error {
	if db.bolt == nil {
		return errNoDisk
	}
	return guarded(func() error {
		return db.bolt.Update(func(tx *bbolt.Tx) error {
			l, err := ledgerOf(tx)
			if err != nil {
				return err
			}
			for s, value := range batch {
				if err := l.put(tx, s, value); err != nil {
					return err
				}
			}
			return l.write(tx)
		})
	})
}
