package alerts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	runsEvery  = 10 * time.Second // how often it is looked for checks that do not run
	staleCause = "checks that do not run"
	staleAgain = 10 * time.Minute // as long as some do not run, how often it is told which
	maxStale   = 5                // checks that are named

	// staleGrace is what checks are given beyond three intervals, as in the rules
	// for Prometheus: of a check that is due every second, one run may take longer.
	staleGrace = time.Minute
)

// stale watches for checks that do not run.
type stale struct {
	mu    sync.Mutex // guards the following
	look  time.Time
	told  time.Time
	text  string
	guard clockGuard
}

// watchRuns tells of checks that have not run for three intervals, and when
// they all run again.
func (e *Engine) watchRuns(ctx context.Context, now time.Time) {
	x := &e.stale
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.guard.settled(now) || now.Before(x.look) && x.look.Sub(now) <= runsEvery {
		return
	}
	x.look = now.Add(runsEvery)
	names := e.withoutRun(now)
	text := staleText(names)
	if text == x.text && text != "" || text != "" && x.text != "" && now.Sub(x.told) < staleAgain && !now.Before(x.told) {
		return
	}
	if err := e.Notice(ctx, Problem{Cause: staleCause, Text: text}); err != nil {
		e.log().ErrorContext(ctx, "nobody could be told of a problem", "problem", text, "error", err)
		return
	}
	if text != "" && x.text == "" {
		e.log().ErrorContext(ctx, text)
	}
	x.text, x.told = text, now
}

// withoutRun returns the names of the checks that are stale, sorted.
func (e *Engine) withoutRun(now time.Time) []string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var names []string
	for name, s := range e.subjects {
		if s.lastRun().stale(s.place.Load().Interval, now.Add(-staleGrace)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func staleText(names []string) string {
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return names[0] + " has not run for three intervals"
	case n <= maxStale:
		return fmt.Sprintf("%d checks have not run for three intervals: %s", n, strings.Join(names, ", "))
	default:
		return fmt.Sprintf("%d checks have not run for three intervals: %s and %d more", n, strings.Join(names[:maxStale], ", "), n-maxStale)
	}
}
