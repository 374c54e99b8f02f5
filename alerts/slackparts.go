package alerts

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/slack-go/slack"
)

// failures tells what went wrong, step by step, and returns how many steps
// there was room for.
func (b *blocks) failures(list []Failure) int {
	for i := range list {
		if i == maxFailures || i > 0 && b.left < maxPart {
			return i
		}
		b.section(b.step(&list[i])...)
		b.preformatted(maxPart, conditions(list[i].Conditions))
	}
	return len(list)
}

// step tells what was asked in a step, and what came of it.
func (b *blocks) step(f *Failure) []slack.RichTextSectionElement {
	var line []slack.RichTextSectionElement
	if f.Step != "" {
		line = append(line, b.bold("step \""+f.Step+"\" "))
	}
	if f.URL != "" {
		asked := strings.TrimSpace(f.Method + " " + f.URL)
		if f.Status != 0 {
			asked += " → " + strconv.Itoa(f.Status)
		}
		line = append(line, b.upTo(maxAsked, asked+" "))
	}
	if f.Reason != "" {
		line = append(line, b.bold(string(f.Reason)))
	}
	if f.Advice != "" {
		line = append(line, b.upTo(maxPart, "\n"+f.Advice))
	}
	return line
}

// conditions shows expectations as `watchword test` does.
func conditions(list []Condition) string {
	var b strings.Builder
	for _, c := range list {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if c.File != "" {
			fmt.Fprintf(&b, "%s:%d: ", c.File, c.Line)
		}
		b.WriteString(c.Expression)
		if c.Message != "" {
			b.WriteString("\n  " + c.Message)
		}
		for _, v := range c.Values {
			if is := v.Name + " is "; !strings.Contains(c.Message, is) {
				b.WriteString("\n  " + is + v.Value)
			}
		}
	}
	return b.String()
}

// evidence tells how the request of a step went, and how to repeat it.
func (b *blocks) evidence(f *Failure) {
	if f.Body != "" {
		b.section(b.text("the answer's body begins with"))
		b.preformatted(maxBody, f.Body)
	}
	if facts := exchange(f); facts != "" {
		b.section(b.upTo(maxPart, facts))
	}
	b.preformatted(maxCurl, f.Curl)
}

// exchange tells how the request went: certificate, address, phases.
func exchange(f *Failure) string {
	var lines []string
	if f.Certificate != "" || f.Timing.TLS > 0 || f.Status != 0 || f.RemoteIP != "" { // else none could have gone along yet
		line := "client certificate: none"
		if f.Certificate != "" {
			line = "client certificate: " + f.Certificate
			if f.Rule != "" {
				line += " (" + f.Rule + ")"
			}
		}
		if f.RemoteIP != "" {
			line += " · address: " + f.RemoteIP
		}
		lines = append(lines, line)
	}
	if t := f.Timing.String(); t != "" {
		lines = append(lines, t)
	}
	return strings.Join(lines, "\n")
}

// members lists the checks that a message counts. Those that say the same
// stand together, below what they say.
func (b *blocks) members(m *Message) {
	shown := m.Members[:min(len(m.Members), maxMembers)]
	more := m.More + len(m.Members) - len(shown)
	if len(shown) == 0 {
		return
	}
	same := make(map[string][]MemberLine)
	for _, c := range shown {
		same[c.Text] = append(same[c.Text], c)
	}
	var list []slack.RichTextSectionElement
	var lines strings.Builder
	below := false // something that the next line does not say
	alone := func(line string) {
		if below {
			line = "\n" + line
		}
		lines.WriteString(line)
		below = false
	}
	if m.Topic == AboutCheck {
		lines.WriteString("not told by themselves, because they depend on it:\n")
	}
	for _, c := range shown {
		together := same[c.Text]
		switch {
		case len(together) == 0: // they stand further up
		case c.Text == "":
			alone(marked(c) + "\n")
		case len(together) == 1:
			alone(marked(c) + ": " + c.Text + "\n")
		default:
			if lines.Len() > 0 {
				list = append(list, b.text(lines.String()))
				lines.Reset()
			}
			list = append(list, b.bold(c.Text+"\n"))
			for _, other := range together {
				lines.WriteString(marked(other) + "\n")
			}
			delete(same, c.Text)
			below = true
		}
	}
	if more > 0 {
		alone("and " + strconv.Itoa(more) + " more")
	}
	b.section(append(list, b.text(strings.TrimSuffix(lines.String(), "\n")))...)
}

// marked is the name of a check with the mark of its level.
func marked(c MemberLine) string {
	switch c.Level {
	case LevelFailed:
		return "🔴 " + c.Check
	case LevelDegraded:
		return "🟡 " + c.Check
	case NoLevel:
	}
	return "🟢 " + c.Check
}

// facts tells since when, how often, where, and the labels.
func (b *blocks) facts(m *Message) {
	if m.Topic != AboutCheck && m.Topic != AboutGroup {
		return
	}
	var lines []string
	word := "failing"
	if m.Level == LevelDegraded {
		word = "degraded"
	}
	switch line := word + " since " + clock(m.Since); {
	case m.Since.IsZero():
	case m.Kind == Recovered: // the detail has said when
		if m.Runs > 0 {
			lines = append(lines, count(m.Runs, word+" run"))
		}
	default:
		if m.Kind == Folded {
			line = word + " from " + clock(m.Since) + " to " + clock(m.At)
		}
		if m.Runs > 0 {
			line += " (" + count(m.Runs, "run") + ")"
		}
		lines = append(lines, line)
	}
	if m.Topic == AboutCheck && !m.Kind.Closes() {
		last := "last good run: none seen"
		if !m.LastGood.IsZero() {
			last = "last good run: " + clock(m.LastGood)
		}
		lines = append(lines, last)
	}
	where := "severity: " + m.Severity
	if m.Location != "" {
		where = "location: " + m.Location + " · " + where
	}
	lines = append(lines, where)
	if len(m.Labels) > 0 {
		parts := make([]string, 0, len(m.Labels))
		for _, l := range m.Labels {
			parts = append(parts, l.Name+"="+l.Value)
		}
		lines = append(lines, "labels: "+strings.Join(parts, ", "))
	}
	b.section(b.upTo(maxPart, strings.Join(lines, "\n")))
}

// links tells where more is to be seen.
func (b *blocks) links(m *Message) {
	var list []slack.RichTextSectionElement
	put := func(e slack.RichTextSectionElement) {
		if len(list) > 0 {
			list = append(list, b.text(" · "))
		}
		list = append(list, e)
	}
	if u, err := url.Parse(m.Runbook); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && b.fits(m.Runbook) {
		put(b.link(m.Runbook, "runbook"))
	} else if m.Runbook != "" {
		put(b.upTo(maxAsked, "runbook: "+m.Runbook))
	}
	source := ""
	for _, l := range m.Links {
		switch {
		case !b.fits(l.URL): // better none than half a link
		case l.Name == "source":
			source = l.URL
		default:
			put(b.link(l.URL, l.Name))
		}
	}
	if m.Source.File != "" {
		where := fmt.Sprintf("defined at %s:%d", m.Source.File, m.Source.Line)
		if source == "" || !b.fits(source) {
			put(b.upTo(maxAsked, where))
		} else {
			put(b.link(source, literal(where, maxHeader)))
		}
	}
	b.section(list...)
}
