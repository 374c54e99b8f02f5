package alerts

import (
	"strings"

	"github.com/slack-go/slack"
)

// Slack's limits, and ours where it has none or a higher one.
const (
	maxBlocks  = 50
	maxHeader  = 150
	maxSection = 3000  // of one text
	maxURL     = 3000  // of a link
	maxTotal   = 12000 // of all texts of a message, with what its blocks and elements cost: Slack refuses more than about 13,000
	maxText    = 1500  // of the text of a push notification
	maxBody    = 512
	maxCurl    = 2000
	maxPart    = 1200 // of what one step says, and of facts: a phone shows about as much
	maxAsked   = 500  // of a URL that was asked, and of a step's name

	blockCost    = 130
	elementCost  = 25
	factsReserve = 3000 // of maxTotal, for what a message says beside what is wrong
)

// render puts a message into Slack's form: what is wrong, since when and
// where, links, and then what proves it, so that a phone shows what matters
// without scrolling. Texts of the message that a target may have had a hand
// in stand in plain text objects, escaped, or in rich text, where nothing has
// a meaning.
func render(m Message) outgoing {
	headline := m.Headline
	if m.PossibleRepeat {
		headline += possibleRepeat
	}
	b := blocks{left: maxTotal - factsReserve}
	b.header(headline, m.PossibleRepeat)
	if m.Detail != "" {
		b.section(b.upTo(maxText, m.Detail))
	}
	told := b.failures(m.Failures)
	b.members(&m)
	b.left = max(b.left, 0) + factsReserve
	if more := len(m.Failures) - told; more > 0 {
		b.section(b.text("and " + count(more, "more step")))
	}
	b.facts(&m)
	b.links(&m)
	if len(m.Failures) > 0 {
		b.evidence(&m.Failures[0])
	}
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

func (b *blocks) text(s string) slack.RichTextSectionElement { return b.upTo(maxSection, s) }

func (b *blocks) upTo(limit int, s string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(b.spend(s, limit), nil)
}

func (b *blocks) bold(s string) slack.RichTextSectionElement {
	return slack.NewRichTextSectionTextElement(b.spend(s, maxAsked), &slack.RichTextSectionTextStyle{Bold: true})
}

// fits says whether a link with this URL is short enough.
func (b *blocks) fits(url string) bool { return len16(url) <= min(maxURL, b.left-2*blockCost) }

// link leads somewhere. The text may not be a target's.
func (b *blocks) link(url, text string) slack.RichTextSectionElement {
	b.left -= len16(url) + len16(text)
	return slack.NewRichTextSectionLinkElement(clean(url, false), text, nil)
}

// add appends a block with so many elements, if anything is left.
func (b *blocks) add(block slack.Block, elements int) {
	if b.left < 0 {
		return
	}
	b.list = append(b.list, block)
	b.left -= blockCost + elements*elementCost
}

func (b *blocks) section(elements ...slack.RichTextSectionElement) {
	if len(elements) > 0 {
		b.add(slack.NewRichTextBlock("", slack.NewRichTextSection(elements...)), len(elements))
	}
}

func (b *blocks) preformatted(limit int, s string) {
	if s == "" {
		return
	}
	b.add(slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{b.upTo(limit, s)},
	}), 1)
}

// header puts the headline into a header block. What is too long for that
// goes on below it.
func (b *blocks) header(headline string, repeat bool) {
	mark := ""
	if repeat {
		mark = possibleRepeat
	}
	head, rest := broken(strings.TrimSuffix(headline, mark), maxHeader-len(mark))
	text := escape(head, maxHeader-len(mark)) + mark
	emoji := false // `:smile:` stays what it is
	b.add(slack.NewHeaderBlock(&slack.TextBlockObject{Type: slack.PlainTextType, Text: text, Emoji: &emoji}), 0)
	b.left -= len16(text)
	if rest != "" {
		b.section(b.upTo(maxText, rest))
	}
}

// broken breaks a text that would be longer than limit once it is escaped,
// at a space if there is one near.
func broken(s string, limit int) (head, rest string) {
	const near = 40
	text := []rune(defuse(clean(s, false)))
	units, cut, space := 0, 0, 0
	for i, r := range text {
		units += len16(entity(r))
		if units < limit { // one is for the ellipsis
			cut = i + 1
			if r == ' ' {
				space = i
			}
		}
	}
	if units <= limit {
		return s, ""
	}
	if space > 0 && cut-space < near {
		cut = space
	}
	return string(text[:cut]) + "…", "…" + strings.TrimSpace(string(text[cut:]))
}
