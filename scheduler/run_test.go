package scheduler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRunsAtItsSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set([]Job{l.job(t, "every", "@every 10s", time.Second), l.job(t, "cron", "*/5 * * * *", 0), l.job(t, "seconds", "*/20 * * * * *", 0)})
		begin := time.Now()
		next, ok := s.Next("every")
		if !ok || !next.After(begin) || next.Sub(begin) > 10*time.Second {
			t.Errorf("Next is %v, %v, want an instant in the first 10s", next.Sub(begin), ok)
		}
		stop := start(t, s)
		pass(t, time.Hour)
		stop()
		for name, want := range map[string]int{"every": 360, "cron": 12, "seconds": 180} {
			if got := len(l.slots(name)); got != want {
				t.Errorf("%s ran %d times, want %d", name, got, want)
			}
			for i, due := range l.due[name] {
				if !due.Equal(l.began[name][i]) {
					t.Errorf("%s ran at %v for %v, want no delay", name, l.began[name][i], due)
				}
			}
		}
		if got := l.slots("every")[0]; !got.Equal(next) {
			t.Errorf("first slot is %v, want %v as Next said", got, next)
		}
		if len(l.skipped) != 0 || l.delay != 0 {
			t.Errorf("skipped %v, longest delay %v, want none", l.skipped, l.delay)
		}
	})
}

func TestNoOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set([]Job{l.job(t, "slow", "@every 10s", 25*time.Second)})
		stop := start(t, s)
		next, _ := s.Next("slow")
		pass(t, time.Until(next)+45*time.Second)
		if !s.Running("slow") || s.InFlight() != 1 {
			t.Errorf("Running is %v and InFlight %d, want true and 1", s.Running("slow"), s.InFlight())
		}
		stop()
		if runs, overlap := len(l.slots("slow")), l.skips("slow", SkipOverlap); runs != 2 || overlap != 3 {
			t.Errorf("%d runs and %d overlaps, want 2 and 3", runs, overlap)
		}
		if s.Running("slow") || s.InFlight() != 0 {
			t.Errorf("Running is %v and InFlight %d after the end, want false and 0", s.Running("slow"), s.InFlight())
		}
	})
}

// Asked for twice what fits, the scheduler does what fits, every job gets its
// turn, and what does not fit is counted.
func TestSaturated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.MaxConcurrent = 5
		var jobs []Job
		for i := range 100 {
			jobs = append(jobs, l.job(t, fmt.Sprintf("j%d", i), "@every 10s", time.Second)) // 10 at a time would be needed
		}
		s.Set(jobs)
		stop := start(t, s)
		pass(t, 100*time.Second)
		if got := s.InFlight(); got != 5 {
			t.Errorf("InFlight is %d, want 5", got)
		}
		stop()
		if l.total < 490 || l.total > 505 {
			t.Errorf("%d runs in 100s with room for 5 a second, want about 500", l.total)
		}
		skipped, overlaps := 0, 0
		for i := range 100 {
			name := fmt.Sprintf("j%d", i)
			if runs := len(l.slots(name)); runs < 4 || runs > 6 {
				t.Errorf("%s ran %d times, want its fair share of 5", name, runs)
			}
			skipped += l.skips(name, SkipSaturated)
			overlaps += l.skips(name, SkipOverlap) // of a run that began late
		}
		if sum := l.total + skipped + overlaps; sum < 900 || sum > 1000 || skipped < 300 {
			t.Errorf("%d runs, %d saturated and %d overlaps, want 1000 less those that wait", l.total, skipped, overlaps)
		}
		if l.delay > 10*time.Second {
			t.Errorf("longest delay is %v, want less than the interval", l.delay)
		}
		l.noneTwice(t)
	})
}

func TestSetMaxConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.MaxConcurrent = 1
		var jobs []Job
		for i := range 10 {
			jobs = append(jobs, l.job(t, fmt.Sprintf("j%d", i), "0 * * * * *", 5*time.Second))
		}
		s.Set(jobs)
		stop := start(t, s)
		defer stop()
		pass(t, 61*time.Second)
		if got := s.InFlight(); got != 1 {
			t.Errorf("InFlight is %d, want 1", got)
		}
		s.SetMaxConcurrent(4)
		pass(t, 0)
		if got := s.InFlight(); got != 4 {
			t.Errorf("InFlight is %d with more room, want 4", got)
		}
		s.SetMaxConcurrent(2)
		pass(t, 6*time.Second)
		if got := s.InFlight(); got != 2 {
			t.Errorf("InFlight is %d with less room, want 2", got)
		}
	})
}

