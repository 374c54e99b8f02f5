package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// screen is what a writer can show: colour and a width on a terminal, plain
// text of any width in a pipe.
type screen struct {
	color bool
	width int // columns; 0 in a pipe
}

// screenOf looks at w. NO_COLOR (see no-color.org) turns colour off.
func (a *app) screenOf(w io.Writer) screen {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return screen{}
	}
	s := screen{width: 80, color: true}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		s.width = width
	}
	if v, set := a.environ("NO_COLOR"); set && v != "" {
		s.color = false
	}
	if v, _ := a.environ("TERM"); v == "dumb" {
		s.color = false
	}
	return s
}

// paint colours s where the screen can.
func (s screen) paint(colors text.Colors, str string) string {
	if !s.color {
		return str
	}
	text.EnableColors() // the library looks at the process's own stdout; the screen has already been looked at
	return colors.Sprint(str)
}

func (s screen) bold(str string) string   { return s.paint(text.Colors{text.Bold}, str) }
func (s screen) faint(str string) string  { return s.paint(text.Colors{text.Faint}, str) }
func (s screen) green(str string) string  { return s.paint(text.Colors{text.FgGreen}, str) }
func (s screen) yellow(str string) string { return s.paint(text.Colors{text.FgYellow}, str) }
func (s screen) red(str string) string    { return s.paint(text.Colors{text.FgRed}, str) }

// table is a plain table without borders, as kubectl prints them: its
// columns can be cut by awk.
func (s screen) table(w io.Writer, header table.Row) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "   "
	style.Format.Header = text.FormatUpper
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	t.AppendHeader(header)
	return t
}

// writeTable writes rows as a table. Where the screen is too narrow for it,
// columns are left out, those of spare in their order, and named below. A
// column without a name holds remarks, which may run over.
func (s screen) writeTable(w io.Writer, header table.Row, rows []table.Row, spare []string) {
	width := make(map[string]int, len(header))
	for i := range header {
		name := fmt.Sprint(header[i])
		if name == "" {
			continue
		}
		width[name] = len(name)
		for _, row := range rows {
			width[name] = max(width[name], text.StringWidthWithoutEscSequences(fmt.Sprint(row[i])))
		}
	}
	const padding = 3
	left := map[string]bool{}
	var names []string
	for _, name := range spare {
		total := -padding
		for column, n := range width {
			if !left[column] {
				total += n + padding
			}
		}
		if s.width == 0 || total <= s.width {
			break
		}
		left[name] = true
		names = append(names, name)
	}
	kept := func(row table.Row) table.Row {
		var out table.Row
		for i := range row {
			if !left[fmt.Sprint(header[i])] {
				out = append(out, row[i])
			}
		}
		return out
	}
	t := s.table(w, kept(header))
	for _, row := range rows {
		t.AppendRow(kept(row))
	}
	t.Render()
	if len(names) > 0 {
		slices.Reverse(names)
		fmt.Fprintln(w, s.faint("No room for: "+strings.Join(names, ", ")+"."))
	}
}

// wrap breaks a line at spaces where it can, so that no part takes more than
// width columns, of which it takes 10 at least.
func wrap(line string, width int) []string {
	width = max(width, 10)
	var out []string
	for columns(line) > width {
		cut, space, n := 0, 0, 0
		for i, r := range line {
			if n += runeColumns(r); n > width {
				cut = i
				break
			}
			if r == ' ' && n > width/2 {
				space = i
			}
		}
		if line[cut] != ' ' && space > 0 {
			cut = space
		}
		out = append(out, line[:cut])
		line = "  " + strings.TrimLeft(line[cut:], " ")
	}
	return append(out, line)
}

// columns is how many columns of a terminal a text without escape sequences
// takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if r == '\ufe0f' { // makes an emoji of the narrow character before it
		return 1
	}
	return text.RuneWidth(r)
}
