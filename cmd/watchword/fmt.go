package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
)

func (a *app) fmtCommand() *cobra.Command {
	var check, showDiff bool
	cmd := &cobra.Command{
		Use:   "fmt",
		Short: "Rewrite HCL files in the canonical layout",
		Long: `fmt rewrites the *.hcl files of a configuration in HCL's canonical layout and
prints the names of those it changed. Comments stay. JSON files are left alone.`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return a.format(check, showDiff) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; exit 1 if a file is not formatted")
	cmd.Flags().BoolVar(&showDiff, "diff", false, "show what changes")
	return cmd
}

func (a *app) format(check, showDiff bool) error {
	files, err := config.Find(a.configPath)
	if err != nil {
		return err
	}
	changed := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".json") {
			continue
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("formatting: %w", err)
		}
		formatted, err := config.Format(file, src)
		if err != nil {
			return err
		}
		if bytes.Equal(src, formatted) {
			continue
		}
		changed++
		fmt.Fprintln(a.stdout, file)
		if showDiff {
			a.writeDiff(diff.Diff(file, src, file+" (formatted)", formatted))
		}
		if check {
			continue
		}
		if err := config.Replace(config.Replacement{Path: file, Content: formatted, Before: src}); err != nil {
			return fmt.Errorf("formatting: %w", err)
		}
	}
	if check && changed > 0 {
		return codeError(exitFailed)
	}
	return nil
}

// writeDiff shows a unified diff, coloured on a terminal.
func (a *app) writeDiff(d []byte) {
	s := a.screenOf(a.stdout)
	for line := range strings.Lines(string(d)) {
		switch line[0] {
		case '+':
			line = s.green(line)
		case '-':
			line = s.red(line)
		}
		fmt.Fprint(a.stdout, line)
	}
}
