package alerts

import (
	"fmt"
	"strings"
	"time"

	"watchword/checks"
)

// Sample is a message for the test of a receiver: made by the code that makes
// those of real incidents, and marked as a sample in its headline and its
// detail.
type Sample struct {
	Kind    string // names it on a command line, such as "reminder"; no two have the same
	Thread  string // samples of one thread tell of one incident, in their order
	Message Message
	Again   bool // the same message as the one before it in its thread, under the same id: an earlier attempt may have arrived
}

const sampleMark = "This is a sample that `watchword alerts test` has sent. Nothing is wrong."

// Samples returns one message of each kind that a receiver is told, in an
// order in which they can be sent. The location and the links are those of a
// configuration.
func Samples(location string, links Links, now time.Time) []Sample {
	s := sampler{location: location, links: links, now: now}
	var out []Sample
	for _, list := range [][]Sample{s.failure(), s.degradation(), s.short(), s.group(), s.expiry(), s.notice(), s.outage()} {
		for _, sample := range list {
			m := &sample.Message
			if m.Detail != "" {
				m.Detail = "\n" + m.Detail
			}
			m.Detail = sampleMark + m.Detail
			if m.Links == nil {
				m.Links = links.overview()
			}
			m.PossibleRepeat = sample.Again
			out = append(out, sample)
		}
	}
	return out
}

// sampler makes samples. Their times lie in the past.
type sampler struct {
	location string
	links    Links
	now      time.Time
}

// here is the location of a watchword that is a sample.
func (s sampler) here() string { return strings.TrimSpace(s.location + " (sample)") }

// subject is a check that is a sample.
func (s sampler) subject(name string) *subject {
	sub := &subject{name: "sample/" + name}
	sub.place.Store(&place{location: s.location, links: s.links, Subject: Subject{
		Name: sub.name, Group: "sample", Labels: map[string]string{"team": "sample"}, Hosts: []string{name + ".sample.example"},
		Policy:  Policy{Severity: "critical", RemindEvery: 4 * time.Hour},
		Runbook: "https://sample.example/runbook", Source: checks.Source{File: "sample.hcl", Line: 40},
	}})
	return sub
}

// play hands a result to a subject and returns what is told of it: one
// message, or none.
func (sub *subject) play(r checks.Result) Message {
	ev := Event{Kind: Ran, Outcome: r.Outcome, Reason: r.Reason, Started: r.Started}
	if r.Outcome != checks.Passed {
		ev.Message = summary(r)
		sub.setFailures(failures(r))
	}
	at := sub.place.Load()
	next, told := at.Policy.Next(sub.state(), ev, r.Started)
	sub.set(next)
	if len(told) == 0 {
		return Message{}
	}
	return at.message(told[0], sub.failures())
}

// ran is the result of a run with one step.
func ran(o checks.Outcome, at time.Time, step checks.StepResult) checks.Result {
	step.Outcome = o
	r := checks.Result{Outcome: o, Reason: step.Reason, Message: step.Message, Started: at, Steps: []checks.StepResult{step}}
	if step.Step != "" && step.Message != "" {
		r.Message = fmt.Sprintf("step %q: %s", step.Step, step.Message)
	}
	return r
}

// refused422 is a step that was answered otherwise than expected.
func refused422(step, host string) checks.StepResult {
	return checks.StepResult{
		Step: step, Reason: checks.ReasonExpectation, Message: "status is 422, want 201",
		Method: "POST", URL: "https://" + host + "/orders", Status: 422,
		Certificate: "sample", Rule: "pattern", RemoteIP: "192.0.2.7",
		Timing: checks.Timing{DNS: 2 * time.Millisecond, Connect: 3 * time.Millisecond, TLS: 11 * time.Millisecond, Wait: 120 * time.Millisecond, Total: 136 * time.Millisecond},
		Failed: []checks.Explanation{{
			Expression: "status == 201", File: "sample.hcl", Line: 58, Message: "status is 422, want 201",
			Values: []checks.Value{{Name: "status", Value: 422}},
		}},
		Body: `{"error": "sold out", "item": "ord_1"}`,
		Curl: "curl --cert sample.crt --key sample.key -H \"Authorization: Bearer $API_TOKEN\" -d '{\"item\": \"ord_1\"}' https://" + host + "/orders",
	}
}

// failure is an incident from its beginning to its end.
func (s sampler) failure() []Sample {
	sub := s.subject("checkout")
	began := s.now.Add(-4*time.Hour - 6*time.Minute)
	sub.play(ran(checks.Passed, began.Add(-time.Minute), checks.StepResult{}))
	out := []Sample{{Kind: "failed", Message: sub.play(ran(checks.Failed, began, refused422("order", "checkout.sample.example")))}}
	for at := began.Add(time.Minute); len(out) == 1; at = at.Add(time.Minute) {
		if m := sub.play(ran(checks.Failed, at, refused422("order", "checkout.sample.example"))); m.Kind == Reminded {
			out = append(out, Sample{Kind: "reminder", Message: m})
		}
	}
	out = append(out, Sample{Kind: "recovered", Message: sub.play(ran(checks.Passed, s.now, checks.StepResult{}))})
	return inThread("failure", out)
}

