package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/control"
	"watchword/cmd/internal/metrics"
	"watchword/cmd/internal/store"
	"watchword/cmd/internal/web"
	"watchword/scheduler"
)

const (
	// A daemon that is told to stop has 20 seconds: for the runs in flight,
	// then for the queue, then for pages that are being read.
	drainRuns  = 10 * time.Second
	drainQueue = 4 * time.Second
)

// A daemon runs a configuration until it is told to stop. Set the fields with
// capital letters, then call Run once.
type daemon struct {
	Load      func(context.Context) (*config.Config, error) // at start and at each reload
	Recall    func(context.Context) (*config.Config, error) // the same with what Commands knows, without running them
	Commands  *config.Commands                              // of the secrets, which run when due; may be nil
	Files     func() []string                               // names of the configuration's files now; may be nil
	Logger    *slog.Logger
	Secrets   *redaction                                   // of the logger: follows the configuration
	Web       *web.Server                                  // how to listen; what it serves is filled in
	Hangup    <-chan os.Signal                             // each asks for a reload
	Lifecycle bool                                         // POST /-/reload is allowed
	Observe   func(checks.Result)                          // sees every result; may be nil
	Started   func(listening net.Addr, cfg *config.Config) // called once everything runs; may be nil
	Child     store.Child                                  // examines the state file; may be nil
	Manager   supervisor                                   // is told how the daemon is
	Refusing  time.Duration                                // how long a new configuration is refused before that is told; 0 means 5 minutes

	db        *store.DB
	engine    *alerts.Engine
	outbox    *alerts.Outbox
	feed      *alerts.Feed
	metrics   *metrics.Metrics
	scheduler *scheduler.Scheduler
	watcher   *watcher
	control   *control.Server // nil: there is no socket
	started   time.Time
	board     *web.Board
	retry     *time.Timer // asks for a reload because files could not be used
	lasting   *time.Timer // ends when a new configuration was refused for so long that it is told
	pacer     alerts.Pacer
	forbidden []netip.AddrPort // our own listener: no check may ask it
	ready     atomic.Bool
	hosts     checks.HostLimit
	outcomes  lastOutcomes // of the last runs, for the log

	saving  sync.Mutex // guards the following
	unsaved string     // why the latest runs could not be saved the last time

	asked   chan chan<- error // reloads that someone waits for
	settled chan struct{}     // closed when there are no more reloads

	mu      sync.Mutex                 // one reload at a time
	senders map[string]alerts.Receiver // of the configuration that runs
	fed     map[string]*alerts.Alertmanager
	told    map[finding]bool // in the log, of the same; a reload that someone asked for tells all again
	refusal string           // why the configuration was refused when it was read last; empty if it was taken
	first   config.Settings  // some settings hold until the next start
}

// Run starts everything and returns when ctx has ended, what was running has
// finished and what was queued has been sent, or the time for that is up. The
// error is about the start, or about a part that gave up.
func (d *daemon) Run(ctx context.Context) error {
	read := time.Now()
	cfg, err := d.Load(ctx)
	if ctx.Err() != nil {
		return nil // told to stop before anything ran
	}
	if err != nil {
		return err
	}
	if err := d.open(ctx, cfg); err != nil {
		return unlessStopped(ctx, err)
	}
	defer func() {
		for _, part := range []io.Closer{d.db, d.watcher} {
			if err := part.Close(); err != nil {
				d.Logger.ErrorContext(ctx, "ending", "error", err)
			}
		}
	}()
	d.first, d.started = cfg.Settings, read
	d.Web.Listen = cfg.Settings.Listen
	if err := d.Web.Bind(ctx); err != nil {
		return unlessStopped(ctx, err)
	}
	defer d.Web.Close()
	for _, addr := range []net.Addr{d.Web.Addr(), d.Web.HealthAddr()} {
		if tcp, ok := addr.(*net.TCPAddr); ok {
			d.forbidden = append(d.forbidden, tcp.AddrPort())
		}
	}
	if err := d.apply(ctx, cfg, read); err != nil {
		return unlessStopped(ctx, err)
	}
	d.restoreRuns(ctx)
	if len(d.db.Problems()) == 0 {
		d.notice(ctx, alerts.Problem{Cause: "state file"}) // what an earlier start told of it is over
	}
	for _, p := range d.db.Problems() {
		d.notice(ctx, p)
	}
	d.listen(ctx)
	return d.serve(ctx, cfg)
}

