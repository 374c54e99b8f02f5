// Package alertstest holds what tests of alerts need: one contract test for
// every [alerts.Store], a store in memory, and a Slack with faults. The Slack
// also works outside of tests: it shows in a terminal what people would read.
package alertstest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Slack is a fake Slack: chat.postMessage, chat.update, incoming webhooks and,
// with History, conversations.history, replies and list, on a loopback port
// (Start) or without any network (Client). It refuses what Slack refuses: bad
// tokens, unknown messages, blocks beyond the limits. Set the fields before
// the first request.
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
