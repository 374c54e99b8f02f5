package main

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"watchword/checks"
)

// A redaction knows the secrets of the configuration that runs now, and of the
// one before: runs of that may not be over. The zero value knows none.
type redaction struct {
	now, before atomic.Pointer[checks.Redactor]
}

// Follow replaces the secrets that are known.
func (r *redaction) Follow(redactor *checks.Redactor) { r.before.Store(r.now.Swap(redactor)) }

// Redact replaces all secrets that are known.
func (r *redaction) Redact(s string) string {
	return r.now.Load().Redact(r.before.Load().Redact(s))
}

// newLogger writes lines to w in which no secret stands. format is text or json.
func newLogger(w io.Writer, format string, secrets *redaction) *slog.Logger {
	opts := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Any().(type) {
		case string:
			a.Value = slog.StringValue(secrets.Redact(v))
		case slog.Level, time.Time, time.Duration, bool, int64, uint64, float64:
		default:
			a.Value = slog.StringValue(secrets.Redact(fmt.Sprint(v)))
		}
		return a
	}}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// lastOutcomes are those of the last run of each check, by name.
type lastOutcomes struct {
	mu   sync.Mutex
	last map[string]checks.Outcome
}

// swap remembers an outcome and returns the one before, if there was one.
func (o *lastOutcomes) swap(check string, outcome checks.Outcome) (before checks.Outcome, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, known = o.last[check]
	if o.last == nil {
		o.last = make(map[string]checks.Outcome)
	}
	o.last[check] = outcome
	return before, known
}
