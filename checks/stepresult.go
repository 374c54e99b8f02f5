package checks

import (
	"net/url"

	"watchword/certs"
)

// result makes the step's result of the trip and what became of it. All texts
// pass the redactor here, at one place.
func (t *trip) result(v verdict) StepResult {
	red := t.redactor
	res := StepResult{
		Step: t.step.Name, Outcome: Passed, Method: t.method, Rule: string(certs.RuleNone),
		Timing: t.timing, Servers: t.servers, Handshakes: t.handshakes,
	}
	for i, s := range res.Servers { // a target chooses what its certificate says
		res.Servers[i].Host, res.Servers[i].Subject = red.Redact(s.Host), oneLine(red.Redact(s.Subject), maxValue)
	}
	switch {
	case v.failure != nil:
		res.Reason, res.Outcome = v.failure.reason, v.failure.reason.Outcome()
		res.Message = oneLine(red.Redact(v.failure.message), maxMessage)
	case v.degraded != "":
		res.Outcome, res.Message = Degraded, oneLine(red.Redact(v.degraded), maxMessage)
	}
	for _, e := range v.failed {
		res.Failed = append(res.Failed, red.redactExplanation(e))
	}
	h := t.hop
	if h == nil {
		return res
	}
	res.URL, res.Status = t.address(), h.status
	if h.sent {
		res.Certificate, res.Rule = h.choice.Identity.Name(), string(h.choice.Rule)
	}
	if h.remote.IsValid() {
		res.RemoteIP = h.remote.Addr().String()
	}
	if res.Outcome == Passed {
		return res
	}
	res.Curl = h.curl(red)
	if t.step.ShowBody && t.exchange != nil {
		res.Body = printable(red.Redact(string(t.exchange.Body)), maxBody)
	}
	return res
}

// address returns the URL of the last hop for people. The one of a request
// that is the same at each run is at hand.
func (t *trip) address() string {
	if t.static != nil && t.url == t.static.rendered.URL {
		return t.static.address
	}
	return address(t.redactor, t.url)
}

func address(red *Redactor, u *url.URL) string { return oneLine(red.Redact(u.Redacted()), maxURL) }

// redactExplanation returns e with all its texts redacted and bounded.
func (r *Redactor) redactExplanation(e Explanation) Explanation {
	e.Expression = oneLine(r.Redact(e.Expression), maxMessage)
	e.Message = oneLine(r.Redact(e.Message), maxMessage)
	values := make([]Value, len(e.Values))
	for i, v := range e.Values {
		values[i] = Value{Name: oneLine(r.Redact(v.Name), maxValue), Value: r.redactValue(v.Value)}
	}
	e.Values = values
	return e
}
