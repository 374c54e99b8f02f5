package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

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

// once is a flag that may be given once: of two values one would go
// unnoticed. Completion sets a flag again, so that the count is looked at
// before a command runs.
type once struct {
	value *string
	given int
}

// Set takes a value.
func (o *once) Set(s string) error {
	*o.value = s
	o.given++
	return nil
}

// String is the value.
func (o *once) String() string {
	if o.value == nil { // as pflag makes one to learn the zero value
		return ""
	}
	return *o.value
}

// Type names the flag's type in the usage text.
func (o *once) Type() string { return "string" }

// An output remembers the first failure of a writer, which those who print
// lines need not look for.
type output struct {
	w   io.Writer
	mu  sync.Mutex
	err error
}

// Write writes to the writer below.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.err == nil {
			o.err = err
		}
	}
	return n, err
}

func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
