package dashboards

// itself shows whether watchword does its work.
func itself() Dashboard {
	const quarter, third = 6, 8
	return Dashboard{
		UID: "watchword-itself", Title: "watchword / watchword itself",
		Description: "Whether runs start on time, messages arrive, the configuration is loaded, and what it costs.",
		variables:   []variable{locationVariable()},
		annotations: []annotation{reloads()},
		rows: []row{
			{height: 4, panels: []panel{
				stat("Receivers", "Receivers that refuse messages for good: a bad token, an archived channel.", "none", quarter,
					orZero("sum("+located("watchword_receiver_blocked")+")")).mapped([]word{{0, "No receiver is blocked", "green"}}).colored("green", step{1, "red"}),
				stat("Configuration", "Whether the last reload succeeded.", "none", quarter,
					"min("+located("watchword_config_last_reload_successful")+")").mapped([]word{{1, "Loaded", "green"}, {0, "Has mistakes: the one before goes on", "red"}}),
				stat("State file", "Writes that failed in the last hour.", "none", quarter,
					"sum(increase("+located("watchword_store_write_errors_total")+"[1h]))").mapped([]word{{0, "Is written", "green"}}).colored("green", step{0.5, "red"}),
				stat("Runs", "Runs a second.", "reqps", quarter, "sum(rate("+located("watchword_check_runs_total")+"[$__rate_interval]))").colored("blue").with("decimals", 1),
			}},
			{height: 8, panels: []panel{
				lines("Delay of starts", "Time from when runs were due to when they started.", "s", third,
					delay("0.5", "median"), delay("0.99", "99th percentile")),
				lines("Runs in flight", "Runs under way at the moment of the scrape.", "short", third,
					query{expr: "sum by (location) (" + located("watchword_runs_in_flight") + ")", legend: "{{location}}"}),
				stacked("Skipped runs", "Runs in ten minutes that were due and did not start: the one before had not ended, too many were under way, or the machine slept.", "short", third,
					query{expr: orElse("sum by (reason) (increase("+located("watchword_check_skipped_total")+"[10m])) > 0", "reason", "none"), legend: "{{reason}}"}),
			}},
			{height: 8, panels: []panel{
				lines("Messages that wait", "Notifications in the queue of each receiver.", "short", third,
					query{expr: orElse("sum by (receiver) ("+located("watchword_outbox_pending")+")", "receiver", "no receiver"), legend: "{{receiver}}"}),
				lines("Oldest message that waits", "How long it has been in the queue.", "s", third,
					query{expr: orElse("max by (receiver) (time() - ("+located("watchword_outbox_oldest_timestamp_seconds")+" > 0))", "receiver", "none waits"), legend: "{{receiver}}"}),
				stacked("Messages sent", "Notifications in ten minutes, by receiver and result.", "short", third,
					query{expr: orElse("sum by (receiver, result) (increase("+located("watchword_notifications_total")+"[10m]))", "receiver", "no receiver"), legend: "{{receiver}} {{result}}"}),
			}},
			{height: 8, panels: []panel{
				lines("Memory", "Resident memory of the process, and what of it is in use by Go's heap.", "bytes", third,
					query{expr: ofDaemons("process_resident_memory_bytes"), legend: "resident"}, query{expr: ofDaemons("go_memstats_heap_inuse_bytes"), legend: "heap in use"}),
				lines("Processor", "Cores in use.", "short", third, query{expr: "sum(rate(process_cpu_seconds_total[$__rate_interval]) and on (job, instance) " + located("watchword_build_info") + ")", legend: "cores"}),
				lines("Goroutines and open files", "Both go up with the runs in flight and come down again.", "short", third,
					query{expr: ofDaemons("go_goroutines"), legend: "goroutines"}, query{expr: ofDaemons("process_open_fds"), legend: "open files"}),
			}},
		},
	}
}

// ofDaemons sums a metric of processes over those that are watchword.
func ofDaemons(metric string) string {
	return "sum(" + metric + " and on (job, instance) " + located("watchword_build_info") + ")"
}

func delay(q, legend string) query {
	return query{
		expr:   "histogram_quantile(" + q + ", sum by (le) (rate(" + located("watchword_schedule_delay_seconds_bucket") + "[$__rate_interval])))",
		legend: legend,
	}
}
