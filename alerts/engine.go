package alerts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"watchword/checks"
)

// Subject is a check as the [Engine] sees it.
type Subject struct {
	Name      string
	Group     string
	Labels    map[string]string // the user's
	Policy    Policy
	Receivers []string // the check's own; they replace the routes. Empty: the routes decide
	Runbook   string
	Source    checks.Source
	Parents   []string      // names of the checks that it depends on
	Hosts     []string      // that it asks, as far as they are known
	Interval  time.Duration // the longest time between two runs; 0: it may be without a run for ever
}

// Setup is everything of a configuration that concerns alerts.
type Setup struct {
	Location     string
	Subjects     []Subject
	Routes       Routes
	GroupWait    time.Duration // of what no route decides; see [Route]
	Maintenance  []Maintenance
	Links        Links
	Receivers    []string        // full names of all, such as "slack.oncall"
	Expiry       []time.Duration // thresholds of settings.certificate_expiry; nil means [DefaultExpiry]
	Certificates []Certificate
	Problems     []Problem // what is wrong with this configuration although it runs
}

// Engine keeps the state of every check and queues what is to be told. Set
// the fields before the first call. All methods may be called concurrently.
type Engine struct {
	Store  Store
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now
	Wake   func()           // called after notifications were queued; may be nil. Use (*Outbox).Wake

	loading sync.Mutex // one Load at a time

	mu       sync.RWMutex // guards the following
	loaded   bool
	setup    Setup
	subjects map[string]*subject
	restless map[*subject]struct{} // those whose phase is not OK: the clock looks at them
	hosts    int                   // that checks ask
	problems problems
	expiry   expiry
	mutes    mutes
	groups   groups
	outage   outage
	stale    stale
}

// subject is a check with its live state.
type subject struct {
	name  string
	place atomic.Pointer[place]  // replaced by Load
	quiet atomic.Bool            // what decides when it is told was changed: the clock waits for the next run
	waits atomic.Pointer[window] // the group that it is to be told with; guarded by groups.mu for writing

	mu   sync.Mutex // guards gone; held across Store.Update: the events of a check are decided one by one
	gone bool       // removed by Load: nothing happens any more

	live sync.Mutex // guards the following alone, so that State never waits for a disk
	now  State
	run  lastRun
	seen lastRun   // as those see it that depend on the check: never ahead of a failure in now
	last []Failure // of the last failing run
}

// place is what a configuration says of a subject.
type place struct {
	Subject
	location string
	all      []string // receivers by the routes, or the check's own
	known    []string // every receiver that is configured
	links    Links
	group    string // what is told together has the same
	wait     time.Duration
	windows  []*calendar

	parents    []*subject
	dependents []*subject // all that depend on it, directly or not
}

func (s *subject) state() State {
	s.live.Lock()
	defer s.live.Unlock()
	return s.now
}

func (s *subject) set(st State) {
	s.live.Lock()
	s.now = st
	s.live.Unlock()
}

func (s *subject) failures() []Failure {
	s.live.Lock()
	defer s.live.Unlock()
	return s.last
}

func (s *subject) setFailures(list []Failure) {
	s.live.Lock()
	s.last = list
	s.live.Unlock()
}

const checkPrefix = "check:"

func (e *Engine) time() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

func (e *Engine) log() *slog.Logger {
	if e.Logger != nil {
		return e.Logger
	}
	return slog.New(slog.DiscardHandler)
}

func (e *Engine) wake() {
	if e.Wake != nil {
		e.Wake()
	}
}

// State returns the live state of a check: the zero State for one that has
// never run or is not configured. It reads no disk and waits for none.
func (e *Engine) State(check string) State {
	e.mu.RLock()
	s := e.subjects[check]
	e.mu.RUnlock()
	if s == nil {
		return State{}
	}
	return s.state()
}

