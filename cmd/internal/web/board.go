package web

import (
	"sync"
	"sync/atomic"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

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
// each check in memory, which [Board.Save] and [Board.Restore] carry over a
// restart. The functions are called for each page and must be quick; each may be
// nil. Set them before the first [Board.Load]. The zero value shows no checks. It
// is safe for concurrent use.
type Board struct {
	State    func(check string) alerts.State             // of a check's alert
	Next     func(check string) (due time.Time, ok bool) // when a check runs next
	Closed   func(check string) []alerts.ClosedIncident  // incidents of a check that are over, the oldest first
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

// Load takes over a configuration. What is remembered of checks that stay,
// stays.
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

func (b *Board) state(check string) alerts.State {
	if b.State == nil {
		return alerts.State{}
	}
	return b.State(check)
}

// Record remembers a run. One of a check that is not configured is dropped.
func (b *Board) Record(r checks.Result) {
	h := b.view().runs[r.Check]
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.record(&r)
}
