package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/cmd/internal/config"
	"watchword/cmd/internal/control"
	"watchword/cmd/internal/web"
)

// Who reads Slack alone learns of a configuration that stays refused: once,
// however often it is tried, and that it is over.
func TestRefusedConfigurationIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	settings := strings.Replace(s.base(), "settings {", "settings {\n  state = \""+filepath.Join(s.dir, "watchword.db")+"\"", 1)
	path := write(t, s.dir, "main.hcl", "%s", settings+ordersCheck)
	hangup, refused, started := make(chan os.Signal), make(chan struct{}, 10), make(chan struct{})
	d := &daemon{
		Load: func(ctx context.Context) (*config.Config, error) {
			cfg, err := config.Load(ctx, path, config.Options{Environ: os.LookupEnv})
			if err != nil {
				refused <- struct{}{}
			}
			return cfg, err
		},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Secrets: new(redaction), Web: new(web.Server),
		Hangup: hangup, Refusing: time.Millisecond,
		Started: func(net.Addr, *config.Config) { close(started) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case <-started:
	case err := <-ended:
		t.Fatalf("the daemon ends with %v", err)
	}
	reload := func(text string) {
		write(t, s.dir, "main.hcl", "%s", settings+text)
		hangup <- syscall.SIGHUP
	}
	const told = "⚠️ watchword at fra1: the configuration has mistakes and was not loaded: the one before goes on; "
	reload(ordersCheck + "check \"more\" {\n  retires = 3\n}\n")
	<-refused
	eventually(t, "Slack is told", s.told(told))
	for range 3 {
		reload(ordersCheck + "check {")
		<-refused
	}
	reload(ordersCheck)
	eventually(t, "Slack is told that it is over", s.told("no longer so"))
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	var got []string
	for _, m := range s.slack.Messages() {
		got = append(got, m.Text)
	}
	want := []string{
		"🟢 watchword at fra1: no longer so: the configuration has mistakes and was not loaded: the one before goes on; " +
			path + ":27: Unknown attribute; There is no attribute \"retires\" in a check block.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestRefusalText(t *testing.T) {
	mistake := func(severity, summary string, line int) config.Diagnostic {
		return config.Diagnostic{Severity: severity, Summary: summary, File: "main.hcl", Line: line}
	}
	for want, err := range map[string]error{
		"": &config.Error{},
		"; main.hcl:3: Wrong": &config.Error{Diagnostics: config.Diagnostics{
			mistake(config.SeverityWarning, "Odd", 1), mistake(config.SeverityError, "Wrong", 3),
		}},
		"; main.hcl:3: Wrong (and 2 others, see watchword validate)": &config.Error{Diagnostics: config.Diagnostics{
			mistake(config.SeverityError, "Wrong", 3), mistake(config.SeverityError, "Bad", 4), mistake(config.SeverityError, "Bad", 5),
		}},
		"; open conf: no such file": errors.New("open conf: no such file"),
	} {
		got := refusalText(err)
		if got != notLoaded+want {
			t.Errorf("%v: got %q, want it to end with %q", err, got, want)
		}
		s := control.Status{Problems: []control.Problem{{Text: got}}, State: control.StateFile{Writing: true}}
		if lines := troubles(&s); len(lines) != 1 {
			t.Errorf("status tells of it as %q, want one line", lines)
		}
	}
}
