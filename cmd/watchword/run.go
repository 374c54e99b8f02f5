package main

import (
	"context"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"watchword/certs"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/web"
)

func (a *app) runCommand() *cobra.Command {
	var (
		server    = new(web.Server)
		lifecycle bool
		logFormat string
	)
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: `run loads a configuration and runs its checks on their schedules until it is
told to stop.

SIGHUP reloads the configuration, and so do files that changed and have been
quiet for 2 seconds; a bad configuration changes nothing. SIGTERM finishes the
runs in flight and sends what is queued, within 20 seconds.

Under systemd (Type=notify) it says when it is ready, reloads and stops, and
gives signs of life for WatchdogSec while checks are being started.

Commands of secrets run at each reload, and when their refresh is due. One
that fails leaves its secret as it was, and is told of and tried again.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hangup := make(chan os.Signal, 1)
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			noReader := make(chan os.Signal, 1) // of the log: that must not end the daemon
			signal.Notify(noReader, syscall.SIGPIPE)
			defer signal.Stop(noReader)
			secrets := new(redaction)
			commands := new(config.Commands)
			opts, err := a.options()
			if err != nil {
				return err
			}
			opts.Commands, opts.Certificates = commands, new(certs.Memory)
			load := func(recall bool) func(context.Context) (*config.Config, error) {
				opts := opts
				opts.Recall = recall
				return func(ctx context.Context) (*config.Config, error) { return config.Load(ctx, a.configPath, opts) }
			}
			logger := newLogger(a.stderr, logFormat, secrets)
			manager, err := newSupervisor(logger)
			if err != nil {
				return err
			}
			d := &daemon{
				Load:     load(false),
				Recall:   load(true),
				Commands: commands,
				Files: func() []string {
					files, err := config.Find(a.configPath)
					if err != nil {
						return nil // the folder is gone: no file is there
					}
					return files
				},
				Logger:    logger,
				Secrets:   secrets,
				Web:       server,
				Hangup:    hangup,
				Lifecycle: lifecycle,
				Child:     stateChild,
				Started:   func(net.Addr, *config.Config) { a.collectMore() },
				Manager:   manager,
			}
			return d.Run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.VarP(&choice{value: &logFormat, of: []string{"text", "json"}}, "log-format", "", "`FORMAT` of the log: text or json")
	logFormat = "text"
	flags.StringVar(&server.ConfigFile, "web.config.file", "", "`FILE` with TLS and basic authentication for all pages, as other exporters take it")
	flags.StringVar(&server.HealthListen, "web.health-address", "", "`ADDRESS` of a second listener with the two health paths alone")
	flags.BoolVar(&lifecycle, "web.enable-lifecycle", false, "allow POST /-/reload")
	flags.BoolVar(&server.AllowUnauthenticated, "web.allow-unauthenticated", false, "listen on other addresses than loopback without authentication")
	return cmd
}

// collectMore has the garbage collector run at a growth of 35 percent instead
// of 100, unless GOGC says otherwise. With 10,000 checks a minute on two cores
// (MiB resident after a minute; seconds of processor time for that minute):
//
//	GOGC=100  132  18
//	GOGC=50   108  16
//	GOGC=35    96  16
//
// It is for what runs, not for the start: of the processor time of that, a
// third would go to the collector.
func (a *app) collectMore() {
	if _, set := a.environ("GOGC"); !set {
		debug.SetGCPercent(35)
	}
}
