package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"watchword/certs"
	"watchword/checks"
	"watchword/cmd/internal/config"
)

func (a *app) certRemoveCommand() *cobra.Command {
	var yes, dryRun bool
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a certificate, and tell what its checks use instead",
		Long: `remove takes a certificate block out of its file, after telling for each check
and receiver that presents it what would go along instead. It refuses where one
names the certificate, or demands one (mtls = true) and none would be left. The
files of the certificate stay where they are.

It asks on a terminal, and wants --yes elsewhere.`,
		Args: certificateNames("the NAME of a certificate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.certRemove(cmd.Context(), args[0], yes, dryRun)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	dryRunFlag(cmd, &dryRun)
	return cmd
}

func (a *app) certRemove(ctx context.Context, name string, yes, dryRun bool) error {
	e, err := a.openEdit(ctx)
	if err != nil {
		return err
	}
	before, err := a.load(ctx)
	if err != nil {
		return err
	}
	at, err := e.RemoveCertificate(name)
	if err != nil {
		return stillNamed(before, err)
	}
	after, err := a.checked(ctx, e)
	if err != nil {
		return err
	}
	old := source(before, name)
	if old == nil {
		return fmt.Errorf("certificate %q has no block of its own", name)
	}
	s := a.screenOf(a.stdout)
	fmt.Fprintf(a.stdout, "certificate %s at %s:%d\n", s.bold(describe(old.Identity)), at.File, at.Line)
	a.writeReplacements(before, after, old.Identity)
	if !yes && !dryRun {
		if !a.interactive() {
			return usagef("removing certificate %q: nobody can be asked here, so --yes is needed", name)
		}
		sure, err := a.confirm(ctx, "Remove it?")
		if err != nil {
			return err
		}
		if !sure {
			fmt.Fprintln(a.stdout, "nothing is changed")
			return codeError(exitFailed)
		}
	}
	if err := a.commit(e, dryRun); err != nil || dryRun {
		return err
	}
	fmt.Fprintf(a.stdout, "certificate %s is removed", s.bold(name))
	if files := leftFiles(after, old.Identity); len(files) > 0 {
		fmt.Fprintf(a.stdout, "; its files are still there: %s", strings.Join(files, ", "))
	}
	fmt.Fprintln(a.stdout)
	return nil
}

// stillNamed adds to a refusal which checks and receivers name the certificate.
func stillNamed(cfg *config.Config, err error) error {
	var named *config.NamedError
	if !errors.As(err, &named) {
		return err
	}
	is := func(id *certs.Identity) bool { return id != nil && id.Name() == named.Name }
	var names []string
	for _, m := range cfg.Monitors {
		if slices.ContainsFunc(m.Check.Steps, func(s *checks.Step) bool { return is(s.Request.Certificate) }) {
			names = append(names, m.Check.Name)
		}
	}
	for _, r := range cfg.Receivers {
		if slices.ContainsFunc(r.Hosts, func(h config.Host) bool { return is(h.Want.Explicit) }) {
			names = append(names, "receiver "+r.FullName())
		}
	}
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w (it is the choice of %s)", err, shortList(names, 10))
}

// writeReplacements tells for each request that presents id what goes along
// without it.
func (a *app) writeReplacements(before, after *config.Config, id *certs.Identity) {
	s := a.screenOf(a.stdout)
	changed := moves(usesOf(before), usesOf(after))
	if len(changed) == 0 {
		fmt.Fprintln(a.stdout, "no check or receiver uses it, as far as hosts are known")
	} else {
		fmt.Fprintf(a.stdout, "without it %s would use:\n", plainCount(changed))
		t := s.table(a.stdout, table.Row{"used by", "host", "instead", ""})
		for _, m := range changed {
			instead, rule := s.green(m.certificate), "by rule "+string(m.rule)
			if m.certificate == "" {
				instead, rule = s.yellow("no certificate"), ""
			}
			who := m.who
			if m.receiver {
				who = "receiver " + who
			}
			t.AppendRow(table.Row{who, m.host, instead, rule})
		}
		t.Render()
	}
	a.writeUnknownHosts(before)
	if id.Primary() {
		fmt.Fprintln(a.stdout, "it is the primary: a request with mtls = true has none then where no host matches")
	}
	if id.Source().CA != "" {
		fmt.Fprintf(a.stdout, "its ca no longer verifies the servers of %s\n", strings.Join(id.Hosts(), ", "))
	}
}

// plainCount counts the checks and receivers of moves: "2 checks and 1 receiver".
func plainCount(all []move) string {
	var names [2]map[string]bool
	for i, what := range []bool{false, true} {
		names[i] = map[string]bool{}
		for _, m := range all {
			if m.receiver == what {
				names[i][m.who] = true
			}
		}
	}
	switch {
	case len(names[1]) == 0:
		return count(len(names[0]), "check")
	case len(names[0]) == 0:
		return count(len(names[1]), "receiver")
	default:
		return count(len(names[0]), "check") + " and " + count(len(names[1]), "receiver")
	}
}

// filesOf are the files that the block of id names.
func filesOf(id *certs.Identity) []string {
	src := id.Source()
	var out []string
	for _, path := range []string{src.PEM, src.Cert, src.Key, src.PKCS12, src.CA} {
		if path != "" {
			out = append(out, path)
		}
	}
	return out
}

// leftFiles are the files of id that no other block of cfg names.
func leftFiles(cfg *config.Config, id *certs.Identity) []string {
	used := map[string]bool{}
	for _, other := range cfg.Sources {
		for _, path := range filesOf(other.Identity) {
			used[path] = true
		}
	}
	var out []string
	for _, path := range filesOf(id) {
		if !used[path] {
			out = append(out, path)
		}
	}
	return out
}
