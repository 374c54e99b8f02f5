package alertstest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestLimits holds messages at each limit against what Slack says to them,
// and to those just beyond it.
func TestLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("a", n) }
	section := func(n int) string {
		return fmt.Sprintf(`{"type":"section","text":{"type":"mrkdwn","text":%q}}`, long(n))
	}
	times := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	rich := func(parts string) string {
		return `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` + parts + `]}]}`
	}
	for _, tt := range []struct {
		text, blocks, metadata, want string
	}{
		{"", "", "", "no_text"},
		{long(40_000), "", "", ""},
		{long(40_001), "", "", "msg_too_long"},
		{"x", `[` + times(50, `{"type":"divider"}`) + `]`, "", ""},
		{"x", `[` + times(51, `{"type":"divider"}`) + `]`, "", "invalid_blocks"},
		{"x", `[{"type":"header","text":{"type":"plain_text","text":"` + long(150) + `"}}]`, "", ""},
		{"x", `[{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}]`, "", "invalid_blocks"},
		{"x", `[{"type":"header","text":{"type":"plain_text","text":"` + strings.Repeat("🔥", 76) + `"}}]`, "", "invalid_blocks"},
		{"x", `[{"type":"header","text":{"type":"mrkdwn","text":"a"}}]`, "", "invalid_blocks"},
		{"x", `[{"type":"header"}]`, "", "invalid_blocks"},
		{"x", `[` + section(3000) + `]`, "", ""},
		{"x", `[` + section(3001) + `]`, "", "invalid_blocks"},
		{"x", `[` + section(0) + `]`, "", "invalid_blocks"},
		{"x", `[{"type":"section"}]`, "", "invalid_blocks"},
		{"x", `[{"type":"section","fields":[` + times(10, `{"type":"mrkdwn","text":"a"}`) + `]}]`, "", ""},
		{"x", `[{"type":"section","fields":[` + times(11, `{"type":"mrkdwn","text":"a"}`) + `]}]`, "", "invalid_blocks"},
		{"x", `[{"type":"section","fields":[{"type":"mrkdwn","text":"` + long(2001) + `"}]}]`, "", "invalid_blocks"},
		{"x", `[{"type":"context","elements":[` + times(11, `{"type":"mrkdwn","text":"a"}`) + `]}]`, "", "invalid_blocks"},
		{"x", `[{"type":"button"}]`, "", "invalid_blocks"},
		{"x", `[` + rich(`{"type":"text","text":"a"}`) + `]`, "", ""},
		{"x", `[` + rich(`{"type":"text","text":""}`) + `]`, "", "invalid_blocks"},
		{"x", `[` + rich(``) + `]`, "", "invalid_blocks"},
		{"x", `[` + rich(`{"type":"link","url":"`+long(3000)+`"}`) + `]`, "", ""},
		{"x", `[` + rich(`{"type":"link","url":"`+long(3001)+`"}`) + `]`, "", "invalid_blocks"},
		{"x", `[` + times(4, section(3000)) + `]`, "", ""},
		{"x", `[` + times(4, section(3000)) + `,` + section(400) + `]`, "", "msg_blocks_too_long"},
		{"x", `{`, "", "invalid_blocks"},
		{"x", "", `{"event_type":"a_b","event_payload":{"id":"1"}}`, ""},
		{"x", "", `{"event_type":"a.b","event_payload":{"id":"1"}}`, "invalid_metadata_format"},
		{"x", "", `{"event_type":"a_b"}`, "invalid_metadata_format"},
		{"x", "", `{"event_type":"a_b","event_payload":{"id":"` + long(8000) + `"}}`, "metadata_too_large"},
	} {
		if got := problem(request{text: tt.text, blocks: json.RawMessage(tt.blocks), metadata: tt.metadata}); got != tt.want {
			t.Errorf("%.60s %.120s %.60s is answered by %q, want %q", tt.text, tt.blocks, tt.metadata, got, tt.want)
		}
	}
}
