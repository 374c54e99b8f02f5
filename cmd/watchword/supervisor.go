package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
)

// A supervisor is told how the daemon is by the protocol of sd_notify(3):
// systemd, or whatever else has started it and named a socket. The zero value
// tells nobody.
type supervisor struct {
	Logger *slog.Logger
	// Watchdog is how long the supervisor waits for a sign of life before it
	// starts the daemon anew; 0 means that it wants none.
	Watchdog time.Duration

	tell func(state string) (bool, error)
}

// newSupervisor finds the one that the environment names.
func newSupervisor(logger *slog.Logger) (supervisor, error) {
	watchdog, err := systemd.SdWatchdogEnabled(false)
	if err != nil {
		return supervisor{}, fmt.Errorf("reading how often systemd wants a sign of life: %w", err)
	}
	return supervisor{
		Logger: logger, Watchdog: watchdog,
		tell: func(state string) (bool, error) { return systemd.SdNotify(false, state) },
	}, nil
}

// watching says that the start or a reload is over, and how it went.
func (s *supervisor) watching(status string) { s.send(systemd.SdNotifyReady + "\nSTATUS=" + status) }

// reloading says that the configuration is being read again. Each needs a
// watching after it.
func (s *supervisor) reloading() {
	s.send(systemd.SdNotifyReloading + "\n" + systemd.SdNotifyMonotonicUsec() + "STATUS=reading the configuration")
}

// stopping says that the end has begun.
func (s *supervisor) stopping() {
	s.send(systemd.SdNotifyStopping + "\nSTATUS=finishing what runs and sending what is queued")
}

func (s *supervisor) send(state string) {
	if s.tell == nil {
		return
	}
	if _, err := s.tell(state); err != nil {
		s.Logger.Warn("cannot tell the service manager", "state", state, "error", err)
	}
}

// stuckAfter is how long nothing goes on at least in a daemon that is stuck: one
// that is well looks once a second for what is due.
const stuckAfter = 3 * time.Second

// keepAlive gives signs of life until ctx ends, except while stuck says that
// nothing has gone on for half of Watchdog, or stuckAfter if that is longer.
func (s *supervisor) keepAlive(ctx context.Context, stuck func() time.Duration) error {
	if s.Watchdog <= 0 || s.tell == nil {
		return nil
	}
	tick := time.NewTicker(max(s.Watchdog/3, time.Millisecond))
	defer tick.Stop()
	for {
		if since := stuck(); since > max(s.Watchdog/2, stuckAfter) {
			s.Logger.ErrorContext(ctx, "checks are not being started, no sign of life for the service manager", "since", since)
		} else {
			s.send(systemd.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
