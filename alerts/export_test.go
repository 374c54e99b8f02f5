package alerts

import (
	"context"
	"time"
)

// Servers returns how many certificates of servers are remembered.
func (e *Engine) Servers() int {
	e.expiry.mu.Lock()
	defer e.expiry.mu.Unlock()
	return len(e.expiry.servers)
}

// Look does what Run does every second.
func (e *Engine) Look(ctx context.Context, now time.Time) { e.look(ctx, now) }
