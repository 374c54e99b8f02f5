package alerts

import "fmt"

// fold decides how the first notification of a queue is told. An incident
// that is over already is told in one message, which stands for those with the
// IDs in with, too; but where an attempt to tell its beginning may have
// arrived, that is finished first. A reminder, or an edit that only counts,
// that something newer of the same incident follows is not sent any more.
func fold(first Notification) (n Notification, with []uint64, send bool) {
	switch first.Message.Kind {
	case Reminded, Amended:
		return first, nil, len(first.Later) == 0
	case Fired:
	case Escalated, Eased, Recovered, Folded, Withdrawn:
		return first, nil, true
	default:
		return first, nil, true
	}
	for i := range first.Later {
		next := &first.Later[i]
		with = append(with, next.ID)
		if next.Message.Kind.Closes() && next.Attempted == first.Attempted {
			first.Message = folded(first.Message, next.Message)
			return first, with, true
		}
	}
	return first, nil, true
}

// folded tells of an incident that began and ended before anybody could be
// told.
func folded(begin, end Message) Message {
	m := begin
	m.Kind, m.At, m.Severity = Folded, end.At, end.Severity
	m.Members, m.More = end.Members, end.More
	verb := "failing"
	if begin.Level == LevelDegraded {
		verb = "degraded"
	}
	who := begin.Check + " was"
	switch {
	case begin.Topic == AboutGroup:
		who = "checks were"
		if n := len(end.Members) + end.More; n > 0 {
			who = count(n, "check") + " were"
		}
	case begin.Topic != AboutCheck:
		m.Headline = end.Headline
		m.Detail = fmt.Sprintf("from %s: %s", span(begin.Since, end.At), begin.Headline)
		return m
	}
	about := ""
	if begin.Text != "" {
		about = ": " + begin.Text
	}
	m.Headline = fmt.Sprintf("🟢 %s %s from %s%s", who, verb, span(begin.Since, end.At), about)
	if end.Kind == Withdrawn {
		m.Headline = fmt.Sprintf("⚪ %s %s from %s, until removed or disabled%s", who, verb, span(begin.Since, end.At), about)
	}
	m.Runs = max(begin.Runs, end.Runs)
	return m
}
