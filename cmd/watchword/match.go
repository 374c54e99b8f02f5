package main

import (
	"fmt"
	"strings"

	"github.com/gobwas/glob"

	"watchword/cmd/internal/config"
)

// match picks the monitors whose names match one of the glob patterns, all
// of them without patterns. A whole name is taken as it is, also with the key
// of an element, edge[fra]; edge stands for all elements. A pattern that
// matches nothing is a mistake: a misspelt name must not pass for a success.
func match(monitors []*config.Monitor, patterns []string) ([]*config.Monitor, error) {
	if len(patterns) == 0 {
		return monitors, nil
	}
	picked := make(map[*config.Monitor]bool)
	for _, pattern := range patterns {
		hits := 0
		pick := func(matches func(name string) bool) {
			for _, m := range monitors {
				if matches(m.Check.Name) {
					picked[m] = true
					hits++
				}
			}
		}
		pick(func(name string) bool { return name == pattern || strings.HasPrefix(name, pattern+"[") })
		if hits > 0 {
			continue
		}
		g, err := glob.Compile(pattern)
		if err != nil {
			return nil, usagef("pattern %q: %w", pattern, err)
		}
		pick(g.Match)
		if hits == 0 {
			return nil, usagef("no check matches %q; there %s", pattern, thereAre(monitors))
		}
	}
	var out []*config.Monitor
	for _, m := range monitors {
		if picked[m] {
			out = append(out, m)
		}
	}
	return out, nil
}

// thereAre names the first checks, as a reminder of how they are written.
func thereAre(monitors []*config.Monitor) string {
	const shown = 10
	var names []string
	for _, m := range monitors[:min(shown, len(monitors))] {
		names = append(names, m.Check.Name)
	}
	switch {
	case len(monitors) == 0:
		return "is no check at all"
	case len(monitors) > shown:
		return fmt.Sprintf("are %s and %d more", strings.Join(names, ", "), len(monitors)-shown)
	default:
		return "are " + strings.Join(names, ", ")
	}
}
