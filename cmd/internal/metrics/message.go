package metrics

import (
	dto "github.com/prometheus/client_model/go"
)

// A messageSink makes the messages that client_golang works with, a whole
// family at a time.
type messageSink struct {
	emit       func(*dto.MetricFamily) error
	pairs      map[labels][]*dto.LabelPair // of the sets that were met: most are in many families
	keep       bool                        // what is emitted is kept; else the next family may overwrite it
	family     dto.MetricFamily
	samples    slab[messageSample]
	histograms slab[messageHistogram]
}

// A messageSample is one series, in one piece of memory with all that it
// points to but the labels themselves.
type messageSample struct {
	metric  dto.Metric
	gauge   dto.Gauge
	counter dto.Counter
	value   float64
	labels  [5]*dto.LabelPair
}

type messageHistogram struct {
	metric    dto.Metric
	histogram dto.Histogram
	sum       float64
	buckets   []dto.Bucket
	pointers  []*dto.Bucket
	counts    []uint64 // cumulative; the last is the total
}

// A slab allocates many values at once. They stay where they are.
type slab[T any] struct {
	pieces [][]T
	used   int
}

// slabPiece is how many values are allocated at once.
const slabPiece = 256

// next returns a value that is not used yet.
func (s *slab[T]) next() *T {
	i, j := s.used/slabPiece, s.used%slabPiece
	if i == len(s.pieces) {
		s.pieces = append(s.pieces, make([]T, slabPiece))
	}
	s.used++
	return &s.pieces[i][j]
}

func (m *messageSink) begin(f *family) {
	m.family.Name, m.family.Help, m.family.Type = &f.name, &f.help, &f.kind
}

// end emits the family, unless it has no series.
func (m *messageSink) end() error {
	if len(m.family.Metric) == 0 {
		return nil
	}
	if m.keep {
		f := &dto.MetricFamily{Name: m.family.Name, Help: m.family.Help, Type: m.family.Type, Metric: m.family.Metric}
		m.family.Metric, m.samples, m.histograms = nil, slab[messageSample]{}, slab[messageHistogram]{}
		return m.emit(f)
	}
	err := m.emit(&m.family)
	m.family.Metric, m.samples.used, m.histograms.used = m.family.Metric[:0], 0, 0
	return err
}

// pairsOf are the labels of a set, which nobody changes.
func (m *messageSink) pairsOf(set labels) []*dto.LabelPair {
	list, known := m.pairs[set]
	if !known {
		list = set.pairs()
		if m.pairs == nil {
			m.pairs = make(map[labels][]*dto.LabelPair)
		}
		m.pairs[set] = list
	}
	return list
}

// next adds a sample that is neither gauge nor counter yet.
func (m *messageSink) next(v float64, sets []labels) *messageSample {
	s := m.samples.next()
	s.value = v
	s.metric.Gauge, s.metric.Counter = nil, nil
	s.gauge.Value, s.counter.Value = &s.value, &s.value
	s.metric.Label = s.labels[:0]
	if len(sets) == 1 {
		s.metric.Label = m.pairsOf(sets[0])
		sets = nil
	}
	for _, set := range sets {
		s.metric.Label = append(s.metric.Label, m.pairsOf(set)...)
	}
	m.family.Metric = append(m.family.Metric, &s.metric)
	return s
}

// histogram adds a histogram. There is no bucket for infinity: client_golang
// has none either, since it would say what the total says.
func (m *messageSink) histogram(h *histogram, set labels) {
	s := m.histograms.next()
	n := len(h.buckets.bounds)
	if len(s.buckets) != n {
		s.buckets, s.pointers, s.counts = make([]dto.Bucket, n), make([]*dto.Bucket, n), make([]uint64, n+1)
	}
	var total uint64
	for i, count := range h.counts {
		total += count
		s.counts[i] = total
	}
	for i := range n {
		s.buckets[i].CumulativeCount, s.buckets[i].UpperBound = &s.counts[i], &h.buckets.bounds[i]
		s.pointers[i] = &s.buckets[i]
	}
	s.sum = h.sum
	s.histogram.SampleCount, s.histogram.SampleSum, s.histogram.Bucket = &s.counts[n], &s.sum, s.pointers
	s.metric.Label, s.metric.Histogram = m.pairsOf(set), &s.histogram
	m.family.Metric = append(m.family.Metric, &s.metric)
}
