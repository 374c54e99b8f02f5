package main

import (
	"fmt"
	"strings"
	"testing"

	"watchword/alerts/alertstest"
)

// TestKillLosesNothing kills the daemon with SIGKILL amid a burst of
// failures, restarts it, and reads what arrived in Slack: every check once,
// but for the message that was in flight, which may come twice and says so.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	for _, wait := range []string{"0s", "2s"} {
		t.Run("group_wait "+wait, func(t *testing.T) {
			t.Parallel()
			killAmidBursts(t, wait)
		})
	}
}

func killAmidBursts(t *testing.T, groupWait string) {
	t.Helper()
	const checks = 8 // at most one message a second arrives
	rounds := 1
	if *full {
		rounds = 20
	}
	for round := range rounds {
		s := newSite(t)
		s.broken.Store(true)
		var text strings.Builder
		text.WriteString(s.base())
		fmt.Fprintf(&text, "route {\n  receivers = [receiver.slack.oncall]\n  group_wait = %q\n}\n", groupWait)
		for i := range checks {
			fmt.Fprintf(&text, "check \"c%d\" {\n  request { url = \"https://h%d.acme.test/\" }\n}\n", i, i)
		}
		path := write(t, s.dir, "main.hcl", text.String())
		p := startDaemon(t, path)
		kills := 0
		for ; len(firing(s.slack.Messages())) < checks/2; kills++ {
			n := len(s.slack.Messages())
			eventually(t, "one more message arrives", func() bool { return len(s.slack.Messages()) > n })
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			p.wait()
			p = startDaemon(t, path)
		}
		eventually(t, "all checks were told", func() bool { return len(firing(s.slack.Messages())) == checks })
		repeats := 0
		for check, texts := range firing(s.slack.Messages()) {
			for _, extra := range texts[1:] {
				repeats++
				if !strings.HasSuffix(extra, "(possible repeat)") {
					t.Errorf("%s was told twice without saying so: %q", check, texts)
				}
			}
		}
		if repeats > kills {
			t.Errorf("%d messages came twice with %d kills, want at most one each", repeats, kills)
		}
		t.Logf("round %d: %d kills, %d checks told, %d repeats", round, kills, checks, repeats)
	}
}

// firing collects the texts about failures by check, also those that tell of
// several.
func firing(messages []alertstest.Message) map[string][]string {
	out := make(map[string][]string)
	for _, m := range messages {
		if check, _, ok := strings.Cut(m.Text, " is failing"); ok {
			check = strings.TrimPrefix(check, "🔴 ")
			out[check] = append(out[check], m.Text)
			continue
		}
		for line := range strings.Lines(m.Reader) {
			if check, ok := strings.CutPrefix(strings.TrimSpace(line), "🔴 "); ok && !strings.Contains(check, " ") {
				out[check] = append(out[check], m.Text)
			}
		}
	}
	return out
}