// unlessStopped is err, which stopped the start, unless the daemon was told to
// stop meanwhile: then it is not to blame.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // that it could not go on is as it was told
	}
	return err
}

// open makes the parts and joins them.
func (d *daemon) open(ctx context.Context, cfg *config.Config) (err error) {
	if d.db, err = store.Open(ctx, cfg.Settings.State, store.Options{Logger: d.Logger, Child: d.Child}); err != nil {
		return err
	}
	d.watcher = newWatcher(d.Logger)
	d.watcher.list = d.Files
	d.retry, d.lasting = newTimer(), newTimer()
	d.asked, d.settled = make(chan chan<- error), make(chan struct{})
	d.metrics = metrics.New(metrics.Build{Version: version, Revision: revision(), GoVersion: runtime.Version()})
	d.outbox = &alerts.Outbox{Store: d.db, Logger: d.Logger}
	d.engine = &alerts.Engine{Store: d.db, Logger: d.Logger, Wake: d.outbox.Wake}
	d.outbox.Blocked = func(ctx context.Context, receiver string, err error) {
		p := alerts.Problem{Cause: "receiver " + receiver, Receiver: receiver}
		if err != nil {
			p.Text = fmt.Sprintf("receiver %s refuses messages: %v", receiver, err)
		}
		d.notice(ctx, p)
	}
	d.feed = &alerts.Feed{Engine: d.engine, Logger: d.Logger, Blocked: d.outbox.Blocked}
	d.engine.Changed = d.feed.Wake
	d.scheduler = &scheduler.Scheduler{
		Logger: d.Logger, Grace: drainRuns, Started: d.metrics.Started,
		Skipped: func(job string, why scheduler.SkipReason, n int) { d.metrics.Skipped(job, string(why), n) },
	}
	d.metrics.AlertState = d.engine.State
	d.metrics.Muted = d.engine.Muted
	d.metrics.NextRun = d.scheduler.Next
	d.metrics.InFlight = d.scheduler.InFlight
	d.metrics.Outbox = d.deliveries
	d.metrics.Store = func() metrics.StoreStats {
		s := d.db.Stats()
		return metrics.StoreStats{WriteErrors: s.WriteErrors, Quarantined: s.Quarantined}
	}
	d.board = &web.Board{State: d.engine.State, Next: d.scheduler.Next, Closed: d.db.Closed, Problems: d.problems, Silences: d.engine.Silences}
	d.Web.Board = d.board
	d.Web.Metrics = d.metrics.Handler(d.Logger)
	d.Web.Ready = d.ready.Load
	if d.Lifecycle {
		d.Web.Reload = d.ask
	}
	d.Web.Version = version
	d.Web.Logger = d.Logger
	return nil
}

// jobs are one job for each enabled check.
func (d *daemon) jobs(cfg *config.Config) []scheduler.Job {
	runner := &checks.Runner{
		Certs: cfg.Certificates, Logger: d.Logger, Forbidden: d.forbidden, UserAgent: userAgent(),
		Allow: cfg.Settings.AllowNetworks, Deny: cfg.Settings.DenyNetworks, Hosts: &d.hosts,
	}
	jobs := make([]scheduler.Job, 0, len(cfg.Monitors))
	for _, m := range cfg.Monitors {
		if !m.Enabled {
			continue
		}
		check := m.Check // the job holds on to no more of m
		jobs = append(jobs, scheduler.Job{
			Name: check.Name, Schedule: m.Schedule, Splay: m.Splay,
			Run: func(ctx context.Context, _ time.Time) { d.take(ctx, runner.Run(ctx, check)) },
		})
	}
	return jobs
}

// take hands the result of a run to everyone who is waiting for it.
func (d *daemon) take(ctx context.Context, r checks.Result) {
	d.metrics.Record(r.Check, r)
	d.logChange(ctx, r)
	if d.Observe != nil {
		d.Observe(r)
	}
	// A run that was cut short has a result all the same, and it counts.
	if err := d.engine.Handle(context.WithoutCancel(ctx), r); err != nil {
		d.Logger.ErrorContext(ctx, "the result of a run was lost to the alerts", "check", r.Check, "outcome", r.Outcome, "error", err)
	}
	d.board.Record(r)
}

