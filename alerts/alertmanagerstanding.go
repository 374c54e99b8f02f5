package alerts

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// standing is something that is wrong now, as one alert.
type standing struct {
	key     string // of its labels: what has the same is the same alert
	labels  []Label
	since   time.Time
	url     string         // the page about it; may be empty
	message func() Message // what there is to say of it now
}

// Names of alerts. Those of the rules that `watchword rules` writes are the
// same, and so are their labels, so that routes and silences of an
// Alertmanager hold for both.
const (
	alertFailing  = "WatchwordCheckFailing"
	alertDegraded = "WatchwordCheckDegraded"
	alertBlocked  = "WatchwordReceiverBlocked"
	alertUnloaded = "WatchwordClientCertificateLoadFailed"
	alertStale    = "WatchwordChecksNotRunning"
	alertCutOff   = "WatchwordCutOff"
	alertRefused  = "WatchwordReloadFailed"
	alertProblem  = "WatchwordProblem"

	// urgentExpiry is how close an expiry is when it is critical.
	urgentExpiry = 3 * day
)

// changed says that what stands may be another.
func (e *Engine) changed() {
	if e.Changed != nil {
		e.Changed()
	}
}

// standing returns what a receiver that is fed from states is to know of now.
// It reads no disk and waits for none.
func (e *Engine) standing(receiver string) []standing {
	e.mu.RLock()
	setup := e.setup
	e.mu.RUnlock()
	out := e.standingChecks(receiver)
	out = append(out, e.expiry.standing(&setup, receiver, e.time())...)
	return append(out, e.standingProblems(&setup, receiver)...)
}

// newStanding makes an alert of labels, of which those without a value are
// left out.
func newStanding(labels map[string]string, since time.Time, url string, message func() Message) standing {
	s := standing{since: since, url: url, message: message, labels: make([]Label, 0, len(labels))}
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		value := strings.TrimSpace(clean(labels[name], false))
		if value == "" {
			continue
		}
		s.labels = append(s.labels, Label{name, value})
		key.WriteString(name + "\x00" + value + "\x00")
	}
	s.key = key.String()
	return s
}

// standingChecks are the open incidents.
func (e *Engine) standingChecks(receiver string) []standing {
	var out []standing
	for _, s := range e.awake() {
		at, st := s.place.Load(), s.state()
		if !st.Open() || !slices.Contains(at.fed, receiver) {
			continue
		}
		url := ""
		for _, l := range at.links.of(&at.Subject) {
			if l.Name == statusLink {
				url = l.URL
			}
		}
		out = append(out, newStanding(at.alert(st.Level), st.Since, url, func() Message {
			return at.message(Transition{
				Kind: Fired, Level: st.Level, Since: st.Since, Runs: st.Runs, LastGood: st.LastGood,
				Reason: st.Reason, Message: st.Message, Dependents: st.Dependents,
			}, s.failures())
		}))
	}
	return out
}

// alert is the labels of an incident: the user's have a prefix, as on
// metrics, so that none is mistaken for another.
func (p *place) alert(level Level) map[string]string {
	labels := make(map[string]string, 5+len(p.Labels))
	for name, value := range p.Labels {
		labels["label_"+name] = value
	}
	labels["alertname"] = alertFailing
	if level == LevelDegraded {
		labels["alertname"] = alertDegraded
	}
	labels["check"], labels["group"], labels["location"], labels["severity"] = p.Name, p.Group, p.location, p.severity()
	return labels
}

// standing are the certificates that expire. A threshold is an alert of its
// own.
func (x *expiry) standing(setup *Setup, receiver string, now time.Time) []standing {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []standing
	for _, fp := range slices.Sorted(maps.Keys(x.told)) {
		s := x.told[fp]
		if !s.Open() || s.Certificate == nil {
			continue
		}
		m := Message{Topic: AboutCertificate, Check: s.Certificate.Name, Location: setup.Location, Severity: "warning"}
		if s.Level == LevelFailed {
			m.Severity = "critical"
		}
		if !slices.Contains(setup.concerned(m), receiver) {
			continue
		}
		w := cmp.Or(x.configured[fp], x.servers[fp])
		if w == nil {
			w = &watched{names: []string{s.Certificate.Name}}
		}
		c := *w
		c.Certificate = s.Certificate.of(fp)
		c.names, c.users = slices.Clone(w.names), maps.Clone(w.users)
		out = append(out, newStanding(s.Certificate.alert(fp, setup.Location), s.Since, setup.Links.External, func() Message {
			return c.message(s.Certificate.Threshold, setup.Location, now)
		}))
	}
	return out
}

