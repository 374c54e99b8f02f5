package main

import (
	"time"

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

// problems are what is wrong with watchword itself, for the status page.
func (d *daemon) problems() []string {
	s := d.itself(d.deliveries(), time.Now())
	return append(troubles(&s), refusals(&s)...)
}