func TestEndsGracefully(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		if at := s.Looked(); !at.IsZero() {
			t.Errorf("it looked at %v, before Run", at)
		}
		s.Grace, s.MaxConcurrent = 10*time.Second, 2
		causes := make(chan error, 10)
		job := func(name, spec string, takes time.Duration) Job {
			return Job{Name: name, Schedule: parse(t, spec, nil), Run: func(ctx context.Context, due time.Time) {
				l.note(name, due)
				wait(ctx, takes)
				causes <- context.Cause(ctx)
			}}
		}
		s.Set([]Job{job("a", "0 * * * * *", 5*time.Second), job("b", "0 * * * * *", time.Hour), job("waits", "1 1 * * * *", 0)})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		pass(t, 62*time.Second)
		if err := s.Run(t.Context()); err == nil {
			t.Error("a second Run returned nil, want an error")
		}
		if ago := time.Since(s.Looked()); ago > time.Second {
			t.Errorf("it looked %v ago, want a second at most", ago)
		}
		cancel()
		ended := time.Now()
		if cause := <-causes; cause != nil || time.Since(ended) != 3*time.Second {
			t.Errorf("first run ended after %v with %v, want 3s and no cause", time.Since(ended), cause)
		}
		if cause := <-causes; !errors.Is(cause, errGrace) || time.Since(ended) != s.Grace {
			t.Errorf("second run ended after %v with %v, want %v and %v", time.Since(ended), cause, s.Grace, errGrace)
		}
		if err := <-done; err != nil || time.Since(ended) != s.Grace {
			t.Errorf("Run ended after %v with %v, want %v and nil", time.Since(ended), err, s.Grace)
		}
		if l.total != 2 {
			t.Errorf("%d runs, want 2: nothing starts after the end", l.total)
		}
		pass(t, 5*time.Minute)
		stop := start(t, s) // again: slots of the pause are no one's
		pass(t, 50*time.Second)
		stop()
		if l.total != 4 || len(l.skipped) != 0 {
			t.Errorf("%d runs after a second Run and skipped %v, want 4 and none", l.total, l.skipped)
		}
	})
}

func TestPanicEndsOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.MaxConcurrent = 1
		var text bytes.Buffer
		s.Logger = slog.New(slog.NewTextHandler(&text, nil))
		bad := Job{Name: "bad", Schedule: parse(t, "0 * * * * *", nil), Run: func(context.Context, time.Time) { panic("boom") }}
		left := Job{Name: "left", Schedule: parse(t, "0 * * * * *", nil), Run: func(context.Context, time.Time) { runtime.Goexit() }}
		s.Set([]Job{bad, left, l.job(t, "good", "0 * * * * *", 0)})
		stop := start(t, s)
		pass(t, 10*time.Minute+5*time.Second)
		stop()
		if got := len(l.slots("good")); got != 10 {
			t.Errorf("the other job ran %d times, want 10", got)
		}
		for _, want := range []string{"job=bad", "panic=boom", "run_test.go"} {
			if strings.Count(text.String(), want) < 10 {
				t.Errorf("log has no %q for each run:\n%.2000s", want, text.String())
			}
		}
	})
}

func TestNothingToRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		s.Set([]Job{
			{Name: "no schedule", Run: func(context.Context, time.Time) { t.Error("ran without a schedule") }},
			{Name: "no function", Schedule: parse(t, "@every 1s", nil)},
		})
		stop := start(t, &s)
		pass(t, time.Minute)
		for _, name := range []string{"no schedule", "no function", "unknown"} {
			if at, ok := s.Next(name); ok {
				t.Errorf("Next(%q) is %v, want none", name, at)
			}
		}
		stop()
		s.Set(nil)
		stop = start(t, &s)
		pass(t, time.Minute)
		stop()
	})
}

func TestZeroValueRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		runs := 0
		s.Set([]Job{{Name: "a", Schedule: parse(t, "@every 1s", nil), Run: func(context.Context, time.Time) { runs++ }}})
		stop := start(t, &s)
		pass(t, time.Minute)
		stop()
		if runs != 60 {
			t.Errorf("%d runs, want 60", runs)
		}
	})
}
