package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchword/alerts"
	"watchword/certs"
	"watchword/cmd/internal/config"
)

func (a *app) certCheckCommand() *cobra.Command {
	var (
		output string
		strict bool
	)
	cmd := &cobra.Command{
		Use:   "check [NAME…]",
		Short: "Find every problem of the certificates, with the command that mends it",
		Long: `check reads the files of all certificates, or of those that are named, and tells
every problem that they have, the command that mends it where there is one, and
the checks that suffer. One in use that has crossed a threshold of
certificate_expiry is a warning.

Exit code 1 if a certificate cannot be used or is not valid now, or with
--strict if there is any problem.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.certCheck(cmd.Context(), names, output, strict)
		},
	}
	outputFlag(cmd, &output, "text", "json")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings fail too")
	return cmd
}

// checkedCertificate is a certificate in `cert check -o json`.
type checkedCertificate struct {
	Certificate string          `json:"certificate"`
	File        string          `json:"file"`
	Line        int             `json:"line"`
	Outcome     string          `json:"outcome"` // good, warning, or error: it cannot be used, or servers refuse it
	Hosts       []string        `json:"hosts"`
	Subject     string          `json:"subject"`
	Issuer      string          `json:"issuer"`
	NotBefore   *time.Time      `json:"not_before"`
	NotAfter    *time.Time      `json:"not_after"`
	DaysLeft    *float64        `json:"days_left"`
	Refused     bool            `json:"refused"` // not valid now: servers refuse whoever shows it
	Checks      []string        `json:"checks"`  // that present it, as far as hosts are known
	Problems    []listedProblem `json:"problems"`
}

type listedProblem struct {
	Severity  certs.Severity `json:"severity"`
	Attribute string         `json:"attribute"`
	Summary   string         `json:"summary"`
	Detail    string         `json:"detail"`
	Command   string         `json:"command"`
}

func (a *app) certCheck(ctx context.Context, names []string, output string, strict bool) error {
	cfg, err := a.load(ctx)
	if err != nil {
		return err
	}
	list, err := chosen(cfg, names)
	if err != nil {
		return err
	}
	now := time.Now()
	rows := []checkedCertificate{}
	worst := "good"
	for _, c := range list {
		row := a.checkCertificate(cfg, c, now)
		rows = append(rows, row)
		if row.Outcome == "error" || worst == "good" {
			worst = row.Outcome
		}
	}
	if output == "json" {
		if err := a.writeJSON(rows); err != nil {
			return err
		}
	} else {
		for i, row := range rows {
			a.writeChecked(row, list[i].Identity, now)
		}
		a.writeCheckTally(rows)
	}
	if worst == "error" || strict && worst == "warning" {
		return codeError(exitFailed)
	}
	return nil
}

// chosen are the certificates of those names, all without names.
func chosen(cfg *config.Config, names []string) ([]config.Certificate, error) {
	if len(names) == 0 {
		return cfg.Sources, nil
	}
	var out []config.Certificate
	for _, name := range names {
		c := source(cfg, name)
		if c == nil {
			var known []string
			for _, other := range cfg.Sources {
				known = append(known, other.Identity.Name())
			}
			return nil, usagef("there is no certificate %q; there is %s", name, cmp.Or(shortList(known, 10), "none"))
		}
		out = append(out, *c)
	}
	return out, nil
}

func (a *app) checkCertificate(cfg *config.Config, c config.Certificate, now time.Time) checkedCertificate {
	id := c.Identity
	row := checkedCertificate{
		Certificate: id.Name(), File: c.Source.File, Line: c.Source.Line, Outcome: "good",
		Hosts: orEmpty(id.Hosts()), Checks: orEmpty(c.Checks), Problems: []listedProblem{},
		Refused: refusedByServers(id, now),
	}
	if leaf := id.Leaf(); leaf != nil {
		days := daysBetween(now, leaf.NotAfter)
		row.Subject, row.Issuer = leaf.Subject.String(), leaf.Issuer.String()
		row.NotBefore, row.NotAfter, row.DaysLeft = &leaf.NotBefore, &leaf.NotAfter, &days
	}
	failed := row.Refused
	for _, p := range append(id.Problems(now), a.expiring(cfg, c, now)...) {
		failed = failed || p.Severity == certs.Error
		row.Problems = append(row.Problems, listedProblem{
			Severity: p.Severity, Attribute: p.Attribute, Summary: cfg.Redactor.Redact(p.Summary),
			Detail: cfg.Redactor.Redact(p.Detail), Command: cfg.Redactor.Redact(p.Command),
		})
	}
	switch {
	case failed:
		row.Outcome = "error"
	case len(row.Problems) > 0:
		row.Outcome = "warning"
	}
	return row
}

func (a *app) writeChecked(row checkedCertificate, id *certs.Identity, now time.Time) {
	s := a.screenOf(a.stdout)
	mark := s.green("✓")
	switch row.Outcome {
	case "error":
		mark = s.red("✗")
	case "warning":
		mark = s.yellow("!")
	}
	hosts := row.Hosts
	if id.Primary() {
		hosts = append(hosts, "(primary)")
	}
	fmt.Fprintf(a.stdout, "%s %s  %s\n", mark, s.bold(row.Certificate), s.faint(strings.Join(hosts, ", ")))
	switch {
	case row.NotAfter != nil:
		fmt.Fprintf(a.stdout, "    %s, issued by %s, %s\n", row.Subject, row.Issuer, expiryText(now, *row.NotAfter))
	case !id.HasCertificate():
		fmt.Fprintf(a.stdout, "    only brings the CAs of its hosts: %s\n", count(len(id.CACerts()), "certificate"))
	}
	for _, p := range row.Problems {
		a.writeProblem(a.stdout, "    ", certs.Problem{
			Severity: p.Severity, Attribute: p.Attribute, Summary: p.Summary, Detail: p.Detail, Command: p.Command,
		})
	}
	if row.Refused {
		fmt.Fprintf(a.stdout, "    %s\n", "a new one goes along instead from the next reload on:")
		fmt.Fprintf(a.stdout, "      %s\n", s.bold(a.replacement(id)))
	}
	switch n := count(len(row.Checks), "check"); {
	case len(row.Checks) == 0:
	case row.Outcome == "error":
		fmt.Fprintf(a.stdout, "    %s: %s\n", s.red(n+" cannot pass with it"), shortList(row.Checks, 10))
	default:
		fmt.Fprintf(a.stdout, "    used by %s: %s\n", n, shortList(row.Checks, 10))
	}
	if row.Outcome != "good" {
		fmt.Fprintln(a.stdout, s.faint(fmt.Sprintf("    defined at %s:%d", row.File, row.Line)))
	}
}

// expiryText says when a certificate expires or has expired, and how far from
// now that is.
func expiryText(now, end time.Time) string {
	word, far, away := "expires", "left", end.Sub(now)
	if away < 0 {
		word, far, away = "expired", "ago", -away
	}
	return fmt.Sprintf("%s %s (%s %s)", word, end.UTC().Format(time.DateOnly), roughly(away), far)
}

// roughly is a duration as one number: days, or the hours of under two days.
func roughly(d time.Duration) string {
	switch {
	case d < time.Hour:
		return "under an hour"
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour")
	default:
		return count(int(math.Round(d.Hours()/24)), "day")
	}
}

// expiring warns of a certificate that goes along and expires so soon that
// the daemon tells of it.
func (a *app) expiring(cfg *config.Config, c config.Certificate, now time.Time) []certs.Problem {
	id := c.Identity
	if len(c.Checks)+len(c.Receivers) == 0 {
		return nil
	}
	for _, cert := range id.Chain() {
		if !now.Before(cert.NotAfter) {
			return nil // which is a problem of its own
		}
	}
	for _, cert := range id.Chain() {
		seen := alerts.Certificate{NotBefore: cert.NotBefore, NotAfter: cert.NotAfter}
		if _, soon := seen.Crossed(cfg.Settings.CertificateExpiry, now); soon {
			return []certs.Problem{{
				Severity: certs.Warning,
				Summary:  fmt.Sprintf("certificate CN=%q expires in %s", cert.Subject.CommonName, roughly(cert.NotAfter.Sub(now))),
				Detail:   "A new one goes along instead from the next reload on.",
				Command:  a.replacement(id),
			}}
		}
	}
	return nil
}

// replacement is the command that adds a certificate in the place of id.
func (a *app) replacement(id *certs.Identity) string {
	words := []string{"watchword", "cert", "add", id.Name() + "-new"}
	if a.configPath != "." {
		words = append(words, "-c", quoted(a.configPath))
	}
	for _, host := range id.Hosts() {
		words = append(words, "--host", quoted(host))
	}
	if id.Primary() {
		words = append(words, "--primary")
	}
	src := id.Source()
	if src.CA != "" {
		words = append(words, "--ca", quoted(src.CA))
	}
	switch {
	case src.PEM != "":
		words = append(words, "--pem", "FILE")
	case src.PKCS12 != "":
		words = append(words, "--pkcs12", "FILE")
	default:
		words = append(words, "--cert", "FILE", "--key", "FILE")
	}
	return strings.Join(words, " ")
}

// quoted is a word for a POSIX shell.
func quoted(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// writeProblem shows a problem, what to do, and the command that mends it.
func (a *app) writeProblem(w io.Writer, prefix string, p certs.Problem) {
	s := a.screenOf(w)
	word := s.yellow("warning:")
	if p.Severity == certs.Error {
		word = s.red("error:")
	}
	fmt.Fprintf(w, "%s%s %s\n", prefix, word, p.Summary)
	if p.Detail != "" {
		fmt.Fprintf(w, "%s  %s\n", prefix, p.Detail)
	}
	if p.Command != "" {
		fmt.Fprintf(w, "%s  $ %s\n", prefix, s.bold(p.Command))
	}
}

func (a *app) writeCheckTally(rows []checkedCertificate) {
	tally := map[string]int{}
	for _, row := range rows {
		tally[row.Outcome]++
	}
	var parts []string
	for _, p := range []struct{ outcome, text string }{{"good", "good"}, {"warning", "with warnings"}, {"error", "with errors"}} {
		if n := tally[p.outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.text))
		}
	}
	fmt.Fprintf(a.stdout, "\n%s: %s\n", count(len(rows), "certificate"), cmp.Or(strings.Join(parts, ", "), "none is configured"))
}
