package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// outputFlag adds -o, which takes one of formats; the first is the default.
func outputFlag(cmd *cobra.Command, target *string, formats ...string) {
	v := &choice{value: target, of: formats}
	*target = formats[0]
	cmd.Flags().VarP(v, "output", "o", "output `FORMAT`: "+choices(formats))
	// The flag exists: it was added by the line before.
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
}

// choices writes words as a sentence does: text, json or junit.
func choices(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// choice is a flag that takes one of a few words.
type choice struct {
	value *string
	of    []string
}

// Set takes the word s.
func (c *choice) Set(s string) error {
	if !slices.Contains(c.of, s) {
		return fmt.Errorf("want %s", choices(c.of))
	}
	*c.value = s
	return nil
}

// String is the word that was chosen.
func (c *choice) String() string { return *c.value }

// Type names the flag's type in the usage text.
func (c *choice) Type() string { return "FORMAT" }
