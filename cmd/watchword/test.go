package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"watchword/checks"
	"watchword/cmd/internal/config"
)

// testConcurrency bounds the checks that `watchword test` runs at once.
const testConcurrency = 16

func (a *app) testCommand() *cobra.Command {
	var output, certificate string
	cmd := &cobra.Command{
		Use:   "test [PATTERN…]",
		Short: "Run checks once, now, and explain each failure",
		Long: `test runs the checks that match one of the patterns (all enabled ones without
patterns), once and now, whatever their schedules. A pattern is a glob over the
names of checks, such as orders/*, or over the values of a label: team=orders.
Nobody is alerted. Exit code 1 if any failed.

--certificate rehearses a certificate of the configuration before it takes over:
it goes along instead of whichever other one a request would present.

-o junit writes a report for CI servers, -o github annotations of a workflow.`,
		Example: `  watchword test                         # all checks that are enabled
  watchword test orders/checkout 'edge[*]'
  watchword test team=orders --var env=staging
  watchword test -o junit > report.xml
  watchword test --certificate acme-2027 'orders/*'`,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			cfg, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			monitors, err := testable(cfg, patterns)
			if err != nil {
				return err
			}
			for _, u := range cfg.Unreadable {
				fmt.Fprintf(a.stderr, "watchword: %s %q cannot be used: %v\n", u.Kind, u.Name, u.Err)
			}
			runner := a.testRunner(cfg)
			if runner.Rehearse, err = rehearsed(cfg, certificate); err != nil {
				return err
			}
			return a.test(cmd.Context(), runner, monitors, output)
		},
	}
	outputFlag(cmd, &output, "text", "json", "junit", "github")
	cmd.Flags().StringVar(&certificate, "certificate", "", "`NAME` of a certificate to rehearse: it goes along instead of any other")
	return cmd
}

// testable are the monitors to run: a disabled one only if its name is given.
func testable(cfg *config.Config, patterns []string) ([]*config.Monitor, error) {
	monitors, err := match(cfg.Monitors, patterns)
	if err != nil {
		return nil, err
	}
	var out []*config.Monitor
	for _, m := range monitors {
		named := false
		for _, p := range patterns {
			named = named || p == m.Check.Name
		}
		if m.Enabled || named {
			out = append(out, m)
		}
	}
	return out, nil
}

func (a *app) testRunner(cfg *config.Config) *checks.Runner {
	return &checks.Runner{
		Certs:     cfg.Certificates,
		Logger:    slog.New(slog.NewTextHandler(a.stderr, nil)),
		UserAgent: userAgent(),
		Allow:     cfg.Settings.AllowNetworks,
		Deny:      cfg.Settings.DenyNetworks,
		Hosts:     checks.NewHostLimit(cfg.Settings.MaxPerHost),
	}
}

// test runs monitors and writes their results in the order of the files, as
// soon as all before have been written.
func (a *app) test(ctx context.Context, runner *checks.Runner, monitors []*config.Monitor, output string) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	runs, stop := context.WithCancel(ctx)
	defer stop()
	results := startTests(runs, &wg, runner, monitors)

	progress := a.newProgress(len(monitors))
	tally := make(map[checks.Outcome]int)
	rehearsals, cut := 0, 0
	began := time.Now()
	report := &junitReport{began: began, config: a.configPath}
	for i, m := range monitors {
		progress.show(i, m.Check.Name)
		r := <-results[i]
		progress.clear()
		if r.Outcome == checks.Unknown && ctx.Err() != nil {
			cut++ // nobody waits for it any more
			continue
		}
		tally[r.Outcome]++
		if showed(r, runner.Rehearse) {
			rehearsals++
		}
		switch output {
		case "junit":
			report.add(m, r)
		case "github":
			a.annotate(m, r)
		default:
			if err := a.writeResult(m, r, output); err != nil {
				return err
			}
		}
	}
	switch output {
	case "text", "github":
		a.writeTally(tally, len(monitors), time.Since(began))
	case "junit":
		if err := report.write(a.stdout, time.Since(began)); err != nil {
			return err
		}
	}
	if runner.Rehearse != nil {
		a.writeRehearsals(runner.Rehearse, rehearsals, len(monitors))
	}
	if cut > 0 {
		fmt.Fprintf(a.stderr, "watchword: interrupted: %s did not finish\n", count(cut, "check"))
	}
	if tally[checks.Failed]+tally[checks.Unknown]+cut > 0 {
		return codeError(exitFailed)
	}
	return nil
}

// startTests runs monitors, a few at a time, and returns where their results
// will be.
func startTests(ctx context.Context, wg *sync.WaitGroup, runner *checks.Runner, monitors []*config.Monitor) []chan checks.Result {
	results := make([]chan checks.Result, len(monitors))
	for i := range results {
		results[i] = make(chan checks.Result, 1)
	}
	wg.Go(func() {
		slots := make(chan struct{}, testConcurrency)
		for i, m := range monitors {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				results[i] <- runner.Run(ctx, m.Check)
			})
		}
	})
	return results
}

