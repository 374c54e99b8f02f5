package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"watchword/alerts"
	"watchword/cmd/internal/control"
)

// shownIncidents is how many incidents stand on the screen; -o json has all.
const shownIncidents = 25

// A statusText writes a status for people.
type statusText struct {
	w      io.Writer
	screen screen
	status *control.Status
}

func writeStatus(w io.Writer, s screen, status *control.Status) {
	t := &statusText{w, s, status}
	t.headline()
	t.itself()
	t.incidents()
	t.problems()
	t.mutes()
	t.receivers()
}

// headline says in one sentence whether anything fails.
func (t *statusText) headline() {
	n := &t.status.Checks
	var more []string
	if n.Degraded > 0 {
		more = append(more, fmt.Sprintf("%d degraded", n.Degraded))
	}
	if n.Unknown > 0 {
		more = append(more, fmt.Sprintf("%d not known yet", n.Unknown))
	}
	if n.Silenced > 0 {
		more = append(more, fmt.Sprintf("%d silenced", n.Silenced))
	}
	text, paint := "", t.screen.green
	switch {
	case n.Total == 0:
		text, paint = "Nothing is failing: no check is configured.", t.screen.yellow
	case n.Failing > 0:
		text, paint = fmt.Sprintf("%d of %s %s failing", n.Failing, count(n.Total, "check"), isAre(n.Failing)), t.screen.red
		more = append([]string{fmt.Sprintf("%d passing", n.Passing)}, more...)
	case n.Passing == n.Total:
		text = "Nothing is failing: " + count(n.Total, "check") + " " + passes(n.Total)
	default:
		text = fmt.Sprintf("Nothing is failing: %d of %s %s", n.Passing, count(n.Total, "check"), passes(n.Passing))
		if n.Degraded > 0 {
			paint = t.screen.yellow
		}
	}
	if n.Total > 0 {
		text = strings.Join(append([]string{text}, more...), ", ") + "."
	}
	fmt.Fprintln(t.w, paint(text))
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func passes(n int) string {
	if n == 1 {
		return "passes"
	}
	return "pass"
}

// itself is the line about the daemon.
func (t *statusText) itself() {
	s := t.status
	line := "watchword " + visible(s.Version)
	if s.Location != "" {
		line += " at " + visible(s.Location)
	}
	line += fmt.Sprintf(", pid %d, up %s, listening on %s", s.PID, alerts.FormatDuration(span(s.Uptime)), visible(s.Listen))
	t.wrapped("", line, t.screen.faint)
}

func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// wrapped writes a text within the width of the screen.
func (t *statusText) wrapped(indent, text string, paint func(string) string) {
	lines := []string{text}
	if t.screen.width > 0 {
		lines = wrap(text, max(t.screen.width-len(indent), 20))
	}
	for _, line := range lines {
		fmt.Fprintln(t.w, indent+paint(line))
	}
}

func plain(s string) string { return s }

// incidents are what is wrong now, then what recovers: the worst first, of
// equals what has lasted longest.
func (t *statusText) incidents() {
	list := slices.Clone(t.status.Incidents)
	rank := map[string]int{"failing": 0, "degraded": 1, "recovering": 2}
	slices.SortStableFunc(list, func(a, b control.Incident) int {
		return cmp.Or(rank[a.Status]-rank[b.Status], alerts.CompareSeverity(a.Severity, b.Severity),
			a.Since.Compare(b.Since), strings.Compare(a.Check, b.Check))
	})
	for i := range list[:min(len(list), shownIncidents)] {
		t.incident(&list[i])
	}
	if more := len(list) - shownIncidents; more > 0 {
		fmt.Fprintf(t.w, "\n%s\n", t.screen.bold(fmt.Sprintf("and %d more: watchword status -o json has all", more)))
	}
}

func (t *statusText) incident(i *control.Incident) {
	mark, paint := "✗", t.screen.red
	switch i.Status {
	case "degraded":
		mark, paint = "!", t.screen.yellow
	case "recovering":
		mark, paint = "…", t.screen.yellow
	}
	state, message := i.Status+" for "+alerts.FormatDuration(span(i.For)), reasoned(i.Reason, i.Message)
	if i.Status == "recovering" {
		state, message = i.Status, "passes again; before that: "+message
	}
	fmt.Fprintf(t.w, "\n%s %s %s\n", paint(mark), t.screen.bold(visible(i.Check)), paint(state))
	const indent = "    "
	t.wrapped(indent, visible(message), plain)
	if i.Advice != "" && !strings.Contains(i.Message, i.Advice) {
		t.wrapped(indent, visible(i.Advice), t.screen.faint)
	}
	for _, line := range telling(i, t.status.Now) {
		t.wrapped(indent, visible(line), plain)
	}
	facts := []string{"since " + clockTime(i.Since, t.status.Now), count(i.Runs, "failing run"), i.Severity}
	for _, label := range pairs(i.Labels) {
		facts = append(facts, visible(label))
	}
	t.wrapped(indent, strings.Join(facts, ", "), t.screen.faint)
	if i.Runbook != "" {
		fmt.Fprintln(t.w, indent+t.screen.faint("runbook ")+visible(i.Runbook)) // not wrapped: a link must stay whole
	}
}

// telling says who was told of an incident, or why nobody was, and why
// nothing more is told.
func telling(i *control.Incident, now time.Time) []string {
	var lines []string
	if i.Untold != "" {
		lines = append(lines, "not told: "+i.Untold)
	} else if i.Told != nil {
		line := "told " + strings.Join(i.Receivers, ", ") + " at " + clockTime(*i.Told, now)
		if len(i.Waiting) > 0 {
			line = "waits for " + strings.Join(i.Waiting, ", ") + " since " + clockTime(*i.Told, now)
			if done := without(i.Receivers, i.Waiting); len(done) > 0 {
				line += "; told " + strings.Join(done, ", ")
			}
		}
		lines = append(lines, line)
	}
	if i.Recovery != "" {
		lines = append(lines, i.Recovery)
	}
	for _, s := range i.Silences {
		switch text := s.String(); {
		case text == i.Untold:
		case i.Told == nil:
			lines = append(lines, "silenced: "+text)
		default:
			lines = append(lines, "nothing more is told: "+text)
		}
	}
	switch {
	case i.Dependents == 1:
		lines = append(lines, "its message counts 1 failing check that depends on it")
	case i.Dependents > 1:
		lines = append(lines, fmt.Sprintf("its message counts %d failing checks that depend on it", i.Dependents))
	}
	return lines
}

// without is list but for those in other.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// problems are those of watchword itself.
func (t *statusText) problems() {
	lines := troubles(t.status)
	if len(lines) == 0 {
		return
	}
	t.title("watchword itself")
	for _, line := range lines {
		t.wrapped("", "! "+visible(line), t.screen.yellow)
	}
}

func (t *statusText) title(text string) { fmt.Fprintf(t.w, "\n%s\n", t.screen.bold(text)) }

func (t *statusText) mutes() {
	if len(t.status.Mutes) > 0 {
		t.title("muted")
		writeMutes(t.w, t.screen, t.status.Mutes, t.status.Now)
	}
}

// writeMutes tells of each mute until when, for how many checks, and why.
func writeMutes(w io.Writer, s screen, mutes []control.Mute, now time.Time) {
	t := &statusText{w: w, screen: s}
	for _, m := range mutes {
		line := fmt.Sprintf("%s until %s, %s left, %s", m.Pattern, clockTime(m.Until, now), alerts.FormatDuration(span(m.Left)), count(m.Checks, "check"))
		if m.Who != "" {
			line += ", by " + m.Who
		}
		if m.Why != "" {
			line += ": " + m.Why
		}
		t.wrapped("", visible(line), plain)
	}
}

// receivers is a table of the queues.
func (t *statusText) receivers() {
	list := t.status.Receivers
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(t.w)
	tab := t.screen.table(t.w, table.Row{"receiver", "waiting", "oldest", "sent", "failed", "state"})
	for _, r := range list {
		state, oldest := t.screen.green("ok"), "-"
		if r.Oldest != nil {
			oldest = alerts.FormatDuration(t.status.Now.Sub(*r.Oldest))
		}
		if r.Pending > 0 {
			state = t.screen.yellow("sending")
		}
		if retried(&r) {
			state = t.screen.yellow("retrying")
		}
		if r.Blocked != "" {
			state = t.screen.red("blocked")
		}
		tab.AppendRow(table.Row{visible(r.Receiver), r.Pending, oldest, r.Sent, r.Failed, state})
	}
	tab.Render()
	for _, r := range list {
		if retried(&r) {
			t.wrapped("", visible(r.Receiver)+" does not take the oldest yet, and is tried again: "+visible(r.Error), t.screen.yellow)
		}
	}
	lines := refusals(t.status)
	for _, line := range lines {
		t.wrapped("", visible(line), t.screen.red)
	}
	if len(lines) > 0 {
		fmt.Fprintf(t.w, "Once that is mended: %s\n", t.screen.bold(fmt.Sprintf("kill -HUP %d", t.status.PID)))
	}
}

// retried says whether a receiver has refused for now what waits for it.
func retried(r *control.Receiver) bool { return r.Pending > 0 && r.Error != "" && r.Blocked == "" }
