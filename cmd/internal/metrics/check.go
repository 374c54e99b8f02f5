package metrics

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// Check is what metrics need to know of a configured check.
type Check struct {
	Name     string            // full name; unique
	Group    string            // may be empty
	Labels   map[string]string // the user's; keys that cannot be part of a label name are left out
	Schedule string            // as it stands in the configuration
	Severity string            // of its alert
	Steps    []string          // names of its steps; none means one step without a name
	Hosts    []string          // hosts of its requests, normalized, as far as the configuration tells
}

// A check is a [Check] with its labels made. Only its values change.
type check struct {
	conf     Check
	name     labels // label check
	group    labels // label group
	location labels // label location
	base     labels // these three
	info     labels // those of check_info
	*values
}

// values are the counters of a check and what its last run found. They
// outlive a reload.
type values struct {
	mu           sync.Mutex
	outcome      checks.Outcome // of the last run
	runs         [4]uint64      // by outcomes()
	attempts     uint64
	duration     histogram
	lastDuration time.Duration
	lastRun      time.Time
	lastSuccess  time.Time
	failures     []reasonCount // in the order in which they appeared
	skipped      [3]uint64     // by skipReasons()
	muted        [3]bool       // in this way at least once, by words.muting
	steps        []stepValues
	servers      []serverCertificate // one a host
	foreign      map[string]bool     // hosts dialled that the configuration does not name
}

type reasonCount struct {
	reason labels
	n      uint64
}

// stepValues are those of a step in the last run; zero if it was not reached.
type stepValues struct {
	name   string
	label  labels
	status int
	timing checks.Timing
}

// newCheck makes the labels of a check. It goes on counting in keep, unless
// that is nil.
func newCheck(conf Check, shared *sharedLabels, d *buckets, keep *values) *check {
	name := label("check", conf.Name)
	c := &check{conf: conf, group: shared.label("group", conf.Group), location: shared.location, values: keep}
	c.base = join(name, c.group, c.location)
	c.name = c.base[:len(name)]
	info := []labels{c.name, c.group, c.location, shared.label("schedule", conf.Schedule), shared.label("severity", conf.Severity)}
	for name, value := range conf.Labels {
		if validLabel(name) {
			info = append(info, shared.label("label_"+name, value))
		}
	}
	slices.SortFunc(info, func(a, b labels) int { return cmp.Compare(a.name(), b.name()) })
	c.info = join(info...)
	if c.values == nil {
		c.values = &values{outcome: checks.Unknown, duration: newHistogram(d)}
	}
	c.setSteps(conf.Steps, shared)
	return c
}

// setSteps makes the values of the named steps, and keeps those of steps that
// there were before.
func (v *values) setSteps(names []string, shared *sharedLabels) {
	if len(names) == 0 {
		names = []string{""}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	steps := make([]stepValues, 0, len(names))
	for _, name := range names {
		if slices.ContainsFunc(steps, func(s stepValues) bool { return s.name == name }) {
			continue
		}
		if i := v.step(name); i >= 0 {
			steps = append(steps, v.steps[i])
		} else {
			steps = append(steps, stepValues{name: name, label: shared.label("step", name)})
		}
	}
	v.steps = steps
}

// step returns the index of a step, or -1.
func (v *values) step(name string) int {
	return slices.IndexFunc(v.steps, func(s stepValues) bool { return s.name == name })
}

// record takes over what a run found.
func (c *check) record(r checks.Result, w *words) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(outcomes(), string(r.Outcome))
	if i < 0 {
		return
	}
	c.outcome = r.Outcome
	c.runs[i]++
	c.attempts += uint64(max(0, r.Attempts))
	c.lastRun = r.Started
	good := r.Outcome == checks.Passed || r.Outcome == checks.Degraded
	if good {
		c.lastSuccess = r.Started
	} else {
		c.countFailure(w.reason(r.Reason))
	}
	if r.Outcome != checks.Unknown {
		c.duration.observe(r.Duration.Seconds())
		c.lastDuration = r.Duration
	}
	c.recordSteps(r.Steps)
	c.recordServers(r.Steps, good)
}

func (v *values) countFailure(reason labels) {
	for i := range v.failures {
		if v.failures[i].reason == reason {
			v.failures[i].n++
			return
		}
	}
	v.failures = append(v.failures, reasonCount{reason, 1})
}

