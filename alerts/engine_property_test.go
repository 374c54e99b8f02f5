package alerts_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// world is an engine to which anything may happen, and what its readers know.
type world struct {
	*rig
	rng     *rand.Rand
	seen    int
	story   map[string][]alerts.TransitionKind // by thread
	about   map[string][]string                // checks that a thread is about
	known   map[string]uint64                  // incident that readers were told of last, by check
	windows []time.Time                        // beginnings of maintenance, an hour each
	events  []string
}

// worldSetup has a parent with two children, checks that are told in groups,
// and one under maintenance.
func worldSetup(w *world) alerts.Setup {
	s := alerts.Setup{Receivers: []string{"a"}, GroupWait: 15 * time.Second}
	policy := func() alerts.Policy {
		return alerts.Policy{After: 1 + w.rng.IntN(3), RecoverAfter: 1 + w.rng.IntN(2), RemindEvery: time.Duration(w.rng.IntN(3)) * 20 * time.Minute, MaxReminders: w.rng.IntN(3)}
	}
	s.Subjects = []alerts.Subject{
		{Name: "parent", Policy: policy(), Interval: 10 * time.Minute},
		{Name: "child1", Policy: policy(), Interval: 10 * time.Minute, Parents: []string{"parent"}},
		{Name: "child2", Policy: policy(), Interval: 10 * time.Minute, Parents: []string{"parent"}},
		{Name: "kept", Policy: policy(), Labels: map[string]string{"team": "a"}},
		{Name: "free1", Policy: policy()},
		{Name: "free2", Policy: policy()},
	}
	for i := range 3 {
		at := w.now.Add(time.Duration(2*i+1) * time.Hour)
		w.windows = append(w.windows, at)
		s.Maintenance = append(s.Maintenance, nightly(at))
	}
	return s
}

func (w *world) inMaintenance(check string) bool {
	for _, at := range w.windows {
		if check == "kept" && !w.now.Before(at) && w.now.Before(at.Add(time.Hour)) {
			return true
		}
	}
	return false
}

// read takes note of what was told since the last time, and holds what must
// be true of all that is told.
func (w *world) read() error {
	all := w.store.Queued()
	for _, n := range all[w.seen:] {
		m := n.Message
		if m.Topic == alerts.AboutWatchword { // checks that do not run
			continue
		}
		story := append(w.story[n.Thread], m.Kind)
		w.story[n.Thread] = story
		if first := len(story) == 1; first != (m.Kind == alerts.Fired || m.Kind == alerts.Folded || m.Kind == alerts.Escalated && len(story) == 1) {
			return fmt.Errorf("%s: %v", n.Thread, story)
		}
		if len(story) > 1 && story[len(story)-2].Closes() {
			return fmt.Errorf("%s goes on after its end: %v", n.Thread, story)
		}
		names := []string{m.Check}
		if m.Topic == alerts.AboutGroup {
			names = w.about[n.Thread]
			if m.Kind == alerts.Fired {
				names = nil
				for _, line := range m.Members {
					names = append(names, line.Check)
				}
			}
		}
		w.about[n.Thread] = names
		if err := w.judge(m, names); err != nil {
			return fmt.Errorf("%s %q: %w", m.Kind, m.Headline, err)
		}
	}
	w.seen = len(all)
	return nil
}

func (w *world) judge(m alerts.Message, names []string) error {
	for _, name := range names {
		if (m.Topic == alerts.AboutCheck || m.Kind == alerts.Fired) && w.inMaintenance(name) {
			return fmt.Errorf("%s was told inside its maintenance", name)
		}
		if m.Kind != alerts.Fired {
			continue
		}
		n := w.engine.State(name).Incident
		if w.known[name] == n {
			return fmt.Errorf("incident %d of %s was told twice", n, name)
		}
		w.known[name] = n
		if st := w.engine.State("parent"); strings.HasPrefix(name, "child") && st.Open() && st.Level == alerts.LevelFailed {
			return fmt.Errorf("%s was told although its parent fails", name)
		}
	}
	return nil
}

