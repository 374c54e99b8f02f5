package scheduler

import (
	"fmt"
	"testing"
	"time"
)

// What a due run costs beside its goroutine: a look at the clock, the next
// slot, one sift of the heap, the bookkeeping at begin and end.
func BenchmarkDueRun(b *testing.B) {
	for _, spec := range []string{"@every 10s", "*/5 * * * *"} {
		for _, n := range []int{100, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", spec, n), func(b *testing.B) {
				clock := time.Date(2026, time.March, 4, 10, 0, 0, 0, time.UTC)
				s := Scheduler{Now: func() time.Time { return clock }, MaxConcurrent: n}
				jobs := idle(b, n, spec)
				for i := range jobs {
					jobs[i].Splay = time.Minute
				}
				s.Set(jobs)
				if _, err := s.open(); err != nil {
					b.Fatal(err)
				}
				var due batch
				b.ReportAllocs()
				for b.Loop() {
					clock = time.Unix(0, s.queue[0].due)
					s.looked = clock.UnixNano()
					s.look(&due)
					for _, a := range due.start {
						s.release(a.entry)
					}
				}
			})
		}
	}
}

// A reload in which nothing has changed.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var s Scheduler
			jobs := idle(b, n, "@every 10s")
			s.Set(jobs)
			b.ReportAllocs()
			for b.Loop() {
				s.Set(jobs)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, spec := range []string{"@every 1m", "*/5 * * * *", "0 9-17 * * MON-FRI", "0 0 29 2 *"} {
		b.Run(spec, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(spec, time.UTC); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNext(b *testing.B) {
	for _, spec := range []string{"@every 1m", "* * * * *", "*/5 * * * *", "30 2 * * *", "0 0 1 1 *"} {
		b.Run(spec, func(b *testing.B) {
			s := parse(b, spec, zone(b, "America/New_York"))
			last := at(b, "2026-03-04T10:00:00Z")
			b.ReportAllocs()
			for b.Loop() {
				if last = s.Next(last); last.Year() > 2100 {
					last = at(b, "2026-03-04T10:00:00Z")
				}
			}
		})
	}
}
