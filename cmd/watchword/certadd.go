package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"watchword/certs"
	"watchword/cmd/internal/config"
)

// An addition is what `cert add` is told to do.
type addition struct {
	name                   string
	hosts                  []string
	pem, cert, key, pkcs12 string // files
	ca                     string
	secret                 string
	primary                bool
	force, dryRun          bool
	file                   string // of the block; empty chooses one
}

func (a *app) certAddCommand() *cobra.Command {
	var add addition
	cmd := &cobra.Command{
		Use:   "add NAME --host HOST (--pem FILE | --cert FILE --key FILE | --pkcs12 FILE)",
		Short: "Add a certificate: check its files, copy them, append a block",
		Long: `add checks the files of a client certificate, copies them with mode 0600 into the
folder certs beside the configuration file that gets the block, and appends the
block with the present moment as added: among several certificates for a host
the newest goes along, from the next reload on.

The block goes into the file with the most certificate blocks, else into the
configuration file or, in a folder, certificates.hcl; --file chooses. With
--primary the certificate takes the mark from the one before. Without --host it
goes along only where a request names it, or as the primary; it can be rehearsed
with "watchword test --certificate NAME".

A certificate that has expired, is not valid yet, or whose key does not match is
refused unless --force is given, and so is one without --ca that takes the place
of one with a ca: the servers would no longer be verified by it. On a terminal,
what is missing is asked for.`,
		Example: `  watchword cert add acme-2027 --host '*.acme.com' --cert acme.crt --key acme.key
  watchword cert add partner --host partner.example --pkcs12 partner.p12 --passphrase-secret partner_key`,
		Args: certificateNames("the NAME of the new certificate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			add.name = args[0]
			if err := a.completeAddition(cmd, &add); err != nil {
				return err
			}
			return a.certAdd(cmd.Context(), &add)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&add.hosts, "host", nil, "`HOST` name or pattern it is for; may be repeated")
	f.StringVar(&add.pem, "pem", "", "`FILE` with the certificate, its chain and its key")
	f.StringVar(&add.cert, "cert", "", "`FILE` with the certificate and its chain")
	f.StringVar(&add.key, "key", "", "`FILE` with its key")
	f.StringVar(&add.pkcs12, "pkcs12", "", "`FILE` .p12 or .pfx with all of them")
	f.StringVar(&add.ca, "ca", "", "`FILE` with the CAs of the hosts' servers")
	f.StringVar(&add.secret, "passphrase-secret", "", "`NAME` of the secret block that holds the passphrase")
	f.BoolVar(&add.primary, "primary", false, "make it the primary")
	f.BoolVar(&add.force, "force", false, "add it even if servers will refuse it")
	f.StringVar(&add.file, "file", "", "`FILE` of the configuration that gets the block")
	dryRunFlag(cmd, &add.dryRun)
	return cmd
}

// completeAddition checks the flags, and asks for what is missing.
func (a *app) completeAddition(cmd *cobra.Command, add *addition) error {
	if err := config.CheckCertificateName(add.name); err != nil {
		return usageError{err}
	}
	ctx := cmd.Context()
	if add.pem == "" && add.cert == "" && add.key == "" && add.pkcs12 == "" && a.interactive() {
		path, err := a.ask(ctx, "File with the certificate (PEM, or .p12): ")
		if err != nil {
			return err
		}
		if err := a.askKey(ctx, add, path); err != nil {
			return err
		}
	}
	if err := add.formats(); err != nil {
		return err
	}
	if !cmd.Flags().Changed("host") && a.interactive() {
		answer, err := a.ask(ctx, "Hosts it is for, such as *.acme.com (none: only where a request names it): ")
		if err != nil {
			return err
		}
		add.hosts = strings.FieldsFunc(answer, func(r rune) bool { return r == ' ' || r == ',' })
	} else if !cmd.Flags().Changed("host") && !add.primary {
		return usagef(`want --host HOST, or --host "" for a certificate that goes along only where a request names it`)
	}
	var hosts []string
	for _, host := range add.hosts {
		if host == "" {
			continue
		}
		pattern, err := certs.ParseHost(host)
		if err != nil {
			return usageError{fmt.Errorf("--host %s: %w", host, err)}
		}
		for _, warning := range pattern.Warnings() {
			fmt.Fprintf(a.stderr, "watchword: %s\n", warning)
		}
		hosts = append(hosts, host)
	}
	add.hosts = hosts
	return nil
}

// askKey takes the path of a certificate, and asks for that of its key unless
// the file holds it.
func (a *app) askKey(ctx context.Context, add *addition, path string) error {
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case path == "":
		return usagef("want --pem FILE, or --cert FILE and --key FILE, or --pkcs12 FILE")
	case ext == ".p12" || ext == ".pfx":
		add.pkcs12 = path
		if add.secret == "" {
			secret, err := a.ask(ctx, "Secret block that holds its passphrase (none: there is no passphrase): ")
			if err != nil {
				return err
			}
			add.secret = strings.TrimPrefix(secret, "secret.")
		}
		return nil
	}
	key, err := a.ask(ctx, "File with its key (none: the same file): ")
	if err != nil {
		return err
	}
	if key == "" {
		add.pem = path
	} else {
		add.cert, add.key = path, key
	}
	return nil
}

