package alerts

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"watchword/checks"
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// play runs a script of events, each a minute after the one before: P passed,
// F failed, D degraded, U unknown, t clock, R removed. It returns one word for
// each event: the phase's first letter in lower case, and after a dash what
// was told.
func play(p Policy, script string) string {
	var s State
	var out []string
	now := start
	for _, c := range script {
		var ts []Transition
		s, ts = p.Next(s, letter(c), now)
		var word strings.Builder
		word.WriteString(string(s.Status())[:1])
		for _, t := range ts {
			word.WriteString("-" + string(t.Kind))
			if t.Level == LevelDegraded {
				word.WriteString("(d)")
			}
		}
		out = append(out, word.String())
		now = now.Add(time.Minute)
	}
	return strings.Join(out, " ")
}

func letter(c rune) Event {
	switch c {
	case 'P':
		return Event{Outcome: checks.Passed}
	case 'F':
		return Event{Outcome: checks.Failed, Reason: "expectation", Message: "status is 422, want 201"}
	case 'D':
		return Event{Outcome: checks.Degraded, Message: "timing.total is 1.2"}
	case 'U':
		return Event{Outcome: checks.Unknown, Reason: "internal"}
	case 'R':
		return Event{Kind: Removed}
	default:
		return Event{Kind: Ticked}
	}
}

func TestNext(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy Policy
		script string
		want   string
	}{
		{"passing", Policy{}, "PPtP", "o o o o"},
		{"first failure fires", Policy{}, "PFP", "o f-fired o-recovered"},
		{"after 3", Policy{After: 3}, "FFPFFFP", "p p o p p f-fired o-recovered"},
		{"unknown leaves the streak", Policy{After: 2}, "FUUF", "p p p f-fired"},
		{"unknown neither fires nor resolves", Policy{}, "UFUUP", "o f-fired f f o-recovered"},
		{"one streak of degraded and failed", Policy{After: 3}, "DFD", "p p f-fired(d)"},
		{"level is that of the last run", Policy{After: 2}, "DF", "p f-fired"},
		{"escalates at once", Policy{RecoverAfter: 3}, "DFF", "f-fired(d) f-escalated f"},
		{"eases after recover_after", Policy{RecoverAfter: 3}, "FDDDD", "f-fired f f f-eased(d) f"},
		{"a failure starts the easing again", Policy{RecoverAfter: 2}, "FDFDD", "f-fired f f f f-eased(d)"},
		{"passed runs count towards easing", Policy{RecoverAfter: 3}, "FPDD", "f-fired r f f-eased(d)"},
		{"recover_after", Policy{RecoverAfter: 3}, "FPPFPPP", "f-fired r r f r r o-recovered"},
		{"escalates out of recovering", Policy{RecoverAfter: 2}, "DPF", "f-fired(d) r f-escalated"},
		{"unknown in recovering", Policy{RecoverAfter: 2}, "FPUP", "f-fired r r o-recovered"},
		{"for by the clock", Policy{For: 3 * time.Minute}, "Ftttt", "p p p f-fired f"},
		{"for by runs", Policy{For: 2 * time.Minute}, "FFF", "p p f-fired"},
		{"for by an unknown run", Policy{For: 2 * time.Minute}, "FUU", "p p f-fired"},
		{"after and for: runs missing", Policy{After: 3, For: time.Minute}, "FFttF", "p p p p f-fired"},
		{"after and for: time missing", Policy{After: 2, For: 4 * time.Minute}, "FFFFF", "p p p p f-fired"},
		{"for ended by a pass", Policy{For: 2 * time.Minute}, "FPttF", "p o o o p"},
		{"reminders", Policy{RemindEvery: 2 * time.Minute}, "FttttP", "f-fired f f-reminded f f-reminded o-recovered"},
		{"a level change counts as a reminder", Policy{RemindEvery: 2 * time.Minute}, "DtFttP", "f-fired(d) f f-escalated f f-reminded o-recovered"},
		{"no reminder while recovering", Policy{RemindEvery: 2 * time.Minute, RecoverAfter: 2}, "FPtttF", "f-fired r r r r f-reminded"},
		{"removed while firing", Policy{}, "FRtP", "f-fired o-withdrawn o o"},
		{"removed while recovering", Policy{RecoverAfter: 2}, "FPR", "f-fired r o-withdrawn"},
		{"removed while pending", Policy{After: 2}, "FRF", "p o p"},
		{"removed while ok", Policy{}, "PR", "o o"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := play(tc.policy, tc.script); got != tc.want {
				t.Errorf("%s\n got %s\nwant %s", tc.script, got, tc.want)
			}
		})
	}
}

func TestNextTellsTimesAndCounts(t *testing.T) {
	p := Policy{After: 2}
	var s State
	s, _ = p.Next(s, Event{Outcome: checks.Passed, Started: start}, start.Add(time.Second))
	s, _ = p.Next(s, Event{Outcome: checks.Failed, Started: start.Add(time.Minute), Reason: "expectation", Message: "a"}, start.Add(62*time.Second))
	s, ts := p.Next(s, Event{Outcome: checks.Failed, Started: start.Add(2 * time.Minute), Reason: "decode", Message: "b"}, start.Add(122*time.Second))
	want := Transition{
		Kind: Fired, Incident: 1, Level: LevelFailed, At: start.Add(122 * time.Second), Since: start.Add(time.Minute),
		Runs: 2, LastGood: start, Reason: "decode", Message: "b",
	}
	if len(ts) != 1 || ts[0] != want {
		t.Errorf("got %+v\nwant %+v", ts, want)
	}
	if s.Incident != 1 || s.Fired != start.Add(122*time.Second) {
		t.Errorf("state %+v", s)
	}
}

