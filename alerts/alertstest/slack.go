// Package alertstest holds what tests of alerts need: one contract test for
// every [alerts.Store], a store in memory, and a Slack with faults. The Slack
// also works outside of tests: it shows in a terminal what people would read.
package alertstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"watchword/alerts"
)

// Slack is a fake Slack: chat.postMessage, chat.update, incoming webhooks and,
// with History, conversations.history, replies and list, on a loopback port (Start) or without any network (Client). It refuses what
// Slack refuses: bad tokens, unknown messages, blocks beyond the limits. Set
// the fields before the first request.
type Slack struct {
	OnMessage func(Message)    // called for every message that arrives or is edited, one at a time; may be nil
	Token     string           // that requests must carry; empty means any
	History   bool             // tokens may read the history
	Channels  []string         // that are listed beside those that have messages, such as "#c"
	Fault     func(Call) Fault // what goes wrong with a request; nil: nothing

	mu       sync.Mutex // guards the following
	messages []Message
	index    map[string]int // ts to the place in messages
	calls    []Call
	server   *http.Server
	addr     string
	served   chan struct{}
	telling  sync.Mutex
}

// Message is a message as it stands in a channel.
type Message struct {
	Channel   string
	ID        string // ts
	Thread    string // ts of the root; empty for a root
	Broadcast bool   // a reply that the channel sees too
	Webhook   bool
	Edited    bool
	Text      string // what a push notification shows, unescaped
	Raw       string // the text as it was sent
	Reader    string // what a reader sees in the channel, for a terminal
	Metadata  string // as JSON; empty for none
	Blocks    json.RawMessage
}

// Call is a request that has arrived.
type Call struct {
	Method  string // chat.postMessage, chat.update or webhook
	Channel string
	Text    string
	Number  int // from 1
	At      time.Time
	Result  string // "ok", Slack's error code, a status, or "dropped"; empty in what Fault gets
}

// Fault is what goes wrong with a request. The zero value is nothing.
type Fault struct {
	Code       string // an error code instead of an answer, such as "is_archived"
	Status     int    // a status instead of an answer
	RetryAfter int    // seconds, with Status
	Dropped    bool   // the message is taken, but the connection breaks before the answer
	Refused    bool   // the connection breaks before anything was taken
}

var errDropped = errors.New("connection reset by the fake Slack")

const webhookPath = "/services/T000/B000/secret"

// Start listens on a loopback port. Close ends it.
func (s *Slack) Start() error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("starting the fake Slack: %w", err)
	}
	s.addr, s.served = "http://"+l.Addr().String(), make(chan struct{})
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(l)
	}()
	return nil
}

// Close ends the server and waits for it.
func (s *Slack) Close() {
	if s.server == nil {
		return
	}
	_ = s.server.Close()
	<-s.served
}

// APIURL is what goes into a receiver's api_url. Without Start it names a
// host that only Client knows.
func (s *Slack) APIURL() string { return s.base() + "/api/" }

// WebhookURL is what goes into a receiver's webhook_url.
func (s *Slack) WebhookURL() string { return s.base() + webhookPath }

func (s *Slack) base() string {
	if s.addr == "" {
		return "http://slack.invalid"
	}
	return s.addr
}

// Client reaches the fake without any network, so that it works inside
// testing/synctest.
func (s *Slack) Client() *http.Client { return &http.Client{Transport: inMemory{s}} }

type inMemory struct{ slack *Slack }

// RoundTrip implements [http.RoundTripper].
func (m inMemory) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	defer func() {
		if recover() != nil {
			resp, err = nil, errDropped
		}
	}()
	m.slack.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// Messages returns what stands in the channels, oldest first.
func (s *Slack) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Calls returns every request, oldest first.
func (s *Slack) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// request is what the fake understands of a request.
type request struct {
	method, token, channel, ts, thread, text string
	metadata, cursor, limit                  string
	broadcast                                bool
	blocks                                   json.RawMessage
}

// ServeHTTP implements [http.Handler].
func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, err := parse(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	call := Call{Method: req.method, Channel: req.channel, Text: req.text, Number: len(s.calls) + 1, At: time.Now()}
	faulty := s.Fault
	s.mu.Unlock()
	var fault Fault
	if faulty != nil {
		fault = faulty(call)
	}
	code, m := fault.Code, Message{}
	var page map[string]any
	switch {
	case fault != (Fault{}) && fault != (Fault{Dropped: true}):
	case strings.HasPrefix(req.method, "conversations."):
		page, code = s.look(req)
	default:
		m, code = s.take(req)
	}
	call.Result = result(fault, code)
	s.mu.Lock()
	s.calls = append(s.calls, call)
	s.mu.Unlock()
	if m.ID != "" && s.OnMessage != nil {
		s.telling.Lock()
		s.OnMessage(m)
		s.telling.Unlock()
	}
	if page != nil && fault == (Fault{}) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page)
		return
	}
	answer(w, req, fault, code, m)
}

func result(f Fault, code string) string {
	switch {
	case f.Dropped || f.Refused:
		return "dropped"
	case f.Status != 0:
		return strconv.Itoa(f.Status)
	case code != "":
		return code
	default:
		return "ok"
	}
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

func answer(w http.ResponseWriter, req request, f Fault, code string, m Message) {
	switch {
	case f.Dropped || f.Refused:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		w.WriteHeader(f.Status)
	case req.method == "webhook" && code != "":
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, code) //nolint:gosec // one of the codes above, or of a test
	case req.method == "webhook":
		_, _ = io.WriteString(w, "ok")
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": code == "", "error": code, "channel": m.Channel, "ts": m.ID})
	}
}

// SetFault replaces Fault while the fake is in use.
func (s *Slack) SetFault(fault func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Fault = fault
}
