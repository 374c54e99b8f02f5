package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"watchword/alerts"
	"watchword/cmd/internal/config"
)

const (
	// maxLogged is how many mistakes of a reload stand in the log; validate
	// tells all.
	maxLogged = 20
	// toldRefused is how long a configuration is refused before more than the
	// log tells of it: whoever edits it may not be done.
	toldRefused = 5 * time.Minute
)

// reloads waits for reasons to read the configuration again.
func (d *daemon) reloads(ctx context.Context) error {
	defer close(d.settled)
	for {
		debug.FreeOSMemory() // a load takes many times the memory of what it loads
		select {
		case <-ctx.Done():
			return nil
		case <-d.Hangup:
			d.Logger.InfoContext(ctx, "reloading: told by a signal")
		case done := <-d.asked:
			d.Logger.InfoContext(ctx, "reloading: told over HTTP")
			done <- d.reload(ctx)
			continue
		case <-d.watcher.changed:
			d.Logger.InfoContext(ctx, "reloading: files have changed")
			d.follow(ctx)
			continue
		case <-d.retry.C:
			d.Logger.InfoContext(ctx, "reloading: files of certificates could not be used")
			d.readAgain(ctx)
			continue
		case <-d.lasting.C:
			d.tellRefusal(ctx)
			continue
		}
		_ = d.reload(ctx) // has told of its errors
	}
}

// ask has the configuration read again on behalf of someone who waits for it.
// It is the daemon's end that ends such a reload, and not that of ctx.
func (d *daemon) ask(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case d.asked <- done:
		return <-done
	case <-d.settled:
		return errors.New("watchword is stopping")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// reload reads the configuration again. A bad one changes nothing.
func (d *daemon) reload(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = nil
	return d.replace(ctx, d.Load)
}

// follow is a reload because the files of the configuration have changed.
func (d *daemon) follow(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = nil
	_ = d.replace(ctx, d.unlessWritten(d.Load)) // has told of its errors
}

// readAgain is a reload for the sake of files: commands of secrets do not run.
func (d *daemon) readAgain(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	load := d.Recall
	if load == nil {
		load = d.Load
	}
	_ = d.replace(ctx, d.unlessWritten(load)) // has told of its errors
}

var errWritten = errors.New("the files of the configuration are being written")

// unlessWritten is load for reloads that nobody asked for: they wait while a
// file of the configuration is being written. A part of it may look whole, and
// the checks of the other part would be gone.
func (d *daemon) unlessWritten(load func(context.Context) (*config.Config, error)) func(context.Context) (*config.Config, error) {
	return func(ctx context.Context) (*config.Config, error) {
		read := time.Now()
		cfg, err := load(ctx)
		if d.Files != nil && written(d.Files(), read) {
			tell(d.watcher.stale)
			return nil, errWritten
		}
		return cfg, err
	}
}

// written says whether one of the files was written so shortly before it was
// read, or since, that more may follow.
func written(files []string, read time.Time) bool {
	return slices.ContainsFunc(files, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.ModTime().After(read.Add(-watchQuiet)) &&
			time.Until(info.ModTime()) <= watchQuiet // a time to come says nothing
	})
}

// replace makes the configuration that load returns the one that runs. d.mu
// is held.
func (d *daemon) replace(ctx context.Context, load func(context.Context) (*config.Config, error)) error {
	d.Manager.reloading()
	read := time.Now()
	cfg, err := load(ctx)
	if ctx.Err() != nil {
		return err // it is the end of the daemon that ended the reload
	}
	if errors.Is(err, errWritten) {
		d.Logger.InfoContext(ctx, "reload put off", "error", err)
		d.Manager.watching("waiting until the files of the configuration are written")
		return err
	}
	if err != nil {
		d.refused(ctx, err)
		d.Manager.watching("the configuration was refused, the one before goes on: see the log, or run validate")
		return err
	}
	err = d.apply(ctx, cfg, read)
	d.Manager.watching(serviceStatus(cfg))
	if err != nil {
		d.Logger.ErrorContext(ctx, "configuration reloaded, but not all of it", "error", err)
		return err
	}
	d.Logger.InfoContext(ctx, "configuration reloaded", "checks", len(cfg.Monitors), "certificates", len(cfg.Sources))
	if cfg.Settings.Listen != d.first.Listen || cfg.Settings.State != d.first.State {
		d.Logger.WarnContext(ctx, "settings.listen and settings.state change with the next start only", "listen", d.first.Listen, "state", d.first.State)
	}
	return nil
}

