package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchword/alerts/alertstest"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/web"
)

const (
	demoListen = "127.0.0.1:9780" // the usual address
	demoFile   = "demo.hcl"
)

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
messages appear in the terminal as a reader would see them, and the status page
tells the same.`,
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
	dir, err := os.MkdirTemp("", "watchword-")
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
	file := filepath.Join(dir, demoFile)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("starting the demo: %w", err)
	}
	opts := config.Options{
		WorkDir: dir,
		Vars:    map[string]string{"api": world.api.Addr(), "partner": world.partner.Addr(), "slack_api": slack.APIURL()},
		Environ: environ(map[string]string{"DEMO_SLACK_TOKEN": "xoxb-demo", "DEMO_SLACK_WEBHOOK": webhook}), //nolint:gosec // the demo's own Slack takes any token
	}
	tour.welcome(dir, webhook)
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
