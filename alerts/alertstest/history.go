package alertstest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// look answers the methods that read: the newest first in a channel, the
// oldest first in a thread.
func (s *Slack) look(req request) (map[string]any, string) {
	if s.Token != "" && req.token != s.Token {
		return nil, "invalid_auth"
	}
	if !s.History {
		return nil, "missing_scope"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var items []map[string]any
	switch req.method {
	case "conversations.list":
		return page(req, "channels", s.channels()), ""
	case "conversations.history":
		if strings.HasPrefix(req.channel, "#") {
			return nil, "channel_not_found"
		}
		for _, m := range slices.Backward(s.messages) {
			if m.Channel == req.channel && (m.Thread == "" || m.Broadcast) {
				items = append(items, shown(m))
			}
		}
	case "conversations.replies":
		if _, ok := s.index[req.ts]; !ok {
			return nil, "thread_not_found"
		}
		for _, m := range s.messages {
			if m.ID == req.ts || m.Thread == req.ts {
				items = append(items, shown(m))
			}
		}
	default:
		return nil, "unknown_method"
	}
	return page(req, "messages", items), ""
}

// channels lists what channels there are. mu is held.
func (s *Slack) channels() []map[string]any {
	var items []map[string]any
	ids := make(map[string]bool)
	for _, name := range s.Channels {
		ids[channelID(name)] = true
	}
	for _, m := range s.messages {
		ids[m.Channel] = true
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		items = append(items, map[string]any{"id": id, "name": strings.ToLower(strings.TrimPrefix(id, "C"))})
	}
	return items
}

func shown(m Message) map[string]any {
	out := map[string]any{"type": "message", "ts": m.ID, "text": m.Raw}
	if m.Thread != "" {
		out["thread_ts"] = m.Thread
	}
	if m.Metadata != "" {
		out["metadata"] = json.RawMessage(m.Metadata)
	}
	return out
}

// page cuts out what a request asks for.
func page(req request, name string, items []map[string]any) map[string]any {
	from, _ := strconv.Atoi(req.cursor)
	limit, _ := strconv.Atoi(req.limit)
	from = min(max(from, 0), len(items))
	to := len(items)
	if limit > 0 {
		to = min(from+limit, len(items))
	}
	next := ""
	if to < len(items) {
		next = strconv.Itoa(to)
	}
	return map[string]any{
		"ok": true, name: items[from:to], "has_more": next != "", "response_metadata": map[string]any{"next_cursor": next},
	}
}
