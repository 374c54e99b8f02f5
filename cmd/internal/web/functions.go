package web

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

// functions are those that the template calls.
func functions() template.FuncMap {
	return template.FuncMap{
		"checkURL": func(name string) string { return (&url.URL{Path: "/checks/" + name}).EscapedPath() },
		"moment":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"machine":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"since":    func(t *time.Time) string { return short(time.Since(*t)) },
		"seconds":  func(s float64) string { return short(time.Duration(s * float64(time.Second))) },
		"strip":    strip,
		"few":      few,
		"sentence": sentence,
		"after":    func(list []checkStatus, n int) []checkStatus { return list[n:] },
		"first":    func(list []checkStatus, n int) []checkStatus { return list[:n] },
		"soon":     soon,
		"days":     days,
		"left":     left,
		"urgency":  urgency,
		"join":     strings.Join,
		"phases":   phases,
		"plural":   plural,
		"reverse": func(runs []runStatus) []runStatus {
			runs = slices.Clone(runs)
			slices.Reverse(runs)
			return runs
		},
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// short is a duration in its two largest units.
func short(d time.Duration) string {
	d = max(d, 0)
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < day:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	default:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	}
}

// days says how much time is left of a certificate.
func days(left float64) string {
	switch {
	case left < 0:
		return "expired"
	case left < 2: //nolint:mnd // from two days on, whole ones are enough
		return fmt.Sprintf("%.1f days", left)
	default:
		return fmt.Sprintf("%.0f days", left)
	}
}

// urgency is the class of a time that is left.
func urgency(left float64) string {
	const soon, later = 7, 30
	switch {
	case left < soon:
		return failing
	case left < later:
		return degraded
	default:
		return passing
	}
}

// few are some names, and how many there are beside them.
func few(names []string) string {
	const shown = 3
	if len(names) <= shown+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// sentence says why nothing is told of a check.
func sentence(list []alerts.Silence) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = s.String()
	}
	return strings.Join(parts, "; ")
}

// soon parts a list of certificates into those that are shown at once and the
// others: a page of hundreds is read by nobody.
func soon(list []presented) (parts [2][]presented) {
	const shown = 20
	n := min(len(list), shown)
	for n < len(list) && urgency(list[n].DaysLeft) != passing {
		n++
	}
	return [...][]presented{list[:n], list[n:]}
}

// A phase is a part of an exchange, with its share of the whole in percent.
type phase struct {
	Name  string
	Took  string
	Share int
}

// phases are those of a step that took time.
func phases(t checks.Timing) []phase {
	const whole = 100
	var list []phase
	for _, p := range []struct {
		name string
		took time.Duration
	}{{"dns", t.DNS}, {"connect", t.Connect}, {"tls", t.TLS}, {"wait", t.Wait}, {"transfer", t.Transfer}} {
		if took := p.took.Round(10 * time.Microsecond); took > 0 {
			list = append(list, phase{p.name, took.String(), int(whole * p.took / max(t.Total, p.took))})
		}
	}
	return list
}
