package config

import (
	"fmt"
	"time"

	"watchword/alerts"
	"watchword/scheduler"
)

// maintenance evaluates all maintenance blocks.
func (l *loader) maintenance(blocks []*block) []alerts.Maintenance {
	var list []alerts.Maintenance
	for _, b := range blocks {
		match := l.textMap(b, "match")
		route, err := alerts.CompileRoute(match.value, nil, false)
		if err != nil {
			l.errorf(b.attrs["match"].Expr.Range(), "Invalid match", "%s.", capital(err.Error()))
		}
		m := alerts.Maintenance{Name: b.label(), Match: route.Match}
		m.Spec, m.Next = l.windows(b)
		if m.Next != nil {
			m.Spec += fmt.Sprint(" ", match.value) // the keys of a map are printed in order
			list = append(list, m)
		}
	}
	return list
}

// windows evaluates when a maintenance block holds. next is nil where that
// has mistakes.
func (l *loader) windows(b *block) (spec string, next func(time.Time) (from, to time.Time)) {
	zone := parsed(l, b, "timezone", parseZone)
	loc := zone.otherwise(l.zone)
	when := func(name string) opt[time.Time] {
		return parsed(l, b, name, func(s string) (time.Time, error) { return parseLocalMoment(s, loc) })
	}
	schedule, lasts := l.scheduleText(b), l.duration(b, "duration", time.Second)
	from, to := when("from"), when("to")
	again, once := schedule.set || lasts.set, from.set || to.set
	switch {
	case again && once:
		name := "from"
		if !from.set {
			name = "to"
		}
		l.errorf(b.attrAt(name), "Two kinds of maintenance", "Write either schedule and duration, for what comes again, or from and to, for what comes once.")
	case b.broken:
	case !again && !once:
		l.errorf(b.at, "Maintenance without time", "Write schedule and duration, such as schedule = \"0 2 * * SUN\" and duration = \"2h\", or from and to.")
	case again && !lasts.set:
		l.errorf(b.at, "Maintenance without end", "Add duration, such as duration = \"2h\".")
	case again && !schedule.set:
		l.errorf(b.at, "Maintenance without beginning", "Add schedule, such as schedule = \"0 2 * * SUN\".")
	case once && !to.set:
		l.errorf(b.at, "Maintenance without end", "Add to, such as to = \"2026-03-01 23:00\".")
	case once && !from.set:
		l.errorf(b.at, "Maintenance without beginning", "Add from, such as from = \"2026-03-01 22:00\".")
	case again && schedule.ok():
		return l.again(schedule, lasts, loc)
	case once && from.ok() && to.ok():
		return l.once(from, to)
	}
	return "", nil
}

// again is maintenance that begins by a schedule.
func (l *loader) again(schedule opt[string], lasts opt[time.Duration], loc *time.Location) (string, func(time.Time) (from, to time.Time)) {
	s, err := scheduler.Parse(schedule.value, loc)
	if err != nil {
		l.errorf(schedule.at, "Invalid schedule", "%s.", capital(trimStop(err.Error())))
		return "", nil
	}
	d := lasts.value
	if !lasts.ok() {
		return "", nil
	}
	if gap := s.MaxGap(); d >= gap {
		l.warnf(lasts.at, "Maintenance that never ends", "It lasts %s and begins again after at most %s: nothing is ever told.", formatDuration(d), formatDuration(gap))
	}
	return fmt.Sprint(s, " ", d, " ", loc), func(t time.Time) (time.Time, time.Time) {
		from := s.Next(t.Add(-d))
		return from, from.Add(d)
	}
}

// once is maintenance from one moment to another.
func (l *loader) once(from, to opt[time.Time]) (string, func(time.Time) (from, to time.Time)) {
	begin, end := from.value, to.value
	if !begin.Before(end) {
		l.errorf(to.at, "Maintenance that ends before it begins", "to must be later than from.")
		return "", nil
	}
	if !end.After(l.now) {
		l.warnf(to.at, "Maintenance that is over", "It ended on %s and can be removed.", end.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return fmt.Sprint(begin.Unix(), " ", end.Unix()), func(t time.Time) (time.Time, time.Time) {
		if !t.Before(end) {
			return time.Time{}, time.Time{}
		}
		return begin, end
	}
}

// parseLocalMoment reads a timestamp (RFC 3339), or a date or a date with a
// time of the day in loc.
func parseLocalMoment(s string, loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is none", clip(s))
}
