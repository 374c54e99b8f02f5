package main

import (
	"fmt"

	"watchword/alerts"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/web"
)

// shown is what of a configuration the status page shows: its enabled checks
// and its certificates.
func shown(cfg *config.Config) web.Setup {
	s := web.Setup{Location: cfg.Settings.Location}
	for _, m := range cfg.Monitors {
		if !m.Enabled {
			continue
		}
		s.Checks = append(s.Checks, web.Check{
			Name: m.Check.Name, Group: m.Check.Group, Description: m.Check.Description, Schedule: m.Spec,
			Severity: m.Policy.Severity, Labels: m.Check.Labels, Runbook: m.Check.Runbook, Source: m.Check.Source,
		})
	}
	for _, source := range cfg.Sources {
		id := source.Identity
		if !id.HasCertificate() {
			continue
		}
		c := web.Certificate{Name: id.Name(), Hosts: id.Hosts(), Primary: id.Primary(), Checks: source.Checks}
		if leaf := id.Leaf(); leaf != nil {
			c.Subject, c.Issuer, c.NotAfter = leaf.Subject.String(), leaf.Issuer.String(), leaf.NotAfter
		}
		if err := id.Err(); err != nil {
			c.Error = cfg.Redactor.Redact(err.Error())
		}
		s.Certificates = append(s.Certificates, c)
	}
	return s
}

// muted is why nothing is told of a check, for the status page.
func (d *daemon) muted(check string) []web.Mute {
	var out []web.Mute
	for _, s := range d.engine.Silences(check) {
		m := web.Mute{By: string(s.By), Until: s.Until, Why: s.Why}
		if s.By == alerts.ByMaintenance {
			m.Why = s.Name
		}
		out = append(out, m)
	}
	return out
}

// problems are what is wrong with watchword itself, for the status page.
func (d *daemon) problems() []string {
	var list []string
	if n := d.db.Stats().WriteErrors; n > 0 {
		list = append(list, fmt.Sprintf("The state file could not be written %d times: is the disk full, or read-only? Checks and messages go on from memory.", n))
	}
	for _, q := range d.outbox.Stats() {
		if q.Blocked != "" {
			list = append(list, fmt.Sprintf("Receiver %s refuses messages: %s. %d wait for it.", q.Receiver, q.Blocked, q.Pending))
		}
	}
	if !d.metrics.ReloadSuccessful() {
		list = append(list, "The configuration has mistakes and was not loaded: the one before goes on. watchword validate shows them.")
	}
	return list
}