func TestNextClockSetBack(t *testing.T) {
	p := Policy{For: 5 * time.Minute, RemindEvery: time.Hour}
	s, _ := p.Next(State{}, Event{Outcome: checks.Failed, Started: start}, start)
	back := start.Add(-24 * time.Hour)
	s, ts := p.Next(s, Event{Outcome: checks.Failed, Started: back}, back)
	if len(ts) != 0 {
		t.Fatalf("told %v right after the step", ts)
	}
	s, ts = p.Next(s, Event{Kind: Ticked}, back.Add(5*time.Minute))
	if len(ts) != 1 || ts[0].Kind != Fired {
		t.Fatalf("got %v, want fired 5 minutes after the step", ts)
	}
	// and a day forward: one reminder, not one for each hour
	forward := start.Add(24 * time.Hour)
	for i := range 3 {
		s, ts = p.Next(s, Event{Kind: Ticked}, forward.Add(time.Duration(i)*time.Second))
		if (len(ts) == 1) != (i == 0) {
			t.Errorf("tick %d after the step told %v", i, ts)
		}
	}
}

// TestNextProperties plays random events under random policies and holds what
// must be true of every sequence.
func TestNextProperties(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range 300 {
		p := Policy{
			After: rng.IntN(4), RecoverAfter: rng.IntN(4),
			For: time.Duration(rng.IntN(3)) * time.Minute, RemindEvery: time.Duration(rng.IntN(4)) * time.Minute,
		}
		if err := holds(p, rng); err != nil {
			t.Fatalf("seed %d, round %d, policy %+v: %v", seed, round, p, err)
		}
	}
}

func holds(p Policy, rng *rand.Rand) error {
	const letters = "PPPFFFDDUttR"
	var s State
	var open bool
	var level Level
	var incident uint64
	var streak, passes int // our own count
	var failingSince, told time.Time
	now := start
	for i := range 200 {
		c := rune(letters[rng.IntN(len(letters))])
		if c == 'R' && rng.IntN(4) > 0 {
			c = 't'
		}
		now = now.Add(time.Duration(rng.IntN(90)) * time.Second)
		e := letter(c)
		if e.Kind == Ran {
			switch e.Outcome {
			case checks.Passed:
				streak, passes = 0, passes+1
			case checks.Failed, checks.Degraded:
				if streak == 0 && !open {
					failingSince = now
				}
				streak, passes = streak+1, 0
			default:
			}
		}
		before := s
		next, ts := p.Next(s, e, now)
		again, ts2 := p.Next(s, e, now)
		if fmt.Sprint(next, ts) != fmt.Sprint(again, ts2) {
			return fmt.Errorf("event %d %c: not pure", i, c)
		}
		s = next
		if len(ts) > 1 {
			return fmt.Errorf("event %d %c: told %d things at once", i, c, len(ts))
		}
		if e.Outcome == checks.Unknown && e.Kind == Ran && (s.Failing != before.Failing || s.Passing != before.Passing || s.Runs != before.Runs) {
			return fmt.Errorf("event %d: unknown changed a streak", i)
		}
		for _, tr := range ts {
			switch tr.Kind {
			case Fired:
				if open || tr.Incident != incident+1 || streak < max(p.After, 1) || now.Sub(failingSince) < p.For {
					return fmt.Errorf("event %d %c: fired wrongly: %+v (open %v, streak %d)", i, c, tr, open, streak)
				}
				open, incident, level = true, tr.Incident, tr.Level
			case Escalated:
				if level != LevelDegraded || c != 'F' {
					return fmt.Errorf("event %d %c: escalated from %s", i, c, level)
				}
				level = LevelFailed
			case Eased:
				if level != LevelFailed || c != 'D' {
					return fmt.Errorf("event %d %c: eased from %s", i, c, level)
				}
				level = LevelDegraded
			case Reminded:
				if p.RemindEvery == 0 || now.Sub(told) < p.RemindEvery {
					return fmt.Errorf("event %d %c: reminded after %v", i, c, now.Sub(told))
				}
			case Recovered:
				if c != 'P' || passes < max(p.RecoverAfter, 1) {
					return fmt.Errorf("event %d %c: recovered after %d passes", i, c, passes)
				}
			case Withdrawn:
				if c != 'R' {
					return fmt.Errorf("event %d %c: withdrawn", i, c)
				}
			}
			if tr.Kind != Fired && (!open && !tr.Kind.Closes() || tr.Incident != incident) {
				return fmt.Errorf("event %d %c: told %+v of incident %d, open %v", i, c, tr, incident, open)
			}
			if tr.Kind.Closes() {
				if !open {
					return fmt.Errorf("event %d %c: closed twice", i, c)
				}
				open = false
			}
			told = now
		}
		if c == 'R' {
			streak, passes, open = 0, 0, false
		}
		if c == 'F' && open && s.Level != LevelFailed {
			return fmt.Errorf("event %d: a failed run was not told", i)
		}
		if !open && streak >= max(p.After, 1) && now.Sub(failingSince) >= p.For && e.Kind != Removed && streak > 0 {
			return fmt.Errorf("event %d %c: an incident was missed: %+v", i, c, s)
		}
		if s.Open() != open {
			return fmt.Errorf("event %d %c: state %s, told open %v", i, c, s.Status(), open)
		}
		if s.Status() == OK && (!s.Since.IsZero() || s.Level != NoLevel || s.Failing+s.Passing+s.Runs != 0) {
			return fmt.Errorf("event %d %c: leftovers in %+v", i, c, s)
		}
	}
	return nil
}
