package web

import (
	"slices"
	"strings"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// The shapes of the API. Fields are added, never renamed.

// checkStatus is a check in /api/v1/checks.
type checkStatus struct {
	Check        string            `json:"check"`
	Group        string            `json:"group"`
	Description  string            `json:"description"`
	Schedule     string            `json:"schedule"`
	Severity     string            `json:"severity"`
	Labels       map[string]string `json:"labels"`
	Status       string            `json:"status"` // passing, degraded, failing or unknown; before the first run, what the alert remembers
	AlertState   string            `json:"alert_state"`
	Since        *time.Time        `json:"since"`    // when it began to fail; null while it passes
	Silences     []alerts.Silence  `json:"silences"` // why nothing is told of it now
	Reason       checks.Reason     `json:"reason"`
	Message      string            `json:"message"`
	LastRun      *time.Time        `json:"last_run"`      // also one of before watchword was started
	LastDuration float64           `json:"last_duration"` // seconds
	NextRun      *time.Time        `json:"next_run"`
	Runs         []runStatus       `json:"runs"` // oldest first
	Runbook      string            `json:"runbook"`
	File         string            `json:"file"`
	Line         int               `json:"line"`

	steps     []lastStep
	failure   *checks.Result
	incidents []incidentStatus
	servers   []serverStatus
}

type runStatus struct {
	Started  time.Time      `json:"started"`
	Duration float64        `json:"duration"` // seconds
	Outcome  checks.Outcome `json:"outcome"`
	Gap      bool           `json:"gap,omitempty"` // watchword was started between the run before and this one: some may be missing
}

// incidentStatus is an incident in /api/v1/incidents.
type incidentStatus struct {
	Check    string        `json:"check"`
	Incident uint64        `json:"incident"`
	Level    alerts.Level  `json:"level"`
	Since    time.Time     `json:"since"`
	Until    *time.Time    `json:"until"` // null while it is open
	Reason   checks.Reason `json:"reason"`
	Message  string        `json:"message"`
}

// certificateStatus is a client certificate in /api/v1/certificates.
type certificateStatus struct {
	Certificate string     `json:"certificate"`
	Hosts       []string   `json:"hosts"`
	Subject     string     `json:"subject"`
	Issuer      string     `json:"issuer"`
	NotAfter    *time.Time `json:"not_after"`
	DaysLeft    *float64   `json:"days_left"`
	Primary     bool       `json:"primary"`
	Checks      []string   `json:"checks"`
	Error       string     `json:"error"`
}

// serverStatus is a server's certificate in /api/v1/certificates.
type serverStatus struct {
	Host        string    `json:"host"`
	Subject     string    `json:"subject"`
	Fingerprint string    `json:"fingerprint"`
	NotAfter    time.Time `json:"not_after"`
	DaysLeft    float64   `json:"days_left"`
	Checks      []string  `json:"checks"`
}

// allChecks returns what is known of every check, in order of declaration.
func (b *Board) allChecks(now time.Time) []checkStatus {
	v := b.view()
	list := make([]checkStatus, 0, len(v.setup.Checks))
	for _, c := range v.setup.Checks {
		list = append(list, b.check(c, v.runs[c.Name], now))
	}
	return list
}

// one returns what is known of one check.
func (b *Board) one(name string, now time.Time) (checkStatus, bool) {
	v := b.view()
	i := slices.IndexFunc(v.setup.Checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		return checkStatus{}, false
	}
	return b.check(v.setup.Checks[i], v.runs[name], now), true
}

func (b *Board) check(c Check, h *history, now time.Time) checkStatus {
	s := checkStatus{
		Check: c.Name, Group: c.Group, Description: c.Description, Schedule: c.Schedule, Severity: c.Severity,
		Labels: c.Labels, Runbook: c.Runbook, File: c.Source.File, Line: c.Source.Line, Silences: []alerts.Silence{}, Runs: []runStatus{},
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	if b.Next != nil {
		if due, ok := b.Next(c.Name); ok {
			s.NextRun = &due
		}
	}
	if b.Silences != nil {
		s.Silences = append(s.Silences, b.Silences(c.Name)...)
	}
	state := b.state(c.Name)
	s.AlertState = string(state.Status())
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Runs = slices.Grow(s.Runs, len(h.runs))
	for _, r := range h.runs {
		s.Runs = append(s.Runs, r.status())
	}
	s.incidents = b.incidents(c.Name, state)
	for _, cert := range h.servers {
		s.servers = append(s.servers, serverStatus{cert.host, cert.subject, cert.fingerprint, cert.notAfter, daysLeft(cert.notAfter, now), []string{c.Name}})
	}
	s.steps, s.failure = slices.Clone(h.last.steps), h.failure
	if started := h.last.started; !started.IsZero() {
		s.LastRun, s.LastDuration = &started, h.last.duration.Seconds()
	}
	if h.ran {
		s.Status, s.Reason, s.Message = statusOf(h.last.outcome), h.last.reason, h.last.message
	} else {
		remember(&s, state)
	}
	if s.Status != passing && !state.Since.IsZero() {
		s.Since = &state.Since
	}
	return s
}

// remember fills in what is known of a check that has not run since watchword
// was started: its alert survives that. That it passed before says nothing of now.
func remember(s *checkStatus, state alerts.State) {
	switch {
	case state.Status() == alerts.OK:
		s.Status = unknown
		return
	case state.Status() == alerts.Recovering:
		s.Status = passing
		return
	case state.Seen == alerts.LevelDegraded:
		s.Status = degraded
	default:
		s.Status = failing
	}
	s.Reason, s.Message = state.Reason, state.Message
}

// incidents are those of a check that are remembered, the oldest first, and the
// one that is open in its state.
func (b *Board) incidents(check string, state alerts.State) []incidentStatus {
	var list []incidentStatus
	open := state.Open()
	if b.Closed != nil {
		for _, c := range b.Closed(check) {
			list = append(list, incidentStatus{c.Check, c.Incident, c.Level, c.Since, &c.Until, c.Reason, c.Message})
			open = open && c.Incident != state.Incident // which has ended since its state was read
		}
	}
	if open {
		list = append(list, incidentStatus{check, state.Incident, state.Level, state.Since, nil, state.Reason, state.Message})
	}
	return list
}

// The page of a check reads these, which the API does not show.

// Failure is the last run that did not pass; nil if none is remembered.
func (s checkStatus) Failure() *checks.Result { return s.failure }

// LastSteps are the steps of the last run.
func (s checkStatus) LastSteps() []lastStep { return s.steps }

// Incidents are those that are remembered, the latest first.
func (s checkStatus) Incidents() []incidentStatus { return s.incidents }

// The words of watchword_check_status.
const (
	passing  = "passing"
	degraded = "degraded"
	failing  = "failing"
	unknown  = "unknown"
)

// statuses are these words, the worst first.
func statuses() []string { return []string{failing, degraded, unknown, passing} }

func statusOf(o checks.Outcome) string {
	switch o {
	case checks.Passed:
		return passing
	case checks.Degraded:
		return degraded
	case checks.Failed:
		return failing
	case checks.Unknown, checks.Skipped:
	}
	return unknown
}

// allIncidents returns the incidents that are remembered, those that are open
// first, then the latest.
func (b *Board) allIncidents(now time.Time) []incidentStatus {
	list := []incidentStatus{}
	for _, c := range b.allChecks(now) {
		list = append(list, c.incidents...)
	}
	slices.SortStableFunc(list, func(a, b incidentStatus) int {
		if (a.Until == nil) != (b.Until == nil) {
			if a.Until == nil {
				return -1
			}
			return 1
		}
		return b.Since.Compare(a.Since)
	})
	return list
}

// A group of checks is a part of the page.
type groupStatus struct {
	Name   string
	Checks []checkStatus
	Counts map[string]int // by status
}

// Worst is the status that is worst of all checks.
func (g groupStatus) Worst() string {
	for _, status := range statuses() {
		if g.Counts[status] > 0 {
			return status
		}
	}
	return passing
}

// grouped sorts checks into their groups: by name, those without one first.
func grouped(list []checkStatus) []groupStatus {
	var groups []groupStatus
	for _, c := range list {
		i, found := slices.BinarySearchFunc(groups, c.Group, func(g groupStatus, name string) int { return strings.Compare(g.Name, name) })
		if !found {
			groups = slices.Insert(groups, i, groupStatus{Name: c.Group, Counts: make(map[string]int)})
		}
		groups[i].Checks = append(groups[i].Checks, c)
		groups[i].Counts[c.Status]++
	}
	return groups
}
