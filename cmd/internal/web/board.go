package web

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// keptRuns is how many runs of a check the pages show. Failures stay longer:
// the last one is kept until the check is gone.
const keptRuns = 30

// keptIncidents is how many incidents of a check the pages show.
const keptIncidents = 10

// A Check is what the pages have to know of a configured check.
type Check struct {
	Name        string // full name; unique
	Group       string // may be empty
	Description string
	Schedule    string
	Severity    string
	Labels      map[string]string
	Runbook     string // URL; may be empty
	Source      checks.Source
}

// A Certificate is a client certificate of the configuration.
type Certificate struct {
	Name     string
	Hosts    []string
	Subject  string
	Issuer   string
	NotAfter time.Time // zero where the files cannot be used
	Primary  bool
	Checks   []string // names of those that use it
	Error    string   // why it cannot be used, free of secrets; may be empty
}

// A Setup is what of a configuration concerns the pages.
type Setup struct {
	Location     string
	Checks       []Check
	Certificates []Certificate
}

// A Board holds what the pages show: the configuration, and the latest runs of
// each check in memory. The functions are called for each page and must be
// quick; each may be nil. Set them before the first page. The zero value shows
// no checks. It is safe for concurrent use.
type Board struct {
	State    func(check string) alerts.State             // of a check's alert
	Next     func(check string) (due time.Time, ok bool) // when a check runs next
	Problems func() []string                             // what is wrong with watchword itself, a sentence each
	Silences func(check string) []alerts.Silence         // why nothing is told of a check now

	mu     sync.Mutex // held while the setup is replaced
	loaded atomic.Pointer[loaded]
}

// loaded is replaced whole and never changed; the histories in it are.
type loaded struct {
	setup Setup
	runs  map[string]*history
}

// A run is one line of a history.
type run struct {
	started  time.Time
	duration time.Duration
	outcome  checks.Outcome
}

// An incident is a time in which an alert was open.
type incident struct {
	number  uint64
	since   time.Time
	until   time.Time // zero while it is open
	level   alerts.Level
	reason  checks.Reason
	message string
}

// history is what is remembered of a check.
type history struct {
	mu        sync.Mutex
	runs      []run // oldest first
	last      checks.Result
	failure   checks.Result // the last that was not passed; its Check is empty if there was none
	incidents []incident    // oldest first
	servers   []checks.ServerCertificate
}

// Load takes over a configuration. What is remembered of checks that stay, stays.
func (b *Board) Load(s Setup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := &loaded{setup: s, runs: make(map[string]*history, len(s.Checks))}
	before := b.view()
	for _, c := range s.Checks {
		h := before.runs[c.Name]
		if h == nil {
			h = new(history)
		}
		next.runs[c.Name] = h
	}
	b.loaded.Store(next)
}

func (b *Board) view() *loaded {
	if v := b.loaded.Load(); v != nil {
		return v
	}
	return new(loaded)
}

// Record remembers a run, after the alerts have heard of it. One of a check
// that is not configured is dropped.
func (b *Board) Record(r checks.Result) {
	h := b.view().runs[r.Check]
	if h == nil {
		return
	}
	var state alerts.State
	if b.State != nil {
		state = b.State(r.Check)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.runs) == keptRuns {
		h.runs = slices.Delete(h.runs, 0, 1)
	}
	h.runs = append(h.runs, run{started: r.Started, duration: r.Duration, outcome: r.Outcome})
	h.last = r
	if r.Outcome != checks.Passed {
		h.failure = r
	}
	for _, step := range r.Steps {
		for _, s := range step.Servers {
			h.servers = slices.DeleteFunc(h.servers, func(known checks.ServerCertificate) bool { return known.Host == s.Host })
			h.servers = append(h.servers, s)
		}
	}
	h.follow(state, r.Started.Add(r.Duration))
}

// follow opens, changes and closes incidents as the alert's state does.
func (h *history) follow(state alerts.State, now time.Time) {
	last := len(h.incidents) - 1
	if last >= 0 && h.incidents[last].until.IsZero() && (!state.Open() || state.Incident != h.incidents[last].number) {
		h.incidents[last].until = now
	}
	if !state.Open() {
		return
	}
	if last < 0 || h.incidents[last].number != state.Incident {
		if len(h.incidents) == keptIncidents {
			h.incidents = slices.Delete(h.incidents, 0, 1)
		}
		h.incidents = append(h.incidents, incident{number: state.Incident, since: state.Since})
		last = len(h.incidents) - 1
	}
	open := &h.incidents[last]
	open.level, open.reason, open.message = state.Level, state.Reason, state.Message
}
