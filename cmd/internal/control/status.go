package control

import (
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// Status is what a daemon says of itself, and what `watchword status -o json`
// prints. Fields are added, never renamed. Durations are seconds, moments are
// as in RFC 3339 and null where there is none, lists are never null.
type Status struct {
	Version  string    `json:"version"`
	Location string    `json:"location"`
	PID      int       `json:"pid"`
	Listen   string    `json:"listen"` // address of the metrics and the status page
	Now      time.Time `json:"now"`    // by the daemon's clock, like all that follow
	Started  time.Time `json:"started"`
	Uptime   float64   `json:"uptime"`

	Checks    Counts           `json:"checks"`
	Incidents []Incident       `json:"incidents"` // the oldest first
	Problems  []Problem        `json:"problems"`  // of watchword itself, the oldest first
	Mutes     []Mute           `json:"mutes"`     // in force, by pattern
	Receivers []Receiver       `json:"receivers"` // by name
	State     StateFile        `json:"state"`
	Config    ConfigurationNow `json:"config"`
}

// Counts are numbers of checks. Each counts as one of passing, degraded,
// failing and unknown.
type Counts struct {
	Total    int `json:"total"`
	Passing  int `json:"passing"`
	Degraded int `json:"degraded"`
	Failing  int `json:"failing"`
	Unknown  int `json:"unknown"` // not run yet, or watchword itself failed
	Silenced int `json:"silenced"`
}

// Incident is a check that fails, or has not recovered for long enough yet.
type Incident struct {
	Check      string            `json:"check"`
	Group      string            `json:"group"`
	Labels     map[string]string `json:"labels"`
	Severity   string            `json:"severity"`
	Runbook    string            `json:"runbook"`
	Links      []alerts.Link     `json:"links"`
	Status     string            `json:"status"`      // by its last run: failing, degraded, or recovering when that passed
	AlertState alerts.Phase      `json:"alert_state"` // pending, firing or recovering
	Since      time.Time         `json:"since"`       // start of the first failing run
	For        float64           `json:"for"`         // since then
	Runs       int               `json:"runs"`        // failing ones since then
	LastGood   *time.Time        `json:"last_good"`   // start of the last passed run before
	Reason     checks.Reason     `json:"reason"`
	Message    string            `json:"message"`
	Advice     string            `json:"advice"`     // what the reason means and what to do
	Dependents int               `json:"dependents"` // failing checks that are counted in its message

	Told      *time.Time       `json:"told"`      // when its beginning was given to the receivers
	Receivers []string         `json:"receivers"` // who got it
	Waiting   []string         `json:"waiting"`   // of them: who has not taken it yet
	Untold    string           `json:"untold"`    // why it is not told, a sentence's part; empty when it is
	Recovery  string           `json:"recovery"`  // of one that recovers: what its end waits for; empty if for nothing
	Silences  []alerts.Silence `json:"silences"`  // why nothing more is told now
}

// Problem is something that is wrong with watchword itself.
type Problem struct {
	Text  string     `json:"text"`
	Since *time.Time `json:"since"`
}

// Mute is one in force.
type Mute struct {
	alerts.Mute

	Left   float64 `json:"left"`
	Checks int     `json:"checks"` // that match
}

// Receiver is the queue of one receiver.
type Receiver struct {
	Receiver        string     `json:"receiver"`
	Pending         int        `json:"pending"`
	Oldest          *time.Time `json:"oldest"`  // when the oldest pending message was queued
	Blocked         string     `json:"blocked"` // why it takes nothing; empty if it does
	Error           string     `json:"error"`   // why the latest attempt failed; empty if it did not
	Sent            uint64     `json:"sent"`    // since the start, like the following
	Failed          uint64     `json:"failed"`  // attempts
	PossibleRepeats uint64     `json:"possible_repeats"`
}

// StateFile is how the state file fares.
type StateFile struct {
	File        string `json:"file"`
	Writing     bool   `json:"writing"` // false: the last attempt failed, all is kept in memory
	WriteErrors uint64 `json:"write_errors"`
	Dropped     uint64 `json:"dropped"` // messages beyond what the queue holds
}

// ConfigurationNow is how the last reload went.
type ConfigurationNow struct {
	Loaded bool `json:"loaded"` // false: it had mistakes, and the one before goes on
}

// MuteRequest asks to silence checks.
type MuteRequest struct {
	Pattern string    `json:"pattern"`
	Until   time.Time `json:"until"`
	Why     string    `json:"why"`
}

// MuteAnswer says what a mute does.
type MuteAnswer struct {
	Mute   alerts.Mute `json:"mute"`
	Now    time.Time   `json:"now"`
	Checks []string    `json:"checks"` // that match
	Near   []string    `json:"near"`   // patterns that were perhaps meant, if none matches
	Kept   bool        `json:"kept"`   // false: the state file cannot be written, and a restart ends the mute
}

// UnmuteRequest asks to end a mute.
type UnmuteRequest struct {
	Pattern string `json:"pattern"`
}

// UnmuteAnswer says what came of it.
type UnmuteAnswer struct {
	Ended  bool     `json:"ended"`  // there was such a mute
	Checks []string `json:"checks"` // that match
	Still  []string `json:"still"`  // of them: which another mute silences
	Mutes  []Mute   `json:"mutes"`  // that are in force now
}
