package alerts_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

// texts returns what stands in the channels: replies after an arrow, edited
// messages in brackets.
func (p *post) texts() []string {
	var out []string
	for _, m := range p.slack.Messages() {
		text := m.Text
		if m.Edited {
			text = "[" + text + "]"
		}
		if m.Thread != "" {
			text = "> " + text
		}
		out = append(out, text)
	}
	return out
}

func (p *post) want(want ...string) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.texts()); diff != "" {
		p.t.Errorf("in Slack: -want +got\n%s", diff)
	}
}

// down makes Slack take nothing, or take messages again.
func (p *post) down(on bool) {
	p.slack.SetFault(func(alertstest.Call) alertstest.Fault {
		if on {
			return alertstest.Fault{Status: 429}
		}
		return alertstest.Fault{}
	})
}

// TestFolded: an outage of Slack is followed by what someone needs to know
// of it and no more.
func TestFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "long", "short", "removed", "open")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.engine.Run(ctx) }()
		p.run("long", checks.Failed, "x")
		wait(10 * time.Second)
		p.down(true)
		p.run("short", checks.Failed, "y")
		p.run("removed", checks.Failed, "z")
		p.run("open", checks.Failed, "w")
		wait(5 * time.Hour) // with reminders
		p.run("short", checks.Passed, "")
		p.run("long", checks.Passed, "")
		p.setup.Subjects = p.setup.Subjects[:2]
		p.setup.Subjects = append(p.setup.Subjects, alerts.Subject{Name: "open"})
		if err := p.engine.Load(ctx, p.setup); err != nil {
			t.Fatal(err)
		}
		p.down(false)
		wait(10 * time.Minute)
		p.want(
			"[🟢 long recovered after 5h]",
			"🟢 short was failing from 00:00 to 05:00 UTC: y",
			"⚪ removed was failing from 00:00 to 05:00 UTC, until removed or disabled: z",
			"🔴 open is failing: w",
			"> 🔴 open is still failing after 5h: w",
			"> 🟢 long recovered after 5h",
		)
		if s := p.stats(); s.Pending != 0 {
			t.Errorf("stats %+v", s)
		}
		cancel()
		<-done
		p.stop()
	})
}

// TestFoldedGroup: a whole group that was over before Slack was reachable.
func TestFoldedGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t)
		p.setup = crowd(5)
		p.setup.Receivers = []string{"slack.a"}
		if err := p.engine.Load(t.Context(), p.setup); err != nil {
			t.Fatal(err)
		}
		p.down(true)
		for i := range 5 {
			p.run(fmt.Sprintf("c%02d", i), checks.Failed, "x")
		}
		wait(20 * time.Second)
		p.engine.Look(t.Context(), time.Now())
		for i := range 5 {
			p.run(fmt.Sprintf("c%02d", i), checks.Passed, "")
		}
		p.engine.Look(t.Context(), time.Now())
		p.down(false)
		wait(10 * time.Minute)
		p.want("🟢 c00 was failing from 00:00:00 to 00:00:20 UTC: x", "🟢 4 checks were failing from 00:00:00 to 00:00:20 UTC: all on *.acme.com, all say x")
		p.stop()
	})
}

// TestFoldedAfterALostAnswer: what may have arrived as a beginning is not
// folded away.
func TestFoldedAfterALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a", "b")
		var lose atomic.Bool
		lose.Store(true)
		p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
			if lose.Load() && c.Method == "chat.postMessage" {
				return alertstest.Fault{Dropped: true}
			}
			return alertstest.Fault{}
		}
		p.run("a", checks.Failed, "x")
		wait(100 * time.Millisecond) // it was sent
		lose.Store(false)
		p.run("a", checks.Passed, "")
		wait(time.Minute)
		p.want("🔴 a is failing: x", "[🟢 a recovered after 0s]", "> 🟢 a recovered after 0s")
		lose.Store(true)
		p.run("a", checks.Failed, "y")
		p.run("a", checks.Passed, "")
		wait(100 * time.Millisecond) // the folded one was sent
		lose.Store(false)
		wait(time.Minute)
		p.want(
			"🔴 a is failing: x", "[🟢 a recovered after 0s]", "> 🟢 a recovered after 0s",
			"🟢 a was failing from 00:01:00 to 00:01:00 UTC: y", "🟢 a was failing from 00:01:00 to 00:01:00 UTC: y (possible repeat)",
		)
		p.stop()
	})
}

