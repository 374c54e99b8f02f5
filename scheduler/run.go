package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// To wake a sleeping process costs many times what a due run does. Slots that
// follow one another so closely as at crowded, 140 a second, are therefore
// gathered on a grid of the wall clock: a job's delay stays the same from run
// to run, and any 10 ms hold at most twice the mean.
const (
	crowded = 7 * time.Millisecond
	gather  = 8 * time.Millisecond // divides a second
)

var (
	errRunning = errors.New("running the scheduler: it runs already")
	errGrace   = errors.New("shutting down: the grace period is over")
)

// Run runs the jobs until ctx ends, then starts nothing more, waits for the
// runs in flight and returns nil. Their context is not that of Run: it is
// cancelled once Grace has passed after the end of ctx. While the scheduler
// runs, a second Run returns an error at once.
func (s *Scheduler) Run(ctx context.Context) error {
	wake, err := s.open()
	if err != nil {
		return err
	}
	defer s.close()
	runs, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)

	var wg sync.WaitGroup
	var due batch
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(s.look(&due))
		for _, a := range due.start {
			wg.Go(func() { s.work(ctx, runs, a) })
		}
		for _, k := range due.skip {
			s.skipped(k)
		}
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-wake:
		}
	}
	grace := time.AfterFunc(s.Grace, func() { cancel(errGrace) })
	defer grace.Stop()
	wg.Wait()
	return nil
}

// open begins a Run. Slots from before it are no one's.
func (s *Scheduler) open() (<-chan struct{}, error) {
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wake != nil {
		return nil, errRunning
	}
	s.wake = make(chan struct{}, 1)
	s.looked, s.latest = now, now
	for i := range s.queue {
		if e := s.queue[i].entry; e.due < now {
			e.due = e.after(now)
			s.queue[i].due = e.due
		}
	}
	s.queue.order()
	return s.wake, nil
}

// close ends a Run.
func (s *Scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = nil
	s.waiting.keep(func(e *entry) bool {
		e.pending = 0
		return false
	})
}

// A batch is what one look at the clock has found. Its memory is used again.
type batch struct {
	start []assignment
	skip  []skip
}

// An assignment is a run to begin.
type assignment struct {
	entry *entry
	name  string
	run   func(ctx context.Context, due time.Time)
	due   time.Time
}

// A skip is a number of slots without a run.
type skip struct {
	job string
	why SkipReason
	n   int
}

// look passes all slots that have come, finds what is to be done for them, and
// returns how long to wait until the next look.
func (s *Scheduler) look(b *batch) time.Duration {
	clear(b.start)
	b.start, b.skip = b.start[:0], b.skip[:0]
	now := s.clock()
	s.mu.Lock()
	defer s.mu.Unlock()

	stalled := now-s.looked > int64(stalledAfter)
	s.looked, s.seen = now, time.Now()
	if s.latest-now >= int64(lookEvery) {
		s.setBack(now)
		s.latest = now
	}
	s.latest = max(s.latest, now)

	for s.waiting.len() > 0 && s.inFlight < s.limit() {
		b.start = append(b.start, s.assign(s.waiting.pop()))
	}
	passed := false
	for ; len(s.queue) > 0 && s.queue[0].due <= now; passed = true {
		e := s.queue[0].entry
		slot, missed, next := e.pass(now, stalled)
		s.queue.next(next)
		if missed > 0 {
			b.skip = append(b.skip, skip{e.job.Name, SkipMissed, missed})
		}
		if slot != 0 {
			s.offer(e, slot, b)
		}
	}
	if len(s.queue) == 0 {
		return lookEvery
	}
	due := s.queue[0].due
	if passed && due-now < int64(crowded) {
		due = (due + int64(gather) - 1) / int64(gather) * int64(gather)
	}
	return min(lookEvery, time.Duration(due-now))
}

// offer gives the entry a slot that has come: a run if there is a place for
// it, or else a place in the backlog.
func (s *Scheduler) offer(e *entry, slot int64, b *batch) {
	e.last = slot
	switch {
	case e.running:
		b.skip = append(b.skip, skip{e.job.Name, SkipOverlap, 1})
	case e.pending != 0: // keeps its place in the backlog
		b.skip = append(b.skip, skip{e.job.Name, SkipSaturated, 1})
		e.pending = slot
	default:
		e.pending = slot
		if s.inFlight < s.limit() {
			b.start = append(b.start, s.assign(e))
		} else {
			s.waiting.push(e)
		}
	}
}

// assign takes a place for the entry's pending slot. The caller holds mu.
func (s *Scheduler) assign(e *entry) assignment {
	due := e.instant(e.pending)
	e.running, e.pending = true, 0
	s.inFlight++
	return assignment{e, e.job.Name, e.job.Run, due}
}

// work does the assignment, and then what waits for its place.
func (s *Scheduler) work(ctx, runs context.Context, a assignment) {
	for ok := true; ok; a, ok = s.takeOver(ctx) {
		s.do(ctx, runs, a)
	}
}

// takeOver returns an assignment for a place that has become free, if one waits.
func (s *Scheduler) takeOver(ctx context.Context) (assignment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting.len() == 0 || s.inFlight >= s.limit() || ctx.Err() != nil {
		return assignment{}, false
	}
	return s.assign(s.waiting.pop()), true
}

// do runs the assignment unless ctx has ended in the meantime.
func (s *Scheduler) do(ctx, runs context.Context, a assignment) {
	defer s.release(a.entry)
	defer s.recovered(runs, a.name)
	if ctx.Err() != nil {
		return
	}
	if s.Started != nil {
		s.Started(a.name, max(0, time.Duration(s.clock()-a.due.UnixNano())))
	}
	a.run(runs, a.due)
}

// release frees the place of a run that is over.
func (s *Scheduler) release(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	e.running = false
	if e.removed {
		delete(s.entries, e.job.Name)
	}
}

// recovered ends the panic of a job and logs it.
func (s *Scheduler) recovered(ctx context.Context, job string) {
	p := recover()
	if p == nil || s.Logger == nil {
		return
	}
	s.Logger.ErrorContext(ctx, "job panicked", "job", job, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// skipped tells of slots without a run.
func (s *Scheduler) skipped(k skip) {
	if s.Skipped != nil {
		s.Skipped(k.job, k.why, k.n)
	}
}
