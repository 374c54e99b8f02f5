package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestStatusPageAfterRestart kills a daemon whose check fails, and starts it
// again with a schedule that lets nothing run: page and API know since when
// the check fails, and why.
func TestStatusPageAfterRestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.broken.Store(true)
	path := write(t, s.dir, "main.hcl", "%s", s.base()+ordersCheck)
	p := startDaemon(t, path)
	type incident struct {
		Check, Reason, Message string
		Incident               int
		Since                  time.Time
		Until                  *time.Time
	}
	incidents := func(p *process) (list []incident) {
		_, body := p.get("/api/v1/incidents")
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	eventually(t, "the incident is open", func() bool { return len(incidents(p)) == 1 })
	eventually(t, "Slack is told", s.told("orders is failing"))
	before := incidents(p)
	p.signal(syscall.SIGKILL)
	p.wait()

	write(t, s.dir, "main.hcl", "%s", strings.Replace(s.base(), "@every 1s", "0 0 1 1 *", 1)+ordersCheck)
	p = startDaemon(t, path)
	if diff := cmp.Diff(before, incidents(p)); diff != "" {
		t.Errorf("the incident after the restart (-before +after):\n%s", diff)
	}
	var list []struct {
		Status, Reason, Message string
		AlertState              string `json:"alert_state"`
		Since, LastRun          *time.Time
	}
	_, body := p.get("/api/v1/checks")
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v in %s", err, body)
	}
	if c := list[0]; c.Status != "failing" || c.AlertState != "firing" || c.Since == nil || !c.Since.Equal(before[0].Since) ||
		c.Reason != "expectation" || !strings.Contains(c.Message, "status is 503") || c.LastRun != nil {
		t.Errorf("the check after the restart is %+v", c)
	}
	for path, want := range map[string][]string{
		"/":              {"1 check of 1 needs attention", "status is 503, want", "it has not run since"},
		"/checks/orders": {"failing since", before[0].Since.UTC().Format("2006-01-02 15:04:05 UTC"), "to now: status is 503"},
	} {
		_, page := p.get(path)
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s has no %q:\n%s", path, text, page)
			}
		}
	}

	// It recovers as if nothing had been in between.
	s.broken.Store(false)
	write(t, s.dir, "main.hcl", "%s", s.base()+ordersCheck)
	p.signal(syscall.SIGHUP)
	eventually(t, "the incident is over", func() bool {
		list := incidents(p)
		return len(list) == 1 && list[0].Incident == before[0].Incident && list[0].Since.Equal(before[0].Since) && list[0].Until != nil
	})
}
