package scheduler

import (
	"iter"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The reference of these tests shares nothing with the code under test: it
// walks through two years minute by minute and looks at the clock.

// A minute is what a wall clock shows for one minute.
type minute struct {
	count                             int32 // of the reading: one more is a minute later
	minute, hour, day, month, weekday uint8
}

// read splits the digits of a wall clock, given as if it were in UTC.
func read(t time.Time) minute {
	return minute{
		int32(t.Unix() / 60), uint8(t.Minute()), uint8(t.Hour()), uint8(t.Day()), uint8(t.Month()), uint8(t.Weekday()),
	}
}

// span returns the first minute and the end of the two years.
func span() (from, to time.Time) {
	return time.Date(2024, time.December, 30, 0, 0, 0, 0, time.UTC), time.Date(2027, time.January, 3, 0, 0, 0, 0, time.UTC)
}

// minutes lists the minutes of the span.
func minutes(loc *time.Location) []minute {
	from, to := span()
	list := make([]minute, 0, int(to.Sub(from)/time.Minute))
	for at := from; at.Before(to); at = at.Add(time.Minute) {
		l := at.In(loc)
		list = append(list, read(time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)))
	}
	return list
}

// matcher returns the meaning of five plain cron fields.
func matcher(t *testing.T, spec string) func(minute) bool {
	t.Helper()
	f := strings.Fields(spec)
	sets := make([][]bool, len(f))
	for i, text := range f {
		sets[i] = make([]bool, 60)
		for item := range strings.SplitSeq(text, ",") {
			base, stepText, stepped := strings.Cut(item, "/")
			low, high, step := 0, 59, 1
			if base != "*" {
				a, b, isRange := strings.Cut(base, "-")
				low, _ = strconv.Atoi(a)
				high = low
				if isRange {
					high, _ = strconv.Atoi(b)
				}
			}
			if stepped {
				step, _ = strconv.Atoi(stepText)
			}
			for v := low; v <= high; v += step {
				sets[i][v] = true
			}
		}
	}
	return func(r minute) bool {
		if !sets[0][r.minute] || !sets[1][r.hour] || !sets[3][r.month] {
			return false
		}
		dom, dow := sets[2][r.day], sets[4][r.weekday]
		if f[2] == "*" || f[4] == "*" {
			return dom && dow
		}
		return dom || dow
	}
}

// reference lists the slots of a schedule.
func reference(spec string, list []minute, match func(minute) bool) iter.Seq[time.Time] {
	f := strings.Fields(spec)
	interval := f[0][0] == '*' || f[1][0] == '*'
	from, _ := span()
	return func(yield func(time.Time) bool) {
		newest := list[0].count - 1 // highest reading seen
		for i, m := range list {
			due := match(m)
			if !interval {
				due = due && m.count > newest
				for skipped := newest + 1; skipped < m.count; skipped++ {
					due = due || match(read(time.Unix(int64(skipped)*60, 0).UTC()))
				}
			}
			newest = max(newest, m.count)
			if due && !yield(from.Add(time.Duration(i)*time.Minute)) {
				return
			}
		}
	}
}

func TestDaylightSaving(t *testing.T) {
	specs := []string{
		// fixed times around and in the changed hours of all these zones
		"30 2 * * *", "0 2 * * *", "15 2 * * *", "30 1 * * *", "45 1 * * *", "0 1 * * *", "0 0 * * *", "30 0 * * *",
		"59 23 * * *", "30 23 * * *", "0 3 * * *", "0,30 1,2,3 * * *", "0-59/15 0-23 * * *", "0 0-23/2 * * *", "5,35 2 * * 0",
		"30 2 8 3 *", "30 0 1-7 9 0", "0 0 7 9 *", "0 12 * * *", "20 2 1,15 * 0",
		// intervals
		"*/10 * * * *", "*/7 * * * *", "0 * * * *", "30 * * * *", "0 */2 * * *", "30 */3 * * *", "*/30 2 * * *",
		"*/15 0 * * *", "* 1 * * *", "*/20 23 * * 6", "15 * 1 * *", "*/30 2 8 3 *",
	}
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "America/Santiago", "UTC", "Africa/Casablanca"} {
		t.Run(name, func(t *testing.T) {
			loc := zone(t, name)
			list := minutes(loc)
			from, to := span()
			for _, spec := range specs {
				s := parse(t, spec, loc)
				next := s.Next(from.Add(-1))
				for want := range reference(spec, list, matcher(t, spec)) {
					if !next.Equal(want) {
						t.Errorf("%q: slot is %v, want %v", spec, next, want.In(loc))
						break
					}
					next = s.Next(next)
				}
				if next.Before(to) && !t.Failed() {
					t.Errorf("%q: slot is %v, want none until %v", spec, next, to)
				}
			}
		})
	}
}

