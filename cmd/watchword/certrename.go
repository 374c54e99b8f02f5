package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) certRenameCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "rename OLD NEW",
		Short: "Rename a certificate and every reference to it",
		Long: `rename changes the name of a certificate block and of every reference to it, in
native and JSON files, and nothing else. If it is cut short, the same command
does what is left.

Metrics, messages and the notices of expiry carry the new name from the next
reload on.`,
		Args: certificateNames("the OLD name", "the NEW one"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.certRename(cmd.Context(), args[0], args[1], dryRun)
		},
	}
	dryRunFlag(cmd, &dryRun)
	return cmd
}

func (a *app) certRename(ctx context.Context, from, to string, dryRun bool) error {
	e, err := a.openEdit(ctx)
	if err != nil {
		return err
	}
	places, err := e.RenameCertificate(from, to)
	if err != nil {
		return err
	}
	if _, err := a.checked(ctx, e); err != nil {
		return err
	}
	if err := a.commit(e, dryRun); err != nil {
		return err
	}
	if dryRun {
		return nil
	}
	s := a.screenOf(a.stdout)
	fmt.Fprintf(a.stdout, "certificate %s is now %s", from, s.bold(to))
	if len(places) > 0 {
		fmt.Fprintf(a.stdout, ", with %s at %s", count(len(places), "reference"), placesText(places))
	}
	fmt.Fprintln(a.stdout)
	return nil
}
