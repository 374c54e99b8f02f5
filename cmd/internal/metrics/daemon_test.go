package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
)

func TestDaemon(t *testing.T) {
	m := full(t)
	m.Outbox = func() []alerts.QueueStats {
		return []alerts.QueueStats{
			{Receiver: "slack.oncall", Sent: 5, Failed: 2, PossibleRepeat: 1, Pending: 4, Oldest: noon, Blocked: "invalid_auth"},
			{Receiver: "slack.quiet"},
			{Receiver: "slack.quiet", Sent: 7}, // a second of that name
		}
	}
	m.Started("orders/health", -time.Second)
	m.Started("orders/health", time.Minute)
	var got []string
	for _, line := range series(get(t, m)) {
		if !strings.Contains(line, "check=") && !strings.Contains(line, "…") && !strings.Contains(line, "certificate=") && strings.Contains(line, "location=") {
			got = append(got, line)
		}
	}
	want := []string{
		`build_info{goversion="go1.26.0",location="fra1",revision="abcdef0",version="1.2.3"} 1`,
		`checks{location="fra1"} 2`,
		`config_last_reload_success_timestamp_seconds{location="fra1"} 1.777896e+09`,
		`config_last_reload_successful{location="fra1"} 1`,
		`notifications_total{location="fra1",receiver="slack.oncall",result="sent"} 4`,
		`notifications_total{location="fra1",receiver="slack.oncall",result="failed"} 2`,
		`notifications_total{location="fra1",receiver="slack.oncall",result="possible_repeat"} 1`,
		`notifications_total{location="fra1",receiver="slack.quiet",result="sent"} 0`,
		`notifications_total{location="fra1",receiver="slack.quiet",result="failed"} 0`,
		`notifications_total{location="fra1",receiver="slack.quiet",result="possible_repeat"} 0`,
		`outbox_oldest_timestamp_seconds{location="fra1",receiver="slack.oncall"} 1.777896e+09`,
		`outbox_oldest_timestamp_seconds{location="fra1",receiver="slack.quiet"} 0`,
		`outbox_pending{location="fra1",receiver="slack.oncall"} 4`,
		`outbox_pending{location="fra1",receiver="slack.quiet"} 0`,
		`receiver_blocked{location="fra1",receiver="slack.oncall"} 1`,
		`receiver_blocked{location="fra1",receiver="slack.quiet"} 0`,
		`runs_in_flight{location="fra1"} 3`,
		`schedule_delay_seconds_bucket{location="fra1",le="0.001"} 1`,
		`schedule_delay_seconds_bucket{location="fra1",le="0.005"} 1`,
		`schedule_delay_seconds_bucket{location="fra1",le="0.01"} 1`,
		`schedule_delay_seconds_bucket{location="fra1",le="0.05"} 2`,
		`schedule_delay_seconds_bucket{location="fra1",le="0.1"} 2`,
		`schedule_delay_seconds_bucket{location="fra1",le="0.5"} 2`,
		`schedule_delay_seconds_bucket{location="fra1",le="1"} 2`,
		`schedule_delay_seconds_bucket{location="fra1",le="5"} 2`,
		`schedule_delay_seconds_bucket{location="fra1",le="30"} 2`,
		`schedule_delay_seconds_bucket{location="fra1",le="+Inf"} 3`,
		`schedule_delay_seconds_sum{location="fra1"} 60.02`,
		`schedule_delay_seconds_count{location="fra1"} 3`,
		`store_quarantined_total{location="fra1"} 1`,
		`store_write_errors_total{location="fra1"} 2`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

func TestFailedReloadKeepsTheTimeOfTheLastGoodOne(t *testing.T) {
	m := one()
	m.SetReload(true, noon)
	m.SetReload(false, noon.Add(time.Hour))
	want := []string{
		`config_last_reload_success_timestamp_seconds{location="fra1"} 1.777896e+09`,
		`config_last_reload_successful{location="fra1"} 0`,
	}
	names := []string{"watchword_config_last_reload_success_timestamp_seconds", "watchword_config_last_reload_successful"}
	if diff := cmp.Diff(want, series(get(t, m, names...))); diff != "" {
		t.Errorf("reload (-want +got):\n%s", diff)
	}
}

func TestGoAndProcess(t *testing.T) {
	text := get(t, one())
	for _, name := range []string{"go_goroutines ", "process_cpu_seconds_total ", "process_resident_memory_bytes "} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
}
