package alerts

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CertificateKind says what a certificate is to watchword.
type CertificateKind string

// The kinds of certificates whose expiry is told.
const (
	ClientCertificate CertificateKind = "client"
	IssuerCertificate CertificateKind = "issuer" // in the chain that is sent along
	CACertificate     CertificateKind = "ca"
	CAFile            CertificateKind = "ca file"       // that requests bring themselves; its name is the path
	ServerCertificate CertificateKind = "server"        // met by a check
	ServerIssuer      CertificateKind = "server issuer" // met in the chain of one, and ends before it
)

// isMet reports whether checks meet the certificate, rather than the
// configuration naming it.
func (k CertificateKind) isMet() bool { return k == ServerCertificate || k == ServerIssuer }

// Certificate is one certificate whose expiry is watched.
type Certificate struct {
	Kind        CertificateKind
	Name        string // of the certificate block; the host of a server; the path of a ca file
	Fingerprint string // SHA-256 of this certificate, lower-case hex
	NotBefore   time.Time
	NotAfter    time.Time
	Checks      []string // names of the checks that use the block
	Receivers   []string // full names of the receivers that use it
}

// CertificateState is what is remembered of a certificate that expires.
type CertificateState struct {
	Kind      CertificateKind `json:"kind"`
	Name      string          `json:"name"`
	NotBefore time.Time       `json:"not_before,omitzero"`
	NotAfter  time.Time       `json:"not_after"`
	Threshold time.Duration   `json:"threshold"`       // the tightest that was told; 0: expired
	Hosts     []string        `json:"hosts,omitempty"` // that showed a server's certificate
}

const (
	day = 24 * time.Hour
	// shortLived is the lifetime below which a certificate is judged by
	// parts of its lifetime.
	shortLived = 100 * day
)

// DefaultExpiry returns the thresholds at which people are told that a
// certificate expires, unless the configuration says otherwise.
func DefaultExpiry() []time.Duration {
	return []time.Duration{30 * day, 14 * day, 7 * day, 3 * day, day}
}

// crossed returns the tightest threshold that a certificate has crossed; 0
// means that it has expired. Certificates that live under 100 days use a
// third, a sixth and a twelfth of their lifetime.
func crossed(c Certificate, thresholds []time.Duration, now time.Time) (time.Duration, bool) {
	left := c.NotAfter.Sub(now)
	if left <= 0 {
		return 0, true
	}
	if life := c.NotAfter.Sub(c.NotBefore); life > 0 && life < shortLived {
		thresholds = []time.Duration{life / 3, life / 6, life / 12}
	}
	tightest, ok := time.Duration(0), false
	for _, t := range thresholds {
		if left <= t && (!ok || t < tightest) {
			tightest, ok = t, true
		}
	}
	return tightest, ok
}

// Crossed returns the tightest of the thresholds that the certificate has
// crossed, as people are told; 0 means that it has expired.
func (c Certificate) Crossed(thresholds []time.Duration, now time.Time) (time.Duration, bool) {
	return crossed(c, thresholds, now)
}

// watched is a certificate with everything that shares its fingerprint.
type watched struct {
	Certificate
	names  []string            // of blocks, or hosts
	users  map[string]struct{} // checks that use a block or have met a server's certificate
	first  time.Time           // when a server's certificate was first met, by this process
	latest time.Time           // and last

	receivers []string // that use a block
}

// called is how a reader knows the certificate.
func (w *watched) called() string {
	out := w.Name
	switch w.Kind {
	case IssuerCertificate:
		out = "issuer of certificate " + out
	case CACertificate:
		out = "ca of certificate " + out
	case CAFile:
		out = "ca file " + out
	case ServerCertificate:
		out = "server certificate of " + out
	case ServerIssuer:
		out = "issuer of the server certificate of " + out
	case ClientCertificate:
		out = "certificate " + out
	default:
		out = "certificate " + out
	}
	if more := len(w.names) - 1; more > 0 {
		out += " (and " + count(more, "other") + ")"
	}
	return out
}

