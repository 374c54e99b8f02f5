package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rarely is a schedule that lets nothing run in a test.
const rarely = "0 0 29 2 *"

type shownRun struct {
	Started  time.Time
	Duration float64
	Outcome  string
	Gap      bool
}

type shownCheck struct {
	Check, Status string
	LastRun       *time.Time `json:"last_run"`
	Runs          []shownRun
}

type shownIncident struct {
	Check, Level, Reason, Message string
	Incident                      int
	Since                         time.Time
	Until                         *time.Time
}

// answer reads an answer of the API.
func answer[T any](p *process, path string) (list []T) {
	p.t.Helper()
	_, body := p.get(path)
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		p.t.Fatal(err)
	}
	return list
}

func checksOf(p *process) []shownCheck       { return answer[shownCheck](p, "/api/v1/checks") }
func incidentsOf(p *process) []shownIncident { return answer[shownIncident](p, "/api/v1/incidents") }

// failAndRecover starts a daemon whose check fails and is well again, and
// returns it once the incident is over.
func (s *site) failAndRecover(path string) (p *process, over []shownIncident) {
	s.t.Helper()
	s.broken.Store(true)
	p = startDaemon(s.t, path)
	eventually(s.t, "the incident is open", func() bool { return len(incidentsOf(p)) == 1 })
	s.broken.Store(false)
	eventually(s.t, "the incident is over", func() bool {
		over = incidentsOf(p)
		return len(over) == 1 && over[0].Until != nil && checksOf(p)[0].Status == "passing" // which shows once it is stored
	})
	return p, over
}

func (p *process) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != exitOK {
		p.t.Fatalf("exit code %d", code)
	}
}

func (p *process) wantOnPage(path string, texts ...string) {
	p.t.Helper()
	_, page := p.get(path)
	for _, text := range texts {
		if !strings.Contains(page, text) {
			p.t.Errorf("%s has no %q:\n%s", path, text, page)
		}
	}
}

// TestHistoryAfterRestart has a check fail and recover, and starts the daemon
// again in order, and after a SIGKILL: the incident that is over and the latest
// runs are there, and none is shown that nobody has seen.
func TestHistoryAfterRestart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	often := s.base() + ordersCheck
	seldom := strings.Replace(often, "@every 1s", rarely, 1)
	path := write(t, s.dir, "main.hcl", "%s", often)
	p, over := s.failAndRecover(path)
	before := checksOf(p)[0].Runs
	p.terminate()

	write(t, s.dir, "main.hcl", "%s", seldom)
	p = startDaemon(t, path)
	if diff := cmp.Diff(over, incidentsOf(p)); diff != "" {
		t.Errorf("the incident after the restart (-before +after):\n%s", diff)
	}
	c := checksOf(p)[0]
	kept := c.Runs
	outcomes := make(map[string]int)
	for i, r := range kept {
		outcomes[r.Outcome]++
		if r.Gap || i > 0 && !r.Started.After(kept[i-1].Started) {
			t.Errorf("run %d is %+v", i, r)
		}
	}
	for _, r := range before {
		if !slices.Contains(kept, r) && !r.Started.Before(kept[0].Started) {
			t.Errorf("a run is lost: %+v", r)
		}
	}
	if outcomes["failed"] == 0 || outcomes["passed"] == 0 || len(kept) < len(before) || c.Status != "unknown" ||
		c.LastRun == nil || !c.LastRun.Equal(kept[len(kept)-1].Started) {
		t.Errorf("before the restart were %+v, after it is %+v", before, c)
	}
	const layout = "2006-01-02 15:04:05 UTC"
	p.wantOnPage("/", "Nothing is failing", "1 unknown", "runs: ")
	p.wantOnPage("/checks/orders", "status is 503, want", over[0].Since.Format(layout), over[0].Until.Format(layout),
		c.LastRun.Format(layout), "share of tls", `<span class="state failed">failed</span>`)

	write(t, s.dir, "main.hcl", "%s", often)
	p.signal(syscall.SIGHUP)
	eventually(t, "it runs again", func() bool {
		return len(checksOf(p)[0].Runs) >= min(len(kept)+2, 30) && checksOf(p)[0].Status == "passing"
	})
	var gaps []time.Time
	for _, r := range checksOf(p)[0].Runs {
		if r.Gap {
			gaps = append(gaps, r.Started)
		}
	}
	if len(gaps) != 1 || !gaps[0].After(*c.LastRun) {
		t.Errorf("there are gaps before %v, want one between the starts", gaps)
	}
	p.wantOnPage("/checks/orders", "watchword was started here: runs may be missing", "watchword was started in between")

	// What has run since the last time that runs were saved is lost with a
	// SIGKILL, and nothing is shown instead.
	p.signal(syscall.SIGKILL)
	p.wait()
	write(t, s.dir, "main.hcl", "%s", seldom)
	p = startDaemon(t, path)
	if diff := cmp.Diff(over, incidentsOf(p)); diff != "" {
		t.Errorf("the incident after SIGKILL (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(kept, checksOf(p)[0].Runs); diff != "" {
		t.Errorf("the runs after SIGKILL (-saved +shown):\n%s", diff)
	}
}

