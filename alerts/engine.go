package alerts

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
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
	Receivers    []string        // full names of those that messages are queued for, such as "slack.oncall"
	Fed          []string        // and of those that a [Feed] tells
	Expiry       []time.Duration // thresholds of settings.certificate_expiry; nil means [DefaultExpiry]
	Certificates []Certificate
	Unread       []string  // names of certificate blocks of which not all could be read: nothing that was told of them is over
	Problems     []Problem // what is wrong with this configuration although it runs
}

// Engine keeps the state of every check and queues what is to be told. Set
// the fields before the first call. All methods may be called concurrently.
type Engine struct {
	Store  Store
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now
	Wake   func()           // called after notifications were queued; may be nil. Use (*Outbox).Wake

	Changed func() // called after something began or ended to be wrong, or its level or the configuration changed; may be nil. Use (*Feed).Wake

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
	good time.Time  // State.LastGood
	now  *State     // but for that; nil for the zero State, which most checks have
	run  lastRun
	seen lastRun   // as those see it that depend on the check: never ahead of a failure in now
	last []Failure // of the last failing run
}

// place is what a configuration says of a subject.
type place struct {
	Subject
	location string
	all      []string // receivers by the routes, or the check's own, that messages are queued for
	fed      []string // and those that a Feed tells
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
	return s.whole()
}

// whole is the state; s.live is held.
func (s *subject) whole() State {
	var st State
	if s.now != nil {
		st = *s.now
	}
	st.LastGood = s.good
	return st
}

func (s *subject) set(st State) {
	s.live.Lock()
	defer s.live.Unlock()
	s.good, st.LastGood = st.LastGood, time.Time{}
	s.now = &st
	if reflect.ValueOf(st).IsZero() {
		s.now = nil
	}
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
	well := s.now == nil || s.now.Status() == OK
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
	s.good = r.Started
	s.quiet.Store(false)
	return true
}
