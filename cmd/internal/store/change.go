package store

import (
	"reflect"

	"watchword/alerts"
)

// apply makes the change in memory, all of it or nothing.
func (db *DB) apply(key string, fn func(alerts.State) alerts.Change) (uint64, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return 0, ErrClosed
	}
	change := fn(db.states[key])
	value, err := encode(slot{statesBucket, key}, change.State)
	if err != nil {
		return 0, err
	}
	forget := reflect.ValueOf(change.State).IsZero()
	if forget {
		value = nil
	}
	items, values, err := db.enlist(change.Queue)
	if err != nil {
		return 0, err
	}
	if err := db.keep(change.Closed); err != nil {
		return 0, err
	}
	db.change++
	db.states[key] = change.State
	if forget {
		delete(db.states, key)
	}
	db.dirty[slot{statesBucket, key}] = value
	for i, it := range items {
		it.change = db.change
		db.queue.add(it)
		db.fresh = append(db.fresh, it)
		db.dirty[slot{queueBucket, idKey(it.id)}] = values[i]
	}
	return db.change, nil
}

// enlist makes items of the notifications that there is room for, with their
// values. mu is held.
func (db *DB) enlist(list []alerts.Notification) (items []*item, values [][]byte, err error) {
	for i := range list {
		if db.queue.len()+len(items) >= db.maxQueue {
			if db.stats.Dropped++; !db.full {
				db.log.Error("the queue is full: notifications are dropped", "limit", db.maxQueue, "receiver", list[i].Receiver)
			}
			db.full = true
			continue
		}
		n := list[i]
		n.ID = db.queue.last + uint64(len(items)) + 1
		raw, err := encode(slot{queueBucket, idKey(n.ID)}, n)
		if err != nil {
			return nil, nil, err
		}
		items, values = append(items, newItem(n)), append(values, raw)
		db.full = false
	}
	return items, values, nil
}

// keep adds a closed incident, if it is one, to those that are kept. mu is
// held. After an error nothing has changed.
func (db *DB) keep(c *alerts.ClosedIncident) error {
	if c == nil {
		return nil
	}
	value, err := encode(closedSlot(c), *c)
	if err != nil {
		return err
	}
	for _, old := range db.past.Add(*c) {
		db.dirty[closedSlot(&old)] = nil
	}
	db.dirty[closedSlot(c)] = value
	return nil
}

// closedSlot is the place of a closed incident.
func closedSlot(c *alerts.ClosedIncident) slot {
	return slot{closedBucket, c.Check + "\x00" + idKey(c.Incident)}
}
