package scheduler

import (
	"slices"
	"time"

	"github.com/robfig/cron/v3"
)

// A Schedule tells when a job is due. It is made by [Parse], never changes,
// and is safe for concurrent use.
type Schedule struct {
	text     string             // as written, with single spaces
	loc      *time.Location     // whose wall clock the cron fields mean
	every    time.Duration      // the interval of @every, 0 for cron
	cron     *cron.SpecSchedule // asked in UTC, which stands for any wall clock; nil for @every
	fixed    bool               // a fixed time in the sense of ISC cron, not an interval
	interval time.Duration      // typical gap
}

// Next returns the first slot after the given instant, in the schedule's time
// zone. For years 1 to 9990 there always is one. Slots of "@every" are the
// multiples of the interval since the year 1; a [Scheduler] moves them by a
// phase of the job's own.
//
// The rule for daylight saving is that of ISC cron, described at the top of
// this package.
func (s *Schedule) Next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		return s.nextEvery(after, 0)
	case s.fixed:
		return s.nextFixed(after)
	default:
		return s.nextRunning(after)
	}
}

// nextEvery returns the first instant after the given one that lies phase
// past a multiple of the interval.
func (s *Schedule) nextEvery(after time.Time, phase time.Duration) time.Time {
	return after.Add(-phase).Truncate(s.every).Add(s.every + phase).In(s.loc)
}

// Interval is the usual gap between two slots: exact for "@every", and the
// median gap of a sample of ordinary days for cron.
func (s *Schedule) Interval() time.Duration { return s.interval }

// Every reports whether the schedule is an "@every" one.
func (s *Schedule) Every() bool { return s.every > 0 }

// String returns the schedule as it was written, fields separated by one space.
func (s *Schedule) String() string { return s.text }

// Equal reports whether both schedules have the same slots because they say
// the same: "@every 60s" equals "@every 1m", "@daily" equals "0 0 * * *".
// Two nil schedules are equal.
func (s *Schedule) Equal(o *Schedule) bool {
	if s == nil || o == nil {
		return s == o
	}
	if s.every > 0 || o.every > 0 {
		return s.every == o.every
	}
	return *s.cron == *o.cron && s.fixed == o.fixed && s.loc.String() == o.loc.String()
}

// sampleInterval returns the median of some gaps from an ordinary Monday on.
func (s *Schedule) sampleInterval() time.Duration {
	const samples = 15
	at := s.nextWall(time.Date(2025, time.January, 6, 0, 0, 0, -1, time.UTC))
	gaps := make([]time.Duration, samples)
	for i := range gaps {
		next := s.nextWall(at)
		gaps[i], at = next.Sub(at), next
	}
	slices.Sort(gaps)
	return gaps[samples/2]
}

// MaxGap is the longest time between two slots: 64 hours for
// "0 9-17 * * MON-FRI", where Interval is one hour. Changes of the clock, by
// an hour or less as a rule, are left out. It takes up to a tenth of a
// millisecond: ask once.
func (s *Schedule) MaxGap() time.Duration {
	if s.every > 0 {
		return s.every
	}
	first, last, within := s.daySlots()
	day, days := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC), 0
	previous, most := -1, 0
	for ; days < 10*366; days++ { // 29 February comes at least every eight years
		if s.matchesDay(day.AddDate(0, 0, days)) {
			if previous >= 0 {
				most = max(most, days-previous)
			}
			previous = days
		}
	}
	return max(within, time.Duration(most)*24*time.Hour-(last-first))
}

// daySlots returns the first and the last slot of a day that matches, from
// midnight, and the longest gap between two of its slots.
func (s *Schedule) daySlots() (first, last, longest time.Duration) {
	first = -1
	for h := range 24 {
		for m := range 60 {
			if s.cron.Hour>>h&1 == 0 || s.cron.Minute>>m&1 == 0 {
				continue
			}
			for sec := range 60 {
				if s.cron.Second>>sec&1 == 0 {
					continue
				}
				at := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second
				if first < 0 {
					first = at
				} else {
					longest = max(longest, at-last)
				}
				last = at
			}
		}
	}
	return first, last, longest
}

// matchesDay reports whether the day may have slots.
func (s *Schedule) matchesDay(day time.Time) bool {
	const star = 1 << 63 // the parser's mark of a field that restricts nothing
	c := s.cron
	if c.Month>>day.Month()&1 == 0 {
		return false
	}
	dom, dow := c.Dom>>day.Day()&1 == 1, c.Dow>>day.Weekday()&1 == 1
	if c.Dom&star != 0 || c.Dow&star != 0 {
		return dom && dow
	}
	return dom || dow
}
