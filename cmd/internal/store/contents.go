package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
)

const (
	format       = 3 // version of the file that this program writes; it reads those before too
	firstFormat  = 1 // other checksums, and no ledger
	secondFormat = 2 // no closed incidents

	metaBucket    = "meta"
	statesBucket  = "states"
	queueBucket   = "queue"
	threadBucket  = "threads"
	attemptBucket = "attempts" // notifications that an attempt has begun for: beside the queue, so that a flag is written and not the whole notification
	closedBucket  = "closed"

	versionKey = "format"   // in digits, as every version of this program finds it
	ledgerKey  = "contents" // a ledger, sealed; so in all formats from the second on
)

var (
	errNewer   = errors.New("newer format") // the file is sound but not ours to touch
	errForeign = errors.New("it is no state file of watchword")
)

// recordBuckets hold all that is counted in the ledger of a file of a format,
// in the order in which it is read: attempts before the queue.
func recordBuckets(format uint64) []string {
	buckets := []string{statesBucket, threadBucket, attemptBucket, queueBucket}
	if format > secondFormat {
		buckets = append(buckets, closedBucket)
	}
	return buckets
}

// A ledger is what a commit says of the file that it leaves behind, so that
// records that are lost, or are those of an earlier commit, are noticed.
type ledger struct {
	format  uint64
	commit  uint64 // number of the transaction
	records uint64
	digest  uint64 // the checksums of all records, added up
}

const ledgerSize = 32

// ledgerOf returns what the last commit has said. In a file of the first
// format that is nothing; a new file has format 0.
func ledgerOf(tx *bbolt.Tx) (ledger, error) {
	meta := tx.Bucket([]byte(metaBucket))
	if meta == nil {
		if tx.ID() > 1 { // more than the database's own beginning
			return ledger{}, errForeign
		}
		return ledger{}, nil
	}
	version, err := strconv.ParseUint(string(bytes.TrimSpace(meta.Get([]byte(versionKey)))), 10, 64)
	if err != nil {
		return ledger{}, fmt.Errorf("its format %q is no number", meta.Get([]byte(versionKey)))
	}
	sealed := meta.Get([]byte(ledgerKey))
	if sealed == nil {
		if version != firstFormat {
			return ledger{}, errors.New("it does not say what it contains")
		}
		return ledger{format: firstFormat}, nil
	}
	raw, err := unseal(slot{metaBucket, ledgerKey}, sealed)
	if err != nil || len(raw) < ledgerSize {
		return ledger{}, fmt.Errorf("what it says of its contents: %w", errChecksum)
	}
	u64 := func(i int) uint64 { return binary.BigEndian.Uint64(raw[8*i:]) }
	l := ledger{u64(0), u64(1), u64(2), u64(3)}
	switch {
	case l.format != version:
		return ledger{}, fmt.Errorf("it says that its format is %d and %d", version, l.format)
	case l.format > format:
		return ledger{}, fmt.Errorf("it was written by a newer version of watchword (%w %d; this one reads %d): use that version, or another file", errNewer, l.format, format)
	}
	return l, nil
}

// write makes the ledger part of a transaction.
func (l *ledger) write(tx *bbolt.Tx) error {
	raw := make([]byte, 0, ledgerSize)
	for _, v := range []uint64{format, uint64(tx.ID()), l.records, l.digest} { //nolint:gosec // counts from 0
		raw = binary.BigEndian.AppendUint64(raw, v)
	}
	return tx.Bucket([]byte(metaBucket)).Put([]byte(ledgerKey), seal(slot{metaBucket, ledgerKey}, raw))
}

// put writes a record, or deletes it if value is nil.
func (l *ledger) put(tx *bbolt.Tx, s slot, value []byte) error {
	b := tx.Bucket([]byte(s.bucket))
	old := b.Get([]byte(s.key))
	if old != nil {
		l.records--
		l.digest -= sum(old)
	}
	if value == nil {
		if old == nil {
			return nil
		}
		return b.Delete([]byte(s.key))
	}
	l.records++
	l.digest += sum(value)
	return b.Put([]byte(s.key), value)
}

// readContents reads every record and holds it against its checksum, and all
// of them against the ledger, which it returns. An error other than errNewer
// and errForeign says how the file is damaged.
func readContents(tx *bbolt.Tx, visit func(s slot, payload []byte) error) (ledger, error) {
	want, err := ledgerOf(tx)
	if err != nil || want.format == 0 {
		return want, err
	}
	var got ledger
	for _, bucket := range recordBuckets(want.format) {
		b := tx.Bucket([]byte(bucket))
		if b == nil {
			return want, fmt.Errorf("it has no %s", bucket)
		}
		err := b.ForEach(func(k, value []byte) error {
			s := slot{bucket, string(k)}
			open := unseal
			if want.format == firstFormat {
				open = unsealFirst
			}
			payload, err := open(s, value)
			if err == nil {
				err = visit(s, payload)
			}
			if err != nil {
				return fmt.Errorf("value %q of %s: %w", k, bucket, err)
			}
			got.records++
			if want.format != firstFormat {
				got.digest += sum(value)
			}
			return nil
		})
		if err != nil {
			return want, err
		}
	}
	switch {
	case want.format == firstFormat:
		want.records = got.records
	case want.commit != uint64(tx.ID()): //nolint:gosec // counts from 0
		return want, fmt.Errorf("it is as commit %d left it, and the latest is %d", want.commit, tx.ID())
	case got.records != want.records:
		return want, fmt.Errorf("it holds %d records of %d", got.records, want.records)
	case got.digest != want.digest:
		return want, errors.New("some of its records are those of an earlier commit")
	}
	return want, nil
}

// prepare makes a new file, or one of a format before, one of this format.
func prepare(tx *bbolt.Tx, was ledger) error {
	meta, err := tx.CreateBucketIfNotExists([]byte(metaBucket))
	if err != nil {
		return err
	}
	if err := meta.Put([]byte(versionKey), []byte(strconv.Itoa(format))); err != nil {
		return err
	}
	for _, bucket := range recordBuckets(format) {
		if _, err := tx.CreateBucketIfNotExists([]byte(bucket)); err != nil {
			return err
		}
	}
	if was.format == firstFormat {
		if was, err = resealed(tx, was.records); err != nil {
			return err
		}
	}
	return was.write(tx)
}

// resealed gives so many records of the first format the checksums of those
// that follow.
func resealed(tx *bbolt.Tx, records uint64) (now ledger, err error) {
	for _, bucket := range recordBuckets(firstFormat) {
		b := tx.Bucket([]byte(bucket))
		values := make(map[slot][]byte)
		err = b.ForEach(func(k, value []byte) error {
			s := slot{bucket, string(k)}
			payload, err := unsealFirst(s, value)
			values[s] = seal(s, payload)
			return err
		})
		if err != nil {
			return now, err
		}
		for s, value := range values {
			now.records++
			now.digest += sum(value)
			if err := b.Put([]byte(s.key), value); err != nil {
				return now, err
			}
		}
	}
	if records != now.records {
		return now, fmt.Errorf("%d records became %d", records, now.records)
	}
	return now, nil
}