// Asking from any instant, not only from a slot, gives the same slots.
func TestNextFromAnywhere(t *testing.T) {
	for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "America/Santiago"} {
		loc := zone(t, name)
		for _, spec := range []string{"30 2 * * *", "45 1 * * *", "0 0 * * *", "*/30 * * * *", "0 * * * *", "15 */2 * * *", "0-59 0-23 * * *"} {
			s := parse(t, spec, loc)
			for _, change := range []string{"2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-09-06", "2026-04-04"} {
				from := at(t, change+"T00:00:00Z").Add(-16 * time.Hour)
				to := from.Add(48 * time.Hour)
				var slots []time.Time
				for next := s.Next(from); !next.After(to); next = s.Next(next) {
					slots = append(slots, next)
				}
				for ask := from; ask.Before(to); ask = ask.Add(97 * time.Second) {
					i, _ := slices.BinarySearchFunc(slots, ask, time.Time.Compare)
					for i < len(slots) && !slots[i].After(ask) {
						i++
					}
					if i == len(slots) {
						break
					}
					if got := s.Next(ask); !got.Equal(slots[i]) {
						t.Fatalf("%s %q: Next(%v) is %v, want %v", name, spec, ask.In(loc), got, slots[i])
					}
				}
			}
		}
	}
}

func TestDaylightSavingByHand(t *testing.T) {
	for _, tt := range []struct {
		why, spec, zone, from string
		want                  []string
	}{
		{
			"skipped fixed times run once, right after", "0,30 2 * * *", "America/New_York", "2026-03-07T12:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:00:00-04:00"},
		},
		{
			"a fixed time in the hour that comes twice runs the first time", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00",
			[]string{"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		},
		{
			"an interval goes on in the hour that comes twice", "*/30 1 * * *", "America/New_York", "2026-10-31T12:00:00-04:00",
			[]string{"2026-11-01T01:00:00-04:00", "2026-11-01T01:30:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T01:30:00-05:00"},
		},
		{
			"midnight that does not exist", "0 0 * * *", "America/Santiago", "2026-09-05T12:00:00-04:00",
			[]string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"},
		},
		{
			"midnight on a day that is named", "0 0 6 9 *", "America/Santiago", "2026-09-05T12:00:00-04:00",
			[]string{"2026-09-06T01:00:00-03:00", "2027-09-06T00:00:00-03:00"},
		},
		{
			"a later hour of a day without midnight", "30 9 * * SUN", "America/Santiago", "2026-09-05T12:00:00-04:00",
			[]string{"2026-09-06T09:30:00-03:00"},
		},
		{
			"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30",
			[]string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"},
		},
		{
			"seconds in a skipped hour are one run", "*/10 30 2 * * *", "America/New_York", "2026-03-08T00:00:00-05:00",
			[]string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00", "2026-03-09T02:30:10-04:00"},
		},
		{
			"a day that a zone left out", "0 12 30 12 *", "Pacific/Apia", "2011-12-28T00:00:00Z",
			[]string{"2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"},
		},
		{
			"29 February over a year without", "0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z",
			[]string{"2104-02-29T00:00:00Z"},
		},
		{
			"the end of a leap year beyond the zone's table", "30 */6 * * *", "America/New_York", "2040-12-31T17:00:00-05:00",
			[]string{"2040-12-31T18:30:00-05:00", "2041-01-01T00:30:00-05:00", "2041-01-01T06:30:00-05:00"},
		},
		{
			"the same for a fixed time", "30 23 * * *", "America/New_York", "2040-12-30T12:00:00-05:00",
			[]string{"2040-12-30T23:30:00-05:00", "2040-12-31T23:30:00-05:00", "2041-01-01T23:30:00-05:00"},
		},
	} {
		t.Run(tt.why, func(t *testing.T) {
			s := parse(t, tt.spec, zone(t, tt.zone))
			last := at(t, tt.from)
			for _, want := range tt.want {
				last = s.Next(last)
				if got := last.Format(time.RFC3339); got != want {
					t.Errorf("Next is %s, want %s", got, want)
				}
			}
		})
	}
}
