package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"watchword/cmd/internal/store"
)

func (a *app) stateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Look at state files",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.stateCheckCommand())
	return cmd
}

func (a *app) stateCheckCommand() *cobra.Command {
	here := false
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what is in a state file, and whether it is damaged",
		Long: `check examines a state file, such as watchword.db: the pages of the database, the
checksum of every record, and that all records are there. It changes nothing,
and reads files that no daemon has open. A daemon examines its file in the same
way when it starts, and puts one that is damaged aside.

  watchword state check /var/lib/watchword/watchword.db

Exit code 0: the file is sound. 1: it is damaged. 2: it is no state file, was
written by a newer version, cannot be read, or a daemon has it open.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("state check takes one FILE, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if here {
				return store.Inspect(args[0], a.stdout)
			}
			return a.checkState(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&here, "in-this-process", false, "what the process does that examines the file")
	_ = cmd.Flags().MarkHidden("in-this-process")
	return cmd
}

func (a *app) checkState(ctx context.Context, path string) error {
	r, err := store.Check(ctx, path, stateChild)
	if err != nil {
		return fmt.Errorf("checking state file %s: %w", path, err)
	}
	if r.Partial != "" {
		fmt.Fprintf(a.stderr, "only the records were checked, not the pages of the database: %s\n", r.Partial)
	}
	switch r.Verdict {
	case store.Sound:
		fmt.Fprintf(a.stdout, "%s is sound: %s\n", path, inventory(r))
		return nil
	case store.Damaged:
		fmt.Fprintf(a.stdout, "%s is damaged: %s\nA daemon that starts with it puts it aside and begins a new one.\n", path, r.Problem)
		return codeError(exitFailed)
	default:
		return fmt.Errorf("checking state file %s: %s", path, r.Problem)
	}
}

// inventory says what is in a sound state file.
func inventory(r store.Report) string {
	if r.Format == 0 {
		return "it is empty, as a new one is"
	}
	return fmt.Sprintf("%s (%s of checks and certificates, %s open and %d over; %s queued; %s that can be answered to), %s, format %d",
		count(r.Records, "record"), count(r.States, "state"), count(r.Incidents, "incident"), r.Closed, count(r.Queued, "notification"),
		count(r.Threads, "message"), kibibytes(r.Size), r.Format)
}

func kibibytes(n int64) string {
	if n < 10<<20 {
		return fmt.Sprintf("%d KiB", (n+1023)>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// stateChild is this program, as the process that examines a state file. It
// is the very same one even if its file has been replaced meanwhile.
func stateChild(ctx context.Context, path string) (*exec.Cmd, error) {
	program := "/proc/self/exe"
	if _, err := os.Stat(program); err != nil {
		if program, err = os.Executable(); err != nil { // as without /proc
			if program, err = exec.LookPath(os.Args[0]); err != nil {
				return nil, err
			}
		}
	}
	cmd := exec.CommandContext(ctx, program, "state", "check", "--in-this-process", "--", path) //nolint:gosec // it is this one
	cmd.Args[0] = os.Args[0]
	return cmd, nil
}
