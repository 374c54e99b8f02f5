package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"watchword/alerts"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/control"
)

// namedChecks is how many checks a mute names.
const namedChecks = 20

func (a *app) muteCommand() *cobra.Command {
	var length, until, why, state, output string
	cmd := &cobra.Command{
		Use:   "mute PATTERN",
		Short: "Silence checks for a while",
		Long: `mute makes the running daemon tell nothing of the checks that match, for a while.
They run on, and status, metrics and the status page show that they are muted.
What still fails when the mute ends is told then, and so is what has recovered
from an incident that people know of; what began and ended inside is not told at
all. A mute holds across restarts. One of the same pattern is replaced.

The pattern is a glob over the names of checks, such as orders/*, or over the
values of a label: team=orders. A whole name is taken as it is.

-o json gives what came of it: mute (pattern, since, until, why, who), now, checks
(that match), near (patterns that were perhaps meant, where none does), kept (false:
the state file cannot be written, and a restart ends the mute).`,
		Example: `  watchword mute 'orders/*' --for 2h --why "database migration"
  watchword mute team=orders --until 2026-03-01T06:00:00Z`,
		Args: onePattern,
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := muteEnd(length, until, time.Now())
			if err != nil {
				return err
			}
			client, err := a.client(cmd.Context(), state)
			if err != nil {
				return err
			}
			ask := control.MuteRequest{Pattern: args[0], Until: end, Why: why}
			return a.mute(cmd.Context(), client, ask, output)
		},
		ValidArgsFunction: a.completeChecks,
	}
	flags := cmd.Flags()
	flags.StringVar(&length, "for", "", "for how long, `DURATION`: 30m, 2h, 1d")
	flags.StringVar(&until, "until", "", "until this `TIME`, as in RFC 3339: 2026-03-01T06:00:00Z")
	flags.StringVar(&why, "why", "", "`TEXT` that others see beside it")
	outputFlag(cmd, &output, "text", "json")
	stateFlag(cmd, &state)
	return cmd
}

// onePattern demands one pattern.
func onePattern(cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usagef("%q takes one pattern, got %q", cmd.CommandPath(), args)
	}
	return nil
}

// muteEnd is when a mute ends that lasts for a while, or until a time.
func muteEnd(length, until string, now time.Time) (time.Time, error) {
	switch {
	case (length == "") == (until == ""):
		return time.Time{}, usagef("say how long, by one of --for 2h and --until %s", now.Add(2*time.Hour).UTC().Format(time.RFC3339))
	case until != "":
		end, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return time.Time{}, usagef("--until %s: want a time such as %s", until, now.Add(2*time.Hour).UTC().Format(time.RFC3339))
		}
		if !end.After(now) {
			return time.Time{}, usagef("--until %s: that has passed; it is %s", until, now.UTC().Format(time.RFC3339))
		}
		return end, nil
	}
	d, err := config.ParseDuration(length)
	if err != nil {
		return time.Time{}, usagef("--for %s: %w", length, err)
	}
	if d <= 0 || d > alerts.MaxMute {
		return time.Time{}, usagef("--for %s: want a duration up to 366d, such as 2h", length)
	}
	return now.Add(d), nil
}

func (a *app) mute(ctx context.Context, client *control.Client, ask control.MuteRequest, output string) error {
	done, err := client.Mute(ctx, ask)
	if err != nil {
		return a.unanswered(err)
	}
	if output == "json" {
		return a.writeJSON(done)
	}
	pattern, n := visible(done.Mute.Pattern), len(done.Checks)
	until := fmt.Sprintf("until %s, for %s", clockTime(done.Mute.Until, done.Now), alerts.FormatDuration(done.Mute.Until.Sub(done.Now).Round(time.Second)))
	if !done.Kept {
		fmt.Fprintln(a.stderr, "warning: the state file cannot be written: the mute is lost when the daemon is restarted.")
	}
	if n == 0 {
		fmt.Fprintf(a.stdout, "%s is muted %s.\n", pattern, until)
		fmt.Fprintf(a.stderr, "warning: no check matches %q now.%s\n", pattern, perhaps(done.Near))
		fmt.Fprintf(a.stderr, "To take it back: watchword unmute %s\n", quoted(pattern))
		return nil
	}
	fmt.Fprintf(a.stdout, "%s: %s muted %s:\n", pattern, count(n, "check")+" "+isAre(n), until)
	for _, name := range done.Checks[:min(n, namedChecks)] {
		fmt.Fprintf(a.stdout, "  %s\n", visible(name))
	}
	if n > namedChecks {
		fmt.Fprintf(a.stdout, "  and %d more\n", n-namedChecks)
	}
	return nil
}

