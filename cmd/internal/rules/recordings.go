package rules

import (
	"fmt"
	"strconv"
)

// each is what the recordings of a check are summed by.
const each = "sum by (location, group, check)"

// availability records the share of runs that passed or were degraded among
// those with a result, from 0 to 1.
func (o Options) availability(window string) []rule {
	runs := func(match string) string {
		return fmt.Sprintf("%s (increase(%s[%s]))", each, o.series("watchword_check_runs_total", match), window)
	}
	return []rule{{
		Record: "check:watchword_availability:ratio" + window,
		Expr:   runs(`outcome=~"passed|degraded"`) + "\n/\n(" + runs(`outcome!="unknown"`) + " > 0)",
	}}
}

// latency records quantiles of the duration of runs, in seconds.
func (o Options) latency(window string) []rule {
	rules := make([]rule, 0, 3)
	for _, q := range []float64{0.5, 0.95, 0.99} {
		rules = append(rules, rule{
			Record: "check:watchword_check_duration_seconds:" + quantile(q) + "_" + window,
			Expr: fmt.Sprintf("histogram_quantile(%g, sum by (location, group, check, le) (rate(%s[%s])))",
				q, o.series("watchword_check_duration_seconds_bucket"), window),
		})
	}
	return rules
}

// quantile names one of the recordings.
func quantile(q float64) string { return "p" + strconv.FormatFloat(q*100, 'f', -1, 64) }
