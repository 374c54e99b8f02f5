package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// missedRuns is after how many of its longest intervals without a run a
	// check counts as not running.
	missedRuns = 3
	// missedGrace is for a scrape and for a run that takes its time.
	missedGrace = time.Minute
)

// what says why a check fails and since when, in a description.
const what = `{{ range query (printf "watchword_check_failing_info{check=%q,location=%q}" $labels.check $labels.location) }}Reason: {{ .Labels.reason }}. {{ end }}` +
	`{{ range query (printf "watchword_check_failing_since_timestamp_seconds{check=%q,location=%q} > 0" $labels.check $labels.location) }}` +
	`Since {{ .Value | toTime }}. {{ end }}`

// checks are the alerts on checks.
func (o Options) checks() []rule {
	incident := "max without (state) (" + o.series("watchword_check_alert_state", `state=~"firing|recovering"`) + ") == 1"
	level := func(level string) string {
		return o.told(fmt.Sprintf("(\n  (%s)\n  and %s %s\n)", incident, sameCheck, o.series("watchword_check_failing_info", "level="+strconv.Quote(level))))
	}
	rules := []rule{
		{
			Alert: "WatchwordCheckFailing",
			Expr:  level("failed"),
			Annotations: annotations{
				Summary:     "{{ $labels.check }} is failing",
				Description: what + "The page of watchword shows the expectation that failed and the values that went into it.",
			},
		},
		{
			Alert: "WatchwordCheckDegraded",
			Expr:  level("degraded"),
			Annotations: annotations{
				Summary:     "{{ $labels.check }} is degraded",
				Description: what + "Its answers are right, but a degraded_if holds.",
			},
		},
	}
	for _, g := range o.gaps() {
		rules = append(rules, o.notRunning(g))
	}
	return rules
}

// notRunning is the alert on checks that have not run for a while, or not at
// all since the daemon was started.
func (o Options) notRunning(g gap) rule {
	quoted := make([]string, len(g.specs))
	for i, spec := range g.specs {
		quoted[i] = regexp.QuoteMeta(spec)
	}
	limit := seconds(missedRuns*g.length + missedGrace)
	scheduled := o.series("watchword_check_info", "schedule=~"+strconv.Quote(strings.Join(quoted, "|")))
	return rule{
		Alert: "WatchwordCheckNotRunning",
		Expr: o.told(fmt.Sprintf("(\n  (time() - %s > %s)\n  and %s %s\n  and on (job, instance) (time() - process_start_time_seconds > %s)\n)",
			o.series("watchword_check_last_run_timestamp_seconds"), limit, sameCheck, scheduled, limit)),
		Labels: map[string]string{"interval": short(g.length)}, // tells the rules apart
		Annotations: annotations{
			Summary: fmt.Sprintf("{{ $labels.check }} has not run for three intervals of %s", short(g.length)),
			Description: "Nothing is known of what it watches. Look at watchword_check_skipped_total of this check, " +
				"watchword_runs_in_flight and watchword_schedule_delay_seconds.",
		},
	}
}
