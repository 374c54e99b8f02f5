package web

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
)

// runs records runs that begin a second after each other.
func runs(b *Board, check string, start time.Time, outcomes ...checks.Outcome) {
	for i, o := range outcomes {
		b.Record(checks.Result{
			Check: check, Outcome: o, Started: start.Add(time.Duration(i) * time.Second), Duration: 128 * time.Millisecond,
			Steps: []checks.StepResult{{Step: "login", Status: 200, Timing: checks.Timing{DNS: 3 * time.Microsecond, TLS: time.Millisecond, Total: 128 * time.Millisecond}}},
		})
	}
}

func load(b *Board, names ...string) {
	var s Setup
	for _, name := range names {
		s.Checks = append(s.Checks, Check{Name: name})
	}
	b.Load(s)
}

func saved(tb testing.TB, b *Board) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := b.Save(&out); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestRestore carries runs over a start: they show, but do not say how a check
// is now, and what runs next stands behind a gap.
func TestRestore(t *testing.T) {
	start := time.Date(2026, 3, 1, 10, 0, 0, 123_000_000, time.UTC)
	before := new(Board)
	load(before, "a", "gone", "never", "often")
	runs(before, "a", start, checks.Passed, checks.Degraded, checks.Failed, checks.Unknown, checks.Passed)
	runs(before, "gone", start, checks.Passed)
	for i := range 50 {
		runs(before, "often", start.Add(time.Duration(i)*time.Hour), checks.Passed)
	}
	want, _ := before.one("a", start)

	b := &Board{State: func(check string) alerts.State {
		if check == "often" {
			return alerts.State{Phase: alerts.Firing, Seen: alerts.LevelFailed, Reason: checks.ReasonExpectation, Message: "m", Since: start}
		}
		return alerts.State{}
	}}
	load(b, "often", "new", "a", "never")
	if err := b.Restore(saved(t, before)); err != nil {
		t.Fatal(err)
	}
	got, _ := b.one("a", start)
	if diff := cmp.Diff(want.Runs, got.Runs); diff != "" {
		t.Errorf("the runs differ: %s", diff)
	}
	if diff := cmp.Diff(want.steps, got.steps); diff != "" {
		t.Errorf("the phases differ: %s", diff)
	}
	if got.Status != unknown || got.LastRun == nil || !got.LastRun.Equal(start.Add(4*time.Second)) || got.LastDuration != 0.128 {
		t.Errorf("got %s, last run %v of %v s", got.Status, got.LastRun, got.LastDuration)
	}
	if got, _ := b.one("often", start); len(got.Runs) != keptRuns || got.Status != failing || got.Message != "m" || !got.Runs[0].Started.Equal(start.Add(20*time.Hour)) {
		t.Errorf("got %s with %d runs, %q", got.Status, len(got.Runs), got.Message)
	}
	for _, name := range []string{"new", "never"} {
		if got, _ := b.one(name, start); len(got.Runs) != 0 || got.LastRun != nil || got.Status != unknown {
			t.Errorf("%s has %+v", name, got)
		}
	}
	b.Each(func(check, status string) {
		if status != unknown {
			t.Errorf("%s counts as %s", check, status)
		}
	})

	runs(b, "new", start, checks.Passed, checks.Passed)
	runs(b, "a", start.Add(time.Minute), checks.Passed, checks.Failed)
	again := new(Board)
	load(again, "a", "new")
	if err := again.Restore(saved(t, b)); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Board{b, again} { // gaps are carried on
		var gaps []int
		got, _ := b.one("a", start)
		for i, r := range got.Runs {
			if r.Gap {
				gaps = append(gaps, i)
			}
		}
		if diff := cmp.Diff([]int{5}, gaps); diff != "" || len(got.Runs) != 7 {
			t.Errorf("%d runs, gaps before %s", len(got.Runs), diff)
		}
		if got, _ := b.one("new", start); len(got.Runs) != 2 || got.Runs[0].Gap || got.Runs[1].Gap {
			t.Errorf("runs of a new check are %+v", got.Runs)
		}
	}

	// What has run since the start is not replaced.
	if err := b.Restore(saved(t, before)); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.one("a", start); len(got.Runs) != 7 {
		t.Errorf("there are %d runs", len(got.Runs))
	}
}

