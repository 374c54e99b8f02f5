package alerts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

const token = "xoxb-not-a-real-token"

// post is an outbox with an engine before it and a fake Slack behind it, all
// inside a synctest bubble.
type post struct {
	t      *testing.T
	store  *alertstest.Memory
	slack  *alertstest.Slack
	pacer  *alerts.Pacer
	log    bytes.Buffer
	outbox *alerts.Outbox
	engine *alerts.Engine
	cancel context.CancelFunc
	done   chan error
	setup  alerts.Setup
}

func startPost(t *testing.T, names ...string) *post {
	t.Helper()
	p := &post{t: t, store: &alertstest.Memory{}, slack: &alertstest.Slack{Token: token}, pacer: &alerts.Pacer{}}
	p.setup = alerts.Setup{Location: "fra1", Receivers: []string{"slack.a"}}
	for _, n := range names {
		p.setup.Subjects = append(p.setup.Subjects, alerts.Subject{Name: n, Policy: alerts.Policy{RemindEvery: time.Hour}})
	}
	p.start()
	return p
}

func (p *post) receiver() *alerts.Slack {
	return &alerts.Slack{Token: token, Channel: "#oncall", APIURL: p.slack.APIURL(), Client: p.slack.Client(), Pacer: p.pacer}
}

func (p *post) start() {
	p.outbox = &alerts.Outbox{Store: p.store, Logger: slog.New(slog.NewTextHandler(&p.log, nil))}
	p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": p.receiver()})
	p.engine = &alerts.Engine{Store: p.store, Wake: p.outbox.Wake}
	if err := p.engine.Load(p.t.Context(), p.setup); err != nil {
		p.t.Fatal(err)
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(p.t.Context())
	p.done = make(chan error, 1)
	go func() { p.done <- p.outbox.Run(ctx) }()
}

func (p *post) stop() {
	p.cancel()
	if err := <-p.done; err != nil {
		p.t.Error(err)
	}
}

func (p *post) run(check string, o checks.Outcome, text string) {
	p.t.Helper()
	err := p.engine.Handle(p.t.Context(), checks.Result{Check: check, Outcome: o, Reason: checks.ReasonExpectation, Message: text, Started: time.Now()})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) stats() alerts.QueueStats {
	p.t.Helper()
	s := p.outbox.Stats()
	if len(s) != 1 {
		p.t.Fatalf("stats %+v", s)
	}
	return s[0]
}

// wait lets time go by in a bubble, and what it brings about happen.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestSlackIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "orders/checkout")
		p.run("orders/checkout", checks.Degraded, "timing.total is 1.2")
		wait(5 * time.Second)
		p.run("orders/checkout", checks.Failed, "status is 422, want 201")
		wait(5 * time.Minute)
		p.run("orders/checkout", checks.Passed, "")
		wait(5 * time.Second)
		p.stop()
		type line struct {
			Text              string
			InThread, Channel bool // a reply, one that the channel sees too
			Edited            bool
		}
		var got []line
		root := ""
		for _, m := range p.slack.Messages() {
			if m.Thread == "" {
				root = m.ID
			} else if m.Thread != root {
				t.Errorf("%q stands in thread %s, want %s", m.Text, m.Thread, root)
			}
			got = append(got, line{m.Text, m.Thread != "", m.Broadcast, m.Edited})
		}
		want := []line{
			{"🟢 orders/checkout recovered after 5m5s", false, false, true},
			{"🔴 orders/checkout is failing: status is 422, want 201", true, true, false},
			{"🟢 orders/checkout recovered after 5m5s", true, true, false},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if reader := p.slack.Messages()[0].Reader; !strings.Contains(reader, "was failing from") || !strings.Contains(reader, "status is 422, want 201") {
			t.Errorf("the edited message says\n%s", reader)
		}
		if s := p.stats(); s.Sent != 3 || s.Failed != 0 || s.Pending != 0 || s.Blocked != "" {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestSlackReminderAndRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.engine.Run(ctx) }()
		p.run("a", checks.Failed, "x")
		wait(61 * time.Minute)
		p.setup.Subjects = nil
		if err := p.engine.Load(ctx, p.setup); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		var got []string
		for _, m := range p.slack.Messages() {
			got = append(got, fmt.Sprintf("%v %s", m.Thread != "", m.Text))
		}
		want := []string{"false ⚪ a was removed or disabled while failing: x", "true 🔴 a is still failing after 1h: x"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		cancel()
		<-done
		p.stop()
	})
}

func TestSlackWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a")
		p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": &alerts.Slack{WebhookURL: p.slack.WebhookURL(), Client: p.slack.Client()}})
		p.run("a", checks.Failed, "x")
		wait(time.Minute)
		p.run("a", checks.Passed, "")
		wait(time.Minute)
		p.run("a", checks.Failed, "y")
		wait(time.Minute)
		p.setup.Subjects = nil
		if err := p.engine.Load(t.Context(), p.setup); err != nil { // cannot be edited, and posts nothing
			t.Fatal(err)
		}
		wait(time.Minute)
		var got []string
		for _, m := range p.slack.Messages() {
			got = append(got, m.Text)
		}
		if diff := cmp.Diff([]string{"🔴 a is failing: x", "🟢 a recovered after 1m", "🔴 a is failing: y"}, got); diff != "" {
			t.Error(diff)
		}
		if s := p.stats(); s.Pending != 0 {
			t.Errorf("stats %+v", s)
		}
		p.stop()
	})
}

func TestSlackRootWasDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a")
		p.run("a", checks.Failed, "x")
		wait(time.Minute)
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
			if c.Method == "chat.update" {
				return alertstest.Fault{Code: "message_not_found"}
			}
			return alertstest.Fault{}
		}
		p.run("a", checks.Passed, "")
		wait(time.Minute)
		m := p.slack.Messages()
		if len(m) != 2 || m[1].Thread != "" || m[1].Text != "🟢 a recovered after 1m" {
			t.Errorf("messages %+v", m)
		}
		p.stop()
	})
}

// TestReceiverHasMoved gives a receiver another channel after its old one was
// archived, amid incidents whose messages stand in the old one.
func TestReceiverHasMoved(t *testing.T) {
	for _, code := range []string{"is_archived", "channel_not_found", "thread_not_found"} {
		synctest.Test(t, func(t *testing.T) {
			p := startPost(t, "a", "b", "c")
			done := make(chan error)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { done <- p.engine.Run(ctx) }()
			for _, c := range []string{"a", "b", "c"} {
				p.run(c, checks.Failed, "x")
			}
			wait(time.Minute)
			p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
				if c.Channel == "CONCALL" {
					return alertstest.Fault{Code: code}
				}
				return alertstest.Fault{}
			}
			moved := p.receiver()
			moved.Channel = "#new"
			p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": moved})
			p.setup.Subjects = p.setup.Subjects[:2]
			if err := p.engine.Load(t.Context(), p.setup); err != nil { // c is gone, and its message cannot be edited
				t.Fatal(err)
			}
			p.run("a", checks.Passed, "")
			wait(time.Hour) // b is reminded of
			p.run("b", checks.Passed, "")
			wait(time.Minute)
			var got []string
			for _, m := range p.slack.Messages()[3:] {
				got = append(got, fmt.Sprintf("%s %v %s", m.Channel, m.Thread != "", m.Text))
			}
			want := []string{
				"CNEW false 🟢 a recovered after 1m",
				"CNEW false 🟢 b recovered after 1h1m", // was the reminder, which is its thread now
				"CNEW true 🟢 b recovered after 1h1m",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", code, diff)
			}
			if s := p.stats(); s.Blocked != "" || s.Pending != 0 {
				t.Errorf("%s: stats %+v", code, s)
			}
			cancel()
			<-done
			p.stop()
		})
	}
}

// TestManyReceiversShareAPace ends incidents in a hundred channels at once,
// whose edits have to wait for each other.
func TestManyReceiversShareAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t)
		receivers := make(map[string]alerts.Receiver)
		p.setup.Receivers = nil
		for i := range 100 {
			name, r := fmt.Sprintf("slack.%d", i), p.receiver()
			r.Channel = fmt.Sprintf("C%d", i)
			receivers[name] = r
			p.setup.Receivers = append(p.setup.Receivers, name)
			p.setup.Subjects = append(p.setup.Subjects, alerts.Subject{Name: r.Channel, Receivers: []string{name}})
		}
		p.outbox.SetReceivers(receivers)
		if err := p.engine.Load(t.Context(), p.setup); err != nil {
			t.Fatal(err)
		}
		for _, o := range []checks.Outcome{checks.Failed, checks.Passed} {
			for _, s := range p.setup.Subjects {
				p.run(s.Name, o, "x")
			}
			wait(3 * time.Minute)
		}
		for _, s := range p.outbox.Stats() {
			if s.Receiver != "slack.a" && (s.Sent != 2 || s.Failed != 0) {
				t.Errorf("stats %+v", s)
			}
		}
		p.stop()
	})
}

func TestSlackRejectedBlocksArePostedAsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a", "b")
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
			if c.Number == 1 {
				return alertstest.Fault{Code: "invalid_blocks"}
			}
			return alertstest.Fault{}
		}
		p.run("a", checks.Failed, "x")
		wait(time.Minute)
		if m := p.slack.Messages(); len(m) != 1 || len(m[0].Blocks) != 0 || m[0].Text != "🔴 a is failing: x" {
			t.Errorf("messages %+v", m)
		}
		p.run("b", checks.Failed, "x")
		wait(time.Minute)
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
			if c.Number == 4 {
				return alertstest.Fault{Code: "invalid_blocks"}
			}
			return alertstest.Fault{}
		}
		p.run("b", checks.Passed, "")
		wait(time.Minute)
		if m := p.slack.Messages()[1]; m.Reader != "🟢 b recovered after 1m" {
			t.Errorf("the edited message shows %q", m.Reader)
		}
		p.stop()
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a", "b")
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
			if c.Number == 1 {
				return alertstest.Fault{Status: 429, RetryAfter: 40}
			}
			return alertstest.Fault{}
		}
		p.run("a", checks.Failed, "x")
		wait(10 * time.Second)
		p.run("b", checks.Failed, "x") // wakes the outbox
		wait(29 * time.Second)
		if n := len(p.slack.Calls()); n != 1 {
			t.Errorf("%d requests before Retry-After was over", n)
		}
		if s := p.stats(); !strings.Contains(s.LastError, "rate limited") {
			t.Errorf("while it waits: %+v", s)
		}
		wait(5 * time.Second)
		if m := p.slack.Messages(); len(m) != 2 || m[0].Text != "🔴 a is failing: x" {
			t.Errorf("messages %+v", m)
		}
		if s := p.stats(); s.PossibleRepeat != 0 || s.Failed != 1 || s.LastError != "" {
			t.Errorf("stats %+v", s)
		}
		p.stop()
	})
}

func TestLostAnswerIsAPossibleRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a")
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault { return alertstest.Fault{Dropped: c.Number == 1} }
		p.run("a", checks.Failed, "x")
		wait(time.Minute)
		var got []string
		for _, m := range p.slack.Messages() {
			got = append(got, m.Text)
		}
		if diff := cmp.Diff([]string{"🔴 a is failing: x", "🔴 a is failing: x (possible repeat)"}, got); diff != "" {
			t.Error(diff)
		}
		first := true
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
			drop := first && c.Method == "chat.postMessage"
			first = first && !drop
			return alertstest.Fault{Dropped: drop}
		}
		p.run("a", checks.Passed, "")
		wait(time.Minute)
		got = nil
		for _, m := range p.slack.Messages()[1:] {
			got = append(got, m.Text)
		}
		want := []string{"🟢 a recovered after 1m", "🟢 a recovered after 1m", "🟢 a recovered after 1m (possible repeat)"} // the first is an edit
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if s := p.stats(); s.PossibleRepeat != 2 || s.Sent != 2 {
			t.Errorf("stats %+v", s)
		}
		p.stop()
	})
}

func TestBlockedReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a", "b")
		archived := true
		var mu sync.Mutex
		p.slack.Fault = func(alertstest.Call) alertstest.Fault {
			mu.Lock()
			defer mu.Unlock()
			if archived {
				return alertstest.Fault{Code: "is_archived"}
			}
			return alertstest.Fault{}
		}
		var blocked []string
		p.outbox.Blocked = func(_ context.Context, receiver string, err error) {
			mu.Lock()
			defer mu.Unlock()
			blocked = append(blocked, fmt.Sprintf("%s: %v", receiver, err))
		}
		p.run("a", checks.Failed, "x")
		wait(time.Hour)
		p.run("b", checks.Failed, "y")
		wait(time.Hour)
		if s := p.stats(); s.Blocked != "posting to Slack channel #oncall: is_archived: the channel was archived" || s.Pending != 2 || s.Oldest.IsZero() {
			t.Errorf("stats %+v", s)
		}
		if n := len(p.slack.Calls()); n != 1 {
			t.Errorf("%d requests to a receiver that has refused for good", n)
		}
		if !strings.Contains(p.log.String(), "is_archived") {
			t.Errorf("log: %s", p.log.String())
		}
		mu.Lock()
		archived = false
		mu.Unlock()
		p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": p.receiver()})
		wait(time.Minute)
		if m := p.slack.Messages(); len(m) != 2 || m[0].Text != "🔴 a is failing: x" || m[1].Text != "🔴 b is failing: y" {
			t.Errorf("messages %+v", m)
		}
		want := []string{"slack.a: posting to Slack channel #oncall: is_archived: the channel was archived", "slack.a: <nil>"}
		if diff := cmp.Diff(want, blocked); diff != "" {
			t.Error(diff)
		}
		p.stop()
	})
}

func TestReceiverThatIsNotConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a")
		p.outbox.SetReceivers(nil)
		p.run("a", checks.Failed, "x")
		wait(time.Minute)
		if s := p.stats(); s.Pending != 1 || s.Blocked == "" {
			t.Errorf("stats %+v", s)
		}
		p.stop()
		p.outbox = &alerts.Outbox{Store: p.store} // a restart without the receiver
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.outbox.Run(ctx) }()
		wait(time.Second)
		if s := p.stats(); s.Receiver != "slack.a" || s.Pending != 1 || s.Blocked == "" {
			t.Errorf("stats %+v", s)
		}
		p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": alerts.Unusable{Err: errors.New("secret x cannot be read")}})
		wait(time.Second)
		if s := p.stats(); s.Blocked != "secret x cannot be read" || s.Failed != 0 {
			t.Errorf("stats %+v", s)
		}
		p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": p.receiver()})
		wait(time.Second)
		if m := p.slack.Messages(); len(m) != 1 {
			t.Errorf("messages %+v", m)
		}
		cancel()
		<-done
	})
}

func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a", "b", "c")
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault { // down at first
			if c.Number <= 7 {
				return alertstest.Fault{Status: 503}
			}
			return alertstest.Fault{}
		}
		for _, c := range []string{"a", "b", "c"} {
			p.run(c, checks.Failed, "x")
		}
		wait(70 * time.Second) // the pause before the next attempt is over a minute now
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := p.outbox.Flush(ctx); err != nil {
			t.Error(err)
		}
		if n := len(p.slack.Messages()); n != 3 {
			t.Errorf("%d messages, want 3", n)
		}
		p.slack.Fault = func(alertstest.Call) alertstest.Fault { return alertstest.Fault{Status: 503} }
		p.run("a", checks.Passed, "")
		ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := p.outbox.Flush(ctx); err == nil || !strings.Contains(err.Error(), "1 queued notification") {
			t.Errorf("Flush: %v", err)
		}
		p.stop()
	})
}

