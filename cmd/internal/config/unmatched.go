package config

import (
	"fmt"
	"maps"
	"slices"

	"watchword/alerts"
	"watchword/cmd/internal/lang"
)

// selector is the match of a route or a maintenance block.
type selector struct {
	block *block
	match map[string]string
	route alerts.Route
}

// unmatched warns of routes and maintenance that no check matches. A route may
// also be for notices about certificates and about watchword itself, which
// have an alertname of their own.
func (l *loader) unmatched(blocks []*block, monitors []*Monitor) {
	if l.errors > 0 || len(monitors) == 0 {
		return
	}
	var open []selector
	for _, b := range blocks {
		match := l.textMap(b, "match").value
		_, notice := match["certificate"]
		if _, named := match["alertname"]; len(match) == 0 || b.is.name == "route" && (notice || named) {
			continue
		}
		if route, err := alerts.CompileRoute(match, nil, false); err == nil {
			open = append(open, selector{b, match, route})
		}
	}
	for _, m := range monitors {
		if len(open) == 0 {
			return
		}
		labels := l.routingLabels(m)
		open = slices.DeleteFunc(open, func(s selector) bool { return s.route.Matches(labels) })
	}
	for _, s := range open {
		l.warnf(s.block.attrAt("match"), "Match without checks", "%s", l.mismatch(s, monitors))
	}
}

// mismatch says which label of a selector is to blame.
func (l *loader) mismatch(s selector, monitors []*Monitor) string {
	for _, name := range slices.Sorted(maps.Keys(s.match)) {
		names, values := map[string]bool{}, map[string]bool{}
		found := false
		for _, m := range monitors {
			labels := l.routingLabels(m)
			found = found || s.route.Match[name].Match(labels[name])
			for known := range labels {
				names[known] = true
			}
			values[labels[name]] = true
		}
		switch {
		case found:
		case !names[name]:
			return "No check has a label " + name + "." + lang.DidYouMean(name, slices.Sorted(maps.Keys(names)))
		default:
			return fmt.Sprintf("No check has %s = %q.", name, s.match[name]) + lang.DidYouMean(s.match[name], slices.Sorted(maps.Keys(values)))
		}
	}
	return "No check has all of these labels."
}
