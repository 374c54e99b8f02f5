package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"watchword/alerts/alertstest"
	"watchword/checks"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/web"
)

// demoListen is the usual address of the metrics.
const demoListen = "127.0.0.1:9780"

//go:embed demo.hcl
var demoConfig string

func (a *app) demoCommand() *cobra.Command {
	var (
		length  time.Duration
		webhook string
	)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A tour without network and without files to prepare",
		Long: `demo starts an API on loopback that demands client certificates, and watches it:
checks pass, degrade, fail and recover within two minutes, a certificate is
about to expire, and a server refuses the certificate of the wrong CA. Slack
messages appear in the terminal as a reader would see them.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if length > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, length)
				defer cancel()
			}
			return a.demo(ctx, webhook)
		},
	}
	cmd.Flags().DurationVar(&length, "for", 0, "end after this long, such as 2m; without it, at Ctrl-C")
	cmd.Flags().StringVar(&webhook, "slack-webhook", "", "send the messages to this incoming webhook `URL` instead of the terminal")
	return cmd
}

// demo runs a daemon, the same as ever, against a small world on loopback.
func (a *app) demo(ctx context.Context, webhook string) (err error) {
	dir, err := os.MkdirTemp("", "watchword-demo-")
	if err != nil {
		return fmt.Errorf("starting the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	tour := newTour(a)
	world, err := startWorld(dir)
	if err != nil {
		return fmt.Errorf("starting the demo: %w", err)
	}
	defer func() { err = errors.Join(err, world.Close()) }()

	slack := &alertstest.Slack{OnMessage: tour.message}
	if err := slack.Start(); err != nil {
		return fmt.Errorf("starting the demo: %w", err)
	}
	defer slack.Close()

	text := demoConfig
	if webhook != "" {
		text = withWebhook(text)
	}
	file := filepath.Join(dir, "demo.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("starting the demo: %w", err)
	}
	opts := config.Options{
		WorkDir: dir,
		Vars:    map[string]string{"api": world.api.Addr(), "partner": world.partner.Addr(), "slack_api": slack.APIURL()},
		Environ: environ(map[string]string{"DEMO_SLACK_TOKEN": "xoxb-demo", "DEMO_SLACK_WEBHOOK": webhook}), //nolint:gosec // the demo's own Slack takes any token
	}
	tour.welcome(file, webhook)
	stopTelling := world.tell(ctx, tour.event)
	err = watchDemo(ctx, file, opts, tour, world)
	stopTelling()
	tour.goodbye()
	return err
}

// watchDemo runs the daemon at the usual address, or at another one if that
// is taken.
func watchDemo(ctx context.Context, file string, opts config.Options, tour *tour, world *world) (err error) {
	for _, listen := range []string{demoListen, "127.0.0.1:0"} {
		opts.Vars["listen"] = listen
		d := &daemon{
			Load:    func(ctx context.Context) (*config.Config, error) { return config.Load(ctx, file, opts) },
			Logger:  slog.New(slog.DiscardHandler), // the tour tells everything in its own words
			Secrets: new(redaction),
			Web:     new(web.Server),
			Observe: tour.observe,
			Started: func(addr net.Addr, cfg *config.Config) {
				tour.started(addr, cfg)
				world.begin()
			},
		}
		err = d.Run(ctx)
		if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "listen" {
			break
		}
	}
	return err
}

// withWebhook is the configuration with a real webhook as its receiver.
func withWebhook(text string) string {
	text, _, _ = strings.Cut(text, `receiver "slack" "demo" {`)
	text = strings.Replace(text, `variable "slack_api" { type = string }`, `variable "slack_api" { type = string } # unused with a webhook`, 1)
	text = strings.Replace(text, `secret "slack_token" { env = "DEMO_SLACK_TOKEN" }`, `secret "slack_webhook" { env = "DEMO_SLACK_WEBHOOK" }`, 1)
	return text + "receiver \"slack\" \"demo\" {\n  webhook_url = secret.slack_webhook\n}\n"
}

// environ is an environment with these names alone.
func environ(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := values[name]
		return v, ok
	}
}

