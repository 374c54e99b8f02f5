package alertstest

import (
	"encoding/json"
	"unicode/utf16"
)

// problem returns the error code for a message that Slack would refuse for
// its form.
func problem(req request) string {
	if req.text == "" && len(req.blocks) == 0 {
		return "no_text"
	}
	if length(req.text) > 40_000 {
		return "msg_too_long"
	}
	if len(req.blocks) == 0 {
		return ""
	}
	var list []struct {
		Type     string    `json:"type"`
		Text     *text     `json:"text"`
		Fields   []text    `json:"fields"`
		Elements []element `json:"elements"`
	}
	if json.Unmarshal(req.blocks, &list) != nil || len(list) > 50 {
		return "invalid_blocks"
	}
	for _, b := range list {
		ok := true
		switch b.Type {
		case "header":
			ok = b.Text.fits("plain_text", 150)
		case "section":
			ok = (b.Text != nil || len(b.Fields) > 0) && (b.Text == nil || b.Text.fits(b.Text.Type, 3000)) && len(b.Fields) <= 10
			for _, f := range b.Fields {
				ok = ok && f.fits(f.Type, 2000)
			}
		case "context":
			ok = len(b.Elements) > 0 && len(b.Elements) <= 10
		case "rich_text":
			ok = richText(b.Elements)
		case "divider":
		default:
			ok = false
		}
		if !ok {
			return "invalid_blocks"
		}
	}
	return ""
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func (t *text) fits(kind string, limit int) bool {
	return t != nil && t.Type == kind && t.Text != "" && length(t.Text) <= limit
}

type element struct {
	Type     string    `json:"type"`
	Text     string    `json:"text"`
	URL      string    `json:"url"`
	Elements []element `json:"elements"`
}

// richText says whether Slack takes the elements of a rich_text block.
func richText(list []element) bool {
	for _, e := range list {
		switch e.Type {
		case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
		default:
			return false
		}
		if len(e.Elements) == 0 {
			return false
		}
		for _, leaf := range e.Elements {
			if leaf.Type == "text" && leaf.Text == "" || leaf.Type == "link" && leaf.URL == "" {
				return false
			}
		}
	}
	return len(list) > 0
}

// length counts as Slack does.
func length(s string) int { return len(utf16.Encode([]rune(s))) }
