package alerts

import "time"

// Silence is one reason why nothing is told of a check now.
type Silence struct {
	By    Hold      `json:"by"`             // [ByMaintenance], [ByMute] or [ByDependency]
	Name  string    `json:"name"`           // of the window, the pattern of the mute, or the check that it depends on
	Until time.Time `json:"until,omitzero"` // zero where the end is not known
	Why   string    `json:"why,omitempty"`  // of a mute, like the following
	Who   string    `json:"who,omitempty"`
}

// String says it for people: `muted until 2026-03-01 04:00 UTC (orders/*): migration`.
func (s Silence) String() string {
	const minute = "2006-01-02 15:04 UTC"
	switch s.By {
	case ByMute:
		text := "muted until " + s.Until.UTC().Format(minute) + " (" + s.Name
		if s.Who != "" {
			text += ", by " + s.Who
		}
		text += ")"
		if s.Why != "" {
			text += ": " + s.Why
		}
		return text
	case ByMaintenance:
		return "maintenance " + s.Name + " until " + s.Until.UTC().Format(minute)
	case ByDependency:
		return "it depends on " + s.Name + ", which fails or has not run since"
	case NotHeld, ByOutage, ByGroup:
	}
	return string(s.By)
}

// Silences returns why nothing is told of a check now. It reads no disk.
func (e *Engine) Silences(check string) []Silence {
	if s := e.subject(check); s != nil {
		return e.silences(s, e.time())
	}
	return nil
}

func (e *Engine) silences(s *subject, now time.Time) []Silence {
	var out []Silence
	at := s.place.Load()
	for _, c := range at.windows {
		if until, open := c.open(now); open {
			out = append(out, Silence{By: ByMaintenance, Name: c.Name, Until: until})
		}
	}
	if m, muted := e.mutes.match(at, now); muted {
		out = append(out, Silence{By: ByMute, Name: m.Pattern, Until: m.Until, Why: m.Why, Who: m.Who})
	}
	if p := s.holdingParent(at, s.state(), now); p != nil {
		out = append(out, Silence{By: ByDependency, Name: p.name})
	}
	return out
}

// Muted says whether a check is silenced now: by a maintenance window, by a
// mute, and because a check that it depends on fails.
func (e *Engine) Muted(check string) (maintenance, mute, dependency bool) {
	s := e.subject(check)
	if s == nil {
		return false, false, false
	}
	at, now := s.place.Load(), e.time()
	_, mute = e.mutes.match(at, now)
	return inMaintenance(at, now), mute, s.holdingParent(at, s.state(), now) != nil
}

// subject returns a configured check, or nil.
func (e *Engine) subject(check string) *subject {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.subjects[check]
}
