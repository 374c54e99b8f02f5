package web

// Each calls fn for every configured check with the outcome of its last run since
// watchword was started: passing, degraded, failing or unknown.
func (b *Board) Each(fn func(check, status string)) {
	v := b.view()
	for _, c := range v.setup.Checks {
		h := v.runs[c.Name]
		h.mu.Lock()
		status := "unknown"
		if h.ran {
			status = statusOf(h.last.outcome)
		}
		h.mu.Unlock()
		fn(c.Name, status)
	}
}

// Location is the configuration's name for where this daemon stands.
func (b *Board) Location() string { return b.view().setup.Location }
