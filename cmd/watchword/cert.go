package main

import (
	"github.com/spf13/cobra"
)

func (a *app) certCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cert",
		Short: "Look at client certificates, and manage them",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.certListCommand(), a.certWhichCommand(), a.certCheckCommand(),
		a.certAddCommand(), a.certRenameCommand(), a.certPrimaryCommand(), a.certRemoveCommand(),
	)
	return cmd
}
