package main

import (
	"context"

	"watchword/alerts"
	"watchword/cmd/internal/config"
)

// isFed says whether a receiver is told from states, and nothing is queued for
// it.
func isFed(r config.Receiver) bool { return r.Alertmanager != nil }

// alertmanagers are the receivers of a configuration that are told from
// states, by their full names.
func alertmanagers(cfg *config.Config) map[string]*alerts.Alertmanager {
	out := make(map[string]*alerts.Alertmanager)
	for _, r := range cfg.Receivers {
		if a := r.Alertmanager; a != nil {
			out[r.FullName()] = &alerts.Alertmanager{
				URLs: a.URLs, Username: a.Username, Password: a.Password, BearerToken: a.BearerToken, TLS: a.TLS, Err: r.Err,
			}
		}
	}
	return out
}

// feedTo replaces the receivers that are told from states. d.mu is held, or
// nothing runs yet.
func (d *daemon) feedTo(ctx context.Context, receivers map[string]*alerts.Alertmanager) {
	d.feed.SetReceivers(receivers)
	for name := range d.fed {
		if receivers[name] == nil {
			d.notice(ctx, alerts.Problem{Cause: "receiver " + name}) // whatever was wrong with it
		}
	}
	d.fed = receivers
}

// deliveries are the figures of all receivers, of those that messages are
// queued for first.
func (d *daemon) deliveries() []alerts.QueueStats { return append(d.outbox.Stats(), d.feed.Stats()...) }
