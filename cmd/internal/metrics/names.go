package metrics

import (
	dto "github.com/prometheus/client_model/go"
)

// A family is one metric: what it is called and what makes its series.
type family struct {
	name, help string
	kind       dto.MetricType
	labels     []string // every label of its series, sorted; those of check_info are followed by the user's own
	collect    func(*scrape)
}

// families returns every metric of watchword, sorted by name. To add one, add
// a line here and the function that collects it.
func families() []family {
	const (
		counter   = dto.MetricType_COUNTER
		gauge     = dto.MetricType_GAUGE
		histogram = dto.MetricType_HISTOGRAM
	)
	// The labels of every series of a check, of a certificate, of a receiver,
	// and of the daemon, with those that one metric has beside them.
	check := func(more ...string) []string { return append([]string{"check", "group", "location"}, more...) }
	daemon := []string{"location"}
	receiver := []string{"location", "receiver"}
	certificate := func(more ...string) []string { return append([]string{"certificate"}, more...) }
	server := []string{"check", "fingerprint", "group", "host", "location"}

	return []family{
		{"watchword_build_info", "What is running. Always 1.", gauge, []string{"goversion", "location", "revision", "version"}, buildInfo},

		{"watchword_check_alert_state", "State of the check's alert: 1 for the one that holds, 0 for the others.", gauge, check("state"), checkAlertState},
		{"watchword_check_attempts_total", "Attempts made, retries included.", counter, check(), eachCheck(checkAttempts)},
		{"watchword_check_duration_seconds", "How long runs took, without the delays between retries. Runs with the outcome unknown are not counted.", histogram, check(), eachCheck(checkDuration)},
		{"watchword_check_failing_info", "Why the check fails, from its first failed run until its alert is ok again; the reason is degraded_if where a condition of degraded_if held in the last run. Always 1.", gauge, []string{"check", "group", "level", "location", "reason"}, checkFailingInfo},
		{"watchword_check_failing_since_timestamp_seconds", "When the check began to fail. 0 while it passes.", gauge, check(), checkFailingSince},
		{"watchword_check_failures_total", "Runs that failed or whose outcome is unknown, by reason.", counter, check("reason"), eachCheck(checkFailures)},
		{"watchword_check_http_status_code", "Status of the last run's answer. 0 without an answer.", gauge, check("step"), eachCheck(checkStatusCode)},
		{"watchword_check_info", "What is configured for the check. Always 1.", gauge, check("schedule", "severity"), eachCheck(checkInfo)},
		{"watchword_check_last_duration_seconds", "How long the last run took, without the delays between retries.", gauge, check(), eachCheck(checkLastDuration)},
		{"watchword_check_last_run_timestamp_seconds", "When the last run started. 0 before the first.", gauge, check(), eachCheck(checkLastRun)},
		{"watchword_check_last_success_timestamp_seconds", "When the last run that passed or was degraded started. 0 before the first.", gauge, check(), eachCheck(checkLastSuccess)},
		{"watchword_check_muted", "1 while nothing is told of the check, because of a maintenance window or a mute, or because a check that it depends on fails; 0 once that is over.", gauge, []string{"by", "check", "group", "location"}, checkMuted},
		{"watchword_check_next_run_timestamp_seconds", "When the check is due next. 0 if it never is.", gauge, check(), checkNextRun},
		{"watchword_check_phase_seconds", "How long the phases of the last run took, redirects added up. 0 for a phase that was not reached.", gauge, check("phase", "step"), eachCheck(checkPhases)},
		{"watchword_check_runs_total", "Runs by outcome.", counter, check("outcome"), eachCheck(checkRuns)},
		{"watchword_check_skipped_total", "Runs that were due and did not start, by reason.", counter, check("reason"), eachCheck(checkSkipped)},
		{"watchword_check_status", "Result of the last run: 1 for the one that holds, 0 for the others. Unknown before the first run.", gauge, check("status"), eachCheck(checkStatus)},
		{"watchword_checks", "Checks that are configured and enabled.", gauge, daemon, daemonChecks},

		{"watchword_client_certificate_checks", "Checks that use the client certificate.", gauge, certificate("location"), certificateChecks},
		{"watchword_client_certificate_handshakes_total", "Handshakes in which the client certificate was presented, by the server's verdict.", counter, certificate("location", "result"), certificateHandshakes},
		{"watchword_client_certificate_info", "What the client certificate says of itself. Always 1.", gauge, certificate("issuer", "location", "primary", "serial", "subject"), certificateInfo},
		{"watchword_client_certificate_load_failed", "1 if the files of the certificate block cannot be used, else 0.", gauge, certificate("location"), certificateLoadFailed},
		{"watchword_client_certificate_not_after_timestamp_seconds", "When the client certificate expires.", gauge, certificate("fingerprint", "location"), certificateNotAfter},
		{"watchword_client_certificate_not_before_timestamp_seconds", "When the client certificate becomes valid.", gauge, certificate("fingerprint", "location"), certificateNotBefore},

		{"watchword_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded. 0 if it never was.", gauge, daemon, reloadTime},
		{"watchword_config_last_reload_successful", "1 if the last attempt to load the configuration succeeded, else 0.", gauge, daemon, reloadSuccessful},

		{"watchword_notifications_total", "Notifications by receiver and result. A possible repeat was sent and may have been sent before.", counter, []string{"location", "receiver", "result"}, notifications},
		{"watchword_outbox_oldest_timestamp_seconds", "When the oldest notification that waits was queued. 0 if none waits.", gauge, receiver, outboxOldest},
		{"watchword_outbox_pending", "Notifications that wait to be sent.", gauge, receiver, outboxPending},
		{"watchword_receiver_blocked", "1 if the receiver refuses for good (a bad token, an archived channel), else 0.", gauge, receiver, receiverBlocked},

		{"watchword_runs_in_flight", "Runs that are under way.", gauge, daemon, runsInFlight},
		{"watchword_schedule_delay_seconds", "Time from when a run was due to when it started.", histogram, daemon, scheduleDelay},
		{"watchword_secret_load_failed", "1 if the secret could not be read the last time, even if the value before goes on, else 0.", gauge, []string{"location", "secret"}, secretLoadFailed},
		{"watchword_server_certificate_not_after_timestamp_seconds", "When the first certificate of the chain that the server presented expires, also when its verification failed.", gauge, server, eachCheck(serverCertificates)},
		{"watchword_store_quarantined_total", "State files that could not be read and were put aside.", counter, daemon, storeQuarantined},
		{"watchword_store_write_errors_total", "Writes of the state file that failed.", counter, daemon, storeWriteErrors},
	}
}
