package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// resultJSON is the stable shape of a Result: fields are added, never renamed.
type resultJSON struct {
	Check    string       `json:"check"`
	Outcome  Outcome      `json:"outcome"`
	Reason   Reason       `json:"reason"`
	Message  string       `json:"message"`
	Started  time.Time    `json:"started"`
	Duration float64      `json:"duration"`
	Attempts int          `json:"attempts"`
	Steps    []StepResult `json:"steps"`
}

// stepJSON is the stable shape of a StepResult.
type stepJSON struct {
	Step        string        `json:"step"`
	Outcome     Outcome       `json:"outcome"`
	Reason      Reason        `json:"reason"`
	Message     string        `json:"message"`
	URL         string        `json:"url"`
	Status      int           `json:"status"`
	Certificate *string       `json:"certificate"`
	Rule        string        `json:"rule"`
	RemoteIP    string        `json:"remote_ip"`
	Timing      Timing        `json:"timing"`
	Failed      []Explanation `json:"failed"`

	Method     string              `json:"method,omitempty"`
	Curl       string              `json:"curl,omitempty"`
	Body       string              `json:"body,omitempty"`
	Servers    []ServerCertificate `json:"servers,omitempty"`
	Handshakes []Handshake         `json:"handshakes,omitempty"`
}

// timingJSON is the stable shape of a Timing, in seconds.
type timingJSON struct {
	DNS      float64 `json:"dns"`
	Connect  float64 `json:"connect"`
	TLS      float64 `json:"tls"`
	Wait     float64 `json:"wait"`
	Transfer float64 `json:"transfer"`
	Total    float64 `json:"total"`
}

// explanationJSON is the stable shape of an Explanation. Values is an object
// in the order of the values.
type explanationJSON struct {
	Expression string          `json:"expression"`
	File       string          `json:"file"`
	Line       int             `json:"line"`
	Values     json.RawMessage `json:"values"`
	Message    string          `json:"message,omitempty"`
}

// MarshalJSON returns the stable shape of a result that `watchword test
// -o json` writes: names in snake case, times in seconds, null for no
// certificate.
func (r Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(resultJSON{
		Check: r.Check, Outcome: r.Outcome, Reason: r.Reason, Message: r.Message,
		Started: r.Started.Round(0).UTC(), Duration: r.Duration.Seconds(), Attempts: r.Attempts,
		Steps: orEmpty(r.Steps),
	})
}

// UnmarshalJSON reads what [Result.MarshalJSON] wrote.
func (r *Result) UnmarshalJSON(data []byte) error {
	var j resultJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("reading a result: %w", err)
	}
	*r = Result{
		Check: j.Check, Outcome: j.Outcome, Reason: j.Reason, Message: j.Message,
		Started: j.Started, Duration: seconds(j.Duration), Attempts: j.Attempts, Steps: orNil(j.Steps),
	}
	return nil
}

// MarshalJSON returns the stable shape of a step's result.
func (s StepResult) MarshalJSON() ([]byte, error) {
	j := stepJSON{
		Step: s.Step, Outcome: s.Outcome, Reason: s.Reason, Message: s.Message,
		URL: s.URL, Status: s.Status, Rule: s.Rule, RemoteIP: s.RemoteIP,
		Timing: s.Timing, Failed: orEmpty(s.Failed),
		Method: s.Method, Curl: s.Curl, Body: s.Body, Servers: s.Servers, Handshakes: s.Handshakes,
	}
	if s.Certificate != "" {
		j.Certificate = &s.Certificate
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what [StepResult.MarshalJSON] wrote.
func (s *StepResult) UnmarshalJSON(data []byte) error {
	var j stepJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("reading a step's result: %w", err)
	}
	*s = StepResult{
		Step: j.Step, Outcome: j.Outcome, Reason: j.Reason, Message: j.Message,
		Method: j.Method, URL: j.URL, Status: j.Status, Rule: j.Rule, RemoteIP: j.RemoteIP,
		Timing: j.Timing, Failed: orNil(j.Failed), Servers: j.Servers, Handshakes: j.Handshakes,
		Curl: j.Curl, Body: j.Body,
	}
	if j.Certificate != nil {
		s.Certificate = *j.Certificate
	}
	return nil
}

// MarshalJSON returns the phases in seconds.
func (t Timing) MarshalJSON() ([]byte, error) {
	return json.Marshal(timingJSON{
		DNS: t.DNS.Seconds(), Connect: t.Connect.Seconds(), TLS: t.TLS.Seconds(),
		Wait: t.Wait.Seconds(), Transfer: t.Transfer.Seconds(), Total: t.Total.Seconds(),
	})
}

// UnmarshalJSON reads what [Timing.MarshalJSON] wrote.
func (t *Timing) UnmarshalJSON(data []byte) error {
	var j timingJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("reading phase times: %w", err)
	}
	*t = Timing{
		DNS: seconds(j.DNS), Connect: seconds(j.Connect), TLS: seconds(j.TLS),
		Wait: seconds(j.Wait), Transfer: seconds(j.Transfer), Total: seconds(j.Total),
	}
	return nil
}

// MarshalJSON returns the explanation with its values as one object, in
// their order.
func (e Explanation) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range e.Values {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(v.Name)
		if err != nil {
			return nil, fmt.Errorf("writing the name of a value: %w", err)
		}
		value, err := json.Marshal(v.Value)
		if err != nil { // NaN and its kin are no JSON
			value, _ = json.Marshal(fmt.Sprint(v.Value))
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return json.Marshal(explanationJSON{
		Expression: e.Expression, File: e.File, Line: e.Line, Values: b.Bytes(), Message: e.Message,
	})
}

// UnmarshalJSON reads what [Explanation.MarshalJSON] wrote. Numbers become
// float64.
func (e *Explanation) UnmarshalJSON(data []byte) error {
	var j explanationJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("reading an explanation: %w", err)
	}
	values, err := readValues(j.Values)
	if err != nil {
		return fmt.Errorf("reading the values of an explanation: %w", err)
	}
	*e = Explanation{Expression: j.Expression, File: j.File, Line: j.Line, Message: j.Message, Values: values}
	return nil
}

// readValues reads an object in the order in which it was written.
func readValues(data []byte) ([]Value, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	start, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if start != json.Delim('{') {
		return nil, fmt.Errorf("found %v, want an object", start)
	}
	var values []Value
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v := Value{Name: fmt.Sprint(name)}
		if err := dec.Decode(&v.Value); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

func seconds(s float64) time.Duration { return time.Duration(s*float64(time.Second) + 0.5) }

// orEmpty returns an empty list for none, so that it is written as [].
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// orNil is the reverse of orEmpty.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}