// Handle takes the result of a run. The result of a check that is not
// configured (any more) is dropped. An error means that the Store has not
// taken it and the state is as before.
func (e *Engine) Handle(ctx context.Context, r checks.Result) error {
	e.mu.RLock()
	s := e.subjects[r.Check]
	e.mu.RUnlock()
	if s == nil {
		return nil
	}
	now := e.time()
	e.seeServers(r, now)
	if s.passOn(r) {
		return nil
	}
	e.groups.telling.RLock()
	defer e.groups.telling.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return nil
	}
	s.quiet.Store(false)
	ev := Event{Kind: Ran, Outcome: r.Outcome, Reason: r.Reason, Started: r.Started}
	if r.Outcome == checks.Failed || r.Outcome == checks.Degraded {
		ev.Message = summary(r)
		s.setFailures(failures(r))
	}
	if err := e.decide(ctx, s, ev, now); err != nil {
		return fmt.Errorf("handling the result of %s: %w", r.Check, err)
	}
	s.show()
	return nil
}

// passOn notes when a check has run. It says whether the run passed and the
// check was well before, which is all that happens in most runs: no decision,
// no disk.
func (s *subject) passOn(r checks.Result) bool {
	s.live.Lock()
	defer s.live.Unlock()
	well := s.now.Status() == OK
	if r.Outcome == checks.Passed && (!well && s.now.Passing == 0) {
		s.run.well = r.Started
	}
	s.run.start, s.run.began = r.Started, true
	if r.Outcome == checks.Passed {
		s.seen = s.run
	}
	if r.Outcome != checks.Passed || !well {
		return false
	}
	s.now.LastGood = r.Started
	s.quiet.Store(false)
	return true
}

// decide applies an event to a subject, whose mu is held, unless it is to be
// told in a moment together with others.
func (e *Engine) decide(ctx context.Context, s *subject, ev Event, now time.Time) error {
	at, old := s.place.Load(), s.state()
	ev = e.surroundings(s, at, old, ev, now)
	next, ts := at.Policy.Next(old, ev, now)
	if opens(ts) && !e.groups.admit(s, at, now) {
		ev.Hold = ByGroup
		next, ts = at.Policy.Next(old, ev, now)
	}
	if len(ts) == 0 && !changes(ev) && next.Held == old.Held {
		return nil
	}
	return e.apply(ctx, s, ev, now)
}

// surroundings adds to an event what the others have to do with it.
func (e *Engine) surroundings(s *subject, at *place, old State, ev Event, now time.Time) Event {
	if ev.Kind == Removed {
		return ev
	}
	ev.Hold = ByMaintenance // while it is not known
	then, _ := at.Policy.Next(old, ev, now)
	ev.Hold = NotHeld
	if then.Status() != OK {
		ev.Hold = e.hold(s, at, then, now)
		ev.Dependents = len(dependents(at))
	}
	return ev
}

// opens says whether an incident begins.
func opens(ts []Transition) bool { return len(ts) > 0 && ts[0].Kind == Fired }

// apply stores what an event does to a subject, whose mu is held, together
// with what is told of it.
func (e *Engine) apply(ctx context.Context, s *subject, ev Event, now time.Time) error {
	at, old := s.place.Load(), s.state()
	told := old.Group == "" || e.groups.isTold(old.Group)
	var next State
	var queued []Notification
	err := e.Store.Update(ctx, checkPrefix+s.name, func(stored State) (State, []Notification) {
		if stored.LastGood.Before(old.LastGood) { // passed runs are not written while all is well
			stored.LastGood = old.LastGood
		}
		var ts []Transition
		next, ts = at.Policy.Next(stored, ev, now)
		queued = nil
		for _, t := range ts {
			if t.Kind == Fired {
				next.Receivers = at.all
			}
			kind, ok := alone(t, told)
			if !ok {
				continue
			}
			t.Kind = kind
			to := at.audience(t.Kind, stored.Receivers)
			m := at.message(t, s.failures())
			queued = append(queued, notifications(to, thread(checkPrefix+s.name, t.Incident), m, now)...)
		}
		return next, queued
	})
	if err != nil {
		return err
	}
	s.set(next)
	e.settle(s, next)
	if len(queued) > 0 {
		e.wake()
	}
	return nil
}

