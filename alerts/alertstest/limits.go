package alertstest

import (
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf16"
)

// The limits of Slack, in units of UTF-16: as its documentation has them, and,
// of a message as a whole, as people have met them. There each block costs
// something beside its texts.
const (
	maxText     = 40_000
	maxBlocks   = 50
	maxHeader   = 150
	maxSection  = 3_000
	maxField    = 2_000
	maxElements = 10 // fields of a section, elements of a context
	maxURL      = 3_000
	maxName     = 255 // of a block
	maxMetadata = 8_000
	maxMessage  = 13_000
	costOfBlock = 125
	costOfPart  = 25
)

// problem returns the error code for a message that Slack would refuse for
// its form.
func problem(req request) string {
	switch {
	case req.text == "" && len(req.blocks) == 0:
		return "no_text"
	case length(req.text) > maxText:
		return "msg_too_long"
	case length(req.metadata) > maxMetadata:
		return "metadata_too_large"
	case req.metadata != "" && !validMetadata(req.metadata):
		return "invalid_metadata_format"
	case len(req.blocks) == 0:
		return ""
	}
	var list []element
	if json.Unmarshal(req.blocks, &list) != nil || len(list) > maxBlocks {
		return "invalid_blocks"
	}
	cost := 0
	for _, b := range list {
		if !b.isBlock() || length(b.BlockID) > maxName {
			return "invalid_blocks"
		}
		cost += costOfBlock + b.cost()
	}
	if cost > maxMessage {
		return "msg_blocks_too_long"
	}
	return ""
}

// validMetadata says whether metadata is a name and an object.
func validMetadata(text string) bool {
	var m struct {
		Type    string         `json:"event_type"`
		Payload map[string]any `json:"event_payload"`
	}
	return json.Unmarshal([]byte(text), &m) == nil && m.Payload != nil && regexp.MustCompile(`^[a-z0-9_]{1,255}$`).MatchString(m.Type)
}

// element is a block or a part of one, at any depth.
type element struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"` // a string, or a text object
	URL      string          `json:"url"`
	BlockID  string          `json:"block_id"`
	Fields   []element       `json:"fields"`
	Elements []element       `json:"elements"`
}

// isBlock says whether Slack takes e as a block.
func (e element) isBlock() bool {
	switch e.Type {
	case "header":
		return e.object().isText(maxHeader, "plain_text")
	case "section":
		return (e.Text != nil || len(e.Fields) > 0) && (e.Text == nil || e.object().isText(maxSection, "plain_text", "mrkdwn")) &&
			len(e.Fields) <= maxElements && all(e.Fields, func(f element) bool { return f.isText(maxField, "plain_text", "mrkdwn") })
	case "context":
		return len(e.Elements) > 0 && len(e.Elements) <= maxElements &&
			all(e.Elements, func(t element) bool { return t.isText(maxSection, "plain_text", "mrkdwn") })
	case "rich_text":
		return len(e.Elements) > 0 && all(e.Elements, element.isRichText)
	case "divider":
		return true
	default:
		return false
	}
}

// isText says whether e is a text object of one of the types that fits.
func (e element) isText(limit int, types ...string) bool {
	n := length(e.string())
	return n > 0 && n <= limit && slices.Contains(types, e.Type)
}

// isRichText says whether Slack takes e as a part of a rich_text block.
func (e element) isRichText() bool {
	switch e.Type {
	case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
	default:
		return false
	}
	return len(e.Elements) > 0 && all(e.Elements, func(leaf element) bool {
		switch leaf.Type {
		case "text":
			return leaf.string() != ""
		case "link":
			return leaf.URL != "" && length(leaf.URL) <= maxURL
		default:
			return false
		}
	})
}

// object is the text object of a block.
func (e element) object() element {
	var t element
	if json.Unmarshal(e.Text, &t) != nil {
		return element{}
	}
	return t
}

// string is the text of a text object or of a part of rich text.
func (e element) string() string {
	var s string
	if json.Unmarshal(e.Text, &s) != nil {
		return ""
	}
	return s
}

// cost is what all that stands in e costs.
func (e element) cost() int {
	n := length(e.string()) + length(e.object().string()) + length(e.URL)
	for _, list := range [][]element{e.Fields, e.Elements} {
		for i := range list {
			n += costOfPart + list[i].cost()
		}
	}
	return n
}

func all(list []element, ok func(element) bool) bool {
	return !slices.ContainsFunc(list, func(e element) bool { return !ok(e) })
}

// length counts as Slack does.
func length(s string) int { return len(utf16.Encode([]rune(s))) }
