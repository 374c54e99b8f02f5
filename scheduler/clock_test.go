package scheduler

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// fleet returns jobs of every kind, many at @every.
func fleet(t *testing.T, l *log) []Job {
	t.Helper()
	jobs := []Job{
		l.job(t, "minutely", "* * * * *", 0), l.job(t, "secondly", "* * * * * *", 0), l.job(t, "hourly", "@hourly", 0),
		l.job(t, "daily", "30 3 * * *", 0), l.job(t, "splayed", "* * * * *", 0),
	}
	jobs[4].Splay = time.Minute
	for i := range 200 {
		jobs = append(jobs, l.job(t, fmt.Sprintf("e%d", i), "@every 10s", 0))
	}
	return jobs
}

// busiest returns the largest number of runs that began at one look.
func (l *log) busiest(except ...string) int {
	count := map[int64]int{}
	for name, began := range l.began {
		for _, at := range began {
			count[at.UnixNano()]++
			for _, e := range except {
				if e == name {
					count[at.UnixNano()]--
				}
			}
		}
	}
	most := 0
	for _, n := range count {
		most = max(most, n)
	}
	return most
}

// mostGap returns the longest time without a run of the job, from begin on.
func (l *log) mostGap(name string, begin time.Time) time.Duration {
	last, most := begin, time.Duration(0)
	for _, at := range append(l.began[name], time.Now()) {
		most = max(most, at.Sub(last))
		last = at
	}
	return most
}

func TestClockSetForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set(fleet(t, l))
		begin := time.Now()
		stop := start(t, s)
		pass(t, 10*time.Minute+30500*time.Millisecond)
		l.step(time.Hour)
		pass(t, 10*time.Minute)
		stop()

		l.noneTwice(t)
		for name, want := range map[string]int{
			"minutely": 20, "secondly": 630 + 600, "hourly": 0, "daily": 0, "splayed": 20,
		} {
			if got := len(l.slots(name)); got < want || got > want+1 {
				t.Errorf("%s ran %d times, want %d", name, got, want)
			}
		}
		// 00:10:30 became 01:10:30; the look came within a second.
		for name, want := range map[string]int{"minutely": 60, "secondly": 3600, "hourly": 1, "daily": 0, "splayed": 60, "e7": 360} {
			if got := l.skips(name, SkipMissed); got < want-1 || got > want+1 || want < 2 && got != want {
				t.Errorf("%s missed %d slots, want %d", name, got, want)
			}
		}
		for i := range 200 {
			if gap := l.mostGap(fmt.Sprintf("e%d", i), begin); gap > 20*time.Second {
				t.Errorf("e%d had no run for %v, want two intervals at most", i, gap)
			}
		}
		if got := l.busiest("minutely", "secondly", "hourly"); got > 3 {
			t.Errorf("%d spread runs began at once, want no burst", got)
		}
	})
}

func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set(fleet(t, l))
		begin := time.Now()
		stop := start(t, s)
		pass(t, 90*time.Minute+30500*time.Millisecond)
		before := len(l.slots("minutely"))
		l.step(-time.Hour)
		pass(t, 59*time.Minute)
		if got := len(l.slots("minutely")); got != before {
			t.Errorf("minutely ran %d times in the hour that came again, want none", got-before)
		}
		pass(t, 61*time.Minute)
		stop()

		l.noneTwice(t)
		for name, want := range map[string]int{"minutely": 150, "secondly": 9030, "hourly": 2, "splayed": 150} {
			if got := len(l.slots(name)); got < want || got > want+1 {
				t.Errorf("%s ran %d times, want %d", name, got, want)
			}
			if got := l.skips(name, SkipMissed); got != 0 {
				t.Errorf("%s missed %d slots, want none", name, got)
			}
		}
		for i := range 200 {
			name := fmt.Sprintf("e%d", i)
			if gap := l.mostGap(name, begin); gap > 20*time.Second {
				t.Errorf("%s had no run for %v, want it to go on", name, gap)
			}
			if got := len(l.slots(name)); got < 1262 || got > 1264 {
				t.Errorf("%s ran %d times in 12630s, want 1263", name, got)
			}
		}
		if got := l.busiest("minutely", "secondly", "hourly"); got > 3 {
			t.Errorf("%d spread runs began at once, want no burst", got)
		}
	})
}

// A small step back holds everything for that long and doubles nothing.
func TestClockSetBackALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set(fleet(t, l))
		begin := time.Now()
		stop := start(t, s)
		for range 20 {
			pass(t, 47*time.Second)
			l.step(-700 * time.Millisecond)
			pass(t, 13*time.Second)
			l.step(-3 * time.Second)
		}
		stop()
		l.noneTwice(t)
		if gap := l.mostGap("e0", begin); gap > 20*time.Second {
			t.Errorf("e0 had no run for %v, want two intervals at most", gap)
		}
		if got := len(l.slots("minutely")); got < 18 || got > 19 {
			t.Errorf("minutely ran %d times in 20 minutes less 74s, want 18 or 19", got)
		}
	})
}

// A clock that was years ahead is no reason to wait for years.
func TestClockCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		l.ahead = 10 * 365 * 24 * time.Hour
		s := l.scheduler()
		s.Set(fleet(t, l))
		begin := time.Now()
		stop := start(t, s)
		pass(t, 10*time.Minute)
		l.step(-l.ahead)
		pass(t, 10*time.Minute)
		stop()
		for _, name := range []string{"minutely", "splayed", "secondly", "e3"} {
			if gap := l.mostGap(name, begin); gap > 2*time.Minute {
				t.Errorf("%s had no run for %v, want it to go on", name, gap)
			}
		}
		l.noneTwice(t)
	})
}

// Years forward are counted without walking through them.
func TestClockYearsForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set(fleet(t, l))
		stop := start(t, s)
		pass(t, 10*time.Minute)
		l.step(365 * 24 * time.Hour)
		pass(t, 10*time.Minute)
		stop()
		const year = 365 * 24 * 3600
		for name, want := range map[string]int{"secondly": year, "minutely": year / 60, "e0": year / 10, "daily": 365} {
			if got := l.skips(name, SkipMissed); got < want-2 || got > want+2 {
				t.Errorf("%s missed %d slots, want %d", name, got, want)
			}
		}
		if got := len(l.slots("minutely")); got != 20 {
			t.Errorf("minutely ran %d times, want 20", got)
		}
		l.noneTwice(t)
	})
}

// After a stall a run that is hardly late is made up for, once.
func TestHardlyLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set([]Job{l.job(t, "hourly", "@hourly", 0), l.job(t, "minutely", "* * * * *", 0)})
		stop := start(t, s)
		pass(t, 59*time.Minute+50*time.Second)
		l.step(30 * time.Second) // 01:00:20
		pass(t, 10*time.Second)
		stop()
		if got := l.slots("hourly"); len(got) != 1 || got[0].Minute() != 0 {
			t.Errorf("hourly ran for %v, want one run for the full hour", got)
		}
		if got := len(l.slots("minutely")); got != 60 {
			t.Errorf("minutely ran %d times, want 60", got)
		}
		if len(l.skipped) != 0 {
			t.Errorf("skipped %v, want none", l.skipped)
		}
	})
}
