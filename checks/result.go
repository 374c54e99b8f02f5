package checks

import (
	"strings"
	"time"
)

// Outcome is what became of a run.
type Outcome string

// The outcomes of a run. Unknown is watchword's own fault, or a run that did
// not happen: it neither fires nor resolves an alert.
const (
	Passed   Outcome = "passed"
	Degraded Outcome = "degraded"
	Failed   Outcome = "failed"
	Unknown  Outcome = "unknown"
)

// Skipped is the outcome of a step, never of a run: one that always runs, but
// needs a value that no answer has brought, or time that is over.
const Skipped Outcome = "skipped"

// Result is what one run of a check found. It holds no secrets: every text
// in it has passed the check's [Redactor].
type Result struct {
	Check    string
	Outcome  Outcome
	Reason   Reason // empty when passed or degraded
	Message  string // one line; with several steps it begins with `step "NAME": `; empty when passed
	Started  time.Time
	Duration time.Duration // of all attempts, without the delays between them
	Attempts int
	Steps    []StepResult // of the last attempt, as far as they ran; those that were skipped are told only if they always run
}

// StepResult is what one step of a run found.
type StepResult struct {
	Step        string
	Outcome     Outcome
	Reason      Reason
	Message     string
	Method      string
	URL         string // the last URL asked, redacted
	Status      int    // 0 without an answer
	Certificate string // name of the identity that was presented on the last hop; empty means none
	Rule        string // the certs.Rule that chose it: explicit, exact, pattern, primary or none
	RemoteIP    string
	Timing      Timing
	Failed      []Explanation // failed expectations, or the degraded_if that held
	Servers     []ServerCertificate
	Handshakes  []Handshake
	Curl        string // repeats the request, secrets as variables; only set unless passed
	Body        string // beginning of the body, redacted, at most 512 bytes; only with ShowBody, unless passed
}

// Timing holds the phases of an exchange; with redirects, their sums over the hops.
type Timing struct {
	DNS, Connect, TLS, Wait, Transfer, Total time.Duration
}

// String tells the phases that took time, and their sum, for people:
// `connect 120µs · tls 1.1ms · wait 3.25ms · total 4.5ms`.
func (t Timing) String() string {
	var parts []string
	for _, p := range []struct {
		name string
		took time.Duration
	}{{"dns", t.DNS}, {"connect", t.Connect}, {"tls", t.TLS}, {"wait", t.Wait}, {"transfer", t.Transfer}, {"total", t.Total}} {
		if d := rounded(p.took); d > 0 {
			parts = append(parts, p.name+" "+d.String())
		}
	}
	return strings.Join(parts, " · ")
}

// rounded drops the digits that tell nothing about a machine's time.
func rounded(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond)
	default:
		return d.Round(10 * time.Microsecond)
	}
}

// ServerCertificate is the certificate that a server presented, taken even
// when its verification failed.
type ServerCertificate struct {
	Host        string    `json:"host"`        // of the URL
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the leaf, lower-case hex
	Subject     string    `json:"subject"`     // common name or first DNS name of the leaf
	NotBefore   time.Time `json:"not_before"`  // of the leaf
	NotAfter    time.Time `json:"not_after"`   // the earliest of the chain that was presented

	Issuing *IssuingCertificate `json:"issuing,omitempty"` // that ends first; nil if the leaf does
}

// IssuingCertificate is one that a server presented beside its own.
type IssuingCertificate struct {
	Fingerprint string    `json:"fingerprint"` // SHA-256, lower-case hex
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
}

// Handshake tells whether a server accepted a client certificate.
type Handshake struct {
	Certificate string `json:"certificate"` // name of the identity
	Accepted    bool   `json:"accepted"`
}
