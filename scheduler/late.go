package scheduler

import "time"

const (
	// The wall clock is looked at this often at least.
	lookEvery = time.Second
	// Between two looks that are further apart the process was suspended or
	// stalled, or the clock was set forward.
	stalledAfter = 2 * lookEvery
	// A clock that is set back by more is taken to have been wrong: slots up
	// to where it was count as not run. The figure is ISC cron's.
	correction = 3 * time.Hour
	// A run is never later than this because of a stall.
	mostLate = 30 * time.Second
	// So many slots missed by one job are counted one by one; more are
	// estimated.
	countedSlots = 4096
)

// pass moves the entry past the slots that have come by now. It returns the
// slot to run for, 0 if there is none, how many others were missed, and the
// next slot.
func (e *entry) pass(now int64, stalled bool) (slot int64, missed int, next int64) {
	slot = e.due
	if usual := int64(e.job.Schedule.interval); (now-slot)/usual > countedSlots {
		missed, slot = int((now-slot)/usual)+1, 0
		return slot, missed, e.after(now)
	}
	next = e.after(slot)
	for next <= now {
		missed++
		slot, next = next, e.after(next)
	}
	if stalled && now-slot > int64(e.tolerance()) {
		return 0, missed + 1, next
	}
	return slot, missed, next
}

// tolerance is how late a slot may be run after a stall. Jobs that share a
// schedule come at once anyway. Of jobs that are spread, no more than one in
// a thousand may come at once.
func (e *entry) tolerance() time.Duration {
	if e.spread() {
		return min(mostLate, e.job.Schedule.interval/1000)
	}
	return min(mostLate, e.job.Schedule.interval/2)
}

// held returns the slot up to which no other may be run because the clock was
// set back, or 0.
func (e *entry) held(now int64) int64 {
	most := correction
	if e.runnable() && e.job.Schedule.every > 0 {
		most = e.job.Schedule.every
	}
	if e.last > now && e.last-now <= int64(most) {
		return e.last
	}
	return 0
}

// setBack gives every entry its next slot after the clock was set back to now.
// The caller holds mu.
//
// Cron jobs wait until their last slot has been passed again. A job at @every
// would be blind for as long, so that unless its next slot is near, it goes on
// at another place of its interval, on which none of its slots was before.
func (s *Scheduler) setBack(now int64) {
	back := time.Duration(s.latest - now)
	for i := range s.queue {
		e := s.queue[i].entry
		if !e.runnable() {
			continue
		}
		every := e.job.Schedule.every
		switch {
		case every == 0:
			e.due = e.after(max(now, e.held(now)))
		case back > every:
			const golden = 0x9e3779b97f4a7c15 // no multiple of this fraction comes near a whole number soon
			e.offset = (e.offset + fraction(every, golden)) % every
			e.due = e.after(now)
		}
		if e.last > now && e.last-now > int64(correction) {
			e.last = 0
		}
		s.queue[i].due = e.due
	}
	s.queue.order()
}
