package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gobwas/glob"

	"watchword/cmd/internal/config"
)

// matching loads the configuration and matches its monitors.
func (a *app) matching(ctx context.Context, patterns []string) (*config.Config, []*config.Monitor, error) {
	cfg, err := a.load(ctx)
	if err != nil {
		return nil, nil, err
	}
	monitors, err := match(cfg.Monitors, patterns)
	return cfg, monitors, err
}

// match picks the monitors whose names match one of the glob patterns, or that
// have a label whose value does, for patterns like team=orders; all of them
// without patterns. A whole name is taken as it is, also with the key of an
// element, edge[fra]; edge stands for all elements. A pattern that matches
// nothing is a mistake: a misspelt name must not pass for a success.
func match(monitors []*config.Monitor, patterns []string) ([]*config.Monitor, error) {
	if len(patterns) == 0 {
		return monitors, nil
	}
	picked := make(map[*config.Monitor]bool)
	for _, pattern := range patterns {
		fits, err := matcher(pattern)
		if err != nil {
			return nil, usagef("pattern %q: %w", pattern, err)
		}
		named := slices.ContainsFunc(monitors, func(m *config.Monitor) bool { return isNamed(m, pattern) })
		hits := 0
		for _, m := range monitors {
			if isNamed(m, pattern) || !named && fits(m) {
				picked[m] = true
				hits++
			}
		}
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

// matcher compiles one pattern.
func matcher(pattern string) (func(*config.Monitor) bool, error) {
	label, value, ok := strings.Cut(pattern, "=")
	ok = ok && regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(label)
	if !ok {
		value = pattern
	}
	g, err := glob.Compile(value)
	// edge[*] is a pattern over elements as well: there the brackets are meant.
	element, elementErr := glob.Compile(strings.NewReplacer("[", `\[`, "]", `\]`).Replace(value))
	if err != nil {
		return nil, err
	}
	return func(m *config.Monitor) bool {
		if got, has := m.Check.Labels[label]; ok && has && (got == value || g.Match(got)) {
			return true
		}
		return !ok && (g.Match(m.Check.Name) || elementErr == nil && element.Match(m.Check.Name))
	}, nil
}

// isNamed reports whether name is the check's, or that of the block whose
// element it is.
func isNamed(m *config.Monitor, name string) bool {
	return m.Check.Name == name || strings.HasPrefix(m.Check.Name, name+"[")
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
