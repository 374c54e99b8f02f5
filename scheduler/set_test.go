package scheduler

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func TestReloadKeepsTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		random := rand.New(rand.NewPCG(1, 2))
		jobs := func() []Job {
			list := []Job{
				l.job(t, "minutely", "* * * * *", 0), l.job(t, "secondly", "* * * * * *", 0), l.job(t, "slow", "@every 20s", 15*time.Second),
				l.job(t, "splayed", "* * * * *", 0),
			}
			list[3].Splay = 30 * time.Second
			for i := range 100 {
				list = append(list, l.job(t, fmt.Sprintf("e%d", i), "@every 10s", time.Second))
			}
			for range random.IntN(20) { // these come and go
				list = append(list, l.job(t, fmt.Sprintf("other%d", random.IntN(30)), "@every 10s", time.Second))
			}
			random.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
			return list
		}
		s.Set(jobs())
		stop := start(t, s)
		for range 1000 {
			switch random.IntN(3) {
			case 0: // exactly as a second begins, at the same instant as slots
				pass(t, time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
			case 1: // exactly at a slot
				next, _ := s.Next(fmt.Sprintf("e%d", random.IntN(100)))
				wait(t.Context(), time.Until(next))
			default:
				pass(t, time.Duration(random.Int64N(int64(3*time.Second))))
			}
			s.Set(jobs())
		}
		pass(t, 10*time.Second)
		stop()

		names := map[string]time.Duration{"minutely": time.Minute, "secondly": time.Second, "slow": 20 * time.Second, "splayed": time.Minute}
		for i := range 100 {
			names[fmt.Sprintf("e%d", i)] = 10 * time.Second
		}
		for name, every := range names {
			slots := l.slots(name)
			if len(slots) < 10 {
				t.Errorf("%s ran %d times, want more", name, len(slots))
			}
			for i := 1; i < len(slots); i++ {
				if gap := slots[i].Sub(slots[i-1]); gap != every {
					t.Errorf("%s: %v after slot %d comes the next, want %v", name, gap, i-1, every)
				}
			}
			for _, why := range []SkipReason{SkipMissed, SkipOverlap, SkipSaturated} {
				if got := l.skips(name, why); got != 0 {
					t.Errorf("%s: %d slots skipped as %s, want none", name, got, why)
				}
			}
		}
		if l.delay > gather {
			t.Errorf("longest delay is %v, want %v at most", l.delay, gather)
		}
		l.noneTwice(t)
	})
}

func TestSetReplacesFunctions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Scheduler
		var ran []string
		jobs := func(version string) []Job {
			return []Job{{Name: "a", Schedule: parse(t, "0 * * * * *", nil), Run: func(context.Context, time.Time) { ran = append(ran, version) }}}
		}
		s.Set(jobs("one"))
		stop := start(t, &s)
		pass(t, time.Minute)
		s.Set(jobs("two"))
		pass(t, time.Minute)
		stop()
		if got := fmt.Sprint(ran); got != "[one two]" {
			t.Errorf("functions that ran: %s, want [one two]", got)
		}
	})
}

func TestSetRemoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.MaxConcurrent = 1
		long, waits := l.job(t, "long", "0 * * * * *", 150*time.Second), l.job(t, "waits", "1 1 * * * *", 0)
		s.Set([]Job{long, waits})
		stop := start(t, s)
		pass(t, 70*time.Second) // long runs since 60s until 210s, waits has been waiting since 61s
		s.Set(nil)
		if !s.Running("long") || s.InFlight() != 1 {
			t.Errorf("Running is %v, InFlight %d, want a removed job to end its run", s.Running("long"), s.InFlight())
		}
		if _, ok := s.Next("long"); ok {
			t.Error("a removed job has a next slot, want none")
		}
		s.Set([]Job{long}) // back while its old run goes on
		pass(t, 60*time.Second)
		if got := l.skips("long", SkipOverlap); got != 1 {
			t.Errorf("%d overlaps, want 1: the old run goes on", got)
		}
		s.Set(nil)
		pass(t, 5*time.Minute)
		if len(s.entries) != 0 || s.waiting.len() != 0 {
			t.Errorf("%d entries and %d waiting remain, want none", len(s.entries), s.waiting.len())
		}
		stop()
		if got := len(l.slots("long")) + len(l.slots("waits")); got != 1 {
			t.Errorf("%d runs, want 1", got)
		}
	})
}

// A job whose schedule changes at the very instant of a slot runs once for
// it, whichever comes first.
func TestSetChangesSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		specs := []string{"* * * * *", "*/1 * * * * ", "0 * * * * *", "*/30 * * * * *", "@every 10s", "0-59 * * * *"}
		s.Set([]Job{l.job(t, "a", specs[0], 0), l.job(t, "steady", "* * * * *", 0)})
		stop := start(t, s)
		for i := range 300 {
			next, _ := s.Next("steady")
			wait(t.Context(), time.Until(next)) // without waiting for the scheduler
			s.Set([]Job{l.job(t, "a", specs[i%len(specs)], 0), l.job(t, "steady", "* * * * *", 0)})
			if i%2 == 0 {
				s.Set([]Job{l.job(t, "a", specs[(i+1)%len(specs)], 0), l.job(t, "steady", "* * * * *", 0)})
			}
		}
		pass(t, time.Minute)
		stop()
		l.noneTwice(t)
		last := l.slots("a")[0]
		for _, slot := range l.slots("a") {
			if gap := slot.Sub(last); gap > time.Minute {
				t.Errorf("%v without a slot before %v, want a minute at most", gap, slot)
			}
			last = slot
		}
	})
}

func TestSetTakesTheFirstOfTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog()
		s := l.scheduler()
		s.Set([]Job{l.job(t, "a", "@every 10s", 0), l.job(t, "a", "@every 1s", 0)})
		stop := start(t, s)
		pass(t, time.Minute)
		stop()
		if got := len(l.slots("a")); got != 6 {
			t.Errorf("%d runs, want 6", got)
		}
	})
}
