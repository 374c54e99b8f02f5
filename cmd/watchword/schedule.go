package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
)

const (
	maxScheduleFor  = 366 * 24 * time.Hour
	maxScheduleRuns = 20_000_000
)

func (a *app) scheduleCommand() *cobra.Command {
	var output, period string
	cmd := &cobra.Command{
		Use:   "schedule [PATTERN…]",
		Short: "Show when checks will run, and how the load spreads",
		Long: `schedule plots the runs a minute that a daemon with this configuration would
start from now on, tells the busiest minute, and lists the next run of each check.
Patterns are globs over the names of checks, or over the values of a label:
team=orders.`,
		Example: `  watchword schedule --for 1h
  watchword schedule --for 7d team=orders`,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			length, err := parsePeriod(period)
			if err != nil {
				return err
			}
			cfg, monitors, err := a.matching(cmd.Context(), patterns)
			if err != nil {
				return err
			}
			plan, err := planned(cfg, monitors, time.Now(), length)
			if err != nil {
				return err
			}
			if output == "json" {
				return a.writeJSON(plan)
			}
			a.writePlan(plan)
			return nil
		},
	}
	cmd.Flags().StringVar(&period, "for", "24h", "how far to look ahead, `DURATION`: 30m, 24h, 7d")
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// parsePeriod reads a duration of at least a minute.
func parsePeriod(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok && err != nil {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		d = time.Duration(n * float64(24*time.Hour))
	}
	if err != nil || d < time.Minute || d > maxScheduleFor {
		return 0, usagef("--for %s: want a duration from 1m to 366d, such as 24h", text)
	}
	return d, nil
}

// A plan is what will run when.
type plan struct {
	From    time.Time      `json:"from"`
	To      time.Time      `json:"to"`
	Runs    int            `json:"runs"`
	Mean    float64        `json:"runs_per_minute"`
	Busiest *busyMinute    `json:"busiest"` // null without any run
	Minutes []int          `json:"minutes"` // runs in each minute from `from` on
	Checks  []plannedCheck `json:"checks"`
}

type busyMinute struct {
	Minute time.Time `json:"minute"`
	Runs   int       `json:"runs"`
	Checks []string  `json:"checks"`
}

type plannedCheck struct {
	Check    string     `json:"check"`
	Enabled  bool       `json:"enabled"`
	Schedule string     `json:"schedule"`
	NextRun  *time.Time `json:"next_run"` // null when disabled, or when there is none
	Runs     int        `json:"runs"`
}

// planned works out the runs from the full minute before now on.
func planned(cfg *config.Config, monitors []*config.Monitor, now time.Time, length time.Duration) (*plan, error) {
	from := now.Truncate(time.Minute).In(cfg.Settings.Timezone)
	p := &plan{From: from, To: now.Add(length).In(cfg.Settings.Timezone), Checks: make([]plannedCheck, 0, len(monitors))}
	p.Minutes = make([]int, p.To.Sub(from)/time.Minute+1)
	clock := timetable(cfg)
	for _, m := range monitors {
		c := plannedCheck{Check: m.Check.Name, Enabled: m.Enabled, Schedule: m.Spec}
		if next, due := clock.Next(m.Check.Name); due {
			c.NextRun = &next
		}
		for slot := range clock.Slots(m.Check.Name, p.To) {
			if p.Runs++; p.Runs > maxScheduleRuns {
				return nil, usagef("there are more than %d runs in this time: look less far ahead with --for", maxScheduleRuns)
			}
			c.Runs++
			p.Minutes[min(max(slot.Sub(from), 0)/time.Minute, time.Duration(len(p.Minutes)-1))]++
		}
		p.Checks = append(p.Checks, c)
	}
	p.Mean = float64(p.Runs) / length.Minutes()
	if p.Runs == 0 {
		return p, nil
	}
	most := slices.Max(p.Minutes)
	start := from.Add(time.Duration(slices.Index(p.Minutes, most)) * time.Minute)
	p.Busiest = &busyMinute{Minute: start, Runs: most}
	for _, m := range monitors {
		for slot := range clock.Slots(m.Check.Name, start.Add(time.Minute)) {
			if !slot.Before(start) {
				p.Busiest.Checks = append(p.Busiest.Checks, m.Check.Name)
				break
			}
		}
	}
	return p, nil
}

