package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
)

// A formatter lays out files as its flags say.
type formatter struct {
	*app

	check, diff bool
	changed     int
	broken      config.Diagnostics // of files that do not parse
}

func (a *app) fmtCommand() *cobra.Command {
	f := &formatter{app: a}
	cmd := &cobra.Command{
		Use:   "fmt [PATH…]",
		Short: "Rewrite HCL files in the canonical layout",
		Long: `fmt rewrites the *.hcl files of a configuration, or of the files and folders that
are named, in HCL's canonical layout and prints the names of those it changed.
The path - lays out what comes in on stdin, and writes it to stdout. Comments
stay. JSON files are left alone.

Exit code 1 if --check finds a file that is not laid out so, 2 if one does not
parse; the others are laid out all the same.`,
		Example: `  watchword fmt                          # the folder you are in
  watchword fmt --check --diff -c conf   # for a pull request
  watchword fmt - < orders.hcl`,
		RunE: func(_ *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{a.configPath}
			}
			return f.format(paths)
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "change nothing; exit 1 if a file is not formatted")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "show what changes")
	return cmd
}

func (f *formatter) format(paths []string) error {
	for _, path := range paths {
		if path == "-" {
			if err := f.stdin(); err != nil {
				return err
			}
			continue
		}
		files, err := config.Find(path)
		if err != nil {
			return err
		}
		for _, file := range files {
			if strings.HasSuffix(file, ".json") {
				continue
			}
			if err := f.file(file); err != nil {
				return err
			}
		}
	}
	switch {
	case len(f.broken) > 0:
		return &config.Error{Diagnostics: f.broken}
	case f.check && f.changed > 0:
		return codeError(exitFailed)
	default:
		return nil
	}
}

// file lays out one file.
func (f *formatter) file(name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("formatting: %w", err)
	}
	formatted, err := f.laidOut(name, src)
	if err != nil || formatted == nil || bytes.Equal(src, formatted) {
		return err
	}
	f.changed++
	fmt.Fprintln(f.stdout, name)
	if f.diff {
		f.writeDiff(diff.Diff(name, src, name+" (formatted)", formatted))
	}
	if f.check {
		return nil
	}
	if err := config.Replace(config.Replacement{Path: name, Content: formatted, Before: src}); err != nil {
		return fmt.Errorf("formatting: %w", err)
	}
	return nil
}

// stdin lays out what comes in, for editors.
func (f *formatter) stdin() error {
	const name = "stdin"
	src, err := io.ReadAll(f.app.stdin)
	if err != nil {
		return fmt.Errorf("formatting: %w", err)
	}
	formatted, err := f.laidOut(name, src)
	if err != nil || formatted == nil {
		return err
	}
	differs := !bytes.Equal(src, formatted)
	if differs {
		f.changed++
	}
	switch {
	case f.diff:
		f.writeDiff(diff.Diff(name, src, name+" (formatted)", formatted))
	case f.check && differs:
		fmt.Fprintln(f.stdout, name)
	case !f.check:
		_, err = f.stdout.Write(formatted)
	}
	return err
}

// laidOut is src in the canonical layout, or nil if it does not parse, which
// is told at the end.
func (f *formatter) laidOut(name string, src []byte) ([]byte, error) {
	formatted, err := config.Format(name, src)
	if invalid, ok := errors.AsType[*config.Error](err); ok {
		f.broken = append(f.broken, invalid.Diagnostics...)
		return nil, nil
	}
	return formatted, err
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
