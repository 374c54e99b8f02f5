package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"time"

	"watchword/alerts"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/metrics"
	"watchword/scheduler"
)

// setup is what of a configuration concerns alerts: its enabled checks.
func setup(cfg *config.Config) alerts.Setup {
	s := alerts.Setup{
		Location: cfg.Settings.Location,
		Routes:   cfg.Routes,
		Expiry:   cfg.Settings.CertificateExpiry,

		GroupWait:   alerts.DefaultGroupWait,
		Maintenance: cfg.Maintenance,
		Links: alerts.Links{
			External: cfg.Settings.ExternalURL, Grafana: cfg.Settings.GrafanaURL, Source: cfg.Settings.SourceURL,
		},
	}
	gaps := make(gaps)
	for _, m := range cfg.Monitors {
		if !m.Enabled { // what is not run can neither recover nor be reminded of
			continue
		}
		s.Subjects = append(s.Subjects, alerts.Subject{
			Name: m.Check.Name, Group: m.Check.Group, Labels: m.Check.Labels,
			Policy: m.Policy, Receivers: m.Receivers, Runbook: m.Check.Runbook, Source: m.Check.Source,
			Parents: m.Parents, Hosts: m.Hosts, Interval: gaps.longest(m.Schedule) + m.Splay,
		})
	}
	for _, r := range cfg.Receivers {
		if isFed(r) {
			s.Fed = append(s.Fed, r.FullName())
			continue
		}
		s.Receivers = append(s.Receivers, r.FullName())
	}
	for _, source := range cfg.Sources {
		s.Certificates = append(s.Certificates, certificates(source)...)
		if source.Identity.Err() != nil {
			s.Unread = append(s.Unread, source.Identity.Name())
		}
	}
	for _, ca := range cfg.CAs {
		for _, c := range ca.Roots.Certificates() {
			file := certificate(alerts.CAFile, ca.Path, c, ca.Checks)
			file.Receivers = ca.Receivers
			s.Certificates = append(s.Certificates, file)
		}
	}
	s.Problems = problems(cfg.Unreadable)
	return s
}

// gaps are the longest gaps of schedules, each worked out once: many checks
// share one.
type gaps map[*scheduler.Schedule]time.Duration

// longest is the longest time between two slots of s.
func (g gaps) longest(s *scheduler.Schedule) time.Duration {
	gap, known := g[s]
	if !known {
		gap = s.MaxGap()
		g[s] = gap
	}
	return gap
}

// problems makes one of all notices about the same thing: of two texts for
// one cause, each would be news after the other.
func problems(notices []config.Notice) []alerts.Problem {
	var out []alerts.Problem
	index := make(map[string]int, len(notices))
	for _, n := range notices {
		cause := n.Kind + " " + n.Name
		i, again := index[cause]
		if !again {
			index[cause] = len(out)
			out = append(out, alerts.Problem{Cause: cause, Text: n.Text()})
			continue
		}
		out[i].Text += "; " + n.Err.Error()
	}
	return out
}

// certificates are all whose expiry one block is answerable for.
func certificates(source config.Certificate) []alerts.Certificate {
	id := source.Identity
	var out []alerts.Certificate
	for i, c := range id.Chain() {
		kind := alerts.IssuerCertificate
		if i == 0 {
			kind = alerts.ClientCertificate
		}
		client := certificate(kind, id.Name(), c, source.Checks)
		client.Receivers = source.Receivers
		out = append(out, client)
	}
	for _, c := range id.CACerts() {
		ca := certificate(alerts.CACertificate, id.Name(), c, source.Verifies)
		ca.Receivers = source.Trusting
		out = append(out, ca)
	}
	return out
}

// certificate is one certificate on which checks depend.
func certificate(kind alerts.CertificateKind, name string, c *x509.Certificate, checks []string) alerts.Certificate {
	sum := sha256.Sum256(c.Raw)
	return alerts.Certificate{
		Kind: kind, Name: name, Fingerprint: hex.EncodeToString(sum[:]),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, Checks: checks,
	}
}

// receivers are the senders of queued messages of a configuration by their
// full names.
func receivers(cfg *config.Config, pacer *alerts.Pacer) map[string]alerts.Receiver {
	out := make(map[string]alerts.Receiver, len(cfg.Receivers))
	for _, r := range cfg.Receivers {
		if isFed(r) {
			continue
		}
		if r.Err != nil {
			out[r.FullName()] = alerts.Unusable{Err: r.Err}
			continue
		}
		switch {
		case r.Slack != nil:
			out[r.FullName()] = &alerts.Slack{
				Token: r.Slack.Token, Channel: r.Slack.Channel,
				WebhookURL: r.Slack.WebhookURL, APIURL: r.Slack.APIURL, Mention: r.Slack.Mention, Pacer: pacer,
			}
		case r.Webhook != nil:
			out[r.FullName()] = webhook(r.Webhook)
		}
	}
	return out
}

func webhook(r *config.WebhookReceiver) *alerts.Webhook {
	return &alerts.Webhook{
		URL: r.URL, Headers: r.Headers, Keys: r.Keys, UserAgent: userAgent(), Timeout: r.Timeout, TLS: r.TLS,
	}
}

// measured are the enabled checks as the metrics know them.
func measured(cfg *config.Config) []metrics.Check {
	out := make([]metrics.Check, 0, len(cfg.Monitors))
	for _, m := range cfg.Monitors {
		if !m.Enabled {
			continue
		}
		c := metrics.Check{
			Name: m.Check.Name, Group: m.Check.Group, Labels: m.Check.Labels,
			Schedule: m.Spec, Severity: m.Policy.Severity, Hosts: m.Hosts,
		}
		for _, step := range m.Check.Steps {
			c.Steps = append(c.Steps, step.Name)
		}
		out = append(out, c)
	}
	return out
}

// uses counts for each certificate the checks that present it.
func uses(cfg *config.Config) map[string]int {
	out := make(map[string]int, len(cfg.Sources))
	for _, source := range cfg.Sources {
		out[source.Identity.Name()] = len(source.Checks)
	}
	return out
}
