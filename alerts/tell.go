package alerts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"watchword/checks"
)

// Bounds of what is taken over from a result, so that neither the state nor
// the queue grows with what a target says.
const (
	maxLine     = 500 // runes of a one-line text
	maxFailures = 10  // steps
	maxValues   = 10  // of one condition
)

// headline is the fixed text for a transition of a check.
func headline(name string, t Transition) string {
	mark, verb := "🔴", "failing"
	if t.Level == LevelDegraded {
		mark, verb = "🟡", "degraded"
	}
	switch t.Kind {
	case Recovered:
		return fmt.Sprintf("🟢 %s recovered after %s", name, FormatDuration(t.At.Sub(t.Since)))
	case Folded:
		return fmt.Sprintf("🟢 %s was %s from %s: %s", name, verb, span(t.Since, t.At), t.Message)
	case Reminded:
		return fmt.Sprintf("%s %s is still %s after %s: %s", mark, name, verb, FormatDuration(t.At.Sub(t.Since)), t.Message) + depending(t.Dependents, "it")
	case Withdrawn:
		return fmt.Sprintf("⚪ %s was removed or disabled while %s: %s", name, verb, t.Message)
	case Fired, Escalated, Eased, Amended:
		return fmt.Sprintf("%s %s is %s: %s", mark, name, verb, t.Message) + depending(t.Dependents, "it")
	default:
		return fmt.Sprintf("%s %s: %s", mark, name, t.Message)
	}
}

// depending counts the checks that are not told by themselves.
func depending(n int, on string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " (and 1 check that depends on " + on + ")"
	default:
		return fmt.Sprintf(" (and %d checks that depend on %s)", n, on)
	}
}

// message is what is told of a transition of a check. The failures are those
// of the last failing run, where they are still known.
func (p *place) message(t Transition, failures []Failure) Message {
	m := Message{
		Topic: AboutCheck, Kind: t.Kind, Headline: headline(p.Name, t), Text: t.Message, Level: t.Level,
		Check: p.Name, Group: p.Group, Location: p.location, Severity: p.severity(), Labels: pairs(p.Labels),
		Runbook: p.Runbook, Source: p.Source, Links: p.links.of(&p.Subject),
		At: t.At, Since: t.Since, Runs: t.Runs, LastGood: t.LastGood, Failures: failures,
	}
	if t.Kind.Closes() {
		m.Failures = nil
	} else {
		m.Members, m.More = members(dependents(p), nil)
	}
	if t.Kind == Recovered {
		verb := "failing"
		if t.Level == LevelDegraded {
			verb = "degraded"
		}
		m.Detail = fmt.Sprintf("was %s from %s: %s", verb, span(t.Since, t.At), t.Message)
	}
	if len(m.Failures) == 0 && !t.Kind.Closes() {
		m.Failures = []Failure{{Reason: t.Reason, Message: t.Message, Advice: t.Reason.Sentence()}}
	}
	return m
}

// severity is the policy's, or the default.
func (s *Subject) severity() string {
	if s.Policy.Severity == "" {
		return "warning"
	}
	return s.Policy.Severity
}

// labels are what routes match.
func (s *Subject) labels(location string) map[string]string {
	out := maps.Clone(s.Labels)
	if out == nil {
		out = make(map[string]string, 5)
	}
	out["alertname"], out["check"], out["group"], out["location"] = "CheckFailing", s.Name, s.Group, location
	out["severity"] = s.severity()
	return out
}

func pairs(m map[string]string) []Label {
	out := make([]Label, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, Label{name, m[name]})
	}
	return out
}

// summary is the one line that a result comes to.
func summary(r checks.Result) string {
	switch {
	case r.Message != "":
		return shorten(oneLine(r.Message), maxLine)
	case r.Reason != "":
		return string(r.Reason)
	default:
		return "no explanation was given"
	}
}

// failures takes over what a message shows of a result.
func failures(r checks.Result) []Failure {
	var out []Failure
	for i := range r.Steps {
		st := &r.Steps[i]
		if st.Outcome != checks.Failed && st.Outcome != checks.Degraded || len(out) == maxFailures {
			continue
		}
		f := Failure{
			Step: st.Step, Reason: st.Reason, Message: shorten(oneLine(st.Message), maxLine),
			Method: st.Method, URL: shorten(st.URL, maxLine), Status: st.Status,
			Certificate: st.Certificate, Rule: st.Rule, RemoteIP: st.RemoteIP, Timing: st.Timing,
			Body: shorten(st.Body, maxBody), Curl: shorten(st.Curl, maxCurl),
		}
		if st.Reason != checks.ReasonExpectation {
			f.Advice = st.Reason.Sentence()
		}
		for _, x := range st.Failed {
			f.Conditions = append(f.Conditions, condition(x))
		}
		out = append(out, f)
	}
	return out
}

func condition(x checks.Explanation) Condition {
	c := Condition{
		Expression: shorten(oneLine(x.Expression), maxLine), File: x.File, Line: x.Line,
		Message: shorten(oneLine(x.Message), maxLine),
	}
	for _, v := range x.Values {
		if len(c.Values) == maxValues {
			break
		}
		text, err := json.Marshal(v.Value)
		if err != nil {
			text = fmt.Append(nil, v.Value)
		}
		c.Values = append(c.Values, Label{v.Name, shorten(string(text), maxLine)})
	}
	return c
}

// thread names an incident: its notifications belong together.
func thread(key string, incident uint64) string { return fmt.Sprintf("%s#%d", key, incident) }

// notifications makes one for each receiver.
func notifications(receivers []string, thread string, m Message, now time.Time) []Notification {
	out := make([]Notification, 0, len(receivers))
	for _, r := range receivers {
		out = append(out, Notification{Receiver: r, Thread: thread, Queued: now, Message: m})
	}
	return out
}
