package alertstest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"watchword/alerts"
)

// request is what the fake understands of a request.
type request struct {
	method, token, channel, ts, thread, text string
	metadata, cursor, limit                  string
	broadcast                                bool
	blocks                                   json.RawMessage
}

func parse(r *http.Request) (request, error) {
	if r.URL.Path == webhookPath {
		var body struct {
			Text   string          `json:"text"`
			Blocks json.RawMessage `json:"blocks"`
		}
		err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&body)
		return request{method: "webhook", channel: "#webhook", text: body.Text, blocks: body.Blocks}, err
	}
	method, ok := strings.CutPrefix(r.URL.Path, "/api/")
	if !ok {
		return request{}, fmt.Errorf("no such path %s", r.URL.Path)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return request{}, err
	}
	token := r.Form.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	return request{
		method: method, token: token, channel: r.Form.Get("channel"), ts: r.Form.Get("ts"), thread: r.Form.Get("thread_ts"),
		metadata: r.Form.Get("metadata"), cursor: r.Form.Get("cursor"), limit: r.Form.Get("limit"),
		text: r.Form.Get("text"), broadcast: r.Form.Get("reply_broadcast") == "true", blocks: json.RawMessage(r.Form.Get("blocks")),
	}, nil
}

// take does what the request asks for. It returns the message, or Slack's
// error code.
func (s *Slack) take(req request) (Message, string) {
	if s.Token != "" && req.method != "webhook" && req.token != s.Token {
		return Message{}, "invalid_auth"
	}
	if code := problem(req); code != "" {
		return Message{}, code
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := Message{
		Channel: channelID(req.channel), Thread: req.thread, Broadcast: req.broadcast, Webhook: req.method == "webhook",
		Text: alerts.ReadBlocks(req.text, nil), Raw: req.text, Reader: alerts.ReadBlocks(req.text, req.blocks), Blocks: req.blocks,
		Metadata: req.metadata,
	}
	switch req.method {
	case "chat.postMessage", "webhook":
		if _, ok := s.index[m.Thread]; m.Thread != "" && !ok {
			return Message{}, "thread_not_found"
		}
		m.ID = fmt.Sprintf("%d.%06d", 1_700_000_000+len(s.messages), len(s.messages)+1)
		if s.index == nil {
			s.index = make(map[string]int)
		}
		s.index[m.ID] = len(s.messages)
		s.messages = append(s.messages, m)
		return m, ""
	case "chat.update":
		i, ok := s.index[req.ts]
		if !ok || s.messages[i].Channel != m.Channel {
			return Message{}, "message_not_found"
		}
		if m.Metadata == "" {
			m.Metadata = s.messages[i].Metadata
		}
		m.ID, m.Thread, m.Broadcast, m.Edited = req.ts, s.messages[i].Thread, s.messages[i].Broadcast, true
		if len(req.blocks) == 0 { // Slack keeps the old ones
			m.Blocks, m.Reader = s.messages[i].Blocks, s.messages[i].Reader
		}
		s.messages[i] = m
		return m, ""
	default:
		return Message{}, "unknown_method"
	}
}

// channelID turns a channel's name into its id, which alone names it in
// answers and edits.
func channelID(name string) string {
	if rest, ok := strings.CutPrefix(name, "#"); ok {
		return "C" + strings.ToUpper(rest)
	}
	return name
}