// alone says as what a transition is told by itself, if it is: a check that
// was told with a group ends with it too, but one whose group was not told
// yet is told alone.
func alone(t Transition, told bool) (TransitionKind, bool) {
	switch {
	case t.Group == "" || t.Kind == Escalated:
		return t.Kind, true
	case t.Kind == Recovered && !told:
		return Folded, true
	default:
		return "", false
	}
}

// changes says whether an event changes the state even if nothing is told.
func changes(ev Event) bool {
	return ev.Kind == Removed || ev.Kind == Ran && (ev.Outcome == checks.Passed || ev.Outcome == checks.Failed || ev.Outcome == checks.Degraded)
}

// audience is who is told: what follows in an incident goes to those who were
// told of its beginning and are still there; if none is, to whom it would go
// now.
func (p *place) audience(kind TransitionKind, told []string) []string {
	if kind == Fired || kind == Folded && len(told) == 0 {
		return p.all
	}
	return audience(told, p.known, p.all)
}

func audience(told, known, otherwise []string) []string {
	var out []string
	for _, r := range told {
		if slices.Contains(known, r) {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return otherwise
	}
	return out
}

// settle keeps the set of subjects that the clock looks at.
func (e *Engine) settle(s *subject, st State) {
	restless := st.Status() != OK
	if s.waits.Load() != nil && st.Phase != Pending {
		e.groups.leave(s)
	}
	e.mu.RLock()
	_, is := e.restless[s]
	e.mu.RUnlock()
	if restless == is {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if restless {
		e.restless[s] = struct{}{}
	} else {
		delete(e.restless, s)
		s.setFailures(nil)
	}
}

// Run watches the clock until ctx ends: reminders, the `for` of policies,
// what is no longer held, groups, certificates that expire, checks that do
// not run.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		e.look(ctx, e.time())
	}
}

// look does all that is due by time alone.
func (e *Engine) look(ctx context.Context, now time.Time) {
	e.endMutes(ctx, now)
	e.watchOutage(ctx, now)
	e.tick(ctx, now)
	e.tellGroups(ctx, now)
	e.expire(ctx, now)
	e.watchRuns(ctx, now)
}

// tick tells what is due of checks.
func (e *Engine) tick(ctx context.Context, now time.Time) {
	var due []*subject
	for _, s := range e.awake() {
		at, old := s.place.Load(), s.state()
		next, ts := at.Policy.Next(old, e.surroundings(s, at, old, Event{Kind: Ticked}, now), now)
		if len(ts) > 0 || next.Held != old.Held {
			due = append(due, s)
		}
	}
	each(due, func(s *subject) {
		if err := e.tickOne(ctx, s, now); err != nil && !errors.Is(err, context.Canceled) {
			e.log().ErrorContext(ctx, "state could not be stored", "check", s.name, "error", err)
		}
	})
}

// awake returns the subjects that are not well, by name.
func (e *Engine) awake() []*subject {
	e.mu.RLock()
	list := slices.Collect(maps.Keys(e.restless))
	e.mu.RUnlock()
	byName(list)
	return list
}

// each calls fn for every subject, many at a time: what they store together
// costs the Store little more than one of them.
func each(list []*subject, fn func(*subject)) {
	slots := make(chan struct{}, 256)
	var wg sync.WaitGroup
	for _, s := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			fn(s)
		})
	}
	wg.Wait()
}

func (e *Engine) tickOne(ctx context.Context, s *subject, now time.Time) error {
	e.groups.telling.RLock()
	defer e.groups.telling.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone || s.quiet.Load() {
		return nil
	}
	return e.decide(ctx, s, Event{Kind: Ticked}, now)
}