// TestHistoryOfIncidentAfterKill kills the daemon as soon as the incident is
// over, before it has ever saved a run.
func TestHistoryOfIncidentAfterKill(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", "%s", s.base()+ordersCheck)
	p, over := s.failAndRecover(path)
	p.signal(syscall.SIGKILL)
	p.wait()
	write(t, s.dir, "main.hcl", "%s", strings.Replace(s.base(), "@every 1s", rarely, 1)+ordersCheck)
	p = startDaemon(t, path)
	if diff := cmp.Diff(over, incidentsOf(p)); diff != "" {
		t.Errorf("the incident after SIGKILL (-before +after):\n%s", diff)
	}
	if c := checksOf(p)[0]; len(c.Runs) != 0 || c.LastRun != nil || c.Status != "unknown" {
		t.Errorf("the check is %+v", c)
	}
	p.wantOnPage("/checks/orders", "It has not run yet.", "status is 503, want")
}

// TestHistoryOfRemovedCheck takes a check out of the configuration for a start:
// its runs are gone, and what was wrong with it is still known.
func TestHistoryOfRemovedCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", "%s", s.base()+ordersCheck)
	p, over := s.failAndRecover(path)
	p.terminate()

	base := strings.Replace(s.base(), "@every 1s", rarely, 1)
	write(t, s.dir, "main.hcl", "%s", base+strings.Replace(ordersCheck, `"orders"`, `"renamed"`, 1))
	p = startDaemon(t, path)
	if list := checksOf(p); len(list) != 1 || list[0].Check != "renamed" || len(list[0].Runs) != 0 || len(incidentsOf(p)) != 0 {
		t.Errorf("a check of another name has %+v, %+v", list, incidentsOf(p))
	}
	p.terminate()

	write(t, s.dir, "main.hcl", "%s", base+ordersCheck)
	p = startDaemon(t, path)
	if list := checksOf(p); len(list[0].Runs) != 0 {
		t.Errorf("a check that was gone has %+v", list)
	}
	if diff := cmp.Diff(over, incidentsOf(p)); diff != "" {
		t.Errorf("the incident (-before +after):\n%s", diff)
	}
}

// TestDamagedHistory starts the daemon with runs that cannot be read, and
// where none can be saved.
func TestDamagedHistory(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", "%s", s.base()+ordersCheck)
	runs := filepath.Join(s.dir, "watchword.db.runs")
	p, over := s.failAndRecover(path)
	p.terminate()
	raw, err := os.ReadFile(runs)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	write(t, s.dir, "watchword.db.runs", string(raw))
	p = launch(t, path)
	p.await("the latest runs of before are not known")
	p.listening()
	if diff := cmp.Diff(over, incidentsOf(p)); diff != "" || p.metric(`watchword_store_quarantined_total{location="fra1"}`) != "0" {
		t.Errorf("the incident (-before +after):\n%s", diff)
	}
	if list := checksOf(p); slices.ContainsFunc(list[0].Runs, func(r shownRun) bool { return r.Outcome == "failed" || r.Gap }) {
		t.Errorf("runs of before are shown: %+v", list)
	}
	if err := os.Remove(runs); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(runs, 0o700); err != nil {
		t.Fatal(err)
	}
	p.terminate() // as if it could
	if !strings.Contains(p.log(), "the next start will not know the latest runs") {
		t.Errorf("the log does not say that runs could not be saved:\n%s", p.log())
	}
}
