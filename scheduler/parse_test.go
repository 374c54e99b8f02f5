package scheduler

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	// 2026-03-04 is a Wednesday.
	from := at(t, "2026-03-04T10:07:30Z")
	for _, tt := range []struct {
		spec string
		want string // first slot after from
		gap  time.Duration
		most time.Duration
	}{
		{"* * * * *", "2026-03-04T10:08:00Z", time.Minute, time.Minute},
		{"*/5 * * * *", "2026-03-04T10:10:00Z", 5 * time.Minute, 5 * time.Minute},
		{"? ? ? ? ?", "2026-03-04T10:08:00Z", time.Minute, time.Minute},
		{"7,8,9 10 * * *", "2026-03-04T10:08:00Z", time.Minute, 23*time.Hour + 58*time.Minute},
		{"*/15 * * * * *", "2026-03-04T10:07:45Z", 15 * time.Second, 15 * time.Second},
		{"30 7 10 4 3 *", "2027-03-04T10:07:30Z", 365 * 24 * time.Hour, 366 * 24 * time.Hour},
		{"0 9-17 * * MON-FRI", "2026-03-04T11:00:00Z", time.Hour, 64 * time.Hour},
		{"0 0 * * 7", "2026-03-08T00:00:00Z", 7 * 24 * time.Hour, 7 * 24 * time.Hour},
		{"0 0 * * sun", "2026-03-08T00:00:00Z", 7 * 24 * time.Hour, 7 * 24 * time.Hour},
		{"0 0 * * FRI-SUN", "2026-03-06T00:00:00Z", 24 * time.Hour, 5 * 24 * time.Hour},
		{"0 0 * * 5-7/2", "2026-03-06T00:00:00Z", 2 * 24 * time.Hour, 5 * 24 * time.Hour},
		{"0 0 29 2 *", "2028-02-29T00:00:00Z", 1461 * 24 * time.Hour, 1461 * 24 * time.Hour},
		{"0 0 13 * FRI", "2026-03-06T00:00:00Z", 7 * 24 * time.Hour, 7 * 24 * time.Hour},
		{"0 0 31 jan-mar/2 *", "2026-03-31T00:00:00Z", 60 * 24 * time.Hour, 306 * 24 * time.Hour},
		{"  0\t12 * * *\n", "2026-03-04T12:00:00Z", 24 * time.Hour, 24 * time.Hour},
		{"*/60 * * * *", "2026-03-04T11:00:00Z", time.Hour, time.Hour},
		{"@hourly", "2026-03-04T11:00:00Z", time.Hour, time.Hour},
		{"@daily", "2026-03-05T00:00:00Z", 24 * time.Hour, 24 * time.Hour},
		{"@midnight", "2026-03-05T00:00:00Z", 24 * time.Hour, 24 * time.Hour},
		{"@weekly", "2026-03-08T00:00:00Z", 7 * 24 * time.Hour, 7 * 24 * time.Hour},
		{"@monthly", "2026-04-01T00:00:00Z", 31 * 24 * time.Hour, 31 * 24 * time.Hour},
		{"@yearly", "2027-01-01T00:00:00Z", 365 * 24 * time.Hour, 366 * 24 * time.Hour},
		{"@annually", "2027-01-01T00:00:00Z", 365 * 24 * time.Hour, 366 * 24 * time.Hour},
		{"@every 30s", "2026-03-04T10:08:00Z", 30 * time.Second, 30 * time.Second},
		{"@every  1m30s", "2026-03-04T10:09:00Z", 90 * time.Second, 90 * time.Second},
		{"@every 1.5s", "2026-03-04T10:07:31.5Z", 1500 * time.Millisecond, 1500 * time.Millisecond},
		{"@every 1d12h", "2026-03-04T12:00:00Z", 36 * time.Hour, 36 * time.Hour},
		{"@every 365d", "2026-08-28T00:00:00Z", MaxEvery, MaxEvery},
	} {
		t.Run(tt.spec, func(t *testing.T) {
			s := parse(t, tt.spec, nil)
			if got := s.Next(from).Format(time.RFC3339Nano); got != tt.want {
				t.Errorf("Next is %s, want %s", got, tt.want)
			}
			if got := s.Interval(); got != tt.gap {
				t.Errorf("Interval is %v, want %v", got, tt.gap)
			}
			if got := s.MaxGap(); got != tt.most {
				t.Errorf("MaxGap is %v, want %v", got, tt.most)
			}
			if got, want := s.String(), strings.Join(strings.Fields(tt.spec), " "); got != want {
				t.Errorf("String is %q, want %q", got, want)
			}
			if got, want := s.Every(), strings.HasPrefix(tt.spec, "@every"); got != want {
				t.Errorf("Every is %v, want %v", got, want)
			}
		})
	}
}

