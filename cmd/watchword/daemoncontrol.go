package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"watchword/alerts"
	"watchword/cmd/internal/control"
	"watchword/cmd/internal/lang"
)

// listen makes the socket for status, mute and unmute. The daemon goes on
// without it.
func (d *daemon) listen(ctx context.Context) {
	s := &control.Server{
		Path: control.Path(d.first.State), Logger: d.Logger,
		Status: d.status, Mute: d.mute, Unmute: d.unmute,
	}
	if err := s.Bind(ctx); err != nil {
		d.Logger.ErrorContext(ctx, "watchword status, mute and unmute will not work with this daemon", "error", err)
		return
	}
	d.control = s
}

// answer serves the socket. What goes wrong with it ends nothing else.
func (d *daemon) answer(ctx context.Context) error {
	if d.control == nil {
		return nil
	}
	if err := d.control.Run(ctx); err != nil {
		d.Logger.ErrorContext(ctx, "watchword status, mute and unmute no longer work", "error", err)
	}
	return nil
}

// mute silences checks on behalf of a user.
func (d *daemon) mute(ctx context.Context, ask control.MuteRequest, who string) (control.MuteAnswer, error) {
	m := alerts.Mute{Pattern: ask.Pattern, Until: ask.Until, Why: d.Secrets.Redact(ask.Why), Who: who}
	names, err := d.engine.Mute(ctx, m)
	if err != nil {
		return control.MuteAnswer{}, err
	}
	for _, now := range d.engine.Mutes() {
		if now.Pattern == m.Pattern {
			m = now
		}
	}
	d.Logger.InfoContext(ctx, "muted", "pattern", m.Pattern, "checks", len(names), "until", m.Until, "why", m.Why, "who", m.Who)
	a := control.MuteAnswer{Mute: m, Now: time.Now(), Checks: orEmpty(names), Near: []string{}, Kept: !d.db.Stats().Failing}
	if len(names) == 0 {
		a.Near = near(m.Pattern, d.engine.Matching("*"))
	}
	return a, nil
}

// near are patterns that match something and were perhaps meant.
func near(pattern string, names []string) []string {
	known := slices.Clone(names)
	for _, name := range names {
		for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
			known = append(known, dir+"/*")
		}
	}
	out := []string{}
	if s := lang.Suggest(pattern, known); s != "" {
		out = append(out, s)
	}
	inside := func(name string) bool { return strings.Contains(name, pattern) }
	if pattern != "" && slices.ContainsFunc(names, inside) {
		out = append(out, "*"+pattern+"*")
	}
	return out
}

// unmute ends a mute.
func (d *daemon) unmute(ctx context.Context, ask control.UnmuteRequest) (control.UnmuteAnswer, error) {
	ended, err := d.engine.Unmute(ctx, ask.Pattern)
	if err != nil {
		return control.UnmuteAnswer{}, err
	}
	a := control.UnmuteAnswer{Ended: ended, Checks: []string{}, Still: []string{}, Mutes: d.mutes(time.Now())}
	if ended {
		a.Checks = orEmpty(d.engine.Matching(ask.Pattern))
		for _, name := range a.Checks {
			if _, muted, _ := d.engine.Muted(name); muted {
				a.Still = append(a.Still, name)
			}
		}
		d.Logger.InfoContext(ctx, "unmuted", "pattern", ask.Pattern, "checks", len(a.Checks))
	}
	return a, nil
}

func (d *daemon) mutes(now time.Time) []control.Mute {
	out := []control.Mute{}
	for _, m := range d.engine.Mutes() {
		out = append(out, control.Mute{Mute: m, Left: seconds(m.Until.Sub(now)), Checks: len(d.engine.Matching(m.Pattern))})
	}
	return out
}

// status is what watchword status shows.
func (d *daemon) status(context.Context) control.Status {
	now := time.Now()
	receivers := d.deliveries()
	s := d.itself(receivers, now)
	s.Version, s.Location, s.PID, s.Listen = version, d.board.Location(), os.Getpid(), d.Web.Addr().String()
	s.Started, s.Uptime = d.started.UTC(), seconds(now.Sub(d.started))
	s.Incidents, s.Mutes = []control.Incident{}, d.mutes(now)
	for _, i := range d.engine.Incidents() {
		s.Incidents = append(s.Incidents, incidentNow(&i, receivers, now))
	}
	s.Checks = d.count(s.Incidents)
	return s
}

// itself is the part of a status that is about watchword itself.
func (d *daemon) itself(receivers []alerts.QueueStats, now time.Time) control.Status {
	state := d.db.Stats()
	s := control.Status{
		Now: now.UTC(), Problems: []control.Problem{}, Receivers: []control.Receiver{},
		State: control.StateFile{
			File: d.first.State, Writing: !state.Failing, WriteErrors: state.WriteErrors, Dropped: state.Dropped,
		},
		Config: control.ConfigurationNow{Loaded: d.metrics.ReloadSuccessful()},
	}
	for _, p := range d.engine.Problems() {
		s.Problems = append(s.Problems, control.Problem{Text: p.Text, Since: moment(p.Since)})
	}
	for _, q := range receivers {
		s.Receivers = append(s.Receivers, control.Receiver{
			Receiver: q.Receiver, Pending: q.Pending, Oldest: moment(q.Oldest),
			Blocked: d.Secrets.Redact(q.Blocked), Error: d.Secrets.Redact(q.LastError),
			Sent: q.Sent, Failed: q.Failed, PossibleRepeats: q.PossibleRepeat,
		})
	}
	return s
}

