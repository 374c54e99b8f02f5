package alerts

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/slack-go/slack"
)

// Slack's limits, and ours where it has none or a higher one.
const (
	maxBlocks  = 50
	maxHeader  = 150
	maxSection = 3000  // of one text
	maxTotal   = 12000 // of all texts of a message
	maxText    = 1500  // of the text of a push notification
	maxBody    = 512
	maxCurl    = 2000
)

// render puts a message into Slack's form. Texts of the message that a target
// may have had a hand in stand in plain text objects, escaped, or in rich
// text, where nothing has a meaning.
func render(m Message) outgoing {
	headline := m.Headline
	if m.PossibleRepeat {
		headline += possibleRepeat
	}
	b := blocks{left: maxTotal}
	b.header(headline, m.PossibleRepeat)
	if m.Detail != "" {
		b.section(b.text(m.Detail))
	}
	for i := range m.Failures {
		b.failure(&m.Failures[i])
	}
	b.members(&m)
	b.facts(&m)
	b.context(&m)
	return outgoing{text: escapeHeadline(headline, maxText, m.PossibleRepeat), blocks: b.list[:min(len(b.list), maxBlocks)]}
}

const possibleRepeat = " (possible repeat)"

// escapeHeadline keeps the mark of a possible repeat when it cuts.
func escapeHeadline(headline string, limit int, repeat bool) string {
	if !repeat {
		return escape(headline, limit)
	}
	return escape(strings.TrimSuffix(headline, possibleRepeat), limit-len(possibleRepeat)) + possibleRepeat
}

// blocks builds the blocks of a message within its limits.
type blocks struct {
	list []slack.Block
	left int // of maxTotal
}

// spend takes up to limit of what is left.
func (b *blocks) spend(text string, limit int) string {
	text = literal(text, min(limit, max(b.left, 1)))
	b.left -= len16(text)
	if text == "" {
		return " " // Slack refuses empty elements
	}
	return text
}

func (b *blocks) text(s string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(b.spend(s, maxSection), nil)
}

func (b *blocks) bold(s string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(b.spend(s, maxSection), &slack.RichTextSectionTextStyle{Bold: true})
}

func (b *blocks) add(block slack.Block) {
	if b.left > 0 {
		b.list = append(b.list, block)
	}
}

func (b *blocks) section(elements ...slack.RichTextSectionElement) {
	b.add(slack.NewRichTextBlock("", slack.NewRichTextSection(elements...)))
}

func (b *blocks) preformatted(s string) {
	if s == "" {
		return
	}
	b.add(slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{b.text(s)},
	}))
}

// header puts the headline into a header block, and once more in full if it
// is too long for that.
func (b *blocks) header(headline string, repeat bool) {
	text := escapeHeadline(headline, maxHeader, repeat)
	emoji := false // `:smile:` stays what it is
	b.add(slack.NewHeaderBlock(&slack.TextBlockObject{Type: slack.PlainTextType, Text: text, Emoji: &emoji}))
	b.left -= len16(text)
	if unescape(text) != unescape(escape(headline, maxTotal)) {
		b.section(b.text(headline))
	}
}

// failure tells what went wrong in one step.
func (b *blocks) failure(f *Failure) {
	var line []slack.RichTextSectionElement
	if f.Step != "" {
		line = append(line, b.bold("step \""+f.Step+"\" "))
	}
	if f.URL != "" {
		asked := strings.TrimSpace(f.Method + " " + f.URL)
		if f.Status != 0 {
			asked += " → " + strconv.Itoa(f.Status)
		}
		line = append(line, b.text(asked+" "))
	}
	if f.Reason != "" {
		line = append(line, b.bold(string(f.Reason)))
	}
	if f.Advice != "" {
		line = append(line, b.text("\n"+f.Advice))
	}
	if len(line) > 0 {
		b.section(line...)
	}
	b.preformatted(conditions(f.Conditions))
	if f.Body != "" {
		b.section(b.text("the answer's body begins with"))
		b.preformatted(f.Body)
	}
	if facts := exchange(f); facts != "" {
		b.section(b.text(facts))
	}
	b.preformatted(f.Curl)
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

// exchange tells how the request went: certificate, address, phases.
func exchange(f *Failure) string {
	var lines []string
	if f.URL != "" {
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

// members lists the checks that a message counts.
func (b *blocks) members(m *Message) {
	if len(m.Members) == 0 {
		return
	}
	var text strings.Builder
	if m.Topic == AboutCheck {
		text.WriteString("not told by themselves, because they depend on it:\n")
	}
	for _, c := range m.Members {
		mark := "🟢 "
		switch c.Level {
		case LevelFailed:
			mark = "🔴 "
		case LevelDegraded:
			mark = "🟡 "
		case NoLevel:
		}
		text.WriteString(mark + c.Check)
		if c.Text != "" {
			text.WriteString(": " + c.Text)
		}
		text.WriteByte('\n')
	}
	if m.More > 0 {
		text.WriteString("and " + strconv.Itoa(m.More) + " more\n")
	}
	b.section(b.text(strings.TrimSuffix(text.String(), "\n")))
}

// facts tells since when, how often, where.
func (b *blocks) facts(m *Message) {
	if m.Topic != AboutCheck && m.Topic != AboutGroup {
		return
	}
	var lines []string
	if !m.Since.IsZero() {
		word := "failing"
		if m.Level == LevelDegraded {
			word = "degraded"
		}
		line := word + " since " + clock(m.Since)
		if m.Kind == Recovered || m.Kind == Folded {
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
	b.section(b.text(strings.Join(lines, "\n")))
}

// context tells labels and links.
func (b *blocks) context(m *Message) {
	if len(m.Labels) > 0 {
		parts := make([]string, 0, len(m.Labels))
		for _, l := range m.Labels {
			parts = append(parts, l.Name+"="+l.Value)
		}
		b.section(b.text("labels: " + strings.Join(parts, ", ")))
	}
	var links []slack.RichTextSectionElement
	if u, err := url.Parse(m.Runbook); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		links = append(links, b.text("runbook: "), slack.NewRichTextSectionLinkElement(clean(m.Runbook, false), "", nil), b.text("\n"))
	} else if m.Runbook != "" {
		links = append(links, b.text("runbook: "+m.Runbook+"\n"))
	}
	source := ""
	for _, l := range m.Links {
		if l.Name == "source" {
			source = l.URL
			continue
		}
		links = append(links, slack.NewRichTextSectionLinkElement(clean(l.URL, false), l.Name, nil), b.text(" · "))
	}
	if m.Source.File != "" {
		where := fmt.Sprintf("defined at %s:%d", m.Source.File, m.Source.Line)
		if source == "" {
			links = append(links, b.text(where))
		} else {
			links = append(links, slack.NewRichTextSectionLinkElement(clean(source, false), literal(where, maxHeader), nil))
		}
	}
	if len(links) > 0 {
		b.section(links...)
	}
}
