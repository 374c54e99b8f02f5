package alertstest

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"

	"watchword/alerts"
)

// ErrStore is what a [Memory] returns that was told to fail.
var ErrStore = errors.New("the store fails")

// Memory is an [alerts.Store] without a disk. The zero value is empty.
type Memory struct {
	// Twice calls the function of Update twice, as a store may, and throws
	// the first answer away.
	Twice bool

	mu      sync.Mutex
	failing bool
	updates int
	last    uint64
	states  map[string]alerts.State
	queue   []alerts.Notification
	threads map[[2]string]alerts.Reference
	past    alerts.Past
}

var _ alerts.Store = (*Memory)(nil)

// Fail makes every Update fail, or no longer.
func (m *Memory) Fail(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = on
}

// Updates returns how many times Update has succeeded.
func (m *Memory) Updates() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.updates
}

// Queued returns a copy of everything in the queue.
func (m *Memory) Queued() []alerts.Notification {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.queue)
}

// Load implements [alerts.Store].
func (m *Memory) Load(context.Context) (alerts.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := alerts.Snapshot{States: maps.Clone(m.states), Closed: m.past.All()}
	for _, n := range m.queue {
		if i, ok := slices.BinarySearch(out.Receivers, n.Receiver); !ok {
			out.Receivers = slices.Insert(out.Receivers, i, n.Receiver)
		}
	}
	return out, nil
}

// Update implements [alerts.Store].
func (m *Memory) Update(ctx context.Context, key string, fn func(alerts.State) alerts.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing {
		return ErrStore
	}
	if m.Twice {
		fn(m.states[key])
	}
	change := fn(m.states[key])
	state := change.State
	if m.states == nil {
		m.states = make(map[string]alerts.State)
	}
	m.states[key] = state
	if reflect.ValueOf(state).IsZero() {
		delete(m.states, key)
	}
	m.updates++
	if change.Closed != nil {
		m.past.Add(*change.Closed)
	}
	for _, n := range change.Queue {
		if len(m.queue) >= alerts.MaxQueue {
			break
		}
		m.last++
		n.ID = m.last
		m.queue = append(m.queue, n)
	}
	return nil
}

// Pending implements [alerts.Store].
func (m *Memory) Pending(_ context.Context, receiver string, limit int) (alerts.Queue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out alerts.Queue
	for _, n := range m.queue {
		if n.Receiver != receiver {
			continue
		}
		if out.Total == 0 {
			out.Oldest = n.Queued
		}
		out.Total++
		if out.Total <= limit {
			n.Reference = m.threads[[2]string{n.Receiver, n.Thread}]
			out.Notifications = append(out.Notifications, n)
		}
		if limit > 0 && out.Total > 1 && n.Thread == out.Notifications[0].Thread {
			n.Reference = alerts.Reference{}
			out.Notifications[0].Later = append(out.Notifications[0].Later, n)
		}
	}
	return out, nil
}

// Ack implements [alerts.Store].
func (m *Memory) Ack(_ context.Context, r alerts.Receipt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.queue, func(n alerts.Notification) bool { return n.ID == r.ID })
	if i < 0 {
		return nil
	}
	n := &m.queue[i]
	if r.Stage != alerts.Taken {
		n.Attempted = r.Stage == alerts.Begun
		for j := range m.queue {
			if slices.Contains(r.Folded, m.queue[j].ID) {
				m.queue[j].Attempted = n.Attempted
			}
		}
		return nil
	}
	m.take(i, r.Reference)
	for _, id := range r.Folded {
		if i := slices.IndexFunc(m.queue, func(n alerts.Notification) bool { return n.ID == id }); i >= 0 {
			m.take(i, alerts.Reference{})
		}
	}
	return nil
}

// take removes a notification from the queue. m.mu is held.
func (m *Memory) take(i int, ref alerts.Reference) {
	n := &m.queue[i]
	key := [2]string{n.Receiver, n.Thread}
	switch {
	case n.Message.Kind.Closes():
		delete(m.threads, key)
	case ref != (alerts.Reference{}):
		if m.threads == nil {
			m.threads = make(map[[2]string]alerts.Reference)
		}
		m.threads[key] = ref
	}
	m.queue = slices.Delete(m.queue, i, i+1)
}