// count counts the checks. What an incident says of one is known also right
// after a start, before its first run.
func (d *daemon) count(incidents []control.Incident) control.Counts {
	var n control.Counts
	failing := make(map[string]string, len(incidents))
	for i := range incidents {
		failing[incidents[i].Check] = incidents[i].Status
	}
	d.board.Each(func(check, status string) {
		if is := failing[check]; is == "failing" || is == "degraded" {
			status = is
		}
		n.Total++
		switch status {
		case "passing":
			n.Passing++
		case "degraded":
			n.Degraded++
		case "failing":
			n.Failing++
		default:
			n.Unknown++
		}
		if maintenance, mute, dependency := d.engine.Muted(check); maintenance || mute || dependency {
			n.Silenced++
		}
	})
	return n
}

// feedLag is how much later than an incident is told an Alertmanager is asked
// to take it.
const feedLag = 2 * time.Second

// incidentNow is an incident together with what became of its message.
func incidentNow(i *alerts.Incident, receivers []alerts.QueueStats, now time.Time) control.Incident {
	st := &i.State
	out := control.Incident{
		Check: i.Check, Group: i.Group, Labels: make(map[string]string, len(i.Labels)), Severity: i.Severity,
		Runbook: i.Runbook, Links: orEmpty(i.Links), Status: "failing", AlertState: st.Status(),
		Since: st.Since.UTC(), For: seconds(now.Sub(st.Since)), Runs: st.Runs, LastGood: moment(st.LastGood),
		Reason: st.Reason, Message: st.Message, Advice: adviceOf(i), Dependents: st.Dependents,
		Told: moment(st.Fired), Receivers: []string{}, Waiting: []string{}, Untold: untold(i, now), Silences: orEmpty(i.Silences),
	}
	for _, l := range i.Labels {
		out.Labels[l.Name] = l.Value
	}
	switch {
	case st.Phase == alerts.Recovering:
		out.Status = "recovering"
		if n := i.Policy.RecoverAfter; st.Passing < n {
			out.Recovery = fmt.Sprintf("told as recovered after %d passed runs in a row: %d so far", n, st.Passing)
		}
	case st.Seen == alerts.LevelDegraded:
		out.Status = "degraded"
	}
	if !st.Open() {
		return out
	}
	out.Receivers = slices.Concat([]string{}, st.Receivers, i.Fed)
	for _, q := range receivers {
		// They are told what stands, in no order: what was sent before the
		// oldest that waits has been taken.
		if slices.Contains(i.Fed, q.Receiver) && q.Pending > 0 && !st.Fired.Before(q.Oldest.Add(-feedLag)) {
			out.Waiting = append(out.Waiting, q.Receiver)
		}
		// They take messages in order: while an older one waits, this one does.
		if slices.Contains(st.Receivers, q.Receiver) && q.Pending > 0 && !q.Oldest.After(st.Fired) {
			out.Waiting = append(out.Waiting, q.Receiver)
		}
	}
	return out
}

// adviceOf is what the reason of an incident means and what to do.
func adviceOf(i *alerts.Incident) string {
	if len(i.Failures) > 0 {
		return i.Failures[0].Advice
	}
	return ""
}

// untold says why an incident is not told; it is empty for one that is.
func untold(i *alerts.Incident, now time.Time) string {
	st := &i.State
	if st.Open() {
		if len(st.Receivers)+len(i.Fed) == 0 {
			return "no route leads to a receiver"
		}
		return ""
	}
	switch st.Held {
	case alerts.ByMaintenance, alerts.ByMute, alerts.ByDependency:
		for _, s := range i.Silences {
			if s.By == st.Held {
				return s.String()
			}
		}
	case alerts.ByGroup:
		if len(i.Silences) > 0 { // since it began to wait for the others
			return i.Silences[0].String()
		}
		return "in a moment, together with others"
	case alerts.ByOutage:
		return "watchword may be cut off itself, and counts it in what it tells of that"
	case alerts.NotHeld:
	}
	if after := i.Policy.After; st.Failing < after {
		return "not before " + count(after, "failing run") + " in a row: " + count(st.Failing, "run") + " so far"
	}
	if left := i.Policy.For - now.Sub(st.Since); left > 0 {
		return "not before it has failed for " + alerts.FormatDuration(i.Policy.For) + ": " + alerts.FormatDuration(left) + " left"
	}
	return "in a moment"
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// moment is a time in UTC, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