func TestParseMistakes(t *testing.T) {
	const form = `5 (minute, hour, day of month, month, day of week), 6 with seconds in front, or a form such as "@every 5m"`
	for _, tt := range []struct{ spec, want string }{
		{"", `schedule is empty, want five cron fields such as "*/5 * * * *", or "@every 1m"`},
		{" \t\n", `schedule is empty, want five cron fields such as "*/5 * * * *", or "@every 1m"`},
		{"TZ=0", `schedule "TZ=0" names a time zone, want it beside the schedule: timezone = "0"`},
		{"CRON_TZ=UTC", `schedule "CRON_TZ=UTC" names a time zone, want it beside the schedule: timezone = "UTC"`},
		{"cron_tz=Europe/Berlin 0 9 * * *", `schedule "cron_tz=Europe/Berlin 0 9 * * *" names a time zone, want it beside the schedule: timezone = "Europe/Berlin"`},
		{"0 0 30 2 *", `schedule "0 0 30 2 *": it never fires: month "2" has no day "30"; want a day that the month has`},
		{"0 0 31 4,6,9,11 *", `schedule "0 0 31 4,6,9,11 *": it never fires: month "4,6,9,11" has no day "31"; want a day that the month has`},
		{"*/61 * * * *", `schedule "*/61 * * * *": step of the minute is "61", want 1 to 60`},
		{"*/0 * * * *", `schedule "*/0 * * * *": step of the minute is "0", want 1 to 60`},
		{"*/-5 * * * *", `schedule "*/-5 * * * *": step of the minute is "-5", want 1 to 60`},
		{"*/ * * * *", `schedule "*/ * * * *": step of the minute is "", want 1 to 60`},
		{"*/5/5 * * * *", `schedule "*/5/5 * * * *": step of the minute is "5/5", want 1 to 60`},
		{"0 10-12/4 * * *", `schedule "0 10-12/4 * * *": step of the hour is "4", want 1 to 3`},
		{"60 24 0 13 8", `schedule "60 24 0 13 8": minute is "60", want 0 to 59; hour is "24", want 0 to 23; ` +
			`day of month is "0", want 1 to 31; month is "13", want 1 to 12 or JAN to DEC; day of week is "8", want 0 to 7 or SUN to SAT`},
		{"60 * * * * *", `schedule "60 * * * * *": second is "60", want 0 to 59`},
		{"0 22-6 * * *", `schedule "0 22-6 * * *": hour is "22-6", want a range that ascends: "22-23,0-6"`},
		{"0 0 * * FRI-TUE", `schedule "0 0 * * FRI-TUE": day of week is "FRI-TUE", want a range that ascends: "FRI-6,0-TUE"`},
		{"0 0 * MON *", `schedule "0 0 * MON *": month is "MON", want 1 to 12 or JAN to DEC`},
		{"*-5 * * * *", `schedule "*-5 * * * *": minute is "*-5", want 0 to 59`},
		{"+5 * * * *", `schedule "+5 * * * *": minute is "+5", want 0 to 59`},
		{"1-2-3 * * * *", `schedule "1-2-3 * * * *": minute is "1-2-3", want 0 to 59`},
		{", * * * *", `schedule ", * * * *": minute is "", want 0 to 59`},
		{"1,,2 * * * *", `schedule "1,,2 * * * *": minute is "", want 0 to 59`},
		{"99999999999999999999 * * * *", `schedule "99999999999999999999 * * * *": minute is "99999999999999999999", want 0 to 59`},
		{"0 0 L * *", `schedule "0 0 L * *": day of month is "L", want 1 to 31`},
		{"* * * *", `schedule "* * * *": number of fields is 4, want ` + form},
		{"0 0 0 1 1 ? 2030", `schedule "0 0 0 1 1 ? 2030": number of fields is 7, want ` + form},
		{"every 5m", `schedule "every 5m": number of fields is 2, want ` + form},
		{"@reboot", `schedule "@reboot" is unknown, want @yearly, @monthly, @weekly, @daily, @hourly, or "@every" and a duration such as "@every 5m"`},
		{"@every5m", `schedule "@every5m" is unknown, want @yearly, @monthly, @weekly, @daily, @hourly, or "@every" and a duration such as "@every 5m"`},
		{"@every", `schedule "@every" has no single duration, want one such as "@every 30s" or "@every 1h30m"`},
		{"@every 1h 30m", `schedule "@every 1h 30m" has no single duration, want one such as "@every 30s" or "@every 1h30m"`},
		{"@every 5", `schedule "@every 5": interval is "5", want a duration such as "30s", "5m", "1h30m" or "1d"`},
		{"@every -5s", `schedule "@every -5s": interval is -5s, want 1s at least and 365d at most`},
		{"@every 0s", `schedule "@every 0s": interval is 0s, want 1s at least and 365d at most`},
		{"@every 999ms", `schedule "@every 999ms": interval is 999ms, want 1s at least and 365d at most`},
		{"@every 366d", `schedule "@every 366d": interval is 366d, want 1s at least and 365d at most`},
		{"@every 65535d2562047h", `schedule "@every 65535d2562047h": interval is "65535d2562047h", want a duration such as "30s", "5m", "1h30m" or "1d"`},
		{"@every 2d-47h", `schedule "@every 2d-47h": interval is "2d-47h", want a duration such as "30s", "5m", "1h30m" or "1d"`},
		{"\x00\xff * * * *", `schedule "\x00\xff * * * *": minute is "\x00\xff", want 0 to 59`},
		{strings.Repeat("1,", 300) + "1 * * * *", `schedule is 609 characters long, want 512 at most`},
	} {
		t.Run(fmt.Sprintf("%.40q", tt.spec), func(t *testing.T) {
			s, err := Parse(tt.spec, time.UTC)
			if err == nil {
				t.Fatalf("Parse returned %v, want an error", s)
			}
			if err.Error() != tt.want {
				t.Errorf("error\n got %s\nwant %s", err, tt.want)
			}
			if s != nil {
				t.Error("Parse returned a schedule beside the error")
			}
		})
	}
}

