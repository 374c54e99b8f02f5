package alerts

import "time"

// Silence is one reason why nothing is told of a check now.
type Silence struct {
	By    Hold      // [ByMaintenance], [ByMute] or [ByDependency]
	Name  string    // of the maintenance block; the pattern of the mute
	Until time.Time // zero where nobody can know
	Why   string    // as whoever muted it said; may be empty
}

// until says when the window ends in which now lies, if it lies in one.
func (c *calendar) until(now time.Time) (end time.Time, open bool) {
	if !c.open(now) {
		return time.Time{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.to, true
}

// Silences returns every reason why nothing is told of a check now. It agrees
// with [Engine.Muted] and reads no disk.
func (e *Engine) Silences(check string) []Silence {
	e.mu.RLock()
	s := e.subjects[check]
	e.mu.RUnlock()
	if s == nil {
		return nil
	}
	at, now := s.place.Load(), e.time()
	var out []Silence
	for _, c := range at.windows {
		if end, open := c.until(now); open {
			out = append(out, Silence{By: ByMaintenance, Name: c.Name, Until: end})
		}
	}
	e.mutes.mu.RLock()
	for i := range e.mutes.list {
		if m := &e.mutes.list[i]; now.Before(m.Until) && m.pattern.Match(check) {
			out = append(out, Silence{By: ByMute, Name: m.Pattern, Until: m.Until, Why: m.Why})
		}
	}
	e.mutes.mu.RUnlock()
	if s.heldByParents(at, s.state(), now) {
		out = append(out, Silence{By: ByDependency})
	}
	return out
}
