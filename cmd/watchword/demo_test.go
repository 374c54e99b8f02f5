package main

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"watchword/alerts/alertstest"
)

// With --slack-webhook the messages go there.
func TestDemoWithWebhook(t *testing.T) {
	slack := &alertstest.Slack{}
	if err := slack.Start(); err != nil {
		t.Fatal(err)
	}
	defer slack.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil && len(slack.Messages()) == 0 {
			<-tick.C
		}
		cancel()
	}()
	a := &app{stdout: io.Discard, stderr: io.Discard, environ: os.LookupEnv}
	if err := a.demo(ctx, slack.WebhookURL()); err != nil {
		t.Fatal(err)
	}
	for _, m := range slack.Messages() {
		if strings.Contains(m.Text, "certificate reports expires in 6 days") {
			return
		}
	}
	t.Errorf("the webhook got %v, want the expiring certificate", slack.Messages())
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		line  string
		width int
		want  string
	}{
		{"short", 10, "short"},
		{"breaks at a space", 12, "breaks at a|  space"},
		{"nowhereToBreakThis", 10, "nowhereToB|  reakThis"},
		{"会社会社 会社会社", 10, "会社会社|  会社会社"},
		{"会社会社会社", 10, "会社会社会|  社"},
		{"🔴 ab is failing", 12, "🔴 ab is|  failing"},
		{"⚠️ watchword at fra", 14, "⚠️ watchword|  at fra"},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301", 10, "e\u0301e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301"},
		{"as narrow as it gets", 1, "as narrow|  as it|  gets"},
	} {
		if got := strings.Join(wrap(tt.line, tt.width), "|"); got != tt.want {
			t.Errorf("wrap(%q, %d) = %q, want %q", tt.line, tt.width, got, tt.want)
		}
	}
}
