package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"watchword/alerts"
	"watchword/cmd/internal/config"
	"watchword/scheduler"
)

func (a *app) listCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "list [PATTERN…]",
		Short: "List the checks that are configured",
		Long: `list shows each check with its schedule, its next run, the certificate that its
host selects and who is told. Patterns are globs over the names of checks, or
over the values of a label: team=orders.`,
		Example: `  watchword list
  watchword list 'orders/*' -o json`,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			cfg, monitors, err := a.matching(cmd.Context(), patterns)
			if err != nil {
				return err
			}
			if output == "json" {
				return a.writeJSON(listed(cfg, monitors))
			}
			a.writeList(listed(cfg, monitors))
			return nil
		},
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// listedCheck is a check in `list -o json`.
type listedCheck struct {
	Check        string            `json:"check"`
	Group        string            `json:"group"`
	Description  string            `json:"description"`
	Enabled      bool              `json:"enabled"`
	Schedule     string            `json:"schedule"`
	NextRun      *time.Time        `json:"next_run"` // null when disabled
	Hosts        []string          `json:"hosts"`    // where known before a run
	Certificates []string          `json:"certificates"`
	Severity     string            `json:"severity"`
	Labels       map[string]string `json:"labels"`
	Receivers    []string          `json:"receivers"`
	File         string            `json:"file"`
	Line         int               `json:"line"`
}

func listed(cfg *config.Config, monitors []*config.Monitor) []listedCheck {
	uses := make(map[string][]string)
	for _, c := range cfg.Sources {
		for _, name := range c.Checks {
			uses[name] = append(uses[name], c.Identity.Name())
		}
	}
	clock := timetable(cfg)
	out := make([]listedCheck, 0, len(monitors))
	for _, m := range monitors {
		l := listedCheck{
			Check: m.Check.Name, Group: m.Check.Group, Description: m.Check.Description,
			Enabled: m.Enabled, Schedule: m.Spec,
			Hosts: orEmpty(m.Hosts), Certificates: orEmpty(uses[m.Check.Name]),
			Severity: m.Policy.Severity, Labels: m.Check.Labels, Receivers: orEmpty(m.Receivers),
			File: m.Check.Source.File, Line: m.Check.Source.Line,
		}
		if l.Labels == nil {
			l.Labels = map[string]string{}
		}
		if next, due := clock.Next(m.Check.Name); due {
			l.NextRun = &next
		}
		out = append(out, l)
	}
	return out
}

// timetable knows when a daemon with this configuration would run each check.
func timetable(cfg *config.Config) *scheduler.Scheduler {
	jobs := make([]scheduler.Job, 0, len(cfg.Monitors))
	for _, m := range cfg.Monitors {
		if m.Enabled {
			jobs = append(jobs, scheduler.Job{
				Name: m.Check.Name, Schedule: m.Schedule, Splay: m.Splay, Run: func(context.Context, time.Time) {},
			})
		}
	}
	s := new(scheduler.Scheduler)
	s.Set(jobs)
	return s
}

func (a *app) writeList(checks []listedCheck) {
	if len(checks) == 0 {
		fmt.Fprintln(a.stderr, "No check is configured.")
		return
	}
	s := a.screenOf(a.stdout)
	now := time.Now()
	rows := make([]table.Row, 0, len(checks))
	for _, c := range checks {
		next := s.faint("disabled")
		switch {
		case c.NextRun == nil:
		case s.width > 0:
			next = "in " + alerts.FormatDuration(c.NextRun.Sub(now))
		default:
			next = c.NextRun.Format(time.RFC3339)
		}
		rows = append(rows, table.Row{
			s.bold(c.Check), c.Schedule, next, dashed(c.Hosts), dashed(c.Certificates),
			c.Severity, dashed(c.Receivers), dashed(pairs(c.Labels)),
		})
	}
	header := table.Row{"check", "schedule", "next run", "host", "certificate", "severity", "told", "labels"}
	s.writeTable(a.stdout, header, rows, []string{"labels", "told", "severity", "schedule", "certificate"})
}

// pairs are labels as NAME=VALUE in order.
func pairs(labels map[string]string) []string {
	out := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, name+"="+labels[name])
	}
	return out
}

// dashed joins words; a dash stands for none, so that columns keep their place.
func dashed(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, ",")
}

// orEmpty is a list as JSON shows it where there is none: [], not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