// degradation is an incident that gets worse, and whose check is removed.
func (s sampler) degradation() []Sample {
	sub := s.subject("search")
	slow := refused422("", "search.sample.example")
	slow.Reason, slow.Message, slow.Status, slow.Method, slow.Body, slow.Curl = "", "timing.total is 1.2", 200, "GET", "", ""
	slow.URL = "https://search.sample.example/?q=tea"
	slow.Timing = checks.Timing{DNS: 2 * time.Millisecond, Connect: 3 * time.Millisecond, TLS: 11 * time.Millisecond, Wait: 1184 * time.Millisecond, Total: 1200 * time.Millisecond}
	slow.Failed = []checks.Explanation{{
		Expression: "timing.total > 0.8", File: "sample.hcl", Line: 71, Message: "timing.total is 1.2",
		Values: []checks.Value{{Name: "timing.total", Value: 1.2}},
	}}
	out := []Sample{
		{Kind: "degraded", Message: sub.play(ran(checks.Degraded, s.now.Add(-10*time.Minute), slow))},
		{Kind: "worse", Message: sub.play(ran(checks.Failed, s.now.Add(-5*time.Minute), refused422("", "search.sample.example")))},
	}
	_, told := sub.place.Load().Policy.Next(sub.state(), Event{Kind: Removed}, s.now)
	out = append(out, Sample{Kind: "removed", Message: sub.place.Load().message(told[0], nil)})
	return inThread("degradation", out)
}

// short is an incident that was over before it could be told, and the same
// message once more.
func (s sampler) short() []Sample {
	sub := s.subject("payments")
	begin := sub.play(ran(checks.Failed, s.now.Add(-6*time.Minute), refused422("", "payments.sample.example")))
	m := folded(begin, sub.play(ran(checks.Passed, s.now.Add(-time.Minute), checks.StepResult{})))
	return inThread("folded", []Sample{{Kind: "folded", Message: m}, {Kind: "possible-repeat", Message: m, Again: true}})
}

// group is a group of checks that fail for the same reason, and recover.
func (s sampler) group() []Sample {
	e := &Engine{setup: Setup{Location: s.location, Links: s.links}, subjects: make(map[string]*subject)}
	list := s.failing(27, checks.ReasonTLSUnknownCA, "x509: certificate signed by unknown authority")
	began := s.now.Add(-12 * time.Minute)
	st := &State{Phase: Firing, Since: began, Level: LevelFailed, Members: &Members{Open: len(list), Shared: shared(list)}}
	for _, sub := range list {
		e.subjects[sub.name] = sub
		st.Members.List = append(st.Members.List, Member{Check: sub.name})
	}
	return inThread("group", []Sample{
		{Kind: "group", Message: e.groupMessage(Fired, st, list, began.Add(DefaultGroupWait))},
		{Kind: "group-recovered", Message: e.groupMessage(Recovered, st, nil, s.now)},
	})
}

// failing makes n subjects that fail.
func (s sampler) failing(n int, reason checks.Reason, text string) []*subject {
	list := make([]*subject, 0, n)
	for i := range n {
		sub := s.subject(fmt.Sprintf("api-%02d", i+1))
		sub.play(ran(checks.Failed, s.now.Add(-12*time.Minute), checks.StepResult{Reason: reason, Message: text}))
		list = append(list, sub)
	}
	return list
}

// expiry is a certificate that expires, and the one in its place.
func (s sampler) expiry() []Sample {
	w := &watched{
		Certificate: Certificate{
			Kind: ClientCertificate, Name: "sample", Fingerprint: "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
			NotBefore: s.now.Add(-358 * day), NotAfter: s.now.Add(7 * day),
		},
		names: []string{"sample"}, users: make(map[string]struct{}),
	}
	for _, sub := range s.failing(14, checks.ReasonTLSUnknownCA, "") {
		w.users[sub.name] = struct{}{}
	}
	st, m, _ := w.next(State{}, DefaultExpiry(), s.location, s.now)
	by := *w
	by.Fingerprint = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
	by.NotAfter = s.now.Add(365 * day)
	_, end := replaced(st, &by, s.location, s.now)
	return inThread("expiry", []Sample{{Kind: "expiry", Message: m}, {Kind: "replaced", Message: end}})
}

// notice is a problem of watchword itself, and its end.
func (s sampler) notice() []Sample {
	p := Problem{Cause: "sample", Text: `certificate "acme" cannot be loaded: open certs/acme.key: permission denied`}
	st, m := p.next(State{}, s.here(), s.now.Add(-time.Minute))
	_, end := Problem{Cause: p.Cause}.next(st, s.here(), s.now)
	return inThread("notice", []Sample{{Kind: "watchword", Message: m}, {Kind: "watchword-over", Message: end}})
}

// outage is a network that may be cut off, and its end.
func (s sampler) outage() []Sample {
	e := &Engine{setup: Setup{Location: s.here(), Links: s.links}}
	list := s.failing(12, checks.ReasonConnectTimeout, "dial tcp 192.0.2.7:443: i/o timeout")
	st := &State{Phase: Firing, Since: s.now.Add(-12 * time.Minute), Members: &Members{Open: len(list), Shared: shared(list)}}
	return inThread("outage", []Sample{
		{Kind: "cut-off", Message: e.outageMessage(Fired, st, list, 14, s.now.Add(-11*time.Minute))},
		{Kind: "cut-off-over", Message: e.outageMessage(Recovered, st, nil, 14, s.now)},
	})
}

// inThread puts samples into one thread.
func inThread(name string, list []Sample) []Sample {
	for i := range list {
		list[i].Thread = name
	}
	return list
}
