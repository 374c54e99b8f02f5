package scheduler

import (
	"iter"
	"time"
)

// Slots returns the job's slots before an instant, from its next one on, as
// they come unless its schedule changes.
func (s *Scheduler) Slots(job string, until time.Time) iter.Seq[time.Time] {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[job]
	if !ok || e.removed {
		return func(func(time.Time) bool) {}
	}
	own := entry{job: e.job, offset: e.offset, due: e.due}
	return func(yield func(time.Time) bool) {
		for slot, end := own.due, until.UnixNano(); slot < end && slot != never; slot = own.after(slot) {
			if !yield(own.instant(slot)) {
				return
			}
		}
	}
}