// TestStripShowsGaps draws what is known of a check that ran across starts.
func TestStripShowsGaps(t *testing.T) {
	const p, f = checks.Passed, checks.Failed
	run := func(o checks.Outcome, gap bool) runStatus { return runStatus{Outcome: o, Gap: gap} }
	many := make([]runStatus, keptRuns)
	for i := range many {
		many[i] = run(p, i == 10 || i == keptRuns-1)
	}
	for name, tc := range map[string]struct {
		runs []runStatus
		want string
	}{
		"none":              {nil, `aria-label="no runs yet"></svg>`},
		"no gap":            {[]runStatus{run(p, false), run(p, false), run(f, false)}, `aria-label="last 3 runs: 2 passed, 1 failed"><path class="passed" d="M27 2h2v2h-2z"/><path class="failed" d="M29 0h1v4h-1z"/></svg>`},
		"a gap":             {[]runStatus{run(p, false), run(p, true), run(p, false)}, `aria-label="last 3 runs: 3 passed; watchword was started in between"><path class="passed" d="M28 2h2v2h-2zM26 2h1v2h-1z"/></svg>`},
		"a gap and another": {[]runStatus{run(f, false), run(p, true)}, `in between"><path class="passed" d="M29 2h1v2h-1z"/><path class="failed" d="M27 0h1v4h-1z"/></svg>`},
		"no room for all":   {many, `<path class="passed" d="M29 2h1v2h-1zM9 2h19v2h-19zM0 2h8v2h-8z"/></svg>`},
	} {
		if got := string(strip(tc.runs)); !strings.HasSuffix(got, tc.want) {
			t.Errorf("%s: got %s, want %s at the end", name, got, tc.want)
		}
	}
}

// TestRestoreOfSomethingElse changes every byte of what was saved, cuts it
// short everywhere, and has it written by another version: it is refused whole,
// or what is taken can be shown.
func TestRestoreOfSomethingElse(t *testing.T) {
	before := new(Board)
	load(before, "a", "b")
	for _, name := range []string{"a", "b"} {
		runs(before, name, time.Now(), checks.Passed, checks.Failed, checks.Passed)
	}
	sound := saved(t, before)
	try := func(raw []byte) (taken int) {
		b := new(Board)
		load(b, "a", "b")
		err := b.Restore(raw)
		if err != nil && !errors.Is(err, errSaved) {
			t.Errorf("got %v", err)
		}
		for _, c := range b.allChecks(time.Now()) {
			taken += len(c.Runs)
			for _, r := range c.Runs {
				if _, err := r.Started.MarshalJSON(); err != nil {
					t.Errorf("a run cannot be shown: %v", err)
				}
			}
		}
		if err != nil && taken != 0 {
			t.Errorf("%d runs were taken in spite of %v", taken, err)
		}
		return taken
	}
	if n := try(sound); n != 6 {
		t.Errorf("%d runs were taken of what is sound", n)
	}
	for i := range sound {
		for _, change := range []byte{0x01, 0x7f, 0x80, 0xff} {
			raw := bytes.Clone(sound)
			raw[i] ^= change
			try(raw)
		}
		if n := try(sound[:i]); n == 6 {
			t.Errorf("6 runs were taken of %d bytes of %d", i, len(sound))
		}
	}
	for _, raw := range [][]byte{nil, []byte("watchword runs 2\n"), bytes.Replace(sound, []byte("runs 1"), []byte("runs 2"), 1), bytes.Repeat([]byte{0xff}, 100)} {
		if n := try(raw); n != 0 {
			t.Errorf("%d runs were taken of %q", n, raw)
		}
	}
}

func FuzzRestore(f *testing.F) {
	before := new(Board)
	load(before, "a", "b")
	runs(before, "a", time.Unix(1_800_000_000, 0), checks.Passed, checks.Failed, checks.Passed)
	f.Add(saved(f, before))
	f.Add([]byte(savedHead))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := new(Board)
		load(b, "a", "b")
		if b.Restore(raw) != nil {
			return
		}
		again := saved(t, b)
		if err := b.Restore(again); err != nil {
			t.Errorf("what was taken cannot be saved: %v", err)
		}
	})
}

// BenchmarkSave is what a large configuration costs every few minutes, and
// BenchmarkRestore at a start.
func BenchmarkSave(b *testing.B) {
	board, size := large(b), 0
	for b.Loop() {
		size = len(saved(b, board))
	}
	b.ReportMetric(float64(size)/(1<<20), "MiB")
}

func BenchmarkRestore(b *testing.B) {
	raw := saved(b, large(b))
	for b.Loop() {
		next := new(Board)
		b.StopTimer()
		next.Load(large(b).view().setup)
		b.StartTimer()
		if err := next.Restore(raw); err != nil {
			b.Fatal(err)
		}
	}
}

// large is a board of 10,000 checks that have run many times.
func large(b *testing.B) *Board {
	b.Helper()
	board := new(Board)
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("group%d/a-check-of-an-api-%d", i%20, i)
	}
	load(board, names...)
	for i, name := range names {
		for n := range keptRuns {
			runs(board, name, time.Unix(1_800_000_000+int64(10*n), int64(1_000_003*i)), checks.Passed)
		}
	}
	return board
}
