package checks

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Retry says how often a run that fails is tried again before it counts as
// failed. The zero value tries once.
type Retry struct {
	Attempts int           // in all; 0 counts as 1
	Delay    time.Duration // before the second attempt
	Backoff  Backoff       // what becomes of the delay after that
	OnlyOn   []Reason      // only a run that fails for one of these is tried again; none means any
}

// Backoff is how the delay before an attempt grows from one to the next.
type Backoff string

// The ways in which a delay grows: not at all, by itself, or to its double.
// The zero value is constant.
const (
	Constant    Backoff = "constant"
	Linear      Backoff = "linear"
	Exponential Backoff = "exponential"
)

// Backoffs returns every way there is.
func Backoffs() []Backoff { return []Backoff{Constant, Linear, Exponential} }

// maxDelay bounds a delay, however often it has doubled.
const maxDelay = 24 * time.Hour

// Wait returns how long to wait after the attempt of this number, which
// counts from 1.
func (r Retry) Wait(attempt int) time.Duration {
	delay := min(r.Delay, maxDelay)
	switch r.Backoff {
	case Linear:
		if delay > 0 && attempt > int(maxDelay/delay) {
			return maxDelay
		}
		return delay * time.Duration(attempt)
	case Exponential:
		for range attempt - 1 {
			if delay = min(2*delay, maxDelay); delay == maxDelay || delay == 0 {
				break
			}
		}
		return delay
	default:
		return delay
	}
}

// Longest returns how long a run may take where each attempt is bounded by
// timeout: all attempts and the delays between them.
func (r Retry) Longest(timeout time.Duration) time.Duration {
	const limit = 1 << 62
	total := timeout
	for n := 1; n < r.Attempts; n++ {
		if total += timeout + r.Wait(n); total < 0 || total > limit {
			return limit
		}
	}
	return total
}

// again reports whether a run with this result is tried once more.
func (r Retry) again(res Result) bool {
	return res.Outcome == Failed && res.Attempts < r.Attempts &&
		(len(r.OnlyOn) == 0 || slices.Contains(r.OnlyOn, res.Reason))
}

// retry tries c again until it does not fail or all attempts are used up. It
// returns what the last of them found, and the time that all of them took.
func (r *Runner) retry(ctx context.Context, c *Check, res Result) Result {
	for c.Retry.again(res) {
		if !wait(ctx, c.Retry.Wait(res.Attempts)) {
			res.Outcome, res.Reason = Unknown, ReasonInternal
			res.Message = cut(fmt.Sprintf("the run was cut short before attempt %d: %v (%s)", res.Attempts+1, context.Cause(ctx), res.Message), maxMessage)
			return res
		}
		next := r.attempt(ctx, c)
		next.Attempts += res.Attempts
		next.Duration += res.Duration
		res = next
	}
	return res
}

// wait waits for d, and reports false if ctx ends before.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}