// atStake says how many checks and receivers are concerned, after a colon.
func (w *watched) atStake() string {
	switch n, r := len(w.users), len(w.receivers); {
	case n > 0 && r > 0:
		return ": " + count(n, "check") + " and " + count(r, "receiver") + " use it"
	case r == 1:
		return ": 1 receiver uses it"
	case r > 1:
		return ": " + count(r, "receiver") + " use it"
	case n > 1:
		return ": " + count(n, "check") + " use it"
	case n == 1:
		return ": 1 check uses it"
	case w.Kind.isMet():
		return "" // not met since the start: nobody knows
	default:
		return ": no check uses it"
	}
}

// maxNames is how many checks a message about a certificate names.
const maxNames = 10

// detail says which certificate it is and which checks stop working.
func (w *watched) detail() string {
	out := "not after " + clock(w.NotAfter) + "\nSHA-256 " + w.Fingerprint
	names := slices.Sorted(maps.Keys(w.users))
	for _, r := range w.receivers {
		names = append(names, "receiver "+r)
	}
	if len(names) == 0 {
		return out
	}
	out += "\nused by " + strings.Join(names[:min(len(names), maxNames)], ", ")
	if more := len(names) - maxNames; more > 0 {
		out += " and " + strconv.Itoa(more) + " more"
	}
	return out
}

// message tells that the certificate expires, or has.
func (w *watched) message(threshold time.Duration, location string, now time.Time) Message {
	m := Message{
		Topic: AboutCertificate, Level: LevelDegraded, Check: w.Name, Location: location, Severity: "warning", At: now,
		Detail: w.detail(),
	}
	if threshold == 0 {
		m.Level, m.Severity = LevelFailed, "critical"
		m.Headline = "🔴 " + w.called() + " has expired" + w.atStake()
		return m
	}
	m.Headline = "🟠 " + w.called() + " expires in " + remaining(w.NotAfter.Sub(now)) + w.atStake()
	return m
}

// next is the decision for a certificate: told once for each threshold, the
// tightest that was crossed. It says whether anything is to be told.
func (w *watched) next(s State, thresholds []time.Duration, location string, now time.Time) (State, Message, bool) {
	t, ok := crossed(w.Certificate, thresholds, now)
	if !ok || s.Certificate != nil && s.Certificate.Threshold <= t {
		return s, Message{}, false
	}
	m := w.message(t, location, now)
	if s.Open() {
		m.Kind = Escalated
	} else {
		m.Kind = Fired
		s = State{Phase: Firing, Incident: s.Incident + 1, Since: now, Fired: now}
	}
	s.Told, s.Level = now, m.Level
	s.Certificate = &CertificateState{Kind: w.Kind, Name: w.Name, NotBefore: w.NotBefore, NotAfter: w.NotAfter, Threshold: t}
	if w.Kind.isMet() {
		s.Certificate.Hosts = slices.Clone(w.names[:min(len(w.names), maxHosts)])
	}
	m.Since = s.Since
	return s, m, true
}

// replaced ends what was told of a certificate that is no longer met. by is
// the one in its place; nil if there is none. The threshold that was told is
// remembered, should the certificate come back.
func replaced(s State, by *watched, location string, now time.Time) (State, Message) {
	old := watched{Certificate: Certificate{Kind: s.Certificate.Kind, Name: s.Certificate.Name}}
	m := Message{
		Topic: AboutCertificate, Kind: Recovered, Check: old.Name, Location: location, Severity: "warning",
		At: now, Since: s.Since, Headline: "🟢 " + old.called() + " is no longer in use",
	}
	if by != nil {
		m.Headline = "🟢 " + old.called() + " was replaced: the new one expires in " + remaining(by.NotAfter.Sub(now))
		m.Detail = by.detail()
	}
	return State{Incident: s.Incident, Receivers: s.Receivers, Certificate: s.Certificate}, m
}
