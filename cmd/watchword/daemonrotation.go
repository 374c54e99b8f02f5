package main

import (
	"context"
	"time"

	"watchword/cmd/internal/config"
)

// newTimer returns a timer that is not set.
func newTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// rotating logs which files cannot be used at the moment, and sees to it that
// they are read again.
func (d *daemon) rotating(ctx context.Context, cfg *config.Config) {
	for _, n := range cfg.Unsettled {
		d.Logger.WarnContext(ctx, "the new files of a certificate cannot be used yet, those before go on", "name", n.Name, "error", n.Err)
	}
	if cfg.Again.IsZero() {
		d.retry.Stop()
		return
	}
	d.retry.Reset(time.Until(cfg.Again))
}
