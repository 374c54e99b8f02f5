package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime/debug"
)

var errChecksum = errors.New("checksum does not match")

const sumSize = 4

// encode makes a value of v: a CRC-32C, then JSON.
func encode(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a value: %w", err)
	}
	out := make([]byte, sumSize, sumSize+len(raw))
	binary.BigEndian.PutUint32(out, checksum(raw))
	return append(out, raw...), nil
}

// decode is the inverse of encode.
func decode(value []byte, v any) error {
	if len(value) < sumSize || binary.BigEndian.Uint32(value) != checksum(value[sumSize:]) {
		return errChecksum
	}
	if err := json.Unmarshal(value[sumSize:], v); err != nil {
		return fmt.Errorf("decoding a value: %w", err)
	}
	return nil
}

func checksum(raw []byte) uint32 { return crc32.Checksum(raw, crc32.MakeTable(crc32.Castagnoli)) }

// guarded turns what the database does on a damaged file, panics and faults
// in its memory map, into errors.
func guarded(fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(old)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the database panicked: %v", r)
		}
	}()
	return fn()
}
