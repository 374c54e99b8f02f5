package metrics

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"watchword/alerts"
	"watchword/certs"
	"watchword/checks"
)

// Build says what is running, for watchword_build_info.
type Build struct {
	Version   string
	Revision  string
	GoVersion string
}

// Metrics holds what the daemon tells Prometheus. Use [New]. Its methods may
// be called by several goroutines at once, and while it is scraped.
//
// The functions are called during a scrape, some once for every check, and
// must be quick; each may be nil. Set them before the first scrape.
type Metrics struct {
	AlertState func(check string) alerts.State // state of a check's alert
	Muted      func(check string) (maintenance, mute, dependency bool)
	NextRun    func(check string) (next time.Time, ok bool) // when a check is due; not ok if it never is
	InFlight   func() int                                   // runs under way
	Outbox     func() []alerts.QueueStats                   // one for each receiver
	Store      func() StoreStats                            // the state file

	runtime   *prometheus.Registry // Go and the process
	families  []family
	words     words
	build     Build
	durations *buckets // of watchword_check_duration_seconds, in seconds

	mu   sync.Mutex // held while view is replaced
	view atomic.Pointer[view]

	delayMu sync.Mutex
	delay   histogram

	reloadMu sync.Mutex
	reloadOK bool
	reloaded time.Time // of the last success
}

// StoreStats counts what went wrong with the state file.
type StoreStats struct {
	WriteErrors uint64 // writes that failed
	Quarantined uint64 // files put aside because they could not be read
}

// A view is what is loaded: it is replaced whole and never changed.
type view struct {
	label        labels // label location
	checks       []*check
	byName       map[string]*check
	certificates []*certificate
	byCert       map[string]*certificate
	secrets      []secret // by name
}

// New returns metrics without any check or certificate.
func New(b Build) *Metrics {
	m := &Metrics{
		runtime:   prometheus.NewRegistry(),
		families:  families(),
		words:     newWords(),
		build:     b,
		durations: newBuckets(0.03, 0.1, 0.3, 1, 3, 10), // even on a logarithmic scale, up to the usual timeout
		delay:     newHistogram(newBuckets(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30)),
	}
	m.runtime.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.view.Store(&view{label: label("location", "")})
	return m
}

// SetLocation sets the label location of every series.
func (m *Metrics) SetLocation(location string) {
	m.replace(func(v *view) {
		v.label = label("location", location)
		v.checks = slices.Clone(v.checks)
		v.byName = make(map[string]*check, len(v.checks))
		shared := share(v.label)
		for i, c := range v.checks {
			v.checks[i] = newCheck(c.conf, shared, m.durations, c.values)
			v.byName[c.conf.Name] = v.checks[i]
		}
		v.certificates = slices.Clone(v.certificates)
		v.byCert = make(map[string]*certificate, len(v.certificates))
		for i, c := range v.certificates {
			v.certificates[i] = newCertificate(c.identity, c.checks, v.label, c.handshakes)
			v.byCert[c.identity.Name()] = v.certificates[i]
		}
	})
}

// SetChecks tells which checks there are now. The series of those that are
// new begin, those of checks that are gone vanish, and the others keep their
// counters whatever else of them has changed. Of two checks of one name, the
// first counts.
func (m *Metrics) SetChecks(list []Check) {
	m.replace(func(v *view) {
		old := v.byName
		v.checks = make([]*check, 0, len(list))
		v.byName = make(map[string]*check, len(list))
		shared := share(v.label)
		seen := make(map[string]bool, len(list)) // label values: two names may differ in what no label can hold
		for _, conf := range list {
			name := clean(conf.Name)
			if seen[name] {
				continue
			}
			seen[name] = true
			var keep *values
			if c := old[conf.Name]; c != nil {
				keep = c.values
			}
			c := newCheck(conf, shared, m.durations, keep)
			v.checks = append(v.checks, c)
			v.byName[conf.Name] = c
		}
	})
}

// SetCertificates tells which certificate blocks there are now, and by name
// how many checks use each.
func (m *Metrics) SetCertificates(ids []*certs.Identity, checksUsing map[string]int) {
	m.replace(func(v *view) {
		old := v.byCert
		v.certificates = make([]*certificate, 0, len(ids))
		v.byCert = make(map[string]*certificate, len(ids))
		for _, id := range ids {
			name := id.Name()
			if v.byCert[name] != nil {
				continue
			}
			keep := new(handshakes)
			if c := old[name]; c != nil {
				keep = c.handshakes
			}
			c := newCertificate(id, checksUsing[name], v.label, keep)
			v.certificates = append(v.certificates, c)
			v.byCert[name] = c
		}
	})
}

// replace swaps the view for one that change has made of a copy.
func (m *Metrics) replace(change func(*view)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := *m.view.Load()
	change(&next)
	m.view.Store(&next)
}

// Record counts what a run found. A result of a check that is not configured
// any more is dropped.
func (m *Metrics) Record(check string, r checks.Result) {
	v := m.view.Load()
	c := v.byName[check]
	if c == nil {
		return
	}
	c.record(r, &m.words)
	for _, step := range r.Steps {
		for _, h := range step.Handshakes {
			if cert := v.byCert[h.Certificate]; cert != nil {
				cert.handshakes.count(h.Accepted)
			}
		}
	}
}

// Started records that a run has started this long after it was due.
func (m *Metrics) Started(_ string, delay time.Duration) {
	m.delayMu.Lock()
	defer m.delayMu.Unlock()
	m.delay.observe(max(0, delay.Seconds()))
}

// Skipped counts n runs of a check that were due and did not start. The
// reasons are overlap, saturated and missed; any other is dropped.
func (m *Metrics) Skipped(check, reason string, n int) {
	i := slices.Index(skipReasons(), reason)
	c := m.view.Load().byName[check]
	if i < 0 || c == nil || n <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped[i] += uint64(n)
}

// SetReload records that the configuration was loaded at the given time, or
// could not be.
func (m *Metrics) SetReload(ok bool, at time.Time) {
	m.reloadMu.Lock()
	defer m.reloadMu.Unlock()
	m.reloadOK = ok
	if ok {
		m.reloaded = at
	}
}

// boolValue is 1 or 0.
func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// timestamp is t in seconds since 1970, to the millisecond; 0 for the zero time.
func timestamp(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// boolWord is the label value for b.
func boolWord(b bool) string { return strconv.FormatBool(b) }

// ReloadSuccessful reports what SetReload was told last.
func (m *Metrics) ReloadSuccessful() bool {
	m.reloadMu.Lock()
	defer m.reloadMu.Unlock()
	return m.reloadOK
}
