package main

import (
	"context"

	"github.com/spf13/cobra"

	"watchword/cmd/internal/control"
)

func (a *app) statusCommand() *cobra.Command {
	var output, state string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask the running daemon what fails, and what it tells of it",
		Long: `status asks the daemon over the socket beside its state file, FILE.sock, which
only the daemon's user and root can open. It shows each check that fails or has
not recovered yet, since when and why, who was told, or why nobody is: a mute, a
maintenance window, a check that it depends on; what is wrong with watchword
itself; the mutes in force; and what waits for each receiver.

-o json gives all of it, with these fields: version, location, pid, listen, now,
started, uptime; checks (total, passing, degraded, failing, unknown, silenced);
incidents (check, group, labels, severity, runbook, links (name, url), status,
alert_state, since, for, runs, last_good, reason, message, advice, dependents,
told, receivers, waiting, untold, recovery, silences (by, name, until, why, who));
problems (text, since); mutes (pattern, since, until, why, who, left, checks);
receivers (receiver, pending, oldest, blocked, error, sent, failed,
possible_repeats); state (file, writing, write_errors, dropped); config (loaded). Durations are
seconds, moments are as in RFC 3339 and in UTC. Fields are added, never renamed.

Exit code 0: no check fails. 1: one does, muted or not. 2: no daemon answers.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.client(cmd.Context(), state)
			if err != nil {
				return err
			}
			return a.status(cmd.Context(), client, output)
		},
	}
	outputFlag(cmd, &output, "text", "json")
	stateFlag(cmd, &state)
	return cmd
}

func (a *app) status(ctx context.Context, client *control.Client, output string) error {
	s, err := client.Status(ctx)
	if err != nil {
		return a.unanswered(err)
	}
	if output == "json" {
		if err := a.writeJSON(s); err != nil {
			return err
		}
	} else {
		writeStatus(a.stdout, a.screenOf(a.stdout), &s)
	}
	if s.Checks.Failing > 0 {
		return codeError(exitFailed)
	}
	return nil
}
