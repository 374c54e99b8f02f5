package main

import (
	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
	"watchword/cmd/internal/rules"
)

func (a *app) rulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rules",
		Short: "Write Prometheus alerting and recording rules for this configuration",
		Long: `rules writes a rule file of Prometheus: alerts on checks that fail, are degraded
or do not run, on certificates that expire with the number of checks at stake,
and on watchword itself, and recordings of availability and latency.

They follow the states of watchword's own alerts, so that after, for and
recover_after hold. Use them instead of its receivers, not beside them.`,
		Example: "  watchword rules -c /etc/watchword > /etc/prometheus/rules/watchword.yml",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			return rules.Write(a.stdout, ruled(cfg))
		},
	}
}

// ruled is what of a configuration concerns rules: its enabled checks.
func ruled(cfg *config.Config) rules.Options {
	o := rules.Options{Location: cfg.Settings.Location, Expiry: cfg.Settings.CertificateExpiry}
	gaps := make(gaps)
	for _, m := range cfg.Monitors {
		if !m.Enabled {
			continue
		}
		for name := range m.Check.Labels {
			o.Labels = append(o.Labels, name)
		}
		o.Schedules = append(o.Schedules, rules.Schedule{Spec: m.Spec, Gap: gaps.longest(m.Schedule)})
	}
	return o
}