func userAgent() string { return "watchword/" + version }

func (a *app) writeResult(m *config.Monitor, r checks.Result, output string) error {
	if output == "json" {
		enc := json.NewEncoder(a.stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	s := a.screenOf(a.stdout)
	mark, word := s.green("✓"), ""
	switch r.Outcome {
	case checks.Degraded:
		mark, word = s.yellow("!"), s.yellow(" degraded")
	case checks.Failed:
		mark, word = s.red("✗"), s.red(" failed")
	case checks.Unknown:
		mark, word = s.red("?"), s.red(" unknown")
	case checks.Passed, checks.Skipped: // which is of steps
	}
	fmt.Fprintf(a.stdout, "%s %s%s  %s\n", mark, s.bold(r.Check), word, s.faint(summary(r)))
	if r.Outcome == checks.Passed {
		return nil
	}
	if !selfExplaining(r) {
		indent(a.stdout, "    ", reasoned(r.Reason, r.Message))
		if advice := r.Reason.Sentence(); advice != "" && !strings.Contains(r.Message, advice) {
			indent(a.stdout, "    ", s.faint(advice))
		}
	}
	for i, step := range r.Steps {
		a.writeStep(s, step, i == decisive(r))
	}
	fmt.Fprintln(a.stdout, s.faint(fmt.Sprintf("    defined at %s:%d", m.Check.Source.File, m.Check.Source.Line)))
	return nil
}

// selfExplaining tells whether the expressions of the steps, which are shown
// with their values, say all that the message of r says.
func selfExplaining(r checks.Result) bool {
	i := decisive(r)
	return i >= 0 && len(r.Steps[i].Failed) > 0 && (r.Reason == "" || r.Reason == checks.ReasonExpectation)
}

// decisive is the index of the step that r has its message of, or -1.
func decisive(r checks.Result) int {
	return slices.IndexFunc(r.Steps, func(s checks.StepResult) bool { return s.Outcome == r.Outcome })
}

// reasoned puts the reason before a message, except where the message is
// about expectations and says it all.
func reasoned(reason checks.Reason, message string) string {
	if reason == "" || reason == checks.ReasonExpectation {
		return message
	}
	return fmt.Sprintf("%s: %s", reason, message)
}

// summary is what can be told of any run on one line.
func summary(r checks.Result) string {
	parts := []string{r.Duration.Round(time.Millisecond / 10).String()}
	if r.Attempts > 1 {
		parts[0] += " in " + count(r.Attempts, "attempt")
	}
	if len(r.Steps) == 1 {
		step := r.Steps[0]
		if step.Status != 0 {
			parts = append(parts, fmt.Sprintf("status %d", step.Status))
		}
		if step.Certificate != "" {
			parts = append(parts, fmt.Sprintf("certificate %s (%s)", step.Certificate, step.Rule))
		}
	}
	return strings.Join(parts, ", ")
}

// writeStep shows what a failure needs to be understood, expression first.
// What the step says itself is told unless the run has told it.
func (a *app) writeStep(s screen, step checks.StepResult, told bool) {
	if step.Outcome == checks.Passed {
		return
	}
	if step.Step != "" {
		fmt.Fprintf(a.stdout, "  step %q %s\n", step.Step, step.Outcome)
	}
	if !told && len(step.Failed) == 0 {
		indent(a.stdout, "    ", reasoned(step.Reason, strings.TrimPrefix(step.Message, "skipped: ")))
	}
	if step.Outcome == checks.Skipped {
		return
	}
	for _, f := range step.Failed {
		fmt.Fprintf(a.stdout, "    %s %s\n", s.faint(fmt.Sprintf("%s:%d:", f.File, f.Line)), s.bold(f.Expression))
		indent(a.stdout, "      ", f.Message)
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.stdout, "    %s %s\n", s.faint(fmt.Sprintf("%-12s", name)), value)
		}
	}
	line("request", strings.TrimSpace(step.Method+" "+step.URL))
	line("address", step.RemoteIP)
	if step.Certificate != "" {
		line("certificate", fmt.Sprintf("%s, chosen by rule %s", step.Certificate, step.Rule))
	} else {
		line("certificate", "none went along")
	}
	line("phases", step.Timing.String())
	line("body", step.Body)
	line("repeat", step.Curl)
}

func indent(w io.Writer, prefix, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "%s%s\n", prefix, strings.TrimRight(line, "\n"))
	}
}

func (a *app) writeTally(tally map[checks.Outcome]int, total int, took time.Duration) {
	if total == 0 {
		fmt.Fprintln(a.stderr, "No check is enabled: nothing was run.")
		return
	}
	s := a.screenOf(a.stdout)
	var parts []string
	for _, o := range []checks.Outcome{checks.Passed, checks.Degraded, checks.Failed, checks.Unknown} {
		if n := tally[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	fmt.Fprintf(a.stdout, "\n%s %s\n", s.bold(count(total, "check")+":"), strings.Join(parts, ", ")+s.faint(" in "+took.Round(time.Millisecond).String()))
}
