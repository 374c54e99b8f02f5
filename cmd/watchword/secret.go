package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
)

func (a *app) secretCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Encrypt secrets",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.sealCommand())
	return cmd
}

func (a *app) sealCommand() *cobra.Command {
	var (
		to    config.Recipients
		out   string
		force bool
	)
	cmd := &cobra.Command{
		Use:   "seal",
		Short: "Encrypt a value for age_file",
		Long: `seal encrypts a value so that it can stand beside the configuration, in git too,
as a file that a secret block names with age_file. The value comes from stdin;
a terminal asks for it twice and does not show it. One newline at its end does
not count.

It is encrypted for each --recipient, and for the recipient of each
--age-identity, which is what opens the file again:

  age-keygen -o identity.txt
  watchword secret seal --age-identity identity.txt -o partner_key.age
  watchword run --age-identity identity.txt

The age command reads and writes the same files.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to.Identities = a.identities; len(to.Keys)+len(to.Files) == 0 {
				to.Identities = a.ageIdentities()
			}
			return a.seal(cmd, to, out, force)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&to.Keys, "recipient", "r", nil, "public `KEY`, age1…, of who can open it; may be repeated")
	flags.StringArrayVar(&to.Files, "recipients-file", nil, "`FILE` with such keys, one a line; may be repeated")
	flags.StringVarP(&out, "output", "o", "", "`FILE` to write, readable by its owner only; stdout unless given")
	flags.BoolVar(&force, "force", false, "replace the file if there is one")
	return cmd
}

// ageIdentities are the files whose keys open age files.
func (a *app) ageIdentities() []string {
	if len(a.identities) > 0 {
		return a.identities
	}
	list, _ := a.environ("WATCHWORD_AGE_IDENTITY")
	return filepath.SplitList(list)
}

func (a *app) seal(cmd *cobra.Command, to config.Recipients, out string, force bool) error {
	// What is wrong with the command line is told before a value is typed.
	if err := to.Check(); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	if err := replaceable(out, force); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	text, err := a.askSecret(cmd.Context())
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	sealed, err := config.Seal(text, to)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	if out == "" {
		_, err := a.stdout.Write(sealed)
		return err
	}
	if err := writePrivate(out, sealed, force); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	fmt.Fprintf(a.stdout, "secret %q { age_file = %q }\n", blockName(out), filepath.Base(out))
	return nil
}

// replaceable refuses an existing file unless force is given, and one that is
// no plain file.
func replaceable(file string, force bool) error {
	if file == "" {
		return nil
	}
	info, err := os.Lstat(file)
	if _, noFolder := os.Stat(filepath.Dir(file)); noFolder != nil {
		return noFolder
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder: name the file, such as %s", file, filepath.Join(file, "partner_key.age"))
	case !force:
		return fmt.Errorf("%s exists: give --force to replace it", file)
	}
	return nil
}

// writePrivate makes file with content, for its owner alone, all at once: a
// crash leaves nothing, or what was there. Only with force does it replace a
// file.
func writePrivate(file string, content []byte, force bool) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".watchword-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already if it was renamed
	_, err = tmp.Write(content)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if force {
		return os.Rename(tmp.Name(), file)
	}
	if err := os.Link(tmp.Name(), file); errors.Is(err, fs.ErrExist) {
		return replaceable(file, false) // it came into being meanwhile
	} else if err != nil {
		return err
	}
	return nil
}

// blockName makes the name of a block of a file's name.
func blockName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		default:
			return '_'
		}
	}, name)
	if name == "" || name[0] >= '0' && name[0] <= '9' || name[0] == '-' {
		name = "secret_" + name
	}
	return name
}
