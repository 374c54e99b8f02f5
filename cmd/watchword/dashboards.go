package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"watchword/cmd/internal/dashboards"
)

func (a *app) dashboardsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dashboards DIR",
		Short: "Write Grafana dashboards",
		Long: `dashboards writes four dashboards into the folder DIR, which is made if it is
missing: what is wrong now, one check, certificates, and watchword itself. They
fit every configuration. Grafana 10 and later load them by file provisioning;
examples/grafana shows how.`,
		Example: "  watchword dashboards /var/lib/grafana/dashboards/watchword",
		Args:    exactlyOne("DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.writeDashboards(args[0])
		},
	}
}

// exactlyOne wants the argument that a usage text calls name.
func exactlyOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%q takes one argument, %s, got %d", cmd.CommandPath(), name, len(args))
		}
		return nil
	}
}

func (a *app) writeDashboards(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // Grafana, another user, reads it
		return fmt.Errorf("writing dashboards: %w", err)
	}
	for _, d := range dashboards.All() {
		text, err := d.JSON()
		if err != nil {
			return err
		}
		path := filepath.Join(dir, d.UID+".json")
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // likewise
			return fmt.Errorf("writing dashboards: %w", err)
		}
		fmt.Fprintf(a.stdout, "%s  %s\n", path, d.Title)
	}
	return nil
}
