package scheduler

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A log notes what a scheduler does. Its wall clock can be set.
type log struct {
	mu      sync.Mutex
	ahead   time.Duration // of the wall clock before the bubble's
	due     map[string][]time.Time
	began   map[string][]time.Time // by the bubble's clock
	skipped map[string]int         // by "job reason"
	delay   time.Duration          // the longest
	total   int
}

func newLog() *log {
	return &log{due: map[string][]time.Time{}, began: map[string][]time.Time{}, skipped: map[string]int{}}
}

// scheduler returns one that reports to the log.
func (l *log) scheduler() *Scheduler {
	return &Scheduler{
		Now: func() time.Time {
			l.mu.Lock()
			defer l.mu.Unlock()
			return time.Now().Add(l.ahead)
		},
		Started: func(_ string, delay time.Duration) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.delay = max(l.delay, delay)
		},
		Skipped: func(job string, why SkipReason, n int) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.skipped[job+" "+string(why)] += n
		},
	}
}

// job returns a job that notes its runs and takes as long as said.
func (l *log) job(tb testing.TB, name, spec string, takes time.Duration) Job {
	tb.Helper()
	return Job{Name: name, Schedule: parse(tb, spec, nil), Run: func(ctx context.Context, due time.Time) {
		l.note(name, due)
		wait(ctx, takes)
	}}
}

func (l *log) note(name string, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due[name] = append(l.due[name], due)
	l.began[name] = append(l.began[name], time.Now())
	l.total++
}

// step sets the wall clock forward or back.
func (l *log) step(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ahead += d
}

// slots returns the slots that the job has run for.
func (l *log) slots(name string) []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Time(nil), l.due[name]...)
}

func (l *log) skips(name string, why SkipReason) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.skipped[name+" "+string(why)]
}

// noneTwice fails if a job has run twice for one slot.
func (l *log) noneTwice(tb testing.TB) {
	tb.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, slots := range l.due {
		seen := map[int64]bool{}
		for _, slot := range slots {
			if seen[slot.UnixNano()] {
				tb.Errorf("%s ran twice for %v", name, slot)
			}
			seen[slot.UnixNano()] = true
		}
	}
}

// wait returns after d, or as ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return // goroutines of a bubble that poll such timers crash the race detector of Go 1.26
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// start runs s until the returned function is called, which waits for its end.
func start(tb testing.TB, s *Scheduler) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	synctest.Wait()
	return func() {
		tb.Helper()
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Run returned %v, want nil", err)
		}
	}
}

// pass lets d go by in the bubble.
func pass(tb testing.TB, d time.Duration) {
	tb.Helper()
	wait(tb.Context(), d)
	synctest.Wait()
}
