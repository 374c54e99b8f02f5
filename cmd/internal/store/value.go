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

// seal makes the value that stands in a place: the payload, then a checksum
// over the place and the payload.
func seal(s slot, payload []byte) []byte {
	head := len(s.bucket) + 1 + 4 + len(s.key)
	out := make([]byte, 0, head+len(payload)+sumSize)
	out = append(s.appendTo(out), payload...)
	return binary.BigEndian.AppendUint64(out, checksum(out))[head:]
}

// unseal is the inverse of seal. The payload is part of value.
func unseal(s slot, value []byte) ([]byte, error) {
	n := len(value) - sumSize
	if n < 0 || sum(value) != checksum(append(s.appendTo(make([]byte, 0, 128+len(value))), value[:n]...)) {
		return nil, errChecksum
	}
	return value[:n:n], nil
}

// sum is the checksum that a sealed value says it has.
func sum(value []byte) uint64 { return binary.BigEndian.Uint64(value[len(value)-sumSize:]) }

// checksum is the beginning of a SHA-256, which no damage leaves as it was and
// which can be added up over many values.
func checksum(raw []byte) uint64 {
	h := sha256.Sum256(raw)
	return binary.BigEndian.Uint64(h[:])
}

// appendTo writes a place down so that no two are alike.
func (s slot) appendTo(b []byte) []byte {
	b = append(b, s.bucket...)
	b = binary.BigEndian.AppendUint32(append(b, 0), uint32(len(s.key))) //nolint:gosec // no key is that long
	return append(b, s.key...)
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
