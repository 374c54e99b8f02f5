// Command watchword watches APIs behind mutual TLS: it runs the checks of HCL
// files on their schedules, attaches the right client certificate to each
// request, and reports to Prometheus and Slack.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata"

	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
)

// Exit codes, as the documentation promises them.
const (
	exitOK      = 0
	exitFailed  = 1 // a check failed, or a warning under --strict
	exitInvalid = 2 // the configuration or the command line is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &output{w: stdout}
	a := &app{stdin: stdin, stdout: out, stderr: stderr, environ: os.LookupEnv}
	root := a.command()
	root.SetArgs(args)
	code := a.exitCode(root.ExecuteContext(ctx))
	if err := out.failure(); err != nil && code != exitInvalid { // else it has been told
		fmt.Fprintf(stderr, "watchword: writing the output: %v\n", err)
		return exitInvalid
	}
	return code
}

// app holds what every subcommand shares.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        func(string) (string, bool)
	answers        *bufio.Reader // of stdin, once something has been asked

	configPath string
	vars       []string
	varFiles   []string
	identities []string // files
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "watchword",
		Short: "Watches APIs behind mutual TLS",
		Long: `watchword runs the API checks of HCL files on cron schedules, attaches the right
client certificate to each request by host name, and reports failures and
expiring certificates to Prometheus, Slack, Alertmanager and webhooks.

Try "watchword demo" first: it needs no network and no files.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	a.configPath = "."
	path := &once{value: &a.configPath}
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if path.given > 1 {
			return usagef("-c, --config is given %d times: to read several files, name their folder", path.given)
		}
		return nil
	}
	flags.VarP(path, "config", "c", "configuration `PATH`: a file, or a folder with its sub-folders")
	flags.StringArrayVar(&a.vars, "var", nil, "value of a variable, `NAME=VALUE`; may be repeated")
	flags.StringArrayVar(&a.varFiles, "var-file", nil, "`FILE` with values of variables; may be repeated")
	flags.StringArrayVar(&a.identities, "age-identity", nil, "`FILE` with the keys that open age files; may be repeated; WATCHWORD_AGE_IDENTITY unless given")
	root.AddCommand(
		a.runCommand(), a.demoCommand(), a.statusCommand(), a.muteCommand(), a.unmuteCommand(),
		a.validateCommand(), a.fmtCommand(), a.testCommand(), a.listCommand(), a.scheduleCommand(),
		a.certCommand(), a.alertsCommand(), a.secretCommand(), a.stateCommand(),
		a.rulesCommand(), a.dashboardsCommand(), a.docsCommand(), a.versionCommand(),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				of, rest, err := root.Find(args)
				if err != nil {
					return usageError{err}
				}
				return noArgs(of, rest)
			}
		case "completion":
			cmd.Args, cmd.RunE = noArgs, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	return root
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// codeError ends the program with a code, after everything worth saying has
// been said.
type codeError int

func (e codeError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// exitCode tells the user of err what has not been told yet, and returns the
// exit code that belongs to it.
func (a *app) exitCode(err error) int {
	var (
		code    codeError
		invalid *config.Error
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &invalid):
		a.writeDiagnostics(invalid.Diagnostics)
	default:
		fmt.Fprintf(a.stderr, "watchword: %v\n", err)
		if errors.As(err, new(usageError)) {
			fmt.Fprintln(a.stderr, `Run "watchword --help" for the commands, "watchword COMMAND --help" for one.`)
		}
	}
	return exitInvalid
}

// noArgs refuses arguments, and names a command that was probably meant.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasSubCommands() {
		msg := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			msg += fmt.Sprintf("; did you mean %q?", near[0])
		}
		return usageError{errors.New(msg)}
	}
	hint := ""
	if _, err := os.Stat(args[0]); err == nil {
		hint = "; the configuration is named by -c: " + cmd.CommandPath() + " -c " + quoted(args[0])
	}
	return usagef("%q takes no arguments, got %q%s", cmd.CommandPath(), args[0], hint)
}
