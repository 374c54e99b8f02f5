package rules

// itself are the alerts on watchword.
func (o Options) itself() []rule {
	alert := func(name, expr, lasting, severity, summary, description string) rule {
		return rule{
			Alert: name, Expr: expr, For: lasting, Labels: map[string]string{"severity": severity},
			Annotations: annotations{Summary: summary, Description: description},
		}
	}
	return []rule{
		alert("WatchwordAlive", o.series("watchword_build_info"), "", "none",
			"watchword runs",
			"Fires as long as watchword is scraped. Send it to something outside that raises an alarm when it stops coming: a dead man's switch."),
		alert("WatchwordDown", "absent("+o.series("watchword_build_info")+")", "3m", "critical",
			"watchword is down, or cannot be scraped",
			"Nothing is watched. Look at the log of the daemon and at the page of targets in Prometheus."),
		alert("WatchwordReceiverBlocked", o.series("watchword_receiver_blocked")+" == 1", "", "critical",
			"Receiver {{ $labels.receiver }} refuses messages",
			"Its token or channel is wrong, and messages wait. `watchword status` shows what it answers; a reload tries again."),
		alert("WatchwordOutboxGrowing",
			"time() - ("+o.series("watchword_outbox_oldest_timestamp_seconds")+" > 0) > 600", "", "warning",
			"A message to {{ $labels.receiver }} waits for {{ $value | humanizeDuration }}",
			"The receiver cannot be reached, or takes less than there is to tell. Nothing is lost: all is sent when it answers."),
		alert("WatchwordReloadFailed", o.series("watchword_config_last_reload_successful")+" == 0", "", "warning",
			"The configuration has mistakes and was not loaded",
			"The one before goes on. `watchword validate` shows every mistake at its place."),
		alert("WatchwordStateNotWritten", "increase("+o.series("watchword_store_write_errors_total")+"[10m]) > 0", "", "critical",
			"The state file cannot be written",
			"Checks and messages go on from memory; a restart would forget what is not on the disk. Is it full, or read-only?"),
		alert("WatchwordRunsLate",
			"histogram_quantile(0.99, sum by (job, instance, location, le) (rate("+o.series("watchword_schedule_delay_seconds_bucket")+"[5m]))) > 1", "5m", "warning",
			"Runs start {{ $value | humanizeDuration }} late",
			"The machine is too slow or too busy for this many checks."),
		alert("WatchwordRunsSkipped",
			"sum by (job, instance, location, reason) (increase("+o.series("watchword_check_skipped_total")+"[15m])) > 0", "15m", "warning",
			"Runs are skipped: {{ $labels.reason }}",
			"overlap: checks take longer than their interval; saturated: settings.max_concurrent is reached; missed: the machine slept or was too busy."),
	}
}