// formats says which flags do not go together.
func (add *addition) formats() error {
	n := 0
	for _, given := range []bool{add.pem != "", add.cert != "" || add.key != "", add.pkcs12 != ""} {
		if given {
			n++
		}
	}
	switch {
	case n != 1:
		return usagef("want one of --pem FILE, --cert FILE with --key FILE, and --pkcs12 FILE")
	case (add.cert == "") != (add.key == ""):
		return usagef("--cert and --key go together; a file that holds both is given with --pem")
	}
	return nil
}

func (a *app) certAdd(ctx context.Context, add *addition) error {
	now := time.Now()
	before, err := a.load(ctx)
	if err != nil {
		return err
	}
	if err := a.examine(ctx, add, now); err != nil {
		return err
	}
	e, file, err := a.openAddition(ctx, add)
	if err != nil {
		return err
	}
	block, copies, err := add.placed(file)
	if err != nil {
		return err
	}
	block.Added = now
	after, err := a.withBlock(ctx, e, file, block)
	if err != nil {
		return err
	}
	if err := a.loses(add, before, after); err != nil {
		return err
	}
	if err := a.commitWithFiles(e, add.dryRun, copies); err != nil {
		return err
	}
	s := a.screenOf(a.stdout)
	if !add.dryRun {
		fmt.Fprintf(a.stdout, "certificate %s is added to %s\n", s.bold(add.name), file)
	}
	changed := moves(usesOf(before), usesOf(after))
	a.writeMoves(changed)
	if len(changed) == 0 {
		fmt.Fprintln(a.stdout, "no check changes, as far as hosts are known")
	}
	a.writeUnknownHosts(after)
	return nil
}

// openAddition opens the files for an edit, and returns the one that the block
// goes into.
func (a *app) openAddition(ctx context.Context, add *addition) (*config.Edit, string, error) {
	e, err := a.openEdit(ctx)
	if err != nil {
		return nil, "", err
	}
	file, err := e.CertificateFile(add.file)
	return e, file, err
}

// withBlock adds a block to a file of the edit, and returns the configuration
// that comes of it.
func (a *app) withBlock(ctx context.Context, e *config.Edit, file string, block config.NewCertificate) (*config.Config, error) {
	if err := e.AddCertificate(file, block); err != nil {
		return nil, err
	}
	return a.checked(ctx, e)
}

// examine loads the configuration with the files where they are now, tells
// what they hold, and refuses what servers would refuse.
func (a *app) examine(ctx context.Context, add *addition, now time.Time) error {
	e, file, err := a.openAddition(ctx, add)
	if err != nil {
		return err
	}
	if known, err := e.HasSecret(add.secret); err != nil {
		return err
	} else if add.secret != "" && !known {
		return fmt.Errorf("there is no secret %[1]q: add a block such as secret %[1]q { file = \"/run/secrets/%[1]s\" } first", add.secret)
	}
	block, err := add.inPlace()
	if err != nil {
		return err
	}
	block.Added = now
	cfg, err := a.withBlock(ctx, e, file, block)
	if err != nil {
		return err
	}
	added := source(cfg, add.name)
	if added == nil {
		return fmt.Errorf("adding certificate %q: its block is not read", add.name)
	}
	id := added.Identity
	s := a.screenOf(a.stdout)
	if leaf := id.Leaf(); leaf != nil {
		fmt.Fprintf(a.stdout, "%s: issued by %s, valid from %s to %s\n", s.bold(leaf.Subject.String()), leaf.Issuer,
			leaf.NotBefore.UTC().Format(time.DateOnly), leaf.NotAfter.UTC().Format(time.DateOnly))
		if len(add.hosts) > 0 {
			fmt.Fprintf(a.stdout, "for %s\n", strings.Join(add.hosts, ", "))
		}
	}
	refused := refusedByServers(id, now)
	for _, p := range id.Problems(now) {
		if p.Attribute == keyAttribute(add) && p.Severity == certs.Warning && p.Command != "" {
			continue // the mode of the key: its copy gets a better one
		}
		refused = refused || p.Severity == certs.Error
		a.writeProblem(a.stderr, "", p)
	}
	if refused && !add.force {
		return fmt.Errorf("certificate %q is not added: it would not work; --force adds it all the same", add.name)
	}
	return nil
}

// keyAttribute is the attribute that the key comes from.
func keyAttribute(add *addition) string {
	switch {
	case add.pem != "":
		return "pem"
	case add.pkcs12 != "":
		return "pkcs12"
	default:
		return "key"
	}
}

// refusedByServers reports whether a certificate of the chain is not valid now.
func refusedByServers(id *certs.Identity, now time.Time) bool {
	for _, c := range id.Chain() {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return true
		}
	}
	return false
}
