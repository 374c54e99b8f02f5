package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
	"watchword/cmd/internal/control"
)

// stateFlag adds --state to a command that talks to the daemon.
func stateFlag(cmd *cobra.Command, state *string) {
	cmd.Flags().StringVar(state, "state", "", "the daemon's state `FILE`, instead of finding it by the configuration")
}

// client is how to talk to the daemon with this state file; with none given,
// to that of the configuration. That is read without its secrets.
func (a *app) client(ctx context.Context, state string) (*control.Client, error) {
	if state != "" {
		return &control.Client{Path: control.Path(strings.TrimSuffix(state, ".sock"))}, nil
	}
	opts, err := a.options()
	if err != nil {
		return nil, err
	}
	opts.Offline = true
	cfg, err := config.Load(ctx, a.configPath, opts)
	if invalid, ok := errors.AsType[*config.Error](err); ok {
		if file := config.GuessState(ctx, a.configPath, opts); file != "" {
			if _, err := os.Stat(control.Path(file)); err == nil {
				fmt.Fprintf(a.stderr, "warning: the configuration has %s now, which watchword validate shows; the daemon goes on with the one before.\n",
					count(invalid.Diagnostics.Errors(), "mistake"))
				return &control.Client{Path: control.Path(file)}, nil
			}
		}
		a.writeDiagnostics(invalid.Diagnostics)
		fmt.Fprintln(a.stderr, "The configuration says where the daemon is found. To ask without reading it, name the state file: --state FILE.")
		return nil, codeError(exitInvalid)
	}
	if err != nil {
		return nil, err
	}
	return &control.Client{Path: control.Path(cfg.Settings.State)}, nil
}

// unanswered tells what to do when the daemon could not be asked.
func (a *app) unanswered(err error) error {
	none, ok := errors.AsType[*control.NoDaemonError](err)
	if !ok {
		return err
	}
	fmt.Fprintf(a.stderr, "watchword: %v.\n", none)
	if errors.Is(err, fs.ErrPermission) {
		fmt.Fprintln(a.stderr, "Run this as the user of the daemon, or as root.")
	} else {
		fmt.Fprint(a.stderr, `Is "watchword run" running? It listens beside its state file, which is settings.state in
$STATE_DIRECTORY (systemd sets it for the daemon) or in the daemon's working directory.
Where that is elsewhere, name the file: --state FILE. If the socket could not be made, its log says so.
`)
	}
	return codeError(exitInvalid)
}

// clockTime is a moment, with the date where it is another day than now.
func clockTime(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05 UTC")
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}
