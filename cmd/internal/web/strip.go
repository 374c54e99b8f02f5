package web

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"watchword/checks"
)

// strip draws the latest runs, the last at the right, as one small picture
// with a path for each outcome, however many runs there are. What did not pass
// is higher, so that no colour is needed to see it. Where runs may be missing
// there is a gap.
func strip(runs []runStatus) template.HTML {
	const height = 4
	outcomes := runOutcomes()
	var paths [len(outcomes)]strings.Builder
	for x, i := keptRuns, len(runs); i > 0 && x > 0; {
		n := 1 // runs in a row that are alike
		for n < min(i, x) && runs[i-n-1].Outcome == runs[i-1].Outcome && !runs[i-n].Gap {
			n++
		}
		o, bar := slices.Index(outcomes[:], runs[i-1].Outcome), barHeight(runs[i-1].Outcome)
		i, x = i-n, x-n
		fmt.Fprintf(&paths[o], "M%d %dh%dv%dh-%dz", x, height-bar, n, bar, n)
		if runs[i].Gap {
			x--
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="strip" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="%s">`, keptRuns, height, spoken(runs))
	for i, o := range outcomes {
		if paths[i].Len() > 0 {
			fmt.Fprintf(&b, `<path class="%s" d="%s"/>`, o, paths[i].String())
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // numbers and words of ours
}

// barHeight is how high the bar of a run is, of 4.
func barHeight(o checks.Outcome) int {
	switch o {
	case checks.Passed:
		return 2
	case checks.Degraded:
		return 3
	case checks.Failed:
		return 4
	case checks.Unknown, checks.Skipped:
	}
	return 1
}

// spoken says in words what a strip shows.
func spoken(runs []runStatus) string {
	n := make(map[checks.Outcome]int)
	for _, r := range runs {
		n[r.Outcome]++
	}
	var parts []string
	for _, o := range runOutcomes() {
		if n[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[o], o))
		}
	}
	if len(parts) == 0 {
		return "no runs yet"
	}
	text := "last " + plural(len(runs), "run") + ": " + strings.Join(parts, ", ")
	if slices.ContainsFunc(runs, func(r runStatus) bool { return r.Gap }) {
		text += "; watchword was started in between"
	}
	return text
}
