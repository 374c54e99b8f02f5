// Package storetest damages state files as disks do that lose power, for tests
// of what becomes of them.
package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// A Victim is a sound file, and what it was like some commits before.
type Victim struct {
	File, Earlier []byte
	PageSize      int
}

// Kinds are the ways in which [Victim.Damage] damages a file.
func Kinds() []string {
	return []string{"bit flipped", "bytes flipped", "page zeroed", "page of noise", "cut short", "pages swapped", "old pages replayed", "hole"}
}

// Damage returns a damaged copy of the file, which differs from it, and a
// description. Without an earlier file nothing can be replayed.
func (v Victim) Damage(rng *rand.Rand, kind string) (file []byte, how string) {
	for {
		file, how = v.try(rng, kind)
		if !bytes.Equal(file, v.File) {
			return file, how
		}
	}
}

func (v Victim) try(rng *rand.Rand, kind string) (file []byte, how string) {
	file = bytes.Clone(v.File)
	page := func() int { return rng.IntN(len(file) / v.PageSize) }
	bytesOf := func(n int) []byte { return file[n*v.PageSize : (n+1)*v.PageSize] }
	switch kind {
	case "bit flipped":
		at, bit := rng.IntN(len(file)), rng.IntN(8)
		file[at] ^= 1 << bit
		how = fmt.Sprintf("bit %d of byte %d flipped", bit, at)
	case "bytes flipped":
		at := rng.IntN(len(file))
		n := min(1+rng.IntN(16), len(file)-at)
		for i := range n {
			file[at+i] ^= byte(1 + rng.IntN(255)) //nolint:gosec // at most 255
		}
		how = fmt.Sprintf("%d bytes from %d on flipped", n, at)
	case "page zeroed":
		n := page()
		clear(bytesOf(n))
		how = fmt.Sprintf("page %d zeroed", n)
	case "page of noise":
		n := page()
		for i := range bytesOf(n) {
			bytesOf(n)[i] = byte(rng.IntN(256)) //nolint:gosec // at most 255
		}
		how = fmt.Sprintf("page %d became noise", n)
	case "cut short":
		file = file[:1+rng.IntN(len(file)-1)]
		how = fmt.Sprintf("cut short after %d bytes", len(file))
	case "pages swapped":
		a, b := page(), page()
		first := bytes.Clone(bytesOf(a))
		copy(bytesOf(a), bytesOf(b))
		copy(bytesOf(b), first)
		how = fmt.Sprintf("pages %d and %d swapped", a, b)
	case "old pages replayed":
		n := rng.IntN(min(len(file), len(v.Earlier)) / v.PageSize)
		copy(bytesOf(n), v.Earlier[n*v.PageSize:])
		how = fmt.Sprintf("page %d is an earlier one", n)
	case "hole":
		at := rng.IntN(len(file))
		n := min(1+rng.IntN(3*v.PageSize), len(file)-at)
		clear(file[at : at+n])
		how = fmt.Sprintf("a hole of %d bytes at %d", n, at)
	}
	return file, how
}
