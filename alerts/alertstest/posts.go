package alertstest

import (
	"slices"
	"sync"
)

// Posts collects what is posted to a [Slack], as it was before any edit: its
// Add is the OnMessage. The zero value is empty.
type Posts struct {
	mu   sync.Mutex
	list []Message
}

// Add takes a message, unless it is an edit.
func (p *Posts) Add(m Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !m.Edited {
		p.list = append(p.list, m)
	}
}

// All returns what was posted since the last Clear, in its order.
func (p *Posts) All() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.list)
}

// Clear forgets everything.
func (p *Posts) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list = nil
}
