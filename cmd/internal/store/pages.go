package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// The first two pages of the database's file say, in turns, what the latest
// commit is: after a header of 16 bytes, in the machine's order, magic,
// version, page size and flags (uint32), root and its sequence, freelist,
// number of pages, number of the commit and a checksum (uint64).
const (
	pageHeader = 16
	metaMagic  = 0xED0CDAED
	metaSize   = 64
)

type metaPage struct{ pageSize, pages, commit uint64 }

// checkMetaPages holds that both can be read and belong together. The database
// itself is content with one, and goes back by one commit if that is not the
// latest one. The disk writes a page's first sector whole or not at all.
func checkMetaPages(file *os.File, size int64) error {
	first, err := readMetaPage(file, 0)
	if err != nil {
		_, other := readMetaPage(file, int64(os.Getpagesize()))
		if errors.Is(err, errForeign) && errors.Is(other, errForeign) {
			return errForeign
		}
		return errors.New("page 0 cannot be read")
	}
	second, err := readMetaPage(file, int64(first.pageSize)) //nolint:gosec // it has a checksum
	if err != nil {
		return errors.New("page 1 cannot be read")
	}
	last, before := max(first.commit, second.commit), min(first.commit, second.commit)
	switch {
	case last != before+1:
		return fmt.Errorf("commit %d does not follow on commit %d", last, before)
	case first.pageSize != second.pageSize:
		return fmt.Errorf("its pages have %d bytes, or %d", first.pageSize, second.pageSize)
	}
	// What stands behind the pages of the latest commit is of no interest.
	latest := first
	if second.commit > first.commit {
		latest = second
	}
	if have := uint64(size) / latest.pageSize; have < latest.pages { //nolint:gosec // no file has a negative size
		return fmt.Errorf("it has %d pages of %d", have, latest.pages)
	}
	return nil
}

func readMetaPage(file *os.File, at int64) (metaPage, error) {
	raw := make([]byte, metaSize)
	if _, err := file.ReadAt(raw, at+pageHeader); err != nil {
		return metaPage{}, errForeign // too short
	}
	u32 := func(i int) uint32 { return binary.NativeEndian.Uint32(raw[i:]) }
	u64 := func(i int) uint64 { return binary.NativeEndian.Uint64(raw[i:]) }
	if u32(0) != metaMagic {
		return metaPage{}, errForeign
	}
	h := fnv.New64a()
	_, _ = h.Write(raw[:metaSize-8])
	if h.Sum64() != u64(metaSize-8) || u32(8) == 0 {
		return metaPage{}, errChecksum
	}
	return metaPage{pageSize: uint64(u32(8)), pages: u64(40), commit: u64(48)}, nil
}