// knows says whether readers know that a check fails.
func (w *world) knows(name string) bool {
	st := w.engine.State(name)
	return st.Open() && w.known[name] == st.Incident
}

// step lets something happen.
func (w *world) step() error {
	names := []string{"parent", "child1", "child2", "kept", "free1", "free2"}
	name := names[w.rng.IntN(len(names))]
	event := ""
	switch n := w.rng.IntN(100); {
	case n < 30:
		event = name + " fails"
		w.at(name, checks.Failed, unknownCA)
	case n < 35:
		event = name + " is degraded"
		w.at(name, checks.Degraded, "")
	case n < 60:
		event = name + " passes"
		w.at(name, checks.Passed, "")
	case n < 63:
		event = name + " is unknown"
		w.at(name, checks.Unknown, "")
	case n < 66:
		event = "restart"
		w.restart()
	case n < 69:
		event = "reload"
		w.load(w.setup)
	case n < 71:
		event = "mute free*"
		if _, err := w.engine.Mute(w.t.Context(), alerts.Mute{Pattern: "free*", Until: w.now.Add(10 * time.Minute)}); err != nil {
			return err
		}
	default:
		d := time.Duration(1+w.rng.IntN(40)) * time.Second
		event = "wait " + d.String()
		for range int(d / time.Second) {
			w.tick(time.Second)
			if err := w.read(); err != nil {
				w.events = append(w.events, event)
				return err
			}
		}
	}
	w.events = append(w.events, event)
	return w.read()
}

// settle lets all checks fail or pass for long, with nothing that holds them,
// and looks whether everyone knows.
func (w *world) settle(o checks.Outcome) error {
	w.now = w.now.Add(8 * time.Hour) // all windows are over, and mutes
	for range 6 {
		for _, s := range w.setup.Subjects {
			w.at(s.Name, o, unknownCA)
		}
		w.tick(time.Minute)
		if err := w.read(); err != nil {
			return err
		}
	}
	for _, s := range w.setup.Subjects {
		st := w.engine.State(s.Name)
		child := strings.HasPrefix(s.Name, "child")
		switch {
		case o == checks.Passed && st.Status() != alerts.OK:
			return fmt.Errorf("%s is well, and is %s", s.Name, st.Status())
		case o == checks.Failed && !child && !w.knows(s.Name):
			return fmt.Errorf("%s fails, and nobody knows: %+v", s.Name, st)
		case o == checks.Failed && child && !w.knows(s.Name) && st.Held != alerts.ByDependency:
			return fmt.Errorf("%s fails, nobody knows, and nothing holds it: %+v", s.Name, st)
		}
	}
	for thread, story := range w.story {
		if last := story[len(story)-1]; o == checks.Passed && !last.Closes() {
			return fmt.Errorf("all is well, and the last that was told in %s is %s", thread, last)
		}
	}
	return nil
}

// TestEngineProperties plays random events: runs, restarts, reloads, mutes
// and time.
func TestEngineProperties(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	told := 0
	const rounds = 40
	for round := range rounds {
		w := &world{
			rng: rand.New(rand.NewPCG(seed, uint64(round))), story: map[string][]alerts.TransitionKind{},
			about: map[string][]string{}, known: map[string]uint64{},
		}
		w.rig = newRig(t, alerts.Setup{})
		w.load(worldSetup(w))
		var err error
		for range 150 {
			if err = w.step(); err != nil {
				break
			}
		}
		end := checks.Passed
		if round%2 == 0 {
			end = checks.Failed
		}
		if err == nil {
			if err = w.settle(end); err == nil {
				err = w.settle(checks.Passed)
			}
		}
		if err != nil {
			t.Fatalf("seed %d, round %d: %v\nafter %s", seed, round, err, strings.Join(w.events[max(0, len(w.events)-40):], ", "))
		}
		told += w.seen
	}
	t.Logf("%d rounds, %d notifications", rounds, told)
}