// logChange logs when the outcome of a check is another than before: a check
// that goes on as it was says nothing.
func (d *daemon) logChange(ctx context.Context, r checks.Result) {
	before, known := d.outcomes.swap(r.Check, r.Outcome)
	switch {
	case known && before == r.Outcome || !known && r.Outcome == checks.Passed:
	case r.Outcome == checks.Passed:
		d.Logger.InfoContext(ctx, "check passes again", "check", r.Check, "before", before)
	default:
		d.Logger.WarnContext(ctx, "check "+string(r.Outcome), "check", r.Check, "reason", r.Reason, "message", r.Message)
	}
}

func (d *daemon) notice(ctx context.Context, p alerts.Problem) {
	if p.Text != "" {
		d.Logger.ErrorContext(ctx, p.Text)
	}
	if err := d.engine.Notice(ctx, p); err != nil {
		d.Logger.ErrorContext(ctx, "nobody could be told of a problem", "problem", p.Text, "error", err)
	}
}

// serve runs the parts until ctx ends, then lets them finish in the order in
// which they feed each other: runs, queue, everything else.
func (d *daemon) serve(ctx context.Context, cfg *config.Config) error {
	parts, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	runs, stopRuns := context.WithCancel(ctx)
	defer stopRuns()

	var wg sync.WaitGroup
	part := func(name string, run func(context.Context) error) {
		wg.Go(func() {
			if err := run(parts); err != nil && parts.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
				stopRuns()
			}
		})
	}
	part("serving metrics", d.Web.Run)
	part("watching files", d.watcher.Run)
	part("reloading", d.reloads)
	part("refreshing secrets", d.refreshes)
	part("deciding alerts", d.engine.Run)
	part("sending messages", d.outbox.Run)
	part("telling Alertmanagers", d.feed.Run)
	part("answering commands", d.answer)
	part("saving the latest runs", d.savesRuns)
	part("giving signs of life", func(ctx context.Context) error {
		return d.Manager.keepAlive(ctx, func() time.Duration { return d.stuck(runs) })
	})

	d.ready.Store(true)
	d.Logger.InfoContext(ctx, "watching", "checks", len(cfg.Monitors), "certificates", len(cfg.Sources), "listen", d.Web.Addr().String(), "version", version)
	if d.Started != nil {
		d.Started(d.Web.Addr(), cfg)
	}
	d.Manager.watching(serviceStatus(cfg))
	wg.Go(func() {
		<-runs.Done()
		d.Manager.stopping()
	})
	err := d.scheduler.Run(runs)
	d.ready.Store(false)
	stopRuns()

	d.flush(parts)
	cause := context.Cause(parts)
	stop(nil)
	wg.Wait()
	d.Logger.InfoContext(ctx, "stopped")
	return errors.Join(err, cause)
}

// serviceStatus is what the service manager shows.
func serviceStatus(cfg *config.Config) string {
	return "watching " + count(len(cfg.Monitors), "check") + " with " + count(len(cfg.Sources), "certificate")
}

// stuck is for how long the scheduler, which runs until the end of runs, has
// not looked for what is due. It takes as long as the scheduler's lock is held.
func (d *daemon) stuck(runs context.Context) time.Duration {
	looked := d.scheduler.Looked()
	if looked.IsZero() || runs.Err() != nil {
		return 0 // it has not begun, or waits for the last runs
	}
	return time.Since(looked)
}

// flush sends what is queued, and how things stand, and saves the latest runs,
// all at the same time: none waits for what another waits for.
func (d *daemon) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainQueue)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { d.saveRuns(ctx) })
	wg.Go(func() {
		if err := d.outbox.Flush(ctx); err != nil {
			d.Logger.WarnContext(ctx, "messages stay queued until the next start", "error", err)
		}
	})
	wg.Go(func() {
		if err := d.feed.Flush(ctx); err != nil {
			d.Logger.WarnContext(ctx, "an Alertmanager does not know how things stand", "error", err)
		}
	})
	wg.Wait()
}