// perhaps proposes patterns.
func perhaps(near []string) string {
	switch len(near) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(" Did you mean %q?", near[0])
	default:
		return fmt.Sprintf(" Did you mean %q or %q?", near[0], near[1])
	}
}

func (a *app) unmuteCommand() *cobra.Command {
	var state, output string
	cmd := &cobra.Command{
		Use:   "unmute PATTERN",
		Short: "End a mute before its time",
		Long: `unmute ends the mute of this very pattern. What still fails of its checks is told
within a second, unless something else silences it.

-o json gives what came of it: ended (false: there is no such mute), checks (that
match), still (those of them that another mute silences), mutes (in force now, each
with pattern, since, until, why, who, left, checks).

Exit code 0: the mute has ended. 2: there was none, or no daemon answers.`,
		Args: onePattern,
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.client(cmd.Context(), state)
			if err != nil {
				return err
			}
			return a.unmute(cmd.Context(), client, args[0], output)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			client, err := a.client(cmd.Context(), state)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			s, err := client.Status(cmd.Context())
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			var patterns []string
			for _, m := range s.Mutes {
				patterns = append(patterns, m.Pattern)
			}
			return patterns, cobra.ShellCompDirectiveNoFileComp
		},
	}
	outputFlag(cmd, &output, "text", "json")
	stateFlag(cmd, &state)
	return cmd
}

func (a *app) unmute(ctx context.Context, client *control.Client, pattern, output string) error {
	done, err := client.Unmute(ctx, control.UnmuteRequest{Pattern: pattern})
	if err != nil {
		return a.unanswered(err)
	}
	if output == "json" {
		if err := a.writeJSON(done); err != nil || done.Ended {
			return err
		}
		return codeError(exitInvalid)
	}
	if !done.Ended {
		if len(done.Mutes) == 0 {
			return fmt.Errorf("no mute has the pattern %q: none is in force", pattern)
		}
		fmt.Fprintf(a.stderr, "watchword: no mute has the pattern %q; in force are:\n", pattern)
		writeMutes(a.stderr, a.screenOf(a.stderr), done.Mutes, time.Now())
		return codeError(exitInvalid)
	}
	n := len(done.Checks) - len(done.Still)
	fmt.Fprintf(a.stdout, "%s: %s no longer muted; what fails is told now.\n", visible(pattern), count(n, "check")+" "+isAre(n))
	if still := len(done.Still); still > 0 {
		fmt.Fprintf(a.stdout, "Another mute still silences %s: %s\n", count(still, "check"), shortList(visibles(done.Still), namedChecks))
	}
	return nil
}

// completeChecks completes the names of checks.
func (a *app) completeChecks(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if cfg := a.toComplete(cmd.Context(), args); cfg != nil {
		for _, m := range cfg.Monitors {
			names = append(names, m.Check.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// toComplete is the configuration from which a command's only argument is
// completed, without its secrets; nil where nothing can be.
func (a *app) toComplete(ctx context.Context, args []string) *config.Config {
	opts, err := a.options()
	if err != nil || len(args) > 0 {
		return nil
	}
	opts.Offline = true
	cfg, err := config.Load(ctx, a.configPath, opts)
	if err != nil {
		return nil
	}
	return cfg
}
