package main

import (
	"fmt"
	"slices"
	"strings"

	"watchword/alerts"
	"watchword/cmd/internal/control"
)

// troubles are what is wrong with watchword itself, a sentence each.
func troubles(s *control.Status) []string {
	var lines []string
	for _, p := range s.Problems {
		line := p.Text
		if p.Since != nil {
			line += " (for " + alerts.FormatDuration(s.Now.Sub(*p.Since)) + ")"
		}
		lines = append(lines, line)
	}
	if !s.State.Writing && s.State.WriteErrors > 0 { // else a problem of the start tells of it
		lines = append(lines, fmt.Sprintf("the state file %s cannot be written (%s): is the disk full, or read-only? Checks and messages go on from memory",
			s.State.File, count(int(min(s.State.WriteErrors, 1<<31)), "failed attempt")))
	}
	if s.State.Dropped > 0 {
		lines = append(lines, fmt.Sprintf("%d messages were dropped: the queue is full", s.State.Dropped))
	}
	told := slices.ContainsFunc(s.Problems, func(p control.Problem) bool { return strings.HasPrefix(p.Text, notLoaded) })
	if !s.Config.Loaded && !told {
		lines = append(lines, notLoaded+"; watchword validate shows them")
	}
	return lines
}

// refusals tell of receivers that take nothing, but for those of which a
// problem tells.
func refusals(s *control.Status) []string {
	var lines []string
	for _, r := range s.Receivers {
		told := slices.ContainsFunc(s.Problems, func(p control.Problem) bool {
			return strings.HasPrefix(p.Text, "receiver "+r.Receiver+" ")
		})
		if r.Blocked != "" && !told {
			lines = append(lines, r.Receiver+" takes nothing before the next reload: "+r.Blocked)
		}
	}
	return lines
}
