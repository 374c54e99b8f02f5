package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// The file's layout, version 2 of bbolt's: numbers in the order of the
// machine's bytes.
const (
	pageHeader   = 16 // id uint64, flags uint16, count uint16, overflow uint32
	elementSize  = 16 // of a branch: pos, ksize uint32, id uint64; of a leaf: flags, pos, ksize, vsize uint32
	bucketHeader = 16 // root, sequence uint64
	metaSize     = 64 // of which the last 8 are the checksum
	metaMagic    = 0xED0CDAED
	maxPageSize  = 64 << 10

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketFlag   = 0x01
	manyFree     = 0xFFFF // the count of a freelist stands in its first element
	noFreelist   = ^uint64(0)
)

// verify reads a file's pages before the database does, which loops, eats all
// memory or kills the process if they refer to each other in a circle or to
// what is not there. A file that is no database at all is left to it.
func verify(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	m, ok := latestMeta(file)
	if !ok {
		return nil
	}
	if have := uint64(info.Size()) / m.pageSize; have < m.pages { //nolint:gosec // no file has a negative size
		return fmt.Errorf("it has %d pages of %d", have, m.pages)
	}
	v := &verifier{file: file, meta: m, seen: make([]bool, m.pages)}
	if err := v.tree(m.root); err != nil {
		return err
	}
	return v.free()
}

type meta struct{ pageSize, root, freelist, pages, txid uint64 }

// latestMeta returns the newer of the two meta pages, if there is any. The
// second stands behind the first, whose size only a meta page tells.
func latestMeta(file io.ReaderAt) (meta, bool) {
	best, found := meta{}, false
	for at := int64(0); at <= maxPageSize; at = max(2*at, 1024) {
		raw := make([]byte, metaSize)
		if _, err := file.ReadAt(raw, at+pageHeader); err != nil {
			break
		}
		sum := fnv.New64a()
		_, _ = sum.Write(raw[:metaSize-8])
		u64 := func(i int) uint64 { return binary.NativeEndian.Uint64(raw[i:]) }
		m := meta{uint64(binary.NativeEndian.Uint32(raw[8:])), u64(16), u64(32), u64(40), u64(48)}
		if binary.NativeEndian.Uint32(raw) != metaMagic || sum.Sum64() != u64(metaSize-8) || m.pageSize == 0 || at > 0 && m.pageSize != uint64(at) {
			continue
		}
		if !found || m.txid > best.txid {
			best, found = m, true
		}
	}
	return best, found
}

type verifier struct {
	meta

	file io.ReaderAt
	seen []bool // pages that are in use, or free
}

// use notes that a page is taken.
func (v *verifier) use(id uint64) error {
	if id < 2 || id >= v.pages {
		return fmt.Errorf("there is no page %d", id)
	}
	if v.seen[id] {
		return fmt.Errorf("page %d is used twice", id)
	}
	v.seen[id] = true
	return nil
}

// page reads a page with those that belong to it.
func (v *verifier) page(id uint64) (p []byte, flags, count uint16, err error) {
	if err := v.use(id); err != nil {
		return nil, 0, 0, err
	}
	head := make([]byte, pageHeader)
	if _, err := v.file.ReadAt(head, int64(id*v.pageSize)); err != nil { //nolint:gosec // within the file
		return nil, 0, 0, err
	}
	if is := binary.NativeEndian.Uint64(head); is != id {
		return nil, 0, 0, fmt.Errorf("page %d says that it is %d", id, is)
	}
	more := uint64(binary.NativeEndian.Uint32(head[12:]))
	for i := range more {
		if err := v.use(id + 1 + i); err != nil {
			return nil, 0, 0, err
		}
	}
	p = make([]byte, (1+more)*v.pageSize)
	_, err = v.file.ReadAt(p, int64(id*v.pageSize)) //nolint:gosec // within the file
	return p, binary.NativeEndian.Uint16(head[8:]), binary.NativeEndian.Uint16(head[10:]), err
}

// tree follows a page to all that are below it.
func (v *verifier) tree(id uint64) error {
	p, flags, count, err := v.page(id)
	if err != nil {
		return err
	}
	switch flags {
	case branchPage:
		err = v.branch(p, int(count))
	case leafPage:
		err = v.leaf(p, int(count))
	default:
		err = fmt.Errorf("its kind is %#x", flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

var errBounds = errors.New("a value stands outside of its page, or out of order")

// span returns what stands at an offset from an element.
func span(p []byte, element int, pos, size uint32) ([]byte, error) {
	from := uint64(element) + uint64(pos) //nolint:gosec // an index
	if to := from + uint64(size); to <= uint64(len(p)) {
		return p[from:to], nil
	}
	return nil, errBounds
}

func (v *verifier) branch(p []byte, count int) error {
	if count == 0 || pageHeader+count*elementSize > len(p) {
		return errBounds
	}
	var last []byte
	for i := range count {
		at := pageHeader + i*elementSize
		key, err := span(p, at, binary.NativeEndian.Uint32(p[at:]), binary.NativeEndian.Uint32(p[at+4:]))
		if err != nil || i > 0 && bytes.Compare(last, key) >= 0 {
			return errBounds
		}
		last = key
		if err := v.tree(binary.NativeEndian.Uint64(p[at+8:])); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) leaf(p []byte, count int) error {
	if pageHeader+count*elementSize > len(p) {
		return errBounds
	}
	var last []byte
	for i := range count {
		at := pageHeader + i*elementSize
		pos, size := binary.NativeEndian.Uint32(p[at+4:]), binary.NativeEndian.Uint32(p[at+8:])
		key, err := span(p, at, pos, size)
		if err != nil || i > 0 && bytes.Compare(last, key) >= 0 {
			return errBounds
		}
		last = key
		value, err := span(p, at+int(size), pos, binary.NativeEndian.Uint32(p[at+12:]))
		if err != nil {
			return err
		}
		if binary.NativeEndian.Uint32(p[at:])&bucketFlag != 0 {
			if err := v.bucket(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket follows a bucket to its pages, or into the value if it is small.
func (v *verifier) bucket(value []byte) error {
	if len(value) < bucketHeader {
		return errBounds
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return v.tree(root)
	}
	p := value[bucketHeader:]
	if len(p) < pageHeader || binary.NativeEndian.Uint16(p[8:]) != leafPage {
		return errBounds
	}
	return v.leaf(p, int(binary.NativeEndian.Uint16(p[10:])))
}

// free looks at the list of free pages: none of them may be in use.
func (v *verifier) free() error {
	if v.freelist == noFreelist {
		return nil
	}
	p, flags, count, err := v.page(v.freelist)
	if err != nil {
		return err
	}
	list, n := p[pageHeader:], uint64(count)
	if count == manyFree {
		n, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if flags != freelistPage || n > uint64(len(list)/8) {
		return errBounds
	}
	for i := range n {
		if err := v.use(binary.NativeEndian.Uint64(list[8*i:])); err != nil {
			return fmt.Errorf("free pages: %w", err)
		}
	}
	return nil
}
