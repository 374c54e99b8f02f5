package main

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// A scrape is what /metrics said at one moment.
type scrape struct {
	families map[string]*dto.MetricFamily
	samples  map[string]float64 // by series, as key writes it
}

// scrape reads the metrics of a daemon as Prometheus would.
func (p *process) scrape() scrape {
	p.t.Helper()
	status, text := p.get("/metrics")
	if status != http.StatusOK {
		p.t.Fatalf("/metrics answers %d", status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		p.t.Fatalf("/metrics cannot be parsed: %v", err)
	}
	s := scrape{families: families, samples: make(map[string]float64)}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			switch {
			case m.GetHistogram() != nil:
				h := m.GetHistogram()
				s.samples[key(name+"_sum", m)] = h.GetSampleSum()
				s.samples[key(name+"_count", m)] = float64(h.GetSampleCount())
				for _, b := range h.GetBucket() {
					s.samples[key(name+"_bucket", m, "le", bound(b))] = float64(b.GetCumulativeCount())
				}
			case m.GetCounter() != nil:
				s.samples[key(name, m)] = m.GetCounter().GetValue()
			default:
				s.samples[key(name, m)] = m.GetGauge().GetValue()
			}
		}
	}
	return s
}

func bound(b *dto.Bucket) string {
	if math.IsInf(b.GetUpperBound(), 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)
}

// ours are the labels of the check that these tests follow.
const ours = `check="shop/checkout",group="shop"`

// key is a series in short: without the prefix of all names and the label
// location, and with … for the check that these tests follow.
func key(name string, m *dto.Metric, more ...string) string {
	labels := labelsOf(m)
	delete(labels, "location")
	for i := 0; i < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	var parts []string
	for _, l := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, fmt.Sprintf("%s=%q", l, labels[l]))
	}
	text := strings.TrimPrefix(name, "watchword_")
	if len(parts) > 0 {
		text += "{" + strings.Replace(strings.Join(parts, ","), ours, "…", 1) + "}"
	}
	return text
}

func labelsOf(m *dto.Metric) map[string]string {
	labels := make(map[string]string, len(m.GetLabel()))
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}

// lacks says which of these lines do not hold. A line is a series, one of
// "=", ">" and "is", and a number or "gone".
func (s scrape) lacks(lines ...string) []string {
	var out []string
	for _, line := range lines {
		rest, want, _ := cutLast(line)
		series, op, _ := cutLast(rest)
		got, there := s.samples[series]
		number, err := strconv.ParseFloat(want, 64)
		switch {
		case op == "is" && want == "gone" && !there:
		case op == "=" && err == nil && there && got == number:
		case op == ">" && err == nil && there && got > number:
		case there:
			out = append(out, fmt.Sprintf("%s (it is %g)", line, got))
		default:
			out = append(out, line+" (there is none)")
		}
	}
	return out
}

func cutLast(line string) (before, after string, found bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return line, "", false
	}
	return line[:i], line[i+1:], true
}

// sum adds up the series of a metric that have all of these labels, such as
// `check="orders"`.
func (s scrape) sum(name string, labels ...string) (total float64) {
	for series, v := range s.samples {
		rest, ok := strings.CutPrefix(series, name+"{")
		if ok && !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(rest, l) }) {
			total += v
		}
	}
	return total
}

// is fails the test for every line that does not hold.
func (s scrape) is(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range s.lacks(lines...) {
		t.Errorf("does not hold: %s", line)
	}
}
