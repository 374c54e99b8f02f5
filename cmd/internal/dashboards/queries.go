package dashboards

import "strings"

// sameCheck matches series of one check of one daemon, sameCertificate those
// of one certificate.
const (
	sameCheck       = "on (job, instance, location, group, check)"
	sameCertificate = "on (job, instance, location, certificate)"
)

// located selects series by the locations that are chosen, and by match.
func located(metric string, match ...string) string {
	return metric + "{" + strings.Join(append([]string{`location=~"$location"`}, match...), ", ") + "}"
}

// grouped selects series of checks by the groups that are chosen too.
func grouped(metric string, match ...string) string {
	return located(metric, append([]string{`group=~"$group"`}, match...)...)
}

// chosen selects series of the one check that is chosen.
func chosen(metric string, match ...string) string {
	return located(metric, append([]string{`check="$check"`}, match...)...)
}

// stateOf is 0 for checks that pass, 1 for degraded and 2 for failing ones.
func stateOf(selected func(string, ...string) string) string {
	return "(2 * " + selected("watchword_check_status", `status="failing"`) +
		"\n  + " + sameCheck + " " + selected("watchword_check_status", `status="degraded"`) + ")"
}

// orElse is expr, and where that has no series, one with value 0 whose label
// says so.
func orElse(expr, label, text string) string {
	return expr + "\nor on () label_replace(vector(0), \"" + label + "\", \"" + text + "\", \"\", \"\")"
}

// orZero is expr, and 0 where that has no series.
func orZero(expr string) string { return expr + " or on () vector(0)" }

// availability is the share of runs that passed or were degraded in a window.
func availability(selected func(string, ...string) string, window string) string {
	return "sum(increase(" + selected("watchword_check_runs_total", `outcome=~"passed|degraded"`) + "[" + window + "]))\n/ sum(increase(" +
		selected("watchword_check_runs_total", `outcome!="unknown"`) + "[" + window + "]))"
}

// The variables that dashboards share.

func locationVariable() variable {
	return variable{
		name: "location", label: "Location", multi: true, doc: "Where watchword runs: settings.location.",
		query: "label_values(watchword_checks, location)",
	}
}

func groupVariable() variable {
	return variable{
		name: "group", label: "Group", multi: true, doc: "Groups of checks.",
		query: `label_values(watchword_check_info{location=~"$location"}, group)`,
	}
}

// reloads marks when a configuration was loaded.
func reloads() annotation {
	return annotation{
		name: "Configuration loaded", color: "blue", title: "Configuration loaded", at: true,
		expr: located("watchword_config_last_reload_success_timestamp_seconds") + " * 1000",
	}
}
