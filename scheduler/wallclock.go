package scheduler

import "time"

// A wall clock reading is kept as a time.Time in UTC with the same digits, so
// that cron fields are matched against a clock without jumps; the functions
// here lead from instants to readings and back.

// reading returns what a clock that is offset seconds ahead of UTC shows at t.
func reading(t time.Time, offset int) time.Time {
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// nextWall returns the first matching reading after w, or the zero time if
// there is none for ten years.
func (s *Schedule) nextWall(w time.Time) time.Time {
	if s.cron.Second == 1 {
		// Whole minutes alone: spare the library sixty steps of a second.
		w = w.Truncate(time.Minute).Add(time.Minute - 1)
	}
	for range 3 {
		// The library gives up after five years, 29 February may take eight.
		if next := s.cron.Next(w); !next.IsZero() {
			return next
		}
		w = time.Date(w.Year()+5, time.January, 1, 0, 0, 0, -1, time.UTC)
	}
	return time.Time{}
}

// nextRunning returns the next slot of an interval: the next instant at
// which the wall clock shows a match. Readings that a gap skips are left out,
// those that come twice count twice.
func (s *Schedule) nextRunning(after time.Time) time.Time {
	t, back := after.In(s.loc), time.Duration(0)
	for range 100 { // more changes than any zone has while a schedule pauses
		_, offset := t.Zone()
		_, end := bounds(t)
		w := s.nextWall(reading(t, offset).Add(-back))
		if w.IsZero() {
			return w
		}
		next := reading(w, -offset).In(s.loc)
		if end.IsZero() || next.Before(end) {
			return next
		}
		t, back = end, 1 // the clock is changed before: look again from there
	}
	return time.Time{}
}

// nextFixed returns the next slot of a fixed time: each matching reading has
// one slot, the first instant at which the clock shows it or, if a gap
// skips it, the end of the gap.
func (s *Schedule) nextFixed(after time.Time) time.Time {
	t := after.In(s.loc)
	_, offset := t.Zone()
	w := reading(t, offset)
	if start, _ := bounds(t); !start.IsZero() {
		// After a change backwards, readings up to that at the change have
		// been before: spare the loop below a walk through them.
		_, before := start.Add(-1).Zone()
		if seen := reading(start, before); w.Before(seen) {
			w = seen.Add(-1)
		}
	}
	for {
		w = s.nextWall(w)
		if w.IsZero() {
			return w
		}
		if at := s.firstAt(w); at.After(after) {
			return at
		}
	}
}

// firstAt returns the first instant at which the schedule's wall clock shows
// w or, if it never does, the end of the gap that skips w.
func (s *Schedule) firstAt(w time.Time) time.Time {
	t := w.Add(-26 * time.Hour).In(s.loc) // before w in any zone
	for {
		_, offset := t.Zone()
		start, end := bounds(t)
		at := reading(w, -offset).In(s.loc)
		if at.Before(start) {
			return start
		}
		if end.IsZero() || at.Before(end) {
			return at
		}
		t = end
	}
}

// bounds is [time.Time.ZoneBounds], whose end lies before t on the last day
// of a leap year beyond the zone's table (from 2040 on).
func bounds(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return start, end
}
