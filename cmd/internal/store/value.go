package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime/debug"
)

var errChecksum = errors.New("checksum does not match")

const sumSize = 8

// seal makes the value that stands in a place: a checksum over the place and
// the payload, then the payload.
func seal(s slot, payload []byte) []byte {
	out := make([]byte, sumSize, sumSize+len(payload))
	binary.BigEndian.PutUint64(out, checksum(s, payload))
	return append(out, payload...)
}

// unseal is the inverse of seal. The payload is part of value.
func unseal(s slot, value []byte) ([]byte, error) {
	if len(value) < sumSize || sum(value) != checksum(s, value[sumSize:]) {
		return nil, errChecksum
	}
	return value[sumSize:], nil
}

// sum is the checksum that a sealed value says it has.
func sum(value []byte) uint64 { return binary.BigEndian.Uint64(value) }

// checksum is the beginning of a SHA-256, which no damage leaves as it was and
// which can be added up over many values.
func checksum(s slot, payload []byte) uint64 {
	h := sha256.New()
	head := make([]byte, 0, 64)
	head = append(head, s.bucket...)
	head = binary.BigEndian.AppendUint32(append(head, 0), uint32(len(s.key))) //nolint:gosec // no key is that long
	head = append(head, s.key...)
	h.Write(head)
	h.Write(payload)
	return binary.BigEndian.Uint64(h.Sum(head[:0]))
}

// unsealFirst is unseal for the first format: a CRC-32C of the payload, and
// none in attempts.
func unsealFirst(s slot, value []byte) ([]byte, error) {
	const size = 4
	if s.bucket == attemptBucket {
		return value, nil
	}
	if len(value) < size || binary.BigEndian.Uint32(value) != crc32.Checksum(value[size:], crc32.MakeTable(crc32.Castagnoli)) {
		return nil, errChecksum
	}
	return value[size:], nil
}

// encode seals v as JSON.
func encode(s slot, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a value: %w", err)
	}
	return seal(s, raw), nil
}

// decode is the inverse of encode.
func decode(s slot, value []byte, v any) error {
	raw, err := unseal(s, value)
	if err != nil {
		return err
	}
	return fromJSON(raw, v)
}

func fromJSON(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("decoding a value: %w", err)
	}
	return nil
}

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
