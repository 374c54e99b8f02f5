package metrics

import (
	"slices"
	"strings"
	"testing"
)

func TestFamiliesAreInOrder(t *testing.T) {
	list := families()
	for i, f := range list {
		if i > 0 && list[i-1].name >= f.name {
			t.Errorf("%s stands before %s", list[i-1].name, f.name)
		}
		if !slices.IsSorted(f.labels) {
			t.Errorf("%s: labels %v are not sorted", f.name, f.labels)
		}
		if !strings.HasPrefix(f.name, "watchword_") || !strings.HasSuffix(f.help, ".") {
			t.Errorf("%s: %q: want a name with our prefix and a sentence", f.name, f.help)
		}
		if !slices.Contains(f.labels, "location") {
			t.Errorf("%s has no label location", f.name)
		}
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"api.acme.com", "api.acme.com"},
		{"größe", "größe"},
		{"a\xffb", "a\uFFFDb"},
		{"a\x00b\nc", "a\uFFFDb\uFFFDc"},
		{"a\u0085b", "a\uFFFDb"},
	} {
		if got := clean(c.in); got != c.want {
			t.Errorf("clean(%q) is %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"aßb", 2, "a"},
		{"ß", 1, ""},
		{"a\xff\xff", 4, "a\uFFFD"},
	} {
		if got := cut(c.in, c.limit); got != c.want {
			t.Errorf("cut(%q, %d) is %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestHistogramBounds(t *testing.T) {
	h := newHistogram(newBuckets(0.1, 1))
	for _, v := range []float64{0, 0.1, 0.2, 1, 1.1, 50} {
		h.observe(v)
	}
	if want := []uint64{2, 2, 2}; !slices.Equal(h.counts, want) { // a bound belongs to its bucket
		t.Errorf("counts are %v, want %v", h.counts, want)
	}
}
