package alerts

import (
	"strconv"
	"strings"
	"time"
)

// FormatDuration writes a duration as people read it: `5m12s`, `4h`, `3d4h`: the
// two largest units, without the second if it is zero. Under a second it is
// `0s`.
func FormatDuration(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	units := []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, u := range units {
		n := d / u.size
		if n == 0 && i < len(units)-1 {
			continue
		}
		var b strings.Builder
		b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
		if i+1 < len(units) {
			if rest := (d % u.size) / units[i+1].size; rest > 0 {
				b.WriteString(strconv.FormatInt(int64(rest), 10) + units[i+1].name)
			}
		}
		return b.String()
	}
	return "0s"
}

// remaining writes how long a certificate has, rounded: `7 days`, `1 day`,
// `5 hours`, `12 minutes`.
func remaining(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day-30*time.Minute:
		return count(int((d+day/2)/day), "day")
	case d >= time.Hour-30*time.Second:
		return count(int((d+time.Hour/2)/time.Hour), "hour")
	default:
		return count(max(int((d+time.Minute/2)/time.Minute), 1), "minute")
	}
}

// count writes a number with its noun: `1 check`, `14 checks`.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// clock writes a moment: `2026-03-01 10:02:07 UTC`.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// span writes from when to when, the date and the seconds only where they are
// needed: `10:02 to 10:07 UTC`.
func span(from, to time.Time) string {
	from, to = from.UTC(), to.UTC()
	const day, minute = "2006-01-02", "15:04"
	switch {
	case from.Format(day+minute) == to.Format(day+minute):
		return from.Format(time.TimeOnly) + " to " + to.Format(time.TimeOnly) + " UTC"
	case from.Format(day) == to.Format(day):
		return from.Format(minute) + " to " + to.Format(minute) + " UTC"
	}
	return from.Format(day+" "+minute) + " to " + to.Format(day+" "+minute) + " UTC"
}
