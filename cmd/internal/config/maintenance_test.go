package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
)

func TestMaintenance(t *testing.T) {
	c, err := Load(t.Context(), write(t, "a.hcl", `
settings { timezone = "America/New_York" }
maintenance "weekly" {
  schedule = "30 1 * * SUN"
  duration = "2h"
  timezone = "Europe/Berlin"
  match    = { team = "orders*" }
}
maintenance "move" {
  from = "2026-03-08 01:00"
  to   = "2026-03-08 04:00"
}
maintenance "often" {
  schedule = "*/10 * * * *"
  duration = "5m"
}
receiver "slack" "a" { webhook_url = "https://hooks.slack.example/x" }
route {
  receivers  = [receiver.slack.a]
  group_by   = ["team"]
  group_wait = "0s"
}
route { receivers = [receiver.slack.a] }
check "x" {
  schedule = "@every 1m"
  request { url = "https://a.example" }
}
`), Options{Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	utc := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tc := range []struct {
		block    int
		at       string
		from, to string
	}{
		{0, "2026-03-25 12:00", "2026-03-29 00:30", "2026-03-29 02:30"}, // the clock goes forward inside
		{0, "2026-03-29 00:30", "2026-03-29 00:30", "2026-03-29 02:30"},
		{0, "2026-03-29 02:29", "2026-03-29 00:30", "2026-03-29 02:30"},
		{0, "2026-03-29 02:30", "2026-04-04 23:30", "2026-04-05 01:30"},
		{1, "2026-01-01 00:00", "2026-03-08 06:00", "2026-03-08 08:00"}, // an hour is missing
		{1, "2026-03-08 07:59", "2026-03-08 06:00", "2026-03-08 08:00"},
		{2, "2026-03-08 07:03", "2026-03-08 07:00", "2026-03-08 07:05"},
		{2, "2026-03-08 07:05", "2026-03-08 07:10", "2026-03-08 07:15"},
	} {
		from, to := c.Maintenance[tc.block].Next(utc(tc.at))
		if !from.Equal(utc(tc.from)) || !to.Equal(utc(tc.to)) {
			t.Errorf("%s at %s: %s to %s, want %s to %s", c.Maintenance[tc.block].Name, tc.at, from.UTC(), to.UTC(), tc.from, tc.to)
		}
	}
	if from, to := c.Maintenance[1].Next(utc("2026-03-08 08:00")); !from.IsZero() || !to.IsZero() {
		t.Errorf("what is over comes again from %s to %s", from, to)
	}
	if p := c.Maintenance[0].Match["team"]; !p.Match("orders-eu") || p.Match("pay") {
		t.Errorf("match %v", c.Maintenance[0].Match)
	}
	if diff := cmp.Diff([]string{"team"}, c.Routes[0].GroupBy); diff != "" || c.Routes[0].GroupWait != 0 || c.Routes[1].GroupWait != alerts.DefaultGroupWait {
		t.Errorf("routes %+v", c.Routes)
	}
}
