package scheduler

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// phases returns the first slot of each job after the start of the day.
func phases(s *Scheduler, n int, begin time.Time) []time.Duration {
	list := make([]time.Duration, n)
	for i := range list {
		next, _ := s.Next(fmt.Sprintf("check/%d", i))
		list[i] = next.Sub(begin)
	}
	return list
}

func idle(tb testing.TB, n int, spec string) []Job {
	tb.Helper()
	jobs := make([]Job, n)
	schedule := parse(tb, spec, nil)
	for i := range jobs {
		jobs[i] = Job{Name: fmt.Sprintf("check/%d", i), Schedule: schedule, Run: func(context.Context, time.Time) {}}
	}
	return jobs
}

// busiestWindow returns the most arrivals in any window of the given width,
// round the end of the interval.
func busiestWindow(arrivals []time.Duration, every, width time.Duration) int {
	sorted := slices.Sorted(slices.Values(arrivals))
	for _, a := range slices.Clone(sorted) {
		sorted = append(sorted, a+every)
	}
	most, first := 0, 0
	for i := range sorted {
		for sorted[i]-sorted[first] >= width {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestArrivalsAreSpread(t *testing.T) {
	for _, tt := range []struct {
		jobs  int
		every time.Duration
	}{
		{1000, 10 * time.Second}, {10_000, 10 * time.Second}, {6000, time.Minute}, {12_345, time.Minute}, {2500, 7 * time.Second},
	} {
		t.Run(fmt.Sprintf("%d jobs every %v", tt.jobs, tt.every), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s Scheduler
				begin := time.Now()
				all := idle(t, tt.jobs, "@every "+tt.every.String())
				mean := float64(tt.jobs) * 0.01 / tt.every.Seconds()
				check := func(how string) {
					t.Helper()
					list := phases(&s, tt.jobs, begin)
					if got := busiestWindow(list, tt.every, 10*time.Millisecond); float64(got) > 3*mean {
						t.Errorf("%s: %d arrivals in 10ms, want at most three times the mean of %.1f", how, got, mean)
					}
					if first, last := slices.Min(list), slices.Max(list); first <= 0 || last > tt.every {
						t.Errorf("%s: first slots come from %v to %v, want all in the first interval", how, first, last)
					}
				}
				s.Set(all)
				check("at once")
				s.Set(all[:tt.jobs/3])
				s.Set(all)
				check("in two parts")
				s.Set(all[:1])
				s.Set(all)
				check("added to one")
			})
		})
	}
}

// Runs begin as evenly as their slots lie: exactly, or gathered if they are many.
func TestRunsAreSpread(t *testing.T) {
	for _, tt := range []struct {
		jobs  int
		delay time.Duration
	}{{1000, 0}, {2000, gather}, {10_000, gather}} {
		t.Run(fmt.Sprint(tt.jobs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const every = 10 * time.Second
				var mu sync.Mutex
				var worst time.Duration
				var began []time.Duration
				var looks int
				begin := time.Now()
				s := Scheduler{Started: func(_ string, delay time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					worst = max(worst, delay)
					began = append(began, time.Since(begin))
				}}
				s.Now = func() time.Time {
					mu.Lock()
					defer mu.Unlock()
					looks++
					return time.Now()
				}
				s.Set(idle(t, tt.jobs, "@every 10s"))
				stop := start(t, &s)
				pass(t, every+gather)
				stop()
				mean := float64(tt.jobs) / 1000
				if got := busiestWindow(began, every, 10*time.Millisecond); float64(got) > 3*mean {
					t.Errorf("%d runs began in 10ms, want at most three times the mean of %.0f", got, mean)
				}
				if worst > tt.delay {
					t.Errorf("longest delay is %v, want %v at most", worst, tt.delay)
				}
				if got := looks - len(began); got > 1300 { // each run reads the clock too
					t.Errorf("%d looks at the clock in 10s, want fewer", got)
				}
			})
		})
	}
}

// The same jobs have the same slots after a restart, in whatever order they
// are given, and new ones move nobody.
func TestSlotsAreStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b Scheduler
		jobs := idle(t, 500, "@every 10s")
		a.Set(jobs)
		before := phases(&a, 500, time.Now())
		pass(t, 10*time.Minute)
		slices.Reverse(jobs)
		b.Set(jobs)
		if after := phases(&b, 500, time.Now()); !slices.Equal(before, after) {
			t.Error("slots differ after a restart, want the same")
		}
		b.Set(append(jobs, Job{Name: "new", Schedule: parse(t, "@every 10s", nil), Run: func(context.Context, time.Time) {}}))
		if after := phases(&b, 500, time.Now()); !slices.Equal(before, after) {
			t.Error("slots differ after a job was added, want the same")
		}
	})
}

func TestOneJobIsPlacedByItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[time.Duration]bool{}
		for i := range 100 {
			var s Scheduler
			s.Set([]Job{{Name: fmt.Sprint(i), Schedule: parse(t, "@every 1h", nil), Run: func(context.Context, time.Time) {}}})
			next, _ := s.Next(fmt.Sprint(i))
			seen[time.Until(next).Truncate(6*time.Minute)] = true
		}
		if len(seen) != 10 {
			t.Errorf("100 lone jobs begin in %d tenths of the hour, want all 10", len(seen))
		}
	})
}

func TestSplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s, again Scheduler
		jobs := idle(t, 200, "0 * * * *")
		for i := range jobs {
			jobs[i].Splay = 10 * time.Minute
		}
		s.Set(jobs)
		again.Set(jobs)
		begin := time.Now()
		offsets := phases(&s, 200, begin)
		if !slices.Equal(offsets, phases(&again, 200, begin)) {
			t.Error("splay differs from one start to the next, want the same")
		}
		seen := map[time.Duration]bool{}
		for i, offset := range offsets {
			// The first slot is this hour's, at whose beginning the test began.
			if offset <= 0 || offset >= 10*time.Minute {
				t.Errorf("job %d begins after %v, want less than 10m", i, offset)
			}
			seen[offset.Truncate(time.Minute)] = true
		}
		if len(seen) != 10 {
			t.Errorf("200 jobs begin in %d of 10 minutes, want all", len(seen))
		}
	})
}