func TestEqual(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	again := zone(t, "Europe/Berlin")
	for _, tt := range []struct {
		a, b *Schedule
		want bool
	}{
		{nil, nil, true},
		{parse(t, "@every 1m", nil), nil, false},
		{nil, parse(t, "@every 1m", nil), false},
		{parse(t, "@every 1m", nil), parse(t, "@every 60s", berlin), true},
		{parse(t, "@every 1m", nil), parse(t, "* * * * *", nil), false},
		{parse(t, "* * * * *", nil), parse(t, "@every 1m", nil), false},
		{parse(t, "@daily", berlin), parse(t, "0 0 * * *", again), true},
		{parse(t, "@daily", berlin), parse(t, "@daily", time.UTC), false},
		{parse(t, "0-59 0 * * *", berlin), parse(t, "* 0 * * *", berlin), false},
		{parse(t, "0 5 * * *", nil), parse(t, "0 6 * * *", nil), false},
	} {
		if got := tt.a.Equal(tt.b); got != tt.want {
			t.Errorf("(%v).Equal(%v) is %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range []string{
		"* * * * *", "*/5 0-12/3 1,15 JAN-MAR SUN", "30 2 * * *", "0 0 29 2 *", "*/61 * * * *", "TZ=0", "CRON_TZ=UTC",
		"@every 1m", "@every -5s", "@every 1d2h", "@daily", ", , , , ,", "0 0 30 2 *", "? ? ? ? ?", "0 0 * * 5-7", "*/30 2 8 3 *",
	} {
		f.Add(spec, int64(1_741_000_000), uint8(len(spec)))
	}
	zones := []*time.Location{
		nil, time.UTC, zone(f, "America/New_York"), zone(f, "Australia/Lord_Howe"), zone(f, "America/Santiago"),
		zone(f, "Africa/Casablanca"), zone(f, "Pacific/Apia"), time.FixedZone("odd", -12345),
	}
	f.Fuzz(func(t *testing.T, spec string, unix int64, pick uint8) {
		s, err := Parse(spec, zones[int(pick)%len(zones)])
		if err != nil {
			if text := err.Error(); !strings.HasPrefix(text, "schedule ") || strings.ContainsAny(text, "\n\r\x00\x1b") {
				t.Errorf("Parse(%q): error is %q, want one line that begins with schedule", spec, text)
			}
			return
		}
		if s.Interval() <= 0 || s.MaxGap() < s.Interval() {
			t.Errorf("Parse(%q): Interval is %v and MaxGap %v, want both positive and in this order", spec, s.Interval(), s.MaxGap())
		}
		again, err := Parse(s.String(), s.loc)
		if err != nil || !s.Equal(again) {
			t.Errorf("Parse(%q): %q is %v (%v) when read again, want the same", spec, s, again, err)
		}
		const years = 250 * 365 * 24 * 3600
		last := time.Unix(unix%years, unix%1e9)
		for range 20 {
			next := s.Next(last)
			if !next.After(last) {
				t.Fatalf("Parse(%q): Next(%v) is %v, want a later time", spec, last, next)
			}
			last = next
		}
	})
}