// of is the certificate itself.
func (c *CertificateState) of(fingerprint string) Certificate {
	return Certificate{Kind: c.Kind, Name: c.Name, Fingerprint: fingerprint, NotBefore: c.NotBefore, NotAfter: c.NotAfter}
}

// alert is the labels of a certificate that expires.
func (c *CertificateState) alert(fingerprint, location string) map[string]string {
	kind, named := "Client", "certificate"
	switch c.Kind {
	case ServerCertificate, ServerIssuer:
		kind, named = "Server", "host"
	case IssuerCertificate:
		kind = "Issuer"
	case CACertificate:
		kind = "CA"
	case CAFile:
		kind, named = "CA", "file"
	case ClientCertificate:
	default:
	}
	labels := map[string]string{"fingerprint": fingerprint, "location": location, "severity": "critical", named: c.Name}
	if c.Threshold == 0 {
		labels["alertname"] = "Watchword" + kind + "CertificateExpired"
		return labels
	}
	labels["alertname"] = "Watchword" + kind + "CertificateExpires"
	text, urgent := c.threshold()
	labels["threshold"] = text
	if !urgent {
		labels["severity"] = "warning"
	}
	return labels
}

// threshold is the threshold that was crossed as text, and whether it is the
// last warning.
func (c *CertificateState) threshold() (string, bool) {
	if life := c.NotAfter.Sub(c.NotBefore); life > 0 && life < shortLived {
		switch c.Threshold {
		case life / 3:
			return "a third of its lifetime", false
		case life / 6:
			return "a sixth of its lifetime", false
		case life / 12:
			return "a twelfth of its lifetime", true
		default:
		}
	}
	text := c.Threshold.String()
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if c.Threshold%unit.size == 0 {
			text = strconv.FormatInt(int64(c.Threshold/unit.size), 10) + unit.name
			break
		}
	}
	return text, c.Threshold <= urgentExpiry
}

// standingProblems are the problems of watchword itself.
func (e *Engine) standingProblems(setup *Setup, receiver string) []standing {
	var out []standing
	open := e.problems.open()
	known := make(map[string]bool, len(open))
	for _, key := range slices.Sorted(maps.Keys(open)) {
		st := open[key]
		_, cause, _ := strings.Cut(key, ":")
		m := Message{
			Topic: AboutWatchword, Kind: Fired, Location: setup.Location, Severity: "warning", Since: st.Since,
			Headline: "⚠️ " + heading(setup.Location) + ": " + st.Message,
		}
		if known[cause] || !slices.Contains(setup.toldOf(cause, m), receiver) {
			continue
		}
		known[cause] = true
		out = append(out, newStanding(problemAlert(cause, setup.Location), st.Since, setup.Links.External, func() Message { return m }))
	}
	st, _ := e.outage.live()
	if st.Open() && slices.Contains(e.concernedByOutage(setup), receiver) {
		labels := map[string]string{"alertname": alertCutOff, "severity": "critical", "location": setup.Location}
		out = append(out, newStanding(labels, st.Since, setup.Links.External, func() Message {
			return Message{Topic: AboutWatchword, Kind: Fired, Headline: st.Message, Since: st.Since, Location: setup.Location}
		}))
	}
	return out
}

// toldOf is who an alert about a problem goes to. One about a receiver goes to
// those that remain, and to itself: what one instance of an Alertmanager
// refuses, the others take.
func (s *Setup) toldOf(cause string, m Message) []string {
	to := s.concerned(m)
	if kind, name, _ := strings.Cut(cause, " "); kind == "receiver" {
		return union(to, s.but(to, name))
	}
	return to
}

// problemAlert is the labels of a problem of watchword itself.
func problemAlert(cause, location string) map[string]string {
	labels := map[string]string{"severity": "critical", "location": location}
	kind, name, _ := strings.Cut(cause, " ")
	switch {
	case kind == "receiver":
		labels["alertname"], labels["receiver"] = alertBlocked, name
	case kind == "certificate":
		labels["alertname"], labels["certificate"] = alertUnloaded, name
	case cause == staleCause:
		labels["alertname"] = alertStale
	case cause == ConfigurationCause:
		labels["alertname"], labels["severity"] = alertRefused, "warning"
	default:
		labels["alertname"], labels["cause"], labels["severity"] = alertProblem, cause, "warning"
	}
	return labels
}

// concernedByOutage are those who are told of what is wrong with watchword,
// and of the checks that are counted and not told.
func (e *Engine) concernedByOutage(setup *Setup) []string {
	out := setup.concerned(Message{Topic: AboutWatchword, Location: setup.Location, Severity: "critical"})
	for _, s := range e.awake() {
		if cutOff(s.state()) {
			out = union(out, s.place.Load().fed)
		}
	}
	return out
}
