package metrics

import (
	"math"
	"slices"
)

// buckets are the bounds of histograms of one kind.
type buckets struct {
	bounds []float64 // upper bounds, inclusive, ascending
	labels []string  // le="…" for each bound, and for infinity
}

func newBuckets(bounds ...float64) *buckets {
	b := &buckets{bounds: bounds}
	for _, bound := range append(slices.Clone(bounds), math.Inf(1)) {
		b.labels = append(b.labels, `le="`+string(appendValue(nil, bound))+`"`)
	}
	return b
}

// A histogram counts observations in buckets.
type histogram struct {
	buckets *buckets
	counts  []uint64 // one a bucket, not cumulative, and one for what is above them all
	sum     float64
}

func newHistogram(b *buckets) histogram {
	return histogram{buckets: b, counts: make([]uint64, len(b.labels))}
}

func (h *histogram) observe(v float64) {
	i, _ := slices.BinarySearch(h.buckets.bounds, v)
	h.counts[i]++
	h.sum += v
}
