package dashboards

// oneCheck shows all that is known of one check.
func oneCheck() Dashboard {
	return Dashboard{
		UID: "watchword-check", Title: "watchword / Check",
		Description: "One check: its state, the phases of its requests, why it failed, and how it stands against its objective.",
		variables: []variable{
			locationVariable(), groupVariable(),
			{name: "check", label: "Check", doc: "Full name of the check.", query: `label_values(watchword_check_info{location=~"$location", group=~"$group"}, check)`},
			{name: "objective", label: "Objective", text: "0.999", doc: "Share of runs that should be good, from 0 to 1."},
		},
		annotations: []annotation{reloads(), {
			name: "Failing", color: "red", title: "Incident open", expr: chosen("watchword_check_alert_state", `state="firing"`) + " == 1",
		}},
		rows: []row{
			{height: 4, panels: checkNow()},
			{height: 5, panels: []panel{states("State over time", "Result of the last run, over time.", columns, query{expr: stateOf(chosen), legend: "{{check}} {{location}}"})}},
			{height: 9, panels: []panel{
				stacked("Phases of the last run", "How long resolving, connecting, the TLS handshake, waiting for the answer and receiving it took, for each step.", "s", 12,
					query{expr: "sum by (step, phase) (" + chosen("watchword_check_phase_seconds") + ")", legend: "{{step}} {{phase}}"}),
				lines("Duration", "Of whole runs, without the delays between retries: the last one, and quantiles over an hour.", "s", 12,
					query{expr: chosen("watchword_check_last_duration_seconds"), legend: "last run"},
					quantileOf("0.5", "median"), quantileOf("0.95", "95th percentile"), quantileOf("0.99", "99th percentile")),
			}},
			{height: 8, panels: []panel{
				lines("Status codes", "Status of the last answer of each step; 0 without an answer.", "none", 8,
					query{expr: "max by (step) (" + chosen("watchword_check_http_status_code") + ")", legend: "status {{step}}"}),
				stacked("Failures by reason", "Runs that failed in the last ten minutes, by reason.", "short", 8,
					query{expr: orElse("sum by (reason) (increase("+chosen("watchword_check_failures_total")+"[10m])) > 0", "reason", "none"), legend: "{{reason}}"}),
				lines("Availability against objective", "Share of runs of the last hour that passed or were degraded.", "percentunit", 8,
					query{expr: availability(chosen, "1h"), legend: "availability"}, query{expr: "vector($objective)", legend: "objective"}).with("max", 1),
			}},
			{height: 7, panels: []panel{
				timeLeft(table("Server certificates", "What the servers of this check presented last, also where it was not accepted.", 12, query{
					expr: "min by (host, fingerprint) (" + chosen("watchword_server_certificate_not_after_timestamp_seconds") + ") - time()",
				}).columns("host", "host", "fingerprint", "fingerprint", "Value", expiresIn).with("noValue", "No server has shown a certificate")),
				lines("Retries and skipped runs", "In an hour: attempts beyond the first of a run, and runs that were due and did not start.", "short", 12,
					query{expr: "sum(increase(" + chosen("watchword_check_attempts_total") + "[1h])) - sum(increase(" + chosen("watchword_check_runs_total") + "[1h]))", legend: "retries"},
					query{expr: orElse("sum by (reason) (increase("+chosen("watchword_check_skipped_total")+"[1h]))", "reason", "none"), legend: "skipped: {{reason}}"}),
			}},
		},
	}
}

// checkNow is the line of what holds now.
func checkNow() []panel {
	const width = 4
	return []panel{
		stat("State", "Result of the last run.", "none", width, "max"+stateOf(chosen)).mapped(checkStates()).colored("green", step{1, "yellow"}, step{2, "red"}),
		stat("Failing for", "Time since the first run of the failure that goes on.", "dtdurations", width,
			orZero("max(time() - ("+chosen("watchword_check_failing_since_timestamp_seconds")+" > 0))")).mapped([]word{{0, "Not failing", "green"}}).colored("red"),
		stat("Last run", "Time since the last run started.", "dtdurations", width,
			"time() - max("+chosen("watchword_check_last_run_timestamp_seconds")+")").colored("blue"),
		stat("Next run", "Time until the next run is due.", "dtdurations", width,
			"min("+chosen("watchword_check_next_run_timestamp_seconds")+") - time()").colored("blue"),
		stat("Availability over 24 h", "Share of runs that passed or were degraded.", "percentunit", width,
			availability(chosen, "24h")).colored("red", step{0.99, "orange"}, step{0.999, "green"}).with("decimals", 2),
		stat("Error budget left, 30 days", "What is left of the failures that the objective allows in 30 days; negative when it is overdrawn.", "percentunit", width,
			"1 - (1 - ("+availability(chosen, "30d")+"))\n/ (1 - $objective)").colored("red", step{0, "orange"}, step{0.25, "green"}).with("decimals", 0),
	}
}

func quantileOf(q, legend string) query {
	return query{
		expr:   "histogram_quantile(" + q + ", sum by (le) (increase(" + chosen("watchword_check_duration_seconds_bucket") + "[1h])))",
		legend: legend,
	}
}