// A tour tells in the terminal what happens in a demo.
type tour struct {
	w     io.Writer
	s     screen
	began time.Time

	mu      sync.Mutex
	last    map[string]checks.Outcome
	tally   map[string]map[checks.Outcome]int
	order   []string
	metrics string
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
	lines := []string{detail}
	if t.s.width > 0 {
		lines = wrap(text+"  "+detail, t.s.width-margin)
		lines[0] = strings.TrimPrefix(lines[0], text+"  ")
	}
	fmt.Fprintf(t.w, "%s %s %s  %s\n", t.s.faint(fmt.Sprintf("%5.1fs", time.Since(t.began).Seconds())), mark, t.s.bold(text), t.s.faint(lines[0]))
	for _, line := range lines[1:] {
		fmt.Fprintf(t.w, "%*s%s\n", margin, "", t.s.faint(line))
	}
}

func (t *tour) welcome(file, webhook string) {
	fmt.Fprintf(t.w, "%s\n\n", t.s.bold("watchword demo: an API that demands client certificates, and six checks that watch it"))
	fmt.Fprintf(t.w, "  configuration  %s\n", file)
	if webhook != "" {
		fmt.Fprintf(t.w, "  messages       to your Slack webhook\n")
	}
}

func (t *tour) started(addr net.Addr, cfg *config.Config) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.metrics = "http://" + addr.String() + "/metrics"
	fmt.Fprintf(t.w, "  status page    http://%s/\n", addr)
	fmt.Fprintf(t.w, "  metrics        %s\n", t.metrics)
	if addr.String() != demoListen {
		fmt.Fprintf(t.w, "                 (%s is taken)\n", demoListen)
	}
	fmt.Fprintf(t.w, "  stop           Ctrl-C\n\n")
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
	fmt.Fprintf(t.w, "\n  %s\n", t.s.faint("┌─ "+what))
	for line := range strings.Lines(m.Reader) {
		for _, part := range wrap(strings.TrimRight(line, "\n"), width) {
			fmt.Fprintf(t.w, "  %s %s\n", t.s.faint("│"), part)
		}
	}
	fmt.Fprintf(t.w, "  %s\n\n", t.s.faint("└─"))
}

// wrap breaks a line at spaces where it can.
func wrap(line string, width int) []string {
	var out []string
	rest := []rune(line)
	for len(rest) > width {
		cut := width
		for i := width; i > width/2; i-- {
			if rest[i] == ' ' {
				cut = i
				break
			}
		}
		out = append(out, string(rest[:cut]))
		rest = []rune("  " + strings.TrimLeft(string(rest[cut:]), " "))
	}
	return append(out, string(rest))
}

// goodbye sums up, and says what to look at next.
func (t *tour) goodbye() {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.w)
	tab := t.s.table(t.w, table.Row{"check", "passed", "degraded", "failed", "unknown", "last"})
	for _, name := range t.order {
		n := t.tally[name]
		tab.AppendRow(table.Row{
			t.s.bold(name), n[checks.Passed], n[checks.Degraded], n[checks.Failed], n[checks.Unknown],
			cmp.Or(string(t.last[name]), "-"),
		})
	}
	tab.Render()
	next := []string{
		"watchword demo again, and meanwhile: curl -s " + cmp.Or(t.metrics, "http://"+demoListen+"/metrics") + " | grep ^watchword_check_",
		"examples/quickstart      the shortest real configuration",
		"examples/payments-mtls   certificates for many hosts",
		"watchword validate, watchword test, watchword cert which URL",
	}
	fmt.Fprintf(t.w, "\n%s\n  %s\n", t.s.bold("What to look at next"), strings.Join(slices.Clip(next), "\n  "))
}
