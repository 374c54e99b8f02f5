package scheduler_test

import (
	"context"
	"fmt"
	"time"

	"watchword/scheduler"
)

// A job runs until the context of Run ends; then Run waits for what is still
// in flight.
func Example() {
	every, err := scheduler.Parse("@every 1s", time.UTC)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()

	s := scheduler.Scheduler{
		MaxConcurrent: 100,
		Grace:         15 * time.Second,
		Skipped: func(job string, why scheduler.SkipReason, n int) {
			fmt.Printf("%s: %d skipped (%s)\n", job, n, why)
		},
	}
	s.Set([]scheduler.Job{{
		Name:     "orders/health",
		Schedule: every,
		Run: func(_ context.Context, _ time.Time) {
			fmt.Println("checking orders/health")
			stop()
		},
	}})
	if err := s.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: checking orders/health
}

// A fixed time in the hour that New York skips in March runs right after it.
func ExampleSchedule_Next() {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := scheduler.Parse("30 2 * * *", newYork)
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, time.March, 7, 0, 0, 0, 0, newYork)
	for range 3 {
		at = s.Next(at)
		fmt.Println(at)
	}
	// Output:
	// 2026-03-07 02:30:00 -0500 EST
	// 2026-03-08 03:00:00 -0400 EDT
	// 2026-03-09 02:30:00 -0400 EDT
}

// Mistakes are told as sentences.
func ExampleParse() {
	for _, spec := range []string{"*/61 * * * *", "0 0 30 2 *", "@every 0s"} {
		_, err := scheduler.Parse(spec, time.UTC)
		fmt.Println(err)
	}
	// Output:
	// schedule "*/61 * * * *": step of the minute is "61", want 1 to 60
	// schedule "0 0 30 2 *": it never fires: month "2" has no day "30"; want a day that the month has
	// schedule "@every 0s": interval is 0s, want 1s at least and 365d at most
}
