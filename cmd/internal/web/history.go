package web

import (
	"math"
	"slices"
	"sync"
	"time"
	"unique"

	"watchword/checks"
)

// What the pages remember of a check. Its last failure stays beside that,
// until the check is gone.
const (
	keptRuns    = 30
	keptServers = 16 // hosts that it met: a target chooses where it redirects to
)

// history is what is remembered of a check. There may be 10,000, so it is
// small: a run takes 16 bytes, and of a run that passed nothing stays but its
// times and certificates.
type history struct {
	mu      sync.Mutex
	runs    []run // oldest first
	last    lastRun
	ran     bool           // since watchword was started: the last run is not one of before
	failure *checks.Result // the last that was not passed; nil if there was none
	servers []server
}

// A run is one bar of the strip.
type run struct {
	started int64  // Unix time in milliseconds
	took    uint32 // in tickets of 10 µs, up to 11 hours
	outcome uint8  // index into runOutcomes
	gap     bool   // the first since watchword was started: runs between the one before and this one may not be known
}

const ticket = 10 * time.Microsecond

// lastOutcome is the greatest index into runOutcomes.
const lastOutcome = 3

// runOutcomes are those that a run can have.
func runOutcomes() [lastOutcome + 1]checks.Outcome {
	return [...]checks.Outcome{checks.Passed, checks.Degraded, checks.Failed, checks.Unknown}
}

func newRun(r *checks.Result) run {
	outcomes := runOutcomes()
	i := max(0, slices.Index(outcomes[:], r.Outcome))
	return run{started: r.Started.UnixMilli(), took: uint32(min(max(0, r.Duration/ticket), math.MaxUint32)), outcome: uint8(i)} //nolint:gosec // within its bounds
}

func (r run) status() runStatus {
	return runStatus{time.UnixMilli(r.started).UTC(), (time.Duration(r.took) * ticket).Seconds(), runOutcomes()[r.outcome], r.gap}
}

// A lastRun is what is shown of the last run, whatever came of it.
type lastRun struct {
	started  time.Time // zero before the first
	duration time.Duration
	outcome  checks.Outcome
	reason   checks.Reason
	message  string
	steps    []lastStep
}

// A lastStep is a step of it.
type lastStep struct {
	Step   string
	Status int
	Timing checks.Timing
}

// A server is the certificate that a host presented last.
type server struct {
	host, subject, fingerprint string // shared with other checks
	notAfter                   time.Time
}

// record takes over a run.
func (h *history) record(r *checks.Result) {
	if len(h.runs) == keptRuns {
		h.runs = slices.Delete(h.runs, 0, 1)
	}
	now := newRun(r)
	now.gap = !h.ran && len(h.runs) > 0
	h.runs, h.ran = append(h.runs, now), true
	steps := h.last.steps[:0]
	for i := range r.Steps {
		steps = append(steps, lastStep{r.Steps[i].Step, r.Steps[i].Status, r.Steps[i].Timing})
	}
	h.last = lastRun{r.Started, r.Duration, r.Outcome, r.Reason, r.Message, steps}
	if r.Outcome != checks.Passed {
		kept := *r
		h.failure = &kept
	}
	h.meet(r)
}

// meet takes over the certificates that servers presented. A run that passed
// has asked every host: those that it did not meet are gone.
func (h *history) meet(r *checks.Result) {
	if r.Outcome == checks.Passed {
		h.servers = slices.DeleteFunc(h.servers, func(s server) bool {
			for i := range r.Steps {
				if slices.ContainsFunc(r.Steps[i].Servers, func(c checks.ServerCertificate) bool { return c.Host == s.host }) {
					return false
				}
			}
			return true
		})
	}
	for i := range r.Steps {
		for _, c := range r.Steps[i].Servers {
			place := slices.IndexFunc(h.servers, func(s server) bool { return s.host == c.Host })
			switch {
			case place >= 0 && h.servers[place].fingerprint == c.Fingerprint && h.servers[place].notAfter.Equal(c.NotAfter):
			case place >= 0:
				h.servers[place] = newServer(c)
			case len(h.servers) < keptServers:
				h.servers = append(h.servers, newServer(c))
			}
		}
	}
}

func newServer(c checks.ServerCertificate) server {
	shared := func(s string) string { return unique.Make(s).Value() }
	return server{shared(c.Host), shared(c.Subject), shared(c.Fingerprint), c.NotAfter}
}
