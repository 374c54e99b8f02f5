// Package scheduler runs functions at the times of their schedules, by the
// thousand, and says what it could not run.
//
// # Schedules
//
// [Parse] reads what people write: five cron fields (minute, hour, day of
// month, month, day of week), six with seconds in front, "@hourly" and its
// kin, or "@every 30s". A [Schedule] is a pure function of time: its slots
// are the instants that [Schedule.Next] returns one after the other, strictly
// increasing, always in finite time.
//
// Cron fields are read on the wall clock of a time zone, and wall clocks jump
// twice a year. The rule is that of ISC cron: if the hour or the minute field
// starts with "*", the schedule is an interval and goes on, matching what the
// wall clock shows; any other is a fixed time, which runs once right after a
// gap that skipped it, and only the first time in an hour that comes twice.
//
// # Jobs
//
// A [Scheduler] keeps its jobs in a heap, and one goroutine waits for the
// first of them. A due job runs in a goroutine of its own; what each run
// costs beyond that is one sift of the heap. Runs begin within about a
// millisecond of their slots; where slots are less than 7 ms apart, up to 8 ms
// later, a few at a time, to spare the processor. [Scheduler.Set] replaces the jobs
// at any time: those that did not change keep their timers.
//
// Jobs at "@every" are spread over their interval in the order of a hash of
// their names, evenly and on a grid that is tied to the wall clock: restarting
// with the same jobs gives each the same slots, and each runs within its
// first interval. Cron jobs are exact unless Splay moves each by an amount
// that follows from its name.
//
// # What does not run
//
// At most one run comes of a slot, and one that does not run is counted:
//
//   - [SkipOverlap]: the run before was not over.
//   - [SkipSaturated]: MaxConcurrent runs were in flight until the job's
//     next slot came. Until then a due run waits for its turn, one for each
//     job at most, first come first served.
//   - [SkipMissed]: the process was suspended or stalled, or the clock was
//     set forward. A job that is hardly late still runs, once; others wait
//     for their next slot, so that no burst follows.
//
// The wall clock is looked at once a second at least. When it is set back, a
// cron job waits until its last slot has been passed again (after more than
// three hours, as in ISC cron, the new time counts at once); "@every" goes on
// at another place of its interval, so that no slot comes twice.
package scheduler
