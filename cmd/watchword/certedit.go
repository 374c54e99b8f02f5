package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"watchword/certs"
	"watchword/checks"
	"watchword/cmd/internal/config"
)

// certificateNames takes one argument for each of what they are called.
func certificateNames(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return usagef("want %s, got %s", strings.Join(names, " and "), count(len(args), "argument"))
		}
		return nil
	}
}

func dryRunFlag(cmd *cobra.Command, target *bool) {
	cmd.Flags().BoolVar(target, "dry-run", false, "change nothing; show what would change")
}

// openEdit reads the files of the configuration to edit them.
func (a *app) openEdit(ctx context.Context) (*config.Edit, error) {
	opts, err := a.options()
	if err != nil {
		return nil, err
	}
	return config.OpenEdit(ctx, a.configPath, opts)
}

// checked is the configuration as the edit would make it. An invalid one is
// an error, and nothing is changed.
func (a *app) checked(ctx context.Context, e *config.Edit) (*config.Config, error) {
	cfg, err := e.Check(ctx)
	if errors.As(err, new(*config.Error)) {
		fmt.Fprintln(a.stderr, "watchword: nothing is changed, because the configuration would have mistakes:")
		fmt.Fprintln(a.stderr)
	}
	return cfg, err
}

// commit makes the edit, or only shows it, and names the files.
func (a *app) commit(e *config.Edit, dryRun bool, before ...config.Replacement) error {
	s := a.screenOf(a.stdout)
	if dryRun {
		for _, c := range e.Changes() {
			a.writeDiff(diff.Diff(c.File, c.Before, c.File, c.After))
		}
		fmt.Fprintln(a.stdout, s.yellow("nothing is changed: --dry-run"))
		return nil
	}
	if err := e.Commit(before...); err != nil {
		return fmt.Errorf("changing the configuration: %w", err)
	}
	var files []string
	for _, c := range e.Changes() {
		files = append(files, c.File)
	}
	if len(files) > 0 {
		fmt.Fprintf(a.stdout, "changed %s\n", strings.Join(files, ", "))
	}
	return nil
}

// A use is a request of an enabled check, or a receiver, and the certificate
// that goes along, as far as they are known at load.
type use struct {
	who         string // the check, or the receiver
	receiver    bool
	host        string // as it may be shown
	certificate string // empty: none
	rule        certs.Rule
}

// usesOf are the uses of cfg in the order of its files, checks first. The same
// checks and receivers give the same list but for the certificates.
func usesOf(cfg *config.Config) []use {
	var out []use
	add := func(u use, host string, want certs.Want) {
		choice := cfg.Certificates.Select(host, want)
		u.rule = choice.Rule
		if choice.Identity != nil {
			u.certificate = choice.Identity.Name()
		}
		out = append(out, u)
	}
	for _, m := range cfg.Monitors {
		if !m.Enabled {
			continue
		}
		for i, host := range m.Hosts {
			// Hosts follow the steps; a check without steps has one of each.
			request := m.Check.Steps[min(i, len(m.Check.Steps)-1)].Request
			add(use{who: m.Check.Name, host: host}, host, certs.Want{Mode: request.MTLS, Explicit: request.Certificate})
		}
	}
	for _, r := range cfg.Receivers {
		for _, h := range r.Hosts {
			add(use{who: r.FullName(), receiver: true, host: h.Shown()}, h.Name, h.Want)
		}
	}
	return out
}

// A move is a use whose certificate changes.
type move struct {
	use         // as it will be
	from string // empty: none
}

// moves are the uses that differ.
func moves(before, after []use) []move {
	var out []move
	for i, u := range after[:min(len(before), len(after))] {
		if before[i].certificate != u.certificate && before[i].who == u.who {
			out = append(out, move{use: u, from: before[i].certificate})
		}
	}
	return slices.Compact(out)
}

// writeMoves counts the checks and receivers that change from one certificate
// to another and names them.
func (a *app) writeMoves(all []move) {
	type change struct {
		from, to string
		receiver bool
	}
	var order []change
	named := map[change][]string{}
	for _, m := range all {
		c := change{m.from, m.certificate, m.receiver}
		if named[c] == nil {
			order = append(order, c)
		}
		if !slices.Contains(named[c], m.who) {
			named[c] = append(named[c], m.who)
		}
	}
	s := a.screenOf(a.stdout)
	for _, c := range order {
		names := named[c]
		what, verb := "check", "change"
		if c.receiver {
			what = "receiver"
		}
		if len(names) == 1 {
			verb = "changes"
		}
		fmt.Fprintf(a.stdout, "%s %s from %s to %s: %s\n", count(len(names), what), verb,
			orNone(c.from), s.bold(orNone(c.to)), shortList(names, 10))
	}
}

func orNone(certificate string) string {
	if certificate == "" {
		return "no certificate"
	}
	return certificate
}

// shortList names the first of many.
func shortList(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// hostsUnknown counts the enabled checks whose host is known only when they run.
func hostsUnknown(cfg *config.Config) int {
	n := 0
	for _, m := range cfg.Monitors {
		if m.Enabled && len(m.Hosts) < len(m.Check.Steps) {
			n++
		}
	}
	return n
}

func (a *app) writeUnknownHosts(cfg *config.Config) {
	if n := hostsUnknown(cfg); n > 0 {
		fmt.Fprintf(a.stdout, "%s: the host is known only at a run, and decides there\n", count(n, "check"))
	}
}

// placesText is "orders.hcl:3, :8, other.hcl:1".
func placesText(places []checks.Source) string {
	var out []string
	file := ""
	for _, p := range places {
		text := fmt.Sprintf(":%d", p.Line)
		if p.File != file {
			text, file = p.File+text, p.File
		}
		out = append(out, text)
	}
	return shortList(slices.Compact(out), 20)
}

// source is the certificate of that name in cfg, or nil.
func source(cfg *config.Config, name string) *config.Certificate {
	for i := range cfg.Sources {
		if cfg.Sources[i].Identity.Name() == name {
			return &cfg.Sources[i]
		}
	}
	return nil
}
