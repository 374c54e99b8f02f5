package main

import (
	"context"
	"runtime/debug"

	"watchword/cmd/internal/config"
)

// refreshes runs the commands of secrets when they are due, until ctx ends.
func (d *daemon) refreshes(ctx context.Context) error {
	if d.Commands == nil {
		return nil
	}
	for d.Commands.Wait(ctx) {
		d.refresh(ctx)
	}
	return nil
}

// refresh runs the commands that are due, and takes what they say into use.
func (d *daemon) refresh(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.Commands.Refresh(ctx) {
		return
	}
	d.Logger.InfoContext(ctx, "reloading: a command gave another secret, or none")
	_ = d.replace(ctx, d.unlessWritten(d.Recall)) // has told of its errors
	debug.FreeOSMemory()                          // as after any other reload
}

// secretStates are the secrets of a configuration, and of each whether it could
// not be read.
func secretStates(cfg *config.Config) map[string]bool {
	failed := make(map[string]bool, len(cfg.Secrets))
	for _, name := range cfg.Secrets {
		failed[name] = false
	}
	for _, u := range cfg.Unreadable {
		if u.Kind == "secret" {
			failed[u.Name] = true
		}
	}
	return failed
}
