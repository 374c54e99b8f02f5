package dashboards

// overview says what is wrong now.
func overview() Dashboard {
	return Dashboard{
		UID: "watchword-overview", Title: "watchword / Overview",
		Description: "What fails now, since when and why; what is slow; which certificates expire next.",
		variables:   []variable{locationVariable(), groupVariable()},
		annotations: []annotation{reloads(), {
			name: "Failing", color: "red", title: "{{check}} is failing",
			expr: grouped("watchword_check_alert_state", `state="firing"`) + " == 1",
		}},
		rows: []row{
			{height: 5, panels: []panel{
				wrongNow(),
				count("Failing", "failing", "Nothing", "red"),
				count("Degraded", "degraded", "Nothing", "yellow"),
			}},
			{height: 4, panels: []panel{
				count("Passing", "passing", "Nothing", "green"),
				stat("Unknown", "Checks that have not run since watchword was started, or whose last run failed by watchword's own fault.", "none", 6,
					"sum("+grouped("watchword_check_status", `status="unknown"`)+")").mapped([]word{{0, "None", "green"}}).colored("green", step{1, "orange"}),
				stat("Availability over 24 h", "Share of runs that passed or were degraded. Runs with the outcome unknown do not count.", "percentunit", 6,
					availability(grouped, "24h")).colored("red", step{0.99, "orange"}, step{0.999, "green"}).with("decimals", 2),
				stat("Next certificate to expire", "Time until the first of the client certificates expires.", "dtdurations", 6,
					"min("+located("watchword_client_certificate_not_after_timestamp_seconds")+") - time()").colored("red", step{7 * 86400, "orange"}, step{30 * 86400, "green"}),
			}},
			{height: 8, panels: []panel{states("State by group", "The worst state among the checks of each group.", columns, query{
				expr:   `max by (group) (label_replace(` + stateOf(grouped) + `, "group", "(no group)", "group", ""))`,
				legend: "{{group}}",
			})}},
			{height: 9, panels: []panel{
				bars("Slowest checks", "The ten checks whose last runs took longest.", "s", 8,
					query{expr: "topk(10, " + grouped("watchword_check_last_duration_seconds") + ")", legend: "{{check}}"}).with("color", object{"mode": "continuous-BlPu"}),
				timeLeft(table("Client certificates that expire next", "The ten client certificates with the least time left.", 8, query{
					expr: "sort(bottomk(10, min by (certificate) (" + located("watchword_client_certificate_not_after_timestamp_seconds") + ") - time()))",
				}).columns("certificate", "certificate", "Value", expiresIn)),
				timeLeft(table("Server certificates that expire next", "The ten servers whose certificates have the least time left, as checks met them last.", 8, query{
					expr: "sort(bottomk(10, min by (host) (" + grouped("watchword_server_certificate_not_after_timestamp_seconds") + ") - time()))",
				}).columns("host", "host", "Value", expiresIn)),
			}},
		},
	}
}

// wrongNow lists what fails, longest first.
func wrongNow() panel {
	expr := "(time() - (" + grouped("watchword_check_failing_since_timestamp_seconds") + " > 0))\n* " + sameCheck +
		" group_left (reason, level) " + grouped("watchword_check_failing_info")
	p := table("What is wrong now", "Checks that fail or are degraded, longest first, with the reason of their last failed run.", 12,
		query{expr: "sort_desc(" + orElse(expr, "check", "Nothing is failing") + ")"})
	p = p.columns("check", "check", "level", "level", "reason", "reason", "location", "location", "Value", "for")
	p = p.field("for", object{"id": "unit", "value": "dtdurations"})
	return p.field("check", object{"id": "links", "value": []object{{
		"title": "Show this check", "url": "/d/watchword-check?var-check=${__value.raw}&${__url_time_range}&${datasource:queryparam}", "targetBlank": false,
	}}})
}

// count shows how many checks have a status.
func count(title, status, none, color string) panel {
	width := 6
	return stat(title, "Checks whose last run is "+status+".", "none", width,
		"sum("+grouped("watchword_check_status", `status="`+status+`"`)+")").
		mapped([]word{{0, none + " is " + status, "green"}}).colored("green", step{1, color})
}
