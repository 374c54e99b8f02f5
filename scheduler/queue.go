package scheduler

import "slices"

// A queue is a heap of entries by their next slot: four children a node, and
// the slots beside the pointers, so that a sift reads few cache lines.
type queue []item

// An item is an entry and a copy of its next slot.
type item struct {
	due   int64
	entry *entry
}

const children = 4

// order makes the queue a heap.
func (q queue) order() {
	for i := len(q) / children; i >= 0; i-- {
		q.sift(i)
	}
}

// next gives the first entry, which has just had its slot, the slot after it.
func (q queue) next(due int64) {
	q[0].entry.due, q[0].due = due, due
	q.sift(0)
}

// sift moves item i down to where it belongs.
func (q queue) sift(i int) {
	if i >= len(q) {
		return
	}
	moved := q[i]
	for {
		first := i*children + 1
		if first >= len(q) {
			break
		}
		least := first
		for c := first + 1; c < min(first+children, len(q)); c++ {
			if q[c].due < q[least].due {
				least = c
			}
		}
		if moved.due <= q[least].due {
			break
		}
		q[i], i = q[least], least
	}
	q[i] = moved
}

// A backlog holds the entries whose pending slot waits for a free place, first
// come first served. Each is in it once at most.
type backlog struct {
	entries []*entry
	head    int // those before it have left
}

func (b *backlog) len() int { return len(b.entries) - b.head }

func (b *backlog) push(e *entry) {
	if b.head > 0 && len(b.entries) == cap(b.entries) {
		b.entries = slices.Delete(b.entries, 0, b.head)
		b.head = 0
	}
	b.entries = append(b.entries, e)
}

func (b *backlog) pop() *entry {
	e := b.entries[b.head]
	b.entries[b.head] = nil
	b.head++
	return e
}

// keep drops the entries for which stay is false.
func (b *backlog) keep(stay func(*entry) bool) {
	waiting := slices.Delete(b.entries, 0, b.head)
	b.head = 0
	b.entries = slices.DeleteFunc(waiting, func(e *entry) bool { return !stay(e) })
}
