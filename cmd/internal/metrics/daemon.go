package metrics

import (
	"watchword/alerts"
)

// The collect functions of what belongs to no check and no certificate.

func buildInfo(s *scrape) {
	b := s.m.build
	s.gauge(1, label("goversion", b.GoVersion), s.view.label, label("revision", b.Revision), label("version", b.Version))
}

func daemonChecks(s *scrape) { s.gauge(float64(len(s.view.checks)), s.view.label) }

func runsInFlight(s *scrape) {
	n := 0
	if s.m.InFlight != nil {
		n = s.m.InFlight()
	}
	s.gauge(float64(n), s.view.label)
}

func scheduleDelay(s *scrape) {
	s.m.delayMu.Lock()
	defer s.m.delayMu.Unlock()
	s.histogram(&s.m.delay, s.view.label)
}

func reloadSuccessful(s *scrape) {
	s.gauge(boolValue(s.m.ReloadSuccessful()), s.view.label)
}

func reloadTime(s *scrape) {
	s.m.reloadMu.Lock()
	defer s.m.reloadMu.Unlock()
	s.gauge(timestamp(s.m.reloaded), s.view.label)
}

func storeWriteErrors(s *scrape) { s.counter(s.storeStats().WriteErrors, s.view.label) }
func storeQuarantined(s *scrape) { s.counter(s.storeStats().Quarantined, s.view.label) }

func (s *scrape) storeStats() StoreStats {
	if s.m.Store == nil {
		return StoreStats{}
	}
	return s.m.Store()
}

func notifications(s *scrape) {
	s.eachReceiver(func(q alerts.QueueStats, set labels) {
		for i, n := range [...]uint64{q.Sent - q.PossibleRepeat, q.Failed, q.PossibleRepeat} { // Sent holds both
			s.counter(n, set, s.words.results[i].label)
		}
	})
}

func outboxPending(s *scrape) {
	s.eachReceiver(func(q alerts.QueueStats, set labels) { s.gauge(float64(q.Pending), set) })
}

func outboxOldest(s *scrape) {
	s.eachReceiver(func(q alerts.QueueStats, set labels) { s.gauge(timestamp(q.Oldest), set) })
}

func receiverBlocked(s *scrape) {
	s.eachReceiver(func(q alerts.QueueStats, set labels) { s.gauge(boolValue(q.Blocked != ""), set) })
}

// eachReceiver calls f with the queue of each receiver and its labels.
func (s *scrape) eachReceiver(f func(alerts.QueueStats, labels)) {
	if s.m.Outbox == nil {
		return
	}
	seen := make(map[string]bool)
	for _, q := range s.m.Outbox() {
		name := clean(q.Receiver)
		if seen[name] {
			continue
		}
		seen[name] = true
		f(q, join(s.view.label, label("receiver", name)))
	}
}

// alertState asks for the state of a check's alert.
func (s *scrape) alertState(c *check) alerts.State {
	if s.m.AlertState == nil {
		return alerts.State{}
	}
	return s.m.AlertState(c.conf.Name)
}
