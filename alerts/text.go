package alerts

import (
	"encoding/json"
	"strings"
)

// RenderText returns what a reader of the message would see in Slack, for a
// terminal: no control characters, no escapes.
func RenderText(m Message) string {
	out := render(m)
	raw, err := json.Marshal(out.blocks)
	if err != nil {
		return unescape(out.text)
	}
	return ReadBlocks(out.text, raw)
}

// ReadBlocks returns what a reader would see of a message with this text and
// these Block Kit blocks, as JSON: the blocks, or the text if there are none.
// It knows the kinds of blocks that this package makes: header, section,
// context and rich_text.
func ReadBlocks(text string, blocks json.RawMessage) string {
	var list []struct {
		Type     string      `json:"type"`
		Text     *textObject `json:"text"`
		Elements []richText  `json:"elements"`
	}
	if err := json.Unmarshal(blocks, &list); err != nil || len(list) == 0 {
		return clean(unescape(text), true)
	}
	var lines []string
	for _, b := range list {
		switch {
		case b.Text != nil:
			lines = append(lines, unescape(b.Text.Text))
		case b.Type == "context":
			for _, e := range b.Elements {
				lines = append(lines, unescape(e.Text))
			}
		default:
			for _, e := range b.Elements {
				lines = append(lines, e.read())
			}
		}
	}
	return clean(strings.Join(lines, "\n"), true)
}

type textObject struct {
	Text string `json:"text"`
}

// richText is an element of a rich_text block, of any depth.
type richText struct {
	Type     string     `json:"type"`
	Text     string     `json:"text"`
	URL      string     `json:"url"`
	Elements []richText `json:"elements"`
}

// read shows an element: links with their URL, preformatted text indented.
func (e richText) read() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(e.Text, string(joiner), ""))
	if e.Type == "link" {
		b.WriteString(strings.Repeat(" ", min(len(e.Text), 1)) + e.URL)
	}
	for _, sub := range e.Elements {
		b.WriteString(sub.read())
	}
	text := strings.TrimRight(b.String(), "\n")
	if len(e.Elements) == 0 {
		text = b.String()
	}
	if e.Type != "rich_text_preformatted" {
		return text
	}
	return "    " + strings.ReplaceAll(text, "\n", "\n    ")
}
