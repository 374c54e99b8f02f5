package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

const (
	runsSuffix = ".runs"

	// maxRuns is how many bytes [DB.LoadRuns] reads: many times of what is
	// ever written.
	maxRuns = 64 << 20
)

// SaveRuns keeps what write writes for the next LoadRuns, all of it or what was
// kept before. It stands in a file of its own beside the state file, with a
// checksum: it is written as a whole and seldom, it may be lost, and neither
// its damage nor a disk that is full has any part in the states and the queue.
// There must be one call at a time.
func (db *DB) SaveRuns(write func(io.Writer) error) error {
	path := db.path + runsSuffix
	if db.bolt == nil { // the disk may not even answer
		return fmt.Errorf("writing %s: %w", path, errNoDisk)
	}
	if err := replaceFile(path, write); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func replaceFile(path string, write func(io.Writer) error) error {
	next := path + ".new"
	file, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = write(io.MultiWriter(file, sum))
	if err == nil {
		_, err = file.Write(sum.Sum(nil))
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		_ = os.Remove(next) // a full disk wants its room back
	}
	return err
}

// LoadRuns returns what SaveRuns has kept: nothing if there is none, or the
// state file cannot be used. An error says that it is damaged or cannot be read;
// the next SaveRuns replaces it.
func (db *DB) LoadRuns() ([]byte, error) {
	if db.bolt == nil {
		return nil, nil
	}
	path := db.path + runsSuffix
	raw, err := readSummed(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return raw, nil
}

func readSummed(path string) ([]byte, error) {
	file, err := openPlain(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxRuns))
	if err != nil {
		return nil, err
	}
	n := len(raw) - sha256.Size
	if n < 0 {
		return nil, errChecksum
	}
	if sum := sha256.Sum256(raw[:n]); !bytes.Equal(sum[:], raw[n:]) {
		return nil, errChecksum
	}
	return raw[:n], nil
}
