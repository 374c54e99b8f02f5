//go:build unix

package scheduler

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// processorTime returns what the process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Jobs that do nothing, in real time: the share of one core that goes to
// keeping time, and how late the runs begin.
func BenchmarkShareOfCore(b *testing.B) {
	for _, n := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprintf("%d jobs @every 10s", n), func(b *testing.B) {
			var mu sync.Mutex
			var delays []time.Duration
			s := Scheduler{Started: func(_ string, delay time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				delays = append(delays, delay)
			}}
			s.Set(idle(b, n, "@every 10s"))
			var used, elapsed time.Duration
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
				from, began := processorTime(b), time.Now()
				if err := s.Run(ctx); err != nil {
					b.Fatal(err)
				}
				used, elapsed = used+processorTime(b)-from, elapsed+time.Since(began)
				cancel()
			}
			slices.Sort(delays)
			b.ReportMetric(100*used.Seconds()/elapsed.Seconds(), "%core")
			b.ReportMetric(float64(used.Microseconds())/float64(len(delays)), "cpu-µs/run")
			b.ReportMetric(float64(len(delays))/elapsed.Seconds(), "runs/s")
			b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "p50-delay-µs")
			b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "p99-delay-µs")
		})
	}
}