// TestErrorsHoldNoSecrets provokes every kind of error.
func TestErrorsHoldNoSecrets(t *testing.T) {
	for name, fault := range map[string]alertstest.Fault{
		"dropped": {Dropped: true}, "refused": {Refused: true}, "500": {Status: 500}, "404": {Status: 404}, "429": {Status: 429},
		"code": {Code: "invalid_auth"}, "other code": {Code: "whatever"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &alertstest.Slack{Fault: func(alertstest.Call) alertstest.Fault { return fault }}
			for _, s := range []*alerts.Slack{
				{Token: token, Channel: "#c", APIURL: fake.APIURL(), Client: fake.Client()},
				{WebhookURL: fake.WebhookURL(), Client: fake.Client()},
				{WebhookURL: "http://127.0.0.1:1/services/secret"},
				{WebhookURL: "http://bad host/services/secret"},
			} {
				_, err := s.Send(t.Context(), alerts.Delivery{Message: alerts.Message{Kind: alerts.Fired, Headline: "x"}})
				if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), token) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// TestSlackWithFaults is a day on which Slack drops replies, asks for
// patience, fails, and is down altogether for most of it. Every incident must
// be told, in order, never faster than one message a second, and twice only
// where an answer was lost.
// Where the token may read the history, nothing at all comes twice.
func TestSlackWithFaults(t *testing.T) {
	for _, history := range []bool{false, true} {
		t.Run(fmt.Sprintf("history %v", history), func(t *testing.T) { dayWithFaults(t, history) })
	}
}

func dayWithFaults(t *testing.T, history bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 7))
		names := []string{"a", "b", "c", "d"}
		p := startPost(t, names...)
		p.slack.History, p.slack.Channels = history, []string{"#oncall"}
		begin := time.Now()
		p.slack.Fault = func(alertstest.Call) alertstest.Fault {
			if at := time.Since(begin); at > time.Hour && at < 25*time.Hour {
				return alertstest.Fault{Refused: true}
			}
			switch n := rng.IntN(100); {
			case n < 30:
				return alertstest.Fault{Dropped: true}
			case n < 40:
				return alertstest.Fault{Status: 429, RetryAfter: 1 + rng.IntN(30)}
			case n < 50:
				return alertstest.Fault{Status: 500}
			default:
				return alertstest.Fault{}
			}
		}
		incidents := map[string]int{}
		for time.Since(begin) < 25*time.Hour {
			for _, n := range names {
				incidents[n]++
				p.run(n, checks.Failed, fmt.Sprintf("incident %d", incidents[n]))
			}
			wait(10 * time.Minute)
			for _, n := range names {
				p.run(n, checks.Passed, "")
			}
			wait(20 * time.Minute)
			if time.Since(begin) > 2*time.Hour && time.Since(begin) < 3*time.Hour {
				p.stop() // a restart in the middle of the outage
				p.start()
			}
		}
		for range 48 {
			wait(time.Hour)
			if p.stats().Pending == 0 {
				break
			}
		}
		if s := p.stats(); s.Pending != 0 {
			t.Fatalf("stats %+v", s)
		}
		p.stop()
		checkPace(t, p.slack.Calls())
		repeats := checkThreads(t, p.slack.Messages(), incidents)
		if history && repeats > 0 {
			t.Errorf("%d messages came twice although the history can be read", repeats)
		}
		t.Logf("%d incidents, %d requests, %d repeats", len(names)*incidents["a"], len(p.slack.Calls()), repeats)
	})
}

// checkPace holds the limits of Slack.
func checkPace(t *testing.T, calls []alertstest.Call) {
	t.Helper()
	last := map[string]time.Time{}
	for _, c := range calls {
		if strings.HasPrefix(c.Method, "conversations.") {
			continue
		}
		gap := time.Second
		if c.Method == "chat.update" {
			gap = 1200 * time.Millisecond
		}
		if since := c.At.Sub(last[c.Method]); since < gap {
			t.Errorf("%s %v after the one before", c.Method, since)
		}
		last[c.Method] = c.At
	}
}

// checkThreads holds that every incident of every check has begun and ended,
// in order, and that whatever stands twice is marked. It returns how many
// stand twice.
func checkThreads(t *testing.T, messages []alertstest.Message, incidents map[string]int) int {
	t.Helper()
	repeats := 0
	begun, ended := map[string]int{}, map[string]int{}
	roots := map[string]string{} // ts to check
	for _, m := range messages {
		text, repeat := strings.CutSuffix(m.Text, " (possible repeat)")
		if m.Thread == "" {
			var check string
			var n int
			// The root was edited by now; what it was about stands in it.
			if _, err := fmt.Sscanf(strings.Fields(text)[1], "%s", &check); err != nil {
				t.Fatal(err)
			}
			for i := 1; i <= incidents[check]; i++ {
				if strings.Contains(m.Reader, fmt.Sprintf("incident %d", i)) {
					n = i
				}
			}
			roots[m.ID] = check
			folded := strings.HasPrefix(text, "🟢 "+check+" was failing from ")
			switch {
			case n == begun[check]+1 && ended[check] == begun[check] && folded:
				begun[check], ended[check] = n, n
			case n == begun[check]+1 && ended[check] == begun[check]:
				begun[check] = n
			case n == begun[check]:
				repeats++
			default:
				t.Errorf("%s: incident %d begins after %d (ended %d)", check, n, begun[check], ended[check])
			}
			continue
		}
		check := roots[m.Thread]
		if !strings.HasPrefix(text, "🟢 "+check+" recovered") {
			t.Errorf("reply %q in a thread of %s", text, check)
		}
		switch {
		case ended[check] == begun[check]-1:
			ended[check]++
		case ended[check] == begun[check] && repeat:
			repeats++
		default:
			t.Errorf("%s: %q of %d when %d have ended", check, m.Text, begun[check], ended[check])
		}
	}
	for check, n := range incidents {
		if begun[check] != n || ended[check] != n {
			t.Errorf("%s: %d incidents, %d begun, %d ended", check, n, begun[check], ended[check])
		}
	}
	return repeats
}
