package metrics

// A scrape collects one family after the other, as text or as messages of
// client_golang.
type scrape struct {
	m     *Metrics
	view  *view
	words *words

	text    *textSink // one of these two is set
	message *messageSink
}

// eachCheck returns a collect function that calls collect for every check,
// while its values are locked.
func eachCheck(collect func(*scrape, *check)) func(*scrape) {
	return func(s *scrape) {
		for _, c := range s.view.checks {
			c.mu.Lock()
			collect(s, c)
			c.mu.Unlock()
			s.flush()
		}
	}
}

// newScrape returns a scrape of what is loaded now.
func newScrape(m *Metrics) *scrape {
	return &scrape{m: m, view: m.view.Load(), words: &m.words}
}

// collect collects every family that want names.
func (s *scrape) collect(want func(name string) bool) error {
	for i := range s.m.families {
		f := &s.m.families[i]
		if !want(f.name) {
			continue
		}
		if s.text != nil {
			s.text.begin(f)
		} else {
			s.message.begin(f)
		}
		f.collect(s)
		if err := s.end(); err != nil {
			return err
		}
	}
	return nil
}

// flush lets go of what has been collected if it is much. No lock may be held:
// whoever reads the output may be slow.
func (s *scrape) flush() {
	if s.text != nil {
		_ = s.text.flush(textBuffer) // end returns the same error
	}
}

func (s *scrape) end() error {
	if s.text != nil {
		return s.text.flush(textBuffer)
	}
	return s.message.end()
}

// gauge adds a series with these labels, which must not change.
func (s *scrape) gauge(v float64, sets ...labels) {
	if s.text != nil {
		s.text.sample("", v, sets)
	} else {
		smp := s.message.next(v, sets)
		smp.metric.Gauge = &smp.gauge
	}
}

// counter adds a series with these labels, which must not change.
func (s *scrape) counter(v uint64, sets ...labels) {
	if s.text != nil {
		s.text.sample("", float64(v), sets)
	} else {
		smp := s.message.next(float64(v), sets)
		smp.metric.Counter = &smp.counter
	}
}

// histogram adds the series of h with these labels, which must not change.
func (s *scrape) histogram(h *histogram, set labels) {
	if s.text != nil {
		s.text.histogram(h, set)
	} else {
		s.message.histogram(h, set)
	}
}
