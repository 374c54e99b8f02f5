package metrics

import "slices"

// A Description is what a reference says of a metric.
type Description struct {
	Name   string
	Type   string   // counter, gauge or histogram
	Labels []string // of every series, sorted
	Help   string   // a sentence or two
}

// Descriptions returns every metric of watchword, sorted by name. Those of Go
// and of the process stand beside them in a scrape.
func Descriptions() []Description {
	all := families()
	out := make([]Description, len(all))
	for i, f := range all {
		out[i] = Description{Name: f.name, Type: kindWord(f.kind), Labels: slices.Clone(f.labels), Help: f.help}
	}
	return out
}
