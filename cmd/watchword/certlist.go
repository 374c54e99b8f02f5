package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
)

func (a *app) certListCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the client certificates with their hosts, dates, checks and receivers",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			rows := listCertificates(cfg, time.Now())
			if output == "json" {
				return a.writeJSON(rows)
			}
			a.writeCertificates(cfg, rows)
			return nil
		},
	}
	outputFlag(cmd, &output, "text", "json")
	return cmd
}

// listedCertificate is a certificate in `cert list -o json`. What the files
// would tell is empty or null where they cannot be read.
type listedCertificate struct {
	Certificate string     `json:"certificate"`
	Hosts       []string   `json:"hosts"`
	Subject     string     `json:"subject"`
	Issuer      string     `json:"issuer"`
	NotBefore   *time.Time `json:"not_before"`
	NotAfter    *time.Time `json:"not_after"`
	DaysLeft    *float64   `json:"days_left"`
	Fingerprint string     `json:"fingerprint"`
	Primary     bool       `json:"primary"`
	Checks      int        `json:"checks"`
	Receivers   []string   `json:"receivers"`
	Error       string     `json:"error,omitempty"`
}

func listCertificates(cfg *config.Config, now time.Time) []listedCertificate {
	out := []listedCertificate{}
	for _, source := range cfg.Sources {
		id := source.Identity
		if !id.HasCertificate() {
			continue // a block that only brings a ca
		}
		row := listedCertificate{
			Certificate: id.Name(), Hosts: orEmpty(id.Hosts()),
			Primary: id.Primary(), Checks: len(source.Checks), Receivers: orEmpty(source.Receivers),
		}
		if leaf := id.Leaf(); leaf != nil {
			days := daysBetween(now, leaf.NotAfter)
			row.Subject, row.Issuer = leaf.Subject.String(), leaf.Issuer.String()
			row.NotBefore, row.NotAfter, row.DaysLeft = &leaf.NotBefore, &leaf.NotAfter, &days
			row.Fingerprint = id.Fingerprint()
		}
		if err := id.Err(); err != nil {
			row.Error = cfg.Redactor.Redact(err.Error())
		}
		out = append(out, row)
	}
	return out
}

// daysBetween counts days with one digit behind the point, rounded down;
// negative when end is past.
func daysBetween(now, end time.Time) float64 {
	return math.Floor(end.Sub(now).Hours()/24*10) / 10
}

func (a *app) writeCertificates(cfg *config.Config, rows []listedCertificate) {
	s := a.screenOf(a.stdout)
	tightest := 30 * 24 * time.Hour
	if thresholds := cfg.Settings.CertificateExpiry; len(thresholds) > 0 {
		tightest = thresholds[0]
	}
	tell := slices.ContainsFunc(rows, func(row listedCertificate) bool { return len(row.Receivers) > 0 })
	var lines []table.Row
	for _, row := range rows {
		hosts, notAfter, days, remark := row.Hosts, "-", "-", ""
		if row.Primary {
			hosts = append(slices.Clip(hosts), "(primary)")
		}
		if row.NotAfter != nil {
			notAfter = row.NotAfter.UTC().Format(time.DateOnly)
			days = colorDays(s, *row.DaysLeft, tightest)
		}
		if row.Error != "" {
			remark = s.red(row.Error)
		}
		line := table.Row{
			s.bold(row.Certificate), dashed(hosts), cmp.Or(row.Subject, "-"), cmp.Or(row.Issuer, "-"),
			notAfter, days, row.Checks,
		}
		if tell {
			line = append(line, dashed(row.Receivers))
		}
		lines = append(lines, append(line, remark))
	}
	header := table.Row{"certificate", "hosts", "subject", "issuer", "not after", "days left", "checks"}
	if tell {
		header = append(header, "receivers")
	}
	s.writeTable(a.stdout, append(header, ""), lines, []string{"issuer", "subject", "not after", "hosts"})
}

func colorDays(s screen, days float64, warn time.Duration) string {
	str := fmt.Sprintf("%.0f", days)
	switch {
	case days < 0:
		return s.red("expired")
	case days < 7:
		return s.red(str)
	case days < warn.Hours()/24:
		return s.yellow(str)
	default:
		return s.green(str)
	}
}
