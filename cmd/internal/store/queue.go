package store

import (
	"maps"
	"slices"
	"time"

	"watchword/alerts"
)

// item is what is kept in memory of a queued notification; the rest stays on
// disk.
type item struct {
	id        uint64
	receiver  string
	thread    string
	queued    time.Time
	closes    bool // the thread ends with it
	attempted bool
	visible   bool   // its commit has ended
	change    uint64 // that queued it
}

func newItem(n alerts.Notification) *item {
	return &item{
		id: n.ID, receiver: n.Receiver, thread: n.Thread, queued: n.Queued,
		closes: n.Message.Kind.Closes(), attempted: n.Attempted,
	}
}

// queue is an index of what is queued.
type queue struct {
	items   map[uint64]*item
	lines   map[string][]*item // by receiver, ascending
	threads map[string][]*item // by threadKey, ascending
	last    uint64             // ID given last
}

func newQueue() queue {
	return queue{items: make(map[uint64]*item), lines: make(map[string][]*item), threads: make(map[string][]*item)}
}

func (q *queue) len() int { return len(q.items) }

func (q *queue) add(it *item) {
	q.items[it.id] = it
	q.lines[it.receiver] = append(q.lines[it.receiver], it)
	key := threadKey(it.receiver, it.thread)
	q.threads[key] = append(q.threads[key], it)
	q.last = max(q.last, it.id)
}

func (q *queue) remove(it *item) {
	delete(q.items, it.id)
	cut(q.lines, it.receiver, it)
	cut(q.threads, threadKey(it.receiver, it.thread), it)
}

// cut takes an item out of the list of a key; the first is the usual one.
func cut(lists map[string][]*item, key string, it *item) {
	list := lists[key]
	if i := slices.Index(list, it); i == 0 {
		list[0] = nil
		list = list[1:]
	} else if i > 0 {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == 0 {
		delete(lists, key)
		return
	}
	lists[key] = list
}

// later returns the visible items of the same thread behind one.
func (q *queue) later(it *item) []*item {
	var out []*item
	for _, other := range q.threads[threadKey(it.receiver, it.thread)] {
		if other.id > it.id && other.visible {
			out = append(out, other)
		}
	}
	return out
}

// pending returns the first items of a receiver that are visible, and how
// many there are in all.
func (q *queue) pending(receiver string, limit int) ([]*item, int) {
	line := q.lines[receiver]
	n := 0
	for n < len(line) && n < limit && line[n].visible {
		n++
	}
	return slices.Clone(line[:n]), len(line)
}

func (q *queue) oldest(receiver string) time.Time {
	if line := q.lines[receiver]; len(line) > 0 {
		return line[0].queued
	}
	return time.Time{}
}

func (q *queue) receivers() []string { return slices.Sorted(maps.Keys(q.lines)) }
