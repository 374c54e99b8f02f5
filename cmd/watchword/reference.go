package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"watchword/checks"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/lang"
)

// write prints the reference as Markdown.
func (r *reference) write(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprint(w, `# Reference

Printed by `+"`watchword docs`"+`; `+"`watchword docs NAME`"+` prints one entry.

- [Blocks](#blocks)
- [Inheritance](#inheritance)
- [Values of an answer](#values-of-an-answer)
- [Functions](#functions)
- [Coming from other tools](#coming-from-other-tools)
- [Reasons](#reasons)
- [Metrics](#metrics)
- [Status page and API](#status-page-and-api)
- [Commands](#commands)

## Blocks

Files are HCL (`+"`*.hcl`"+`) or its JSON syntax (`+"`*.hcl.json`"+`); all blocks may stand in any file. Paths of files are relative to
the folder of the file they stand in. Durations are strings such as "500ms", "10s", "4h" and "30d".
`)
	told := make(map[string]bool)
	for i := range r.language.Blocks {
		writeBlock(w, &r.language.Blocks[i], "", told)
	}
	fmt.Fprint(w, inheritance)
	fmt.Fprint(w, valuesIntroduction)
	fmt.Fprint(w, "| value | type | |\n|---|---|---|\n")
	for _, v := range r.values {
		writeRow(w, code(v.Name), v.Signature, v.Doc)
	}
	fmt.Fprint(w, functionsIntroduction)
	for _, f := range r.functions {
		writeRow(w, functionCell(f), f.Doc, code(f.Example))
	}
	writeEquivalents(w)
	fmt.Fprint(w, reasonsIntroduction)
	for _, reason := range checks.Reasons() {
		writeRow(w, code(string(reason)), reason.Sentence())
	}
	writeServed(w)
	r.writeCommands(w)
	return w.Flush()
}

// The texts between the tables.
const (
	inheritance = `
## Inheritance

What ` + "`defaults`, then the groups from the outside in, then the check" + ` say comes together:

- The innermost attribute wins; ` + "`null`" + ` is as good as none, but for ` + "`json`" + `, where it is a body. Lists are replaced, ` + "`labels`, `headers` and `query`" + ` merged name by name.
- ` + "`request`, `retry` and `alert`" + ` blocks are merged attribute by attribute. What is inherited of ` + "`request`" + ` goes into that of every step.
- ` + "`expect`, `degraded_if`, `expect_failure` and `show_body`" + ` hold for the request of a check, and do not reach into steps: each step has its own.
- What excludes something inherited clears it: one body another, one way to authenticate another, ` + "`certificate` and `mtls = false`" + ` each other,
  as do ` + "`expect` and `expect_failure`" + ` where a run that fails has no answer.
- A check that inherits a dependency on itself does not depend on itself.
- A mistake in what is inherited is reported once, where it stands.
`
	valuesIntroduction = `
## Values of an answer

They stand in ` + "`expect` and `degraded_if`" + `, and those of an earlier step there and in what a request sends, as ` + "`step.NAME.status`" + ` and so on.
Everywhere stand ` + "`var`, `local`, `secret`, `check`, `certificate`, `receiver`" + ` and, in a check with ` + "`for_each`, `each`" + `. Every time is a
number of seconds.

`
	functionsIntroduction = `
## Functions

Each example is true for the answer ` + "`{\"id\": \"ord_1\", \"items\": [{\"id\": 1, \"price\": 9.5}, {\"id\": 2, \"price\": 12}]}`" + `. Functions
marked with * give another value with each call: they stand in requests and conditions, not in locals. All of them are
bounded in time and memory, whatever a target answers.

| function | | example |
|---|---|---|
`
	reasonsIntroduction = `
## Reasons

A failed run has one of these; ` + "`expect_failure`" + ` takes them.

| reason | |
|---|---|
`
)

