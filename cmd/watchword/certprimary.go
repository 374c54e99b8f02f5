package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) certPrimaryCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "primary NAME",
		Short: "Make a certificate the primary: for requests with mtls = true that no other is for",
		Args:  certificateNames("the NAME of a certificate"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.certPrimary(cmd.Context(), args[0], dryRun)
		},
	}
	dryRunFlag(cmd, &dryRun)
	return cmd
}

func (a *app) certPrimary(ctx context.Context, name string, dryRun bool) error {
	e, err := a.openEdit(ctx)
	if err != nil {
		return err
	}
	before, err := e.SetPrimary(name)
	if err != nil {
		return err
	}
	s := a.screenOf(a.stdout)
	if len(e.Changes()) == 0 {
		fmt.Fprintf(a.stdout, "certificate %s is the primary already\n", s.bold(name))
		return nil
	}
	cfg, err := a.checked(ctx, e)
	if err != nil {
		return err
	}
	old, oldErr := a.load(ctx) // may be invalid: two primaries, say
	if err := a.commit(e, dryRun); err != nil {
		return err
	}
	if !dryRun {
		fmt.Fprintf(a.stdout, "certificate %s is the primary now", s.bold(name))
		if before != "" {
			fmt.Fprintf(a.stdout, ", instead of %s", before)
		}
		fmt.Fprintln(a.stdout)
	}
	if oldErr == nil {
		a.writeMoves(moves(usesOf(old), usesOf(cfg)))
	}
	return nil
}