// TestHistory: where the token may read the history, nothing is sent twice,
// neither after lost answers nor after a crash, and nothing is marked.
func TestHistory(t *testing.T) {
	for known, many := range map[string]int{"#oncall": 210, "CONCALL": 3} {
		synctest.Test(t, func(t *testing.T) {
			p := startPost(t, "a", "b")
			p.stop()
			p.slack.History = true
			p.start()
			p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": &alerts.Slack{
				Token: token, Channel: known, APIURL: p.slack.APIURL(), Client: p.slack.Client(), Pacer: p.pacer,
			}})
			p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
				return alertstest.Fault{Dropped: c.Method == "chat.postMessage"} // every answer is lost
			}
			p.run("a", checks.Failed, "x")
			wait(time.Minute)
			for range many { // more than 200: it is not on the first page
				p.run("b", checks.Failed, "y")
				wait(20 * time.Second)
				p.run("b", checks.Passed, "")
				wait(20 * time.Second)
			}
			p.run("a", checks.Passed, "")
			wait(time.Minute)
			count := map[string]int{}
			for _, m := range p.slack.Messages() {
				if strings.Contains(m.Text, "repeat") {
					t.Errorf("%q", m.Text)
				}
				if m.Thread == "" {
					count["root"]++
				} else {
					count["reply"]++
				}
			}
			if want := map[string]int{"root": many + 1, "reply": many + 1}; !cmp.Equal(count, want) {
				t.Errorf("messages %v, want %v", count, want)
			}
			if s := p.stats(); s.PossibleRepeat != 0 || s.Sent != uint64(2*many+2) || s.Pending != 0 {
				t.Errorf("stats %+v", s)
			}
			p.stop()
		})
	}
}

// TestHistoryAfterACrash: the process died before the message was sent, or
// after.
func TestHistoryAfterACrash(t *testing.T) {
	for _, arrived := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := startPost(t, "a")
			p.slack.History = true
			p.slack.Fault = func(alertstest.Call) alertstest.Fault {
				f := alertstest.Fault{Dropped: true}
				if !arrived {
					f = alertstest.Fault{Refused: true}
				}
				p.cancel() // the process ends while it waits for the answer
				return f
			}
			p.run("a", checks.Failed, "x")
			wait(time.Second)
			p.stop()
			p.slack.Fault = nil
			p.start() // a new receiver, which has to look up the channel
			wait(time.Minute)
			p.run("a", checks.Passed, "")
			wait(time.Minute)
			p.want("[🟢 a recovered after 1m1s]", "> 🟢 a recovered after 1m1s")
			p.stop()
		})
	}
}

// TestHistoryThatCannotBeRead is no reason to keep silent.
func TestHistoryThatCannotBeRead(t *testing.T) {
	for name, fault := range map[string]alertstest.Fault{"500": {Status: 500}, "code": {Code: "method_deprecated"}, "429": {Status: 429, RetryAfter: 30}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := startPost(t, "a")
				p.slack.History = true
				first := true
				p.slack.Fault = func(c alertstest.Call) alertstest.Fault {
					if strings.HasPrefix(c.Method, "conversations.") {
						return fault
					}
					defer func() { first = false }()
					return alertstest.Fault{Dropped: first}
				}
				p.run("a", checks.Failed, "x")
				wait(3 * time.Hour)
				p.want("🔴 a is failing: x", "🔴 a is failing: x (possible repeat)")
				p.stop()
			})
		})
	}
}

func TestMention(t *testing.T) {
	for in, want := range map[string]string{
		"@here": "<!here>", "<!channel>": "<!channel>", "everyone": "<!everyone>", "U012AB3CD": "<@U012AB3CD>", "<@W012AB3CD>": "<@W012AB3CD>",
		"S012AB3CD": "<!subteam^S012AB3CD>", "<!subteam^S012AB3CD>": "<!subteam^S012AB3CD>", "@alice": "", "": "", "<https://x|y>": "", "U1 <!here>": "",
	} {
		if got, err := alerts.ParseMention(in); got != want || (err == nil) != (want != "") {
			t.Errorf("ParseMention(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		p := startPost(t, "a")
		r := p.receiver()
		r.Mention = "<!here>"
		p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": r})
		p.run("a", checks.Failed, "x")
		wait(time.Minute)
		if m := p.slack.Messages(); !strings.HasSuffix(m[0].Reader, "\n<!here>") {
			t.Errorf("message %q", m[0].Reader)
		}
		p.run("a", checks.Passed, "")
		wait(time.Minute)
		for _, m := range p.slack.Messages() {
			if strings.Contains(m.Reader, "here") {
				t.Errorf("message %q", m.Reader)
			}
		}
		p.stop()
	})
}

func TestLinks(t *testing.T) {
	setup := alerts.Setup{
		Receivers: []string{"a"}, Links: alerts.Links{External: "https://ww.example/", Grafana: "https://g.example", Source: "https://git.example/blob/main/"},
		Subjects: []alerts.Subject{{Name: "orders/edge[fra 1]", Source: checks.Source{File: "conf/orders.hcl", Line: 12}}},
	}
	r := newRig(t, setup)
	r.at("orders/edge[fra 1]", checks.Failed, refused)
	want := []alerts.Link{
		{Name: "dashboard", URL: "https://g.example/d/watchword-check?var-check=orders%2Fedge%5Bfra+1%5D"},
		{Name: "status", URL: "https://ww.example/checks/orders/edge%5Bfra%201%5D"},
		{Name: "source", URL: "https://git.example/blob/main/conf/orders.hcl#L12"},
	}
	m := r.store.Queued()[0].Message
	if diff := cmp.Diff(want, m.Links); diff != "" {
		t.Error(diff)
	}
	if text := alerts.RenderText(m); !strings.HasSuffix(text, want[1].URL+" · defined at conf/orders.hcl:12 "+want[2].URL) {
		t.Errorf("reads\n%s", text)
	}
}
