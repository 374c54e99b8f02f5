package web

import (
	"cmp"
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
	Status       string            `json:"status"` // passing, degraded, failing or unknown
	AlertState   string            `json:"alert_state"`
	Since        *time.Time        `json:"since"` // when it began to fail; null while it passes
	Reason       checks.Reason     `json:"reason"`
	Message      string            `json:"message"`
	LastRun      *time.Time        `json:"last_run"`
	LastDuration float64           `json:"last_duration"` // seconds
	NextRun      *time.Time        `json:"next_run"`
	Silences     []alerts.Silence  `json:"silences"` // why nothing is told of it now
	Runs         []runStatus       `json:"runs"`     // oldest first
	Runbook      string            `json:"runbook"`
	File         string            `json:"file"`
	Line         int               `json:"line"`

	last      checks.Result
	failure   checks.Result
	incidents []incidentStatus
	servers   []serverStatus
}

type runStatus struct {
	Started  time.Time      `json:"started"`
	Duration float64        `json:"duration"` // seconds
	Outcome  checks.Outcome `json:"outcome"`
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
		Labels: c.Labels, Runbook: c.Runbook, File: c.Source.File, Line: c.Source.Line, Status: "unknown", AlertState: string(alerts.OK),
		Runs: []runStatus{}, Silences: []alerts.Silence{},
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
	var state alerts.State
	if b.State != nil {
		state = b.State(c.Name)
		s.AlertState = string(state.Status())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.runs {
		s.Runs = append(s.Runs, runStatus{r.started, r.duration.Seconds(), r.outcome})
	}
	for _, i := range h.incidents {
		s.incidents = append(s.incidents, incidentStatusOf(c.Name, i))
	}
	for _, cert := range h.servers {
		s.servers = append(s.servers, serverStatus{cert.Host, cert.Subject, cert.Fingerprint, cert.NotAfter, daysLeft(cert.NotAfter, now), []string{c.Name}})
	}
	s.last, s.failure = h.last, h.failure
	if h.last.Check == "" {
		return s
	}
	started := h.last.Started
	s.LastRun, s.LastDuration = &started, h.last.Duration.Seconds()
	s.Status = statusOf(h.last.Outcome)
	if h.last.Outcome == checks.Passed {
		return s
	}
	s.Reason, s.Message = h.last.Reason, h.last.Message
	if !state.Since.IsZero() {
		s.Since = &state.Since
	}
	return s
}

func incidentStatusOf(check string, i incident) incidentStatus {
	s := incidentStatus{Check: check, Incident: i.number, Level: i.level, Since: i.since, Reason: i.reason, Message: i.message}
	if !i.until.IsZero() {
		s.Until = &i.until
	}
	return s
}

// The page of a check reads these, which the API does not show.

// HasFailed reports whether a run is remembered that did not pass.
func (s checkStatus) HasFailed() bool { return s.failure.Check != "" }

// Failure is the last run that did not pass.
func (s checkStatus) Failure() checks.Result { return s.failure }

// LastSteps are the steps of the last run.
func (s checkStatus) LastSteps() []checks.StepResult { return s.last.Steps }

// Incidents are those that are remembered, the latest first.
func (s checkStatus) Incidents() []incidentStatus { return s.incidents }

// statusOf is the word of watchword_check_status.
func statusOf(o checks.Outcome) string {
	switch o {
	case checks.Passed:
		return "passing"
	case checks.Degraded:
		return "degraded"
	case checks.Failed:
		return "failing"
	case checks.Unknown, checks.Skipped:
	}
	return "unknown"
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

// clientCertificates returns those of the configuration, the one that expires
// first at the top.
func (b *Board) clientCertificates(now time.Time) []certificateStatus {
	list := []certificateStatus{}
	for _, c := range b.view().setup.Certificates {
		s := certificateStatus{
			Certificate: c.Name, Hosts: c.Hosts, Subject: c.Subject, Issuer: c.Issuer, Primary: c.Primary,
			Checks: c.Checks, Error: c.Error,
		}
		if s.Hosts == nil {
			s.Hosts = []string{}
		}
		if s.Checks == nil {
			s.Checks = []string{}
		}
		if !c.NotAfter.IsZero() {
			days := daysLeft(c.NotAfter, now)
			s.NotAfter, s.DaysLeft = &c.NotAfter, &days
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b certificateStatus) int {
		return cmp.Compare(left(a.DaysLeft), left(b.DaysLeft))
	})
	return list
}

// left sorts what cannot be read before all else.
func left(days *float64) float64 {
	const first = -1e9
	if days == nil {
		return first
	}
	return *days
}

// serverCertificates returns what checks met, one line a host and certificate.
func serverCertificates(list []checkStatus) []serverStatus {
	out := []serverStatus{}
	place := make(map[[2]string]int)
	for _, c := range list {
		for _, s := range c.servers {
			key := [2]string{s.Host, s.Fingerprint}
			if i, ok := place[key]; ok {
				out[i].Checks = append(out[i].Checks, c.Check)
				continue
			}
			place[key] = len(out)
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b serverStatus) int { return a.NotAfter.Compare(b.NotAfter) })
	return out
}

// daysLeft counts days with one digit behind the point; negative when over.
func daysLeft(end, now time.Time) float64 {
	const tenths = 10
	return float64(int(end.Sub(now).Hours()/24*tenths)) / tenths
}

// A group of checks is a part of the page.
type groupStatus struct {
	Name   string
	Checks []checkStatus
}

// grouped sorts checks into their groups: by name, those without one first.
func grouped(list []checkStatus) []groupStatus {
	var groups []groupStatus
	for _, c := range list {
		i, found := slices.BinarySearchFunc(groups, c.Group, func(g groupStatus, name string) int { return strings.Compare(g.Name, name) })
		if !found {
			groups = slices.Insert(groups, i, groupStatus{Name: c.Group})
		}
		groups[i].Checks = append(groups[i].Checks, c)
	}
	return groups
}
