package scheduler

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"
)

// DefaultMaxConcurrent is how many runs may be in flight unless a [Scheduler]
// says otherwise.
const DefaultMaxConcurrent = 1000

// A SkipReason says why a slot had no run.
type SkipReason string

const (
	// SkipOverlap means that the job's run before was not over.
	SkipOverlap SkipReason = "overlap"
	// SkipSaturated means that so many runs were in flight that this one
	// had not begun when the job's next slot came.
	SkipSaturated SkipReason = "saturated"
	// SkipMissed means that the slot was long past when it was noticed: the
	// process was suspended, or the clock was set forward.
	SkipMissed SkipReason = "missed"
)

// A Job is a function with a schedule.
type Job struct {
	Name     string        // unique; places the job's slots within its interval or splay
	Schedule *Schedule     // a job without one is never due
	Splay    time.Duration // up to this much, fixed by Name, is added to each slot of a cron schedule

	// Run does the work. Its context outlives that of [Scheduler.Run] by the
	// grace period. due is the slot that it runs for. A panic is logged and
	// ends this run alone.
	Run func(ctx context.Context, due time.Time)
}

// A Scheduler runs jobs. The zero value is ready; set the fields before Run.
// All methods are safe for concurrent use.
type Scheduler struct {
	// MaxConcurrent bounds the runs in flight; below 1 it means
	// DefaultMaxConcurrent. See also [Scheduler.SetMaxConcurrent].
	MaxConcurrent int
	// Grace is how long runs in flight may go on after the context of Run has
	// ended, before their own is cancelled.
	Grace time.Duration
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Started is called as each run begins, with the time since it was due,
	// and Skipped for n slots of a job that have no run. They are called
	// from several goroutines and must not block. Either may be nil.
	Started func(job string, delay time.Duration)
	Skipped func(job string, why SkipReason, n int)
	// Logger is told of jobs that panic; nil logs nothing.
	Logger *slog.Logger

	mu       sync.Mutex
	entries  map[string]*entry // by job name, with removed ones while they still run
	queue    queue             // entries that are not removed
	waiting  backlog           // due, and without a free place
	inFlight int
	round    uint64        // of Set, marks the entries it has seen
	wake     chan struct{} // tells the waiting goroutine that the queue has changed; nil when there is none
	looked   int64         // the wall clock when last looked at
	seen     time.Time     // when that was
	latest   int64         // the highest reading, but for a second, since it was last set back
}

// An entry is a job and what is known of its slots. Instants are nanoseconds
// since 1970.
type entry struct {
	job     Job
	offset  time.Duration // added to each slot of the schedule: phase or splay
	due     int64         // next slot
	last    int64         // newest slot that was run or skipped as it came
	pending int64         // slot that waits for a free place; 0 for none
	running bool
	removed bool
	round   uint64
}

// never is the slot of a job that has none.
const never = math.MaxInt64

// after returns the entry's first slot after the instant.
func (e *entry) after(at int64) int64 {
	if !e.runnable() {
		return never
	}
	s := e.job.Schedule
	if s.every > 0 {
		return s.nextEvery(time.Unix(0, at), e.offset).UnixNano()
	}
	next := s.Next(time.Unix(0, at).Add(-e.offset))
	if next.IsZero() {
		return never
	}
	return next.Add(e.offset).UnixNano()
}

// runnable reports whether the entry's job can be due at all.
func (e *entry) runnable() bool { return e.job.Schedule != nil && e.job.Run != nil }

// spread reports whether the entry's slots are its own rather than those of
// everyone with the same schedule.
func (e *entry) spread() bool { return e.job.Schedule.every > 0 || e.job.Splay > 0 }

// clock returns the wall clock's reading.
func (s *Scheduler) clock() int64 {
	if s.Now == nil {
		return time.Now().UnixNano()
	}
	return s.Now().UnixNano()
}

// limit is how many runs may be in flight.
func (s *Scheduler) limit() int {
	if s.MaxConcurrent < 1 {
		return DefaultMaxConcurrent
	}
	return s.MaxConcurrent
}

// SetMaxConcurrent changes the bound of runs in flight, before or during Run.
// Runs above a lower bound go on to their end.
func (s *Scheduler) SetMaxConcurrent(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.MaxConcurrent = n
	s.nudge()
}

// Next returns the job's next slot, and whether it has one.
func (s *Scheduler) Next(job string) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[job]
	if !ok || e.removed || e.due == never {
		return time.Time{}, false
	}
	return e.instant(e.due), true
}

// instant returns a slot in the schedule's time zone.
func (e *entry) instant(slot int64) time.Time {
	return time.Unix(0, slot).In(e.job.Schedule.loc)
}

// InFlight returns the number of runs that have begun and are not over.
func (s *Scheduler) InFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inFlight
}

// Looked returns when Run last looked for what is due, with a monotonic clock
// reading, so that a clock that is set or a suspended process does not show;
// the zero time before the first Run. While Run goes on, that is once a second
// at least.
func (s *Scheduler) Looked() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// Running reports whether a run of the job is in flight.
func (s *Scheduler) Running(job string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[job]
	return ok && e.running
}

// nudge wakes the waiting goroutine, if there is one. The caller holds mu.
func (s *Scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // nobody waits, or it has been told already
	}
}
