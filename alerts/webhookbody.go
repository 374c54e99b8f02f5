package alerts

import (
	"bytes"
	"encoding/json"
	"time"

	"watchword/checks"
)

// webhookVersion is the version of the body. Fields are added without
// another version, never renamed.
const webhookVersion = 1

// maxWebhookBody bounds a body, in bytes.
const maxWebhookBody = 64 << 10

// webhookBody is what a webhook gets: snake case, seconds, RFC 3339 in UTC. A
// field that is missing is not known or does not apply. Failures have the
// shape of the steps in `watchword test -o json`.
type webhookBody struct {
	Version  int            `json:"version"`
	ID       string         `json:"id"` // the same in every attempt
	Kind     TransitionKind `json:"kind"`
	Open     bool           `json:"open"`     // the incident goes on
	Incident string         `json:"incident"` // the same in all messages about it
	Topic    Topic          `json:"topic"`
	Level    Level          `json:"level,omitempty"`
	Severity string         `json:"severity,omitempty"`

	Headline    string        `json:"headline"`
	Detail      string        `json:"detail,omitempty"`
	Message     string        `json:"message,omitempty"`
	Check       string        `json:"check,omitempty"`
	Group       string        `json:"group,omitempty"`
	Certificate string        `json:"certificate,omitempty"`
	Location    string        `json:"location,omitempty"`
	Labels      orderedObject `json:"labels,omitempty"`

	At       time.Time `json:"at"`
	Since    time.Time `json:"since,omitzero"`
	Runs     int       `json:"runs,omitempty"`
	LastGood time.Time `json:"last_good,omitzero"`

	Failures []webhookFailure `json:"failures,omitempty"`
	Members  []webhookMember  `json:"members,omitempty"`
	More     int              `json:"more,omitempty"`

	Runbook string        `json:"runbook,omitempty"`
	Links   orderedObject `json:"links,omitempty"`
	Source  checks.Source `json:"source,omitzero"`

	PossibleRepeat bool `json:"possible_repeat"`
	Truncated      bool `json:"truncated,omitempty"` // something was left out for its size
}

type webhookFailure struct {
	Step        string          `json:"step"`
	Reason      checks.Reason   `json:"reason"`
	Message     string          `json:"message"`
	Advice      string          `json:"advice,omitempty"`
	Method      string          `json:"method,omitempty"`
	URL         string          `json:"url,omitempty"`
	Status      int             `json:"status,omitempty"`
	Certificate *string         `json:"certificate"`
	Rule        string          `json:"rule,omitempty"`
	RemoteIP    string          `json:"remote_ip,omitempty"`
	Timing      checks.Timing   `json:"timing,omitzero"`
	Failed      []webhookFailed `json:"failed"`
	Body        string          `json:"body,omitempty"`
	Curl        string          `json:"curl,omitempty"`
}

type webhookFailed struct {
	Expression string        `json:"expression"`
	File       string        `json:"file"`
	Line       int           `json:"line"`
	Values     orderedObject `json:"values"`
	Message    string        `json:"message,omitempty"`
}

type webhookMember struct {
	Check   string `json:"check"`
	Level   Level  `json:"level,omitempty"` // missing: it is well again
	Message string `json:"message,omitempty"`
}

// newWebhookBody puts a message into the form of a webhook.
func newWebhookBody(d Delivery) *webhookBody {
	m := &d.Message
	b := &webhookBody{
		Version: webhookVersion, ID: d.ID, Kind: m.Kind, Open: !m.Kind.Closes(), Incident: d.Thread,
		Topic: m.Topic, Level: m.Level, Severity: m.Severity,
		Headline: clean(m.Headline, false), Detail: clean(m.Detail, true), Message: clean(m.Text, false),
		Check: m.Check, Group: m.Group, Location: m.Location, Labels: texts(m.Labels),
		At: moment(m.At), Since: moment(m.Since), Runs: m.Runs, LastGood: moment(m.LastGood),
		More: m.More, Runbook: m.Runbook, Source: m.Source, PossibleRepeat: m.PossibleRepeat,
	}
	if m.Topic == AboutCertificate {
		b.Check, b.Certificate = "", m.Check
	}
	for i := range m.Failures {
		b.Failures = append(b.Failures, newWebhookFailure(&m.Failures[i]))
	}
	for _, c := range m.Members {
		b.Members = append(b.Members, webhookMember{c.Check, c.Level, clean(c.Text, false)})
	}
	for _, l := range m.Links {
		b.Links = append(b.Links, member{l.Name, quote(l.URL)})
	}
	return b
}

func newWebhookFailure(f *Failure) webhookFailure {
	out := webhookFailure{
		Step: f.Step, Reason: f.Reason, Message: clean(f.Message, false), Advice: f.Advice,
		Method: f.Method, URL: clean(f.URL, false), Status: f.Status, Rule: f.Rule, RemoteIP: f.RemoteIP, Timing: f.Timing,
		Failed: []webhookFailed{}, Body: clean(f.Body, true), Curl: clean(f.Curl, true),
	}
	if f.Certificate != "" {
		out.Certificate = &f.Certificate
	}
	for _, c := range f.Conditions {
		x := webhookFailed{Expression: clean(c.Expression, true), File: c.File, Line: c.Line, Values: orderedObject{}, Message: clean(c.Message, false)}
		for _, v := range c.Values {
			text := clean(v.Value, false)
			if !json.Valid([]byte(text)) { // it was cut
				text = string(quote(text))
			}
			x.Values = append(x.Values, member{v.Name, json.RawMessage(text)})
		}
		out.Failed = append(out.Failed, x)
	}
	return out
}

// moment is a time as bodies have it: UTC, in milliseconds.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// encode returns the body as JSON of at most maxWebhookBody bytes: what is
// least missed is left out first.
func (b *webhookBody) encode() []byte {
	raw := encodeJSON(b)
	for _, leaveOut := range []func(){
		func() {
			for i := range b.Failures {
				b.Failures[i].Body, b.Failures[i].Curl = "", ""
			}
		},
		func() {
			for i := range b.Failures {
				b.Failures[i].Failed = b.Failures[i].Failed[:min(len(b.Failures[i].Failed), 3)]
			}
		},
		func() { b.Failures = b.Failures[:min(len(b.Failures), 1)] },
		func() { b.Failures, b.More, b.Members = nil, b.More+len(b.Members), nil },
		func() { b.Labels, b.Links, b.Runbook, b.Detail = nil, nil, "", "" },
	} {
		if len(raw) <= maxWebhookBody {
			return raw
		}
		b.Truncated = true
		leaveOut()
		raw = encodeJSON(b)
	}
	return raw
}

// orderedObject is a JSON object whose members keep their order.
type orderedObject []member

type member struct {
	name  string
	value json.RawMessage
}

// texts is an object of strings.
func texts(list []Label) orderedObject {
	var out orderedObject
	for _, l := range list {
		out = append(out, member{l.Name, quote(l.Value)})
	}
	return out
}

// MarshalJSON implements [json.Marshaler].
func (o orderedObject) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(m.name))
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// quote is a text as a JSON string.
func quote(text string) json.RawMessage { return encodeJSON(clean(text, false)) }

// encodeJSON leaves `<`, `>` and `&` as they are: nobody puts a body into a
// page. Everything that it is given can be encoded.
func encodeJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