func (a *app) writePlan(p *plan) {
	if len(p.Checks) == 0 {
		fmt.Fprintln(a.stderr, "No check is configured.")
		return
	}
	s := a.screenOf(a.stdout)
	fmt.Fprintf(a.stdout, "%s of %s until %s, %.3g a minute\n", s.bold(count(p.Runs, "run")), count(len(p.Checks), "check"), p.To.Format(time.RFC3339), p.Mean)
	if b := p.Busiest; b != nil {
		start := fmt.Sprintf("busiest minute: %s with %s: ", b.Minute.Format("2006-01-02 15:04 MST"), count(b.Runs, "run"))
		names := some(b.Checks, s.width-len(start))
		fmt.Fprintf(a.stdout, "%s%s\n\n", strings.Replace(start, count(b.Runs, "run"), s.bold(count(b.Runs, "run")), 1), names)
		a.writePlot(s, p)
	}
	fmt.Fprintln(a.stdout)
	t := s.table(a.stdout, table.Row{"check", "schedule", "next run", "runs"})
	for _, c := range p.Checks {
		next := "-"
		switch {
		case !c.Enabled:
			next = s.faint("disabled")
		case c.NextRun != nil:
			next = c.NextRun.Format(time.RFC3339)
		}
		t.AppendRow(table.Row{s.bold(c.Check), c.Schedule, next, c.Runs})
	}
	t.Render()
}

// some names the first few, one at least, that fit into so many columns; any
// number of columns that is not positive is enough.
func some(names []string, columns int) string {
	const most = 5
	for shown := min(most, len(names)); ; shown-- {
		text := strings.Join(names[:shown], ", ")
		if more := len(names) - shown; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		if shown <= 1 || columns <= 0 || utf8.RuneCountInString(text) <= columns {
			return text
		}
	}
}

// writePlot draws the most runs a minute in each of as many columns as the
// screen has.
func (a *app) writePlot(s screen, p *plan) {
	const height, labels = 8, 8
	width := 80
	if s.width > 0 {
		width = min(s.width, 120)
	}
	columns := columnsOf(p.Minutes, max(width-labels, 20))
	most := slices.Max(columns)
	fmt.Fprintln(a.stdout, s.faint("runs a minute"))
	for row := height; row >= 1; row-- {
		label := ""
		if row == height {
			label = strconv.Itoa(most)
		}
		var bar strings.Builder
		for _, n := range columns {
			bar.WriteString(cell(n*height*8/most, row))
		}
		line := strings.TrimRight(bar.String(), " ")
		if row == height {
			line = s.yellow(line)
		}
		fmt.Fprintf(a.stdout, "%*s │%s\n", labels-3, label, line)
	}
	format := "15:04"
	if p.To.Sub(p.From) > 48*time.Hour {
		format = "Jan 2"
	}
	last := p.To.Format(format)
	middle := p.From.Add(p.To.Sub(p.From) / 2).Format(format)
	axis := fmt.Sprintf("%-*s%s", len(columns)/2, p.From.Format(format), middle)
	fmt.Fprintf(a.stdout, "%*s └%s\n%*s  %-*s%s\n", labels-3, "0", strings.Repeat("─", len(columns)), labels-3, "", max(len(columns)-len(last), len(axis)+1), axis, last)
}

// columnsOf spreads minutes over at most n columns, each with the busiest of
// its minutes; a minute may take several columns.
func columnsOf(minutes []int, n int) []int {
	columns := make([]int, n)
	for i := range columns {
		from, to := i*len(minutes)/n, (i+1)*len(minutes)/n
		columns[i] = slices.Max(minutes[from:max(to, from+1)])
	}
	return columns
}

// cell is what stands in one row of a bar of so many eighths. A bar is never
// quite invisible.
func cell(eighths, row int) string {
	switch rest := eighths - (row-1)*8; {
	case rest >= 8:
		return "█"
	case rest > 0:
		return string([]rune("▁▂▃▄▅▆▇")[rest-1])
	default:
		return " "
	}
}
