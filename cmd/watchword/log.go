package main

import (
	"io"
	"log/slog"
	"sync/atomic"

	"watchword/checks"
)

// A redaction knows the secrets of the configuration that runs now. The zero
// value knows none.
type redaction struct {
	p atomic.Pointer[checks.Redactor]
}

// Follow replaces the secrets that are known.
func (r *redaction) Follow(redactor *checks.Redactor) { r.p.Store(redactor) }

// newLogger writes lines to w in which no secret stands. format is text or json.
func newLogger(w io.Writer, format string, secrets *redaction) *slog.Logger {
	opts := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Any().(type) {
		case string:
			a.Value = slog.StringValue(secrets.p.Load().Redact(v))
		case error:
			a.Value = slog.StringValue(secrets.p.Load().Redact(v.Error()))
		}
		return a
	}}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
