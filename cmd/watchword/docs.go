package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"watchword/checks"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/lang"
)

func (a *app) docsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "docs [NAME]",
		Short: "Print the reference of the language, or one entry of it",
		Long: `docs prints the whole reference as Markdown. With a name it prints the entry of a
block, an attribute, a function, a value of an answer, a failure reason or a
command: docs check, docs request.url, docs jsonpath, docs tls.days_left.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("docs takes one name, got %q", args)
			}
			r := newReference(cmd.Root())
			if len(args) == 0 {
				return r.write(a.stdout)
			}
			return r.entry(a.stdout, args[0])
		},
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return newReference(cmd.Root()).names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// A reference is all that can be looked up, from the tables by which files
// are loaded, expressions evaluated and command lines read.
type reference struct {
	language  config.Block
	functions []lang.Doc
	values    []lang.Doc
	commands  []*cobra.Command
}

func newReference(root *cobra.Command) *reference {
	r := &reference{language: config.Schema(), functions: lang.Functions(), values: lang.Values()}
	r.collect(root)
	return r
}

// collect takes the commands that do something, in the order of the help.
func (r *reference) collect(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.HasSubCommands() {
			r.collect(c)
			continue
		}
		r.commands = append(r.commands, c)
	}
}

// names are all names that entry knows, sorted.
func (r *reference) names() []string {
	names := r.language.Names()
	for _, docs := range [][]lang.Doc{r.functions, r.values} {
		for _, d := range docs {
			names = append(names, bareName(d))
		}
	}
	for _, reason := range checks.Reasons() {
		names = append(names, string(reason))
	}
	for _, c := range r.commands {
		names = append(names, commandName(c))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// bareName is a name without how its parts are written: header, tls.cipher.
func bareName(d lang.Doc) string {
	name, _, _ := strings.Cut(d.Name, "[")
	if before, ok := strings.CutSuffix(name, ".name"); ok {
		return before
	}
	return name
}

func commandName(c *cobra.Command) string {
	_, name, _ := strings.Cut(c.CommandPath(), " ")
	return name
}

// entry prints all that has a name.
func (r *reference) entry(w io.Writer, name string) error {
	name = strings.TrimSuffix(strings.TrimSpace(name), "()")
	blocks, owners := r.language.Find(name)
	parts := make([]string, 0, 4)
	for _, b := range blocks {
		parts = append(parts, blockEntry(b))
	}
	for _, b := range owners {
		last := name[strings.LastIndex(name, ".")+1:]
		parts = append(parts, attributeEntry(b, b.Attribute(last)))
	}
	for _, f := range r.functions {
		if f.Name == name {
			parts = append(parts, functionEntry(f))
		}
	}
	for _, v := range r.values {
		if bareName(v) == name || strings.HasPrefix(v.Name, name+".") {
			parts = append(parts, fmt.Sprintf("%s: %s\n  %s\n", v.Name, v.Signature, v.Doc))
		}
	}
	if reason, ok := checks.ParseReason(name); ok {
		parts = append(parts, fmt.Sprintf("reason %s\n  %s\n", reason, reason.Sentence()))
	}
	for _, c := range r.commands {
		if commandName(c) == name {
			parts = append(parts, fmt.Sprintf("watchword %s\n  %s.\n  Try \"watchword %s --help\".\n", name, c.Short, name))
		}
	}
	if len(parts) == 0 {
		near := lang.DidYouMean(name, r.names())
		return usagef("there is no %q in the reference.%s", name, near)
	}
	_, err := io.WriteString(w, strings.Join(parts, "\n"))
	return err
}

func blockEntry(b *config.Block) string {
	var s strings.Builder
	fmt.Fprintf(&s, "block %s { … }\n  %s\n", b.Header(), b.Doc)
	width := 0
	for _, a := range b.Attributes {
		width = max(width, len(a.Name))
	}
	for _, a := range b.Attributes {
		fmt.Fprintf(&s, "  %-*s  %s%s\n", width, a.Name, a.Doc, remark(&a))
	}
	var inside []string
	for i := range b.Blocks {
		inside = append(inside, b.Blocks[i].Header())
	}
	if len(inside) > 0 {
		fmt.Fprintf(&s, "  blocks: %s\n", strings.Join(inside, ", "))
	}
	return s.String()
}

// remark tells in brackets what must be known of an attribute beside its doc.
func remark(a *config.Attribute) string {
	switch {
	case a.Required:
		return " (required)"
	case a.Default != "":
		return " (" + a.Default + ")"
	default:
		return ""
	}
}

func attributeEntry(b *config.Block, a *config.Attribute) string {
	s := fmt.Sprintf("attribute %s of %s%s\n  %s\n  It must be %s.\n", a.Name, b.Header(), remark(a), a.Doc, a.Type)
	if a.Secret {
		s += "  A secret may stand in it.\n"
	}
	return s
}

func functionEntry(f lang.Doc) string {
	s := fmt.Sprintf("function %s\n  %s\n", f.Signature, f.Doc)
	if f.Volatile {
		s += "  It gives another value with each call, and stands in requests and conditions only.\n"
	}
	return s + "  example: " + f.Example + "\n"
}
