package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"watchword/cmd/internal/config"
)

func (a *app) validateCommand() *cobra.Command {
	var (
		output          string
		strict, offline bool
	)
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Find the mistakes of a configuration",
		Long: `validate reads all files of a configuration and reports every mistake at once,
each with its source line. It reads certificates, keys and secrets too, unless
--offline is given.

Exit code 0: valid. 1: only warnings, and --strict was given. 2: mistakes.`,
		Example: `  watchword validate -c /etc/watchword
  watchword validate --strict --offline --var env=staging   # for a pull request`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := a.options()
			if err != nil {
				return err
			}
			opts.Validate, opts.Offline = true, offline
			return a.validate(cmd.Context(), opts, output, strict)
		},
	}
	outputFlag(cmd, &output, "text", "json")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings fail too")
	cmd.Flags().BoolVar(&offline, "offline", false, "read no secret and no key, as for a pull request")
	return cmd
}

func (a *app) validate(ctx context.Context, opts config.Options, output string, strict bool) error {
	cfg, err := config.Load(ctx, a.configPath, opts)
	var (
		invalid *config.Error
		found   config.Diagnostics
	)
	switch {
	case errors.As(err, &invalid):
		found = invalid.Diagnostics
	case err != nil:
		return err
	default:
		found = cfg.Warnings
	}
	if output == "json" {
		if err := found.WriteJSON(a.stdout); err != nil {
			return err
		}
	} else {
		a.writeDiagnostics(found)
		if cfg != nil {
			fmt.Fprintf(a.stdout, "%s, %s, %s: %s.\n", count(len(cfg.Monitors), "check"),
				count(len(cfg.Sources), "certificate"), count(len(cfg.Receivers), "receiver"), validity(len(found), strict))
		}
	}
	switch {
	case err != nil:
		return codeError(exitInvalid)
	case strict && len(found) > 0:
		return codeError(exitFailed)
	default:
		return nil
	}
}

// validity says in a few words that there are warnings and no mistakes.
func validity(warnings int, strict bool) string {
	switch {
	case warnings == 0:
		return "valid"
	case strict:
		return count(warnings, "warning") + ", which --strict does not let pass"
	default:
		return "valid, with " + count(warnings, "warning")
	}
}

// options are those that the command line gives for loading.
func (a *app) options() (config.Options, error) {
	vars := make(map[string]string, len(a.vars))
	for _, v := range a.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return config.Options{}, usagef("--var %s: want NAME=VALUE", v)
		}
		vars[name] = value
	}
	return config.Options{Vars: vars, VarFiles: a.varFiles, Environ: a.environ, AgeIdentities: a.ageIdentities()}, nil
}

// load reads the configuration for a command that does not judge it.
func (a *app) load(ctx context.Context) (*config.Config, error) {
	opts, err := a.options()
	if err != nil {
		return nil, err
	}
	return config.Load(ctx, a.configPath, opts)
}

// writeDiagnostics shows mistakes and warnings with their source lines.
func (a *app) writeDiagnostics(d config.Diagnostics) {
	s := a.screenOf(a.stderr)
	if err := d.WriteText(a.stderr, s.width, s.color); err != nil {
		fmt.Fprintf(a.stderr, "watchword: writing the diagnostics: %v\n", err)
	}
}

func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
