package alerts

// Servers returns how many certificates of servers are remembered.
func (e *Engine) Servers() int {
	e.expiry.mu.Lock()
	defer e.expiry.mu.Unlock()
	return len(e.expiry.servers)
}