// writeBlock writes a block and those inside it. One that stands in several
// others is written once.
func writeBlock(w io.Writer, b *config.Block, parent string, told map[string]bool) {
	if told[b.Header()+b.Doc] {
		return
	}
	told[b.Header()+b.Doc] = true
	fmt.Fprintf(w, "\n### %s\n\n%s%s\n", code(b.Header()), b.Doc, placement(b, parent))
	if len(b.Attributes) > 0 {
		fmt.Fprint(w, "\n| attribute | must be | default | |\n|---|---|---|---|\n")
	}
	for _, a := range b.Attributes {
		fallback := ""
		switch {
		case a.Required:
			fallback = "required"
		case a.Default != "":
			fallback = code(a.Default)
		}
		doc := a.Doc
		if a.Secret {
			doc += " A secret may stand in it."
		}
		writeRow(w, code(a.Name), a.Type, fallback, doc)
	}
	var inside []string
	for i := range b.Blocks {
		inside = append(inside, code(b.Blocks[i].Header()))
	}
	if len(inside) > 0 {
		fmt.Fprintf(w, "\nBlocks inside: %s.\n", strings.Join(inside, ", "))
	}
	for i := range b.Blocks {
		writeBlock(w, &b.Blocks[i], b.Name, told)
	}
}

func placement(b *config.Block, parent string) string {
	switch {
	case parent == "" && b.Single:
		return " At most one."
	case parent != "" && b.Single:
		return " At most one in its block."
	default:
		return ""
	}
}

func functionCell(f lang.Doc) string {
	if f.Volatile {
		return code(f.Signature) + " *"
	}
	return code(f.Signature)
}

func writeEquivalents(w io.Writer) {
	fmt.Fprint(w, `
## Coming from other tools

What Checkly, Gatus, Hurl and blackbox_exporter assert, and how it is written here: conditions in `+"`expect = […]`"+`, attributes
in the check or its request.

| | Checkly | Gatus | Hurl | blackbox_exporter | here |
|---|---|---|---|---|---|
`)
	for _, e := range equivalents() {
		var here []string
		for _, line := range e.written() {
			here = append(here, code(line))
		}
		writeRow(w, e.what, code(e.checkly), code(e.gatus), code(e.hurl), code(e.blackbox), strings.Join(here, " with "))
	}
}

func (r *reference) writeCommands(w io.Writer) {
	fmt.Fprint(w, "\n## Commands\n\nAll of them take these flags.\n\n| flag | |\n|---|---|\n")
	root := r.commands[0].Root()
	writeFlags(w, root.PersistentFlags())
	fmt.Fprint(w, "\nExit codes: 0 well, 1 a check failed or a warning under `--strict`, 2 the configuration or the command line is wrong.\n")
	for _, c := range r.commands {
		use := strings.TrimPrefix(c.UseLine(), root.Name()+" ")
		fmt.Fprintf(w, "\n### %s\n\n%s.\n", code(root.Name()+" "+strings.TrimSuffix(use, " [flags]")), c.Short)
		if c.Long != "" {
			fmt.Fprintf(w, "\n%s\n", c.Long)
		}
		if c.Example != "" {
			fmt.Fprintf(w, "\n```console\n%s\n```\n", unindented(c.Example))
		}
		if flags := c.NonInheritedFlags(); flags.HasAvailableFlags() {
			fmt.Fprint(w, "\n| flag | |\n|---|---|\n")
			writeFlags(w, flags)
		}
	}
}

// unindented takes the indentation of a help text off its lines.
func unindented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimPrefix(line, "  "))
	}
	return b.String()
}

func writeFlags(w io.Writer, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" {
			name += " " + kind
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			usage += " (" + f.DefValue + ")"
		}
		writeRow(w, code(name), usage)
	})
}

// code is a text as code within a table. The empty text stays empty.
func code(text string) string {
	if text == "" {
		return ""
	}
	if strings.Contains(text, "`") {
		return "`` " + text + " ``"
	}
	return "`" + text + "`"
}

func writeRow(w io.Writer, cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}
