package scheduler

import (
	"maps"
	"slices"
)

// Set replaces the jobs, before Run or during it. A job whose name, schedule
// and splay are as before keeps its timer, whatever its function: its slots
// are neither missed nor doubled. One that is gone ends after its current
// run; one that comes back, or whose schedule has changed, takes its next
// slot from now on. Of two jobs with one name the first counts.
func (s *Scheduler) Set(jobs []Job) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.round++
	if s.entries == nil {
		s.entries = make(map[string]*entry, len(jobs))
	}

	var changed []*entry
	for _, job := range jobs {
		e, ok := s.entries[job.Name]
		if !ok {
			e = &entry{removed: true}
			s.entries[job.Name] = e
		}
		if e.round == s.round {
			continue
		}
		e.round = s.round
		same := !e.removed && e.job.Schedule.Equal(job.Schedule) && e.job.Splay == job.Splay &&
			(e.job.Run == nil) == (job.Run == nil)
		e.job = job
		if !same {
			changed = append(changed, e)
		}
	}
	s.forget()
	s.place(changed)
	for _, e := range changed {
		// A slot that has come and was not yet seen still counts.
		if e.removed || e.due > now || s.wake == nil || !e.runnable() {
			e.due = e.after(max(now, e.held(now)))
		}
		e.removed = false
	}
	s.requeue()
	s.nudge()
}

// forget marks the entries that the current round of Set has not seen, and
// drops those that do not run.
func (s *Scheduler) forget() {
	for name, e := range s.entries {
		if e.round == s.round {
			continue
		}
		e.removed, e.pending, e.due = true, 0, never
		if !e.running {
			delete(s.entries, name)
		}
	}
	s.waiting.keep(func(e *entry) bool { return e.pending != 0 })
}

// requeue makes the queue anew from the entries.
func (s *Scheduler) requeue() {
	s.queue = slices.Grow(s.queue[:0], len(s.entries))
	for e := range maps.Values(s.entries) {
		if !e.removed {
			s.queue = append(s.queue, item{e.due, e})
		}
	}
	s.queue.order()
}
