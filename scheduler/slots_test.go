package scheduler

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The slots are those at which a scheduler runs the jobs.
func TestSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ran []time.Time
		var s Scheduler
		s.Set([]Job{
			{Name: "often", Schedule: parse(t, "@every 90s", time.UTC), Run: func(_ context.Context, due time.Time) { ran = append(ran, due) }},
			{Name: "splayed", Schedule: parse(t, "*/10 * * * *", time.UTC), Splay: time.Minute, Run: func(context.Context, time.Time) {}},
		})
		until := time.Now().Add(time.Hour)
		var told []time.Time
		for slot := range s.Slots("often", until) {
			told = append(told, slot)
		}
		splayed := 0
		for slot := range s.Slots("splayed", until) {
			if splayed == 0 {
				if next, _ := s.Next("splayed"); !next.Equal(slot) {
					t.Errorf("first slot %v, want that of Next, %v", slot, next)
				}
			}
			splayed++
		}
		ctx, cancel := context.WithDeadline(t.Context(), until)
		defer cancel()
		if err := s.Run(ctx); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if len(told) != 40 || splayed != 6 {
			t.Errorf("%d and %d slots, want 40 and 6", len(told), splayed)
		}
		for i := range told {
			if i >= len(ran) || !told[i].Equal(ran[i]) {
				t.Fatalf("slots %v, but ran at %v", told, ran)
			}
		}
		for range s.Slots("nobody", until) {
			t.Error("a job that is not there has a slot")
		}
	})
}
