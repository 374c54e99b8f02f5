package alerts

import (
	"time"

	"watchword/checks"
)

// Topic is what a message is about.
type Topic string

// The topics of messages.
const (
	AboutCheck       Topic = "check"
	AboutCertificate Topic = "certificate"
	AboutGroup       Topic = "group" // several checks at once
	AboutWatchword   Topic = "watchword"
)

// Message is what a receiver is to tell: everything that is known, free of
// secrets, and not yet in the form of any receiver. Texts in it may come from
// a target and are not to be trusted.
type Message struct {
	Topic    Topic          `json:"topic"`
	Kind     TransitionKind `json:"kind"`
	Headline string         `json:"headline"`         // one line that stands for itself, such as a push notification
	Detail   string         `json:"detail,omitempty"` // a second line, if there is more to say
	Text     string         `json:"text,omitempty"`   // what is wrong, without who and how long
	Level    Level          `json:"level,omitempty"`

	Check    string        `json:"check,omitempty"` // or the certificate
	Group    string        `json:"group,omitempty"` // of the check
	Location string        `json:"location,omitempty"`
	Severity string        `json:"severity,omitempty"`
	Labels   []Label       `json:"labels,omitempty"` // the user's, by name
	Runbook  string        `json:"runbook,omitempty"`
	Source   checks.Source `json:"source,omitzero"`
	Links    []Link        `json:"links,omitempty"`
	Members  []MemberLine  `json:"members,omitempty"` // the first of the checks that it counts
	More     int           `json:"more,omitempty"`    // and how many it does not list

	At       time.Time `json:"at"`
	Since    time.Time `json:"since,omitzero"`
	Runs     int       `json:"runs,omitempty"` // failing runs since Since
	LastGood time.Time `json:"last_good,omitzero"`
	Failures []Failure `json:"failures,omitempty"` // the steps that failed or were degraded

	PossibleRepeat bool `json:"-"` // an earlier attempt may have arrived; set by who sends it
}

// Link leads to where more is to be seen.
type Link struct {
	Name string `json:"name"` // such as "dashboard"
	URL  string `json:"url"`
}

// MemberLine is what a message about several checks says of one.
type MemberLine struct {
	Check string `json:"check"`
	Level Level  `json:"level,omitempty"` // empty: it is well again
	Text  string `json:"text,omitempty"`
}

// Label is a name and its value.
type Label struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Failure is what went wrong in one step of a run.
type Failure struct {
	Step        string        `json:"step,omitempty"`
	Reason      checks.Reason `json:"reason,omitempty"`
	Message     string        `json:"message,omitempty"`
	Advice      string        `json:"advice,omitempty"` // what the reason means and what to do
	Method      string        `json:"method,omitempty"`
	URL         string        `json:"url,omitempty"`
	Status      int           `json:"status,omitempty"`
	Certificate string        `json:"certificate,omitempty"` // that went along; empty means none
	Rule        string        `json:"rule,omitempty"`        // that chose it
	RemoteIP    string        `json:"remote_ip,omitempty"`
	Timing      checks.Timing `json:"timing"`
	Conditions  []Condition   `json:"conditions,omitempty"`
	Body        string        `json:"body,omitempty"`
	Curl        string        `json:"curl,omitempty"`
}

// Condition is an expectation that failed, or a degraded_if that held.
type Condition struct {
	Expression string  `json:"expression"`
	File       string  `json:"file,omitempty"`
	Line       int     `json:"line,omitempty"`
	Message    string  `json:"message,omitempty"` // "status is 422, want 201"
	Values     []Label `json:"values,omitempty"`  // as text
}
