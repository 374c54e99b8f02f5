package main

import (
	"context"
	"time"

	"watchword/certs"
	"watchword/cmd/internal/config"
)

// loadAgain returns what loads the configuration again and again. While files
// of certificates are being replaced, those that memory knows go on.
func (a *app) loadAgain(memory *certs.Memory) func(context.Context) (*config.Config, error) {
	return func(ctx context.Context) (*config.Config, error) {
		opts, err := a.options()
		if err != nil {
			return nil, err
		}
		opts.Certificates = memory
		return config.Load(ctx, a.configPath, opts)
	}
}

// newTimer returns a timer that is not set.
func newTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// rotating logs what of a configuration cannot be used, and sees to it that it
// is read again.
func (d *daemon) rotating(ctx context.Context, cfg *config.Config) {
	for _, n := range cfg.Unsettled {
		d.Logger.WarnContext(ctx, "the new files of a certificate cannot be used yet, those before go on", "name", n.Name, "error", n.Err)
	}
	for _, u := range cfg.Unreadable {
		text := "cannot be used; the checks that need it fail"
		if u.Kept {
			text = "the new files cannot be used; those before go on"
		}
		d.Logger.ErrorContext(ctx, text, "kind", u.Kind, "name", u.Name, "file", u.Source.File, "line", u.Source.Line, "error", u.Err)
	}
	if cfg.Again.IsZero() {
		d.retry.Stop()
		return
	}
	d.retry.Reset(time.Until(cfg.Again))
}
