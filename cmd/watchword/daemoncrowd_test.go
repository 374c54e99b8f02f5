package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchword/alerts/alertstest"
)

// TestCrowd lets 200 checks fail at once, and recover. The first is told at
// once, the others in one message for each time that they are put together,
// with their count and the first 20; their recovery edits the same messages.
func TestCrowd(t *testing.T) {
	const crowd, wait = 200, 3 * time.Second
	s := newSite(t)
	var text strings.Builder
	text.WriteString(s.base() + fmt.Sprintf("route {\n  receivers  = [receiver.slack.oncall]\n  group_wait = %q\n}\n", wait))
	for i := range crowd {
		fmt.Fprintf(&text, "check \"shop-%03d\" {\n  schedule = \"@every 3s\"\n  request { url = \"https://shop%d.acme.test/\" }\n}\n", i, i)
	}
	p := startDaemon(t, write(t, s.dir, "main.hcl", text.String()))
	eventually(t, "all checks pass", func() bool { return p.metrics("watchword_check_runs_total", "outcome")["passed"] >= crowd })
	s.broken.Store(true)
	eventually(t, "Slack is told of all", func() bool { n, _ := counted(s.slack.Messages()); return n >= crowd })
	failed := s.slack.Messages()
	s.broken.Store(false)
	eventually(t, "Slack is told that all have recovered", func() bool {
		recovered := 0
		for _, m := range s.slack.Messages() {
			if m.Broadcast && strings.HasPrefix(m.Text, "🟢 ") {
				recovered++
			}
		}
		return recovered == len(failed)
	})
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code is %d, want 0", code)
	}

	n, told := counted(failed)
	if n != crowd {
		t.Errorf("the messages count %d checks, want %d: %q", n, crowd, told)
	}
	var began, ended time.Time // of what was told of failures
	for _, c := range s.slack.Calls() {
		if c.Method == "chat.postMessage" && strings.HasPrefix(c.Text, "🔴 ") {
			if began.IsZero() {
				began = c.At
			}
			ended = c.At
		}
	}
	if most := 2 + int(ended.Sub(began)/wait); len(failed) > most {
		t.Errorf("%d messages within %s, want %d at most: %q", len(failed), ended.Sub(began), most, told)
	}
	if !regexp.MustCompile(`^🔴 shop-\d+ is failing: status is 503`).MatchString(failed[0].Text) {
		t.Errorf("the first message says %q", failed[0].Text)
	}
	group := failed[1]
	if !strings.Contains(group.Text, " checks are failing: all on *.acme.test, all say ") {
		t.Errorf("the group says %q", group.Text)
	}
	size, _ := counted(failed[1:2])
	if names := strings.Count(group.Reader, "\n🔴 shop-"); names != min(size, 20) || !strings.Contains(group.Reader, fmt.Sprintf("\nand %d more\n", size-20)) {
		t.Errorf("%d of %d checks are named in\n%s", names, size, group.Reader)
	}
	after := s.slack.Messages()
	for i, m := range failed {
		if now := after[i]; now.ID != m.ID || !now.Edited || !strings.HasPrefix(now.Text, "🟢 ") || !strings.Contains(now.Text, "recovered after") {
			t.Errorf("%q became %q", m.Text, now.Text)
		}
	}
	if len(after) != 2*len(failed) {
		t.Errorf("%d messages, want one of the failure and one of the recovery for each of %d", len(after), len(failed))
	}
	for _, m := range after {
		t.Logf("thread %q, edited %t: %s", m.Thread, m.Edited, m.Text)
	}
}

// counted adds up the checks that the first messages of threads count.
func counted(list []alertstest.Message) (n int, told []string) {
	some := regexp.MustCompile(`^🔴 (\d+) checks `)
	for _, m := range list {
		told = append(told, m.Text)
		if found := some.FindStringSubmatch(m.Text); found != nil {
			count, err := strconv.Atoi(found[1])
			if err != nil {
				return -1, told
			}
			n += count
		} else {
			n++
		}
	}
	return n, told
}