// refused logs why a configuration was not taken. d.mu is held.
func (d *daemon) refused(ctx context.Context, err error) {
	const message = "configuration not reloaded, the one before goes on"
	d.metrics.SetReload(false, time.Now())
	if d.refusal == "" {
		d.lasting.Reset(cmp.Or(d.Refusing, toldRefused))
	}
	d.refusal = d.Secrets.Redact(refusalText(err))
	var invalid *config.Error
	if !errors.As(err, &invalid) {
		d.Logger.ErrorContext(ctx, message, "error", err)
		return
	}
	d.Logger.ErrorContext(ctx, message, "mistakes", invalid.Diagnostics.Errors())
	for _, m := range invalid.Diagnostics[:min(len(invalid.Diagnostics), maxLogged)] {
		d.Logger.ErrorContext(ctx, m.Summary, "file", m.File, "line", m.Line, "column", m.Column, "detail", m.Detail)
	}
}

// notLoaded begins what is told of a configuration that was refused.
const notLoaded = "the configuration has mistakes and was not loaded: the one before goes on"

// refusalText says why a configuration was refused, in a sentence.
func refusalText(err error) string {
	var invalid *config.Error
	if !errors.As(err, &invalid) {
		return notLoaded + "; " + err.Error()
	}
	i := slices.IndexFunc(invalid.Diagnostics, func(m config.Diagnostic) bool { return m.Severity == config.SeverityError })
	if i < 0 {
		return notLoaded
	}
	text := notLoaded + "; " + invalid.Diagnostics[i].String()
	if more := invalid.Diagnostics.Errors() - 1; more > 0 {
		text += " (and " + count(more, "other") + ", see watchword validate)"
	}
	return text
}

// tellRefusal tells that what was refused was not mended since, once until a
// configuration is taken.
func (d *daemon) tellRefusal(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refusal != "" {
		d.notice(ctx, alerts.Problem{Cause: alerts.ConfigurationCause, Text: d.refusal})
	}
}

// taken notes that a configuration was not refused. d.mu is held, or nothing
// runs yet.
func (d *daemon) taken(ctx context.Context) {
	d.refusal = ""
	d.lasting.Stop()
	d.metrics.SetReload(true, time.Now())
	d.notice(ctx, alerts.Problem{Cause: alerts.ConfigurationCause})
}

// apply makes cfg, whose files were read from the moment read on, the
// configuration that runs. An error says that the alerts could not store all
// of what follows from it.
func (d *daemon) apply(ctx context.Context, cfg *config.Config, read time.Time) error {
	d.Secrets.Follow(cfg.Redactor)
	err := d.engine.Load(ctx, setup(cfg))
	senders := receivers(cfg, &d.pacer)
	d.outbox.SetReceivers(senders)
	for name := range d.senders {
		if senders[name] == nil {
			d.notice(ctx, alerts.Problem{Cause: "receiver " + name}) // whatever was wrong with it
		}
	}
	d.senders = senders
	d.feedTo(ctx, alertmanagers(cfg))
	d.metrics.SetLocation(cfg.Settings.Location)
	d.metrics.SetChecks(measured(cfg))
	d.metrics.SetCertificates(cfg.Certificates.Identities(), uses(cfg))
	d.metrics.SetSecrets(secretStates(cfg))
	d.taken(ctx)
	d.board.Load(shown(cfg))
	d.scheduler.SetMaxConcurrent(cfg.Settings.MaxConcurrent)
	d.hosts.Set(cfg.Settings.MaxPerHost)
	d.scheduler.Set(d.jobs(cfg))
	d.watcher.Set(cfg.Files, cfg.Dirs, read)
	d.logFindings(ctx, cfg)
	d.rotating(ctx, cfg)
	if err != nil {
		return fmt.Errorf("loading the alerts: %w", err)
	}
	return nil
}

// logFindings logs what is not as it should be in a configuration that runs,
// without what d.told says has been logged already.
func (d *daemon) logFindings(ctx context.Context, cfg *config.Config) {
	before := d.told
	d.told = make(map[finding]bool, len(cfg.Unreadable)+len(cfg.Warnings))
	isNew := func(f finding) bool {
		d.told[f] = true
		return !before[f]
	}
	for _, u := range cfg.Unreadable {
		if isNew(finding{u.Source.File, u.Source.Line, u.Text()}) {
			d.Logger.ErrorContext(ctx, u.Text(), "file", u.Source.File, "line", u.Source.Line)
		}
	}
	for _, w := range cfg.Warnings {
		if isNew(finding{w.File, w.Line, w.Summary + w.Detail}) {
			d.Logger.WarnContext(ctx, w.Summary, "file", w.File, "line", w.Line, "detail", w.Detail)
		}
	}
}

// A finding is a line of the log about a place in the configuration.
type finding struct {
	file string
	line int
	text string
}