func (v *values) recordSteps(results []checks.StepResult) {
	for i := range v.steps {
		v.steps[i].status, v.steps[i].timing = 0, checks.Timing{}
	}
	for _, r := range results {
		if i := v.step(r.Step); i >= 0 {
			v.steps[i].status, v.steps[i].timing = r.Status, r.Timing
		}
	}
}

// The collect functions of a check. Its values are locked while they run.

func checkInfo(s *scrape, c *check) { s.gauge(1, c.info) }

func checkStatus(s *scrape, c *check) {
	for i, w := range s.words.statuses {
		s.gauge(boolValue(string(c.outcome) == s.words.outcomes[i].value), c.base, w.label)
	}
}

func checkRuns(s *scrape, c *check) {
	for i, w := range s.words.outcomes {
		s.counter(c.runs[i], c.base, w.label)
	}
}

func checkFailures(s *scrape, c *check) {
	for _, f := range c.failures {
		s.counter(f.n, c.base, f.reason)
	}
}

func checkSkipped(s *scrape, c *check) {
	for i, w := range s.words.skips {
		if c.skipped[i] > 0 {
			s.counter(c.skipped[i], c.base, w.label)
		}
	}
}

func checkPhases(s *scrape, c *check) {
	for i := range c.steps {
		t := &c.steps[i].timing
		for j, d := range [...]time.Duration{t.DNS, t.Connect, t.TLS, t.Wait, t.Transfer} {
			s.gauge(d.Seconds(), c.base, s.words.phases[j].label, c.steps[i].label)
		}
	}
}

func checkStatusCode(s *scrape, c *check) {
	for i := range c.steps {
		s.gauge(float64(c.steps[i].status), c.base, c.steps[i].label)
	}
}

func checkAttempts(s *scrape, c *check)     { s.counter(c.attempts, c.base) }
func checkDuration(s *scrape, c *check)     { s.histogram(&c.duration, c.base) }
func checkLastDuration(s *scrape, c *check) { s.gauge(c.lastDuration.Seconds(), c.base) }
func checkLastRun(s *scrape, c *check)      { s.gauge(timestamp(c.lastRun), c.base) }
func checkLastSuccess(s *scrape, c *check)  { s.gauge(timestamp(c.lastSuccess), c.base) }

// Those that ask other parts of the daemon hold no lock while they do.

func checkAlertState(s *scrape) {
	for _, c := range s.view.checks {
		phase := string(s.alertState(c).Status())
		for _, w := range s.words.states {
			s.gauge(boolValue(phase == w.value), c.base, w.label)
		}
		s.flush()
	}
}

func checkFailingInfo(s *scrape) {
	for _, c := range s.view.checks {
		state := s.alertState(c)
		if state.Status() == alerts.OK {
			continue
		}
		reason := s.words.degraded
		if state.Reason != "" {
			reason = s.words.reason(state.Reason)
		}
		for _, w := range s.words.levels {
			if w.value == string(state.Level) {
				s.gauge(1, c.name, c.group, w.label, c.location, reason)
				s.flush()
			}
		}
	}
}

func checkFailingSince(s *scrape) {
	for _, c := range s.view.checks {
		since := s.alertState(c).Since
		c.mu.Lock()
		if c.outcome == checks.Passed { // the incident may last until more runs have passed
			since = time.Time{}
		}
		c.mu.Unlock()
		s.gauge(timestamp(since), c.base)
		s.flush()
	}
}

// checkMuted shows a way of muting from the first time on that it is used for
// the check.
func checkMuted(s *scrape) {
	if s.m.Muted == nil {
		return
	}
	for _, c := range s.view.checks {
		var now [3]bool
		now[0], now[1], now[2] = s.m.Muted(c.conf.Name)
		c.mu.Lock()
		for i := range now {
			c.muted[i] = c.muted[i] || now[i]
		}
		ever := c.muted
		c.mu.Unlock()
		for i, w := range s.words.muting {
			if ever[i] {
				s.gauge(boolValue(now[i]), w.label, c.base)
			}
		}
		s.flush()
	}
}

func checkNextRun(s *scrape) {
	for _, c := range s.view.checks {
		var next time.Time
		if s.m.NextRun != nil {
			if t, ok := s.m.NextRun(c.conf.Name); ok {
				next = t
			}
		}
		s.gauge(timestamp(next), c.base)
		s.flush()
	}
}
