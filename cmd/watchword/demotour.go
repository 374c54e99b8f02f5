package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"watchword/alerts/alertstest"
	"watchword/checks"
	"watchword/cmd/internal/config"
)

// A tour tells in the terminal what happens in a demo.
type tour struct {
	w     io.Writer
	s     screen
	began time.Time

	mu    sync.Mutex
	last  map[string]checks.Outcome
	tally map[string]map[checks.Outcome]int
	order []string
	page  string // address of the status page
	dir   string // of the demo's files
	apart bool   // the last line is empty
}

func newTour(a *app) *tour {
	return &tour{
		w: a.stdout, s: a.screenOf(a.stdout), began: time.Now(),
		last: make(map[string]checks.Outcome), tally: make(map[string]map[checks.Outcome]int),
	}
}

// say writes a line with the time since the beginning, detail in faint behind
// text.
func (t *tour) say(mark, text, detail string) {
	const margin = 9
	line := text
	if detail != "" {
		line += "  " + detail
	}
	lines := []string{line}
	if t.s.width > 0 {
		lines = wrap(line, t.s.width-margin)
	}
	first, rest := t.s.bold(lines[0]), ""
	if behind, ok := strings.CutPrefix(lines[0], text); ok {
		first, rest = t.s.bold(text), t.s.faint(behind)
	}
	fmt.Fprintf(t.w, "%s %s %s%s\n", t.s.faint(fmt.Sprintf("%5.1fs", time.Since(t.began).Seconds())), mark, first, rest)
	for _, line := range lines[1:] {
		fmt.Fprintf(t.w, "%*s%s\n", margin, "", t.s.faint(line))
	}
	t.apart = false
}

// facts writes names and what belongs to them, one below the other. A long
// path or address is not wrapped: it must stay whole.
func (t *tour) facts(facts ...[2]string) {
	for _, f := range facts {
		fmt.Fprintf(t.w, "  %s  %s\n", t.s.faint(fmt.Sprintf("%-13s", f[0])), f[1])
	}
}

func (t *tour) welcome(dir, webhook string) {
	title := "watchword demo: an API that demands client certificates, and six checks that watch it. Nothing leaves this machine."
	if webhook != "" {
		title = "watchword demo: an API that demands client certificates, and six checks that watch it. Messages go to your Slack webhook."
	}
	t.dir = dir
	for _, line := range wrap(title, cmp.Or(t.s.width, 120)) {
		fmt.Fprintln(t.w, t.s.bold(strings.TrimSpace(line)))
	}
	fmt.Fprintln(t.w)
}

func (t *tour) started(addr net.Addr, cfg *config.Config) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.page = "http://" + addr.String() + "/"
	page := t.page
	if addr.String() != demoListen {
		page += "  (" + demoListen + " is taken)"
	}
	t.facts(
		[2]string{"status page", page},
		[2]string{"metrics", t.page + "metrics"},
		[2]string{"configuration", filepath.Join(t.dir, demoFile) + "  (edit it: it is read again)"},
		[2]string{"in a terminal", "watchword status --state " + filepath.Join(t.dir, filepath.Base(cfg.Settings.State))},
		[2]string{"stop", "Ctrl-C; all has been seen after a minute and a half"},
	)
	marks := []string{t.s.green("✓") + " passed", t.s.yellow("!") + " degraded", t.s.red("✗") + " failed", t.s.bold("—") + " what happens to the API"}
	fmt.Fprintf(t.w, "\n  %s\n\n", strings.Join(marks, "   "))
	for _, m := range cfg.Monitors {
		t.order = append(t.order, m.Check.Name)
		t.tally[m.Check.Name] = make(map[checks.Outcome]int)
	}
}

// observe tells when the outcome of a check changes.
func (t *tour) observe(r checks.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tally[r.Check] == nil {
		return
	}
	t.tally[r.Check][r.Outcome]++
	if t.last[r.Check] == r.Outcome {
		return
	}
	t.last[r.Check] = r.Outcome
	text := r.Check + " " + string(r.Outcome)
	switch r.Outcome {
	case checks.Passed:
		detail := summary(r)
		if r.Steps[0].Status == 0 {
			detail += ", refused as expected"
		}
		t.say(t.s.green("✓"), text, detail)
	case checks.Degraded:
		t.say(t.s.yellow("!"), text, r.Message)
	default:
		t.say(t.s.red("✗"), text, reasoned(r.Reason, r.Message))
	}
}

// event tells what the world does to the checks.
func (t *tour) event(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.say(t.s.bold("—"), text, "")
}

// message shows a Slack message as a reader sees it.
func (t *tour) message(m alertstest.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what := "Slack #alerts" // the channel of demo.hcl
	switch {
	case m.Edited:
		what += ", message edited"
	case m.Thread != "" && m.Broadcast:
		what += ", reply in the thread, shown in the channel too"
	case m.Thread != "":
		what += ", reply in the thread"
	}
	width := 100
	if t.s.width > 0 {
		width = min(width, t.s.width-4)
	}
	if !t.apart {
		fmt.Fprintln(t.w)
	}
	t.apart = true
	fmt.Fprintf(t.w, "  %s\n", t.s.faint("┌─ "+what))
	for line := range strings.Lines(m.Reader) {
		for _, part := range wrap(strings.TrimRight(line, " \n"), width) {
			fmt.Fprintf(t.w, "  %s %s\n", t.s.faint("│"), part)
		}
	}
	fmt.Fprintf(t.w, "  %s\n\n", t.s.faint("└─"))
}

// goodbye sums up, and says what to look at next.
func (t *tour) goodbye() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.apart {
		fmt.Fprintln(t.w)
	}
	tab := t.s.table(t.w, table.Row{"check", "passed", "degraded", "failed", "unknown", "last"})
	for _, name := range t.order {
		n := t.tally[name]
		tab.AppendRow(table.Row{
			t.s.bold(name), n[checks.Passed], n[checks.Degraded], n[checks.Failed], n[checks.Unknown],
			cmp.Or(string(t.last[name]), "-"),
		})
	}
	tab.Render()
	fmt.Fprintf(t.w, "\n%s\n", t.s.bold("What to look at next"))
	t.facts(
		[2]string{"status page", cmp.Or(t.page, "http://"+demoListen+"/") + " while watchword demo runs"},
		[2]string{"the guide", "examples/guide.md: certificates, steps, alerts, nights"},
		[2]string{"a beginning", "examples/quickstart: then watchword validate, test and run"},
		[2]string{"many hosts", "examples/payments-mtls: and watchword cert which URL"},
		[2]string{"all words", "watchword docs"},
	)
}
