package rules

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"
)

// Options are what the rules have to know of a configuration. The zero value
// gives rules for any of them, without those on checks that do not run.
type Options struct {
	Location  string          // label location of the series; empty for those of any location
	Labels    []string        // names of the checks' own labels, which alerts then carry, without a prefix
	Schedules []Schedule      // each schedule in use
	Expiry    []time.Duration // how long before a certificate expires an alert fires; nil means none
}

// A Schedule is how often checks run.
type Schedule struct {
	Spec string        // as it stands in the configuration, and in the label schedule
	Gap  time.Duration // the longest time between two runs
}

// A file is a rule file of Prometheus.
type file struct {
	Groups []group `yaml:"groups"`
}

type group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval,omitempty"`
	Rules    []rule `yaml:"rules"`
}

type rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations annotations       `yaml:"annotations,omitempty"`
}

// annotations tell a person what is wrong and what to do. They are templates
// of Prometheus.
type annotations struct {
	Summary     string `yaml:"summary,omitempty"`
	Description string `yaml:"description,omitempty"`
}

// Write writes the rules as a rule file of Prometheus 2.42 or newer.
func Write(w io.Writer, o Options) error {
	o.Labels = slices.Compact(slices.Sorted(slices.Values(o.Labels)))
	text, err := yaml.Marshal(file{Groups: []group{
		{Name: "watchword-checks", Rules: o.checks()},
		{Name: "watchword-certificates", Rules: o.certificates()},
		{Name: "watchword-itself", Rules: o.itself()},
		{Name: "watchword-hour", Interval: "1m", Rules: slices.Concat(o.availability("1h"), o.latency("1h"))},
		{Name: "watchword-day", Interval: "5m", Rules: slices.Concat(o.availability("1d"), o.latency("1d"))},
		{Name: "watchword-month", Interval: "15m", Rules: o.availability("30d")},
	}})
	if err != nil {
		return fmt.Errorf("writing rules: %w", err)
	}
	_, err = io.WriteString(w, "# Rules of Prometheus for watchword, made by `watchword rules`: make them anew when\n"+
		"# labels, schedules or certificate_expiry have changed.\n"+string(text))
	return err
}

// series is a selector of the metric's series at the location, of those that
// match.
func (o Options) series(metric string, match ...string) string {
	if o.Location != "" {
		match = append([]string{"location=" + strconv.Quote(o.Location)}, match...)
	}
	if len(match) == 0 {
		return metric
	}
	return metric + "{" + strings.Join(match, ",") + "}"
}

// sameCheck matches series of one check of one daemon.
const sameCheck = "on (job, instance, location, group, check)"

// told is an expression for an alert on checks: its value, with severity and
// labels of the check's own.
func (o Options) told(expr string) string {
	labels := []string{"severity"}
	for _, name := range o.Labels {
		labels = append(labels, "label_"+name)
	}
	return fmt.Sprintf("%s\n* %s group_left (%s) %s", expr, sameCheck, strings.Join(labels, ", "), o.series("watchword_check_info"))
}

// gap is a schedule's longest gap with every schedule that has it.
type gap struct {
	length time.Duration
	specs  []string
}

// gaps sorts the schedules by their longest gaps, shortest first. A schedule
// that is read in several time zones counts with the longest.
func (o Options) gaps() []gap {
	longest := map[string]time.Duration{}
	for _, s := range o.Schedules {
		longest[s.Spec] = max(longest[s.Spec], s.Gap)
	}
	var list []gap
	for spec, length := range longest {
		i := slices.IndexFunc(list, func(g gap) bool { return g.length == length })
		if i < 0 {
			i = len(list)
			list = append(list, gap{length: length})
		}
		list[i].specs = append(list[i].specs, spec)
	}
	slices.SortFunc(list, func(a, b gap) int { return cmp.Compare(a.length, b.length) })
	for _, g := range list {
		slices.Sort(g.specs)
	}
	return list
}

// seconds is a duration as a number in an expression.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }

// short is a duration for people: "30d", "4h", "90s".
func short(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}
