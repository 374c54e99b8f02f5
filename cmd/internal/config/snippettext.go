package config

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"watchword/checks"
)

const (
	maxSnippetWidth = 160 // columns of a source line where the screen sets no limit
	minSnippetWidth = 20  // however narrow the screen
	tabStop         = 4   // columns
)

// write shows the source lines, cut to width columns around the culprit, 0
// for maxSnippetWidth, with carets below the culprit's first line. Tint is
// the escape sequence for its colour, empty for none.
func (s *snippet) write(b *strings.Builder, width int, tint string) {
	for i, l := range s.lines {
		gutter := fmt.Sprintf("%4d: ", l.number)
		room := maxSnippetWidth
		if width > 0 {
			room = max(width-len(gutter), minSnippetWidth)
		}
		l = l.shown().fit(room)
		indent := len(gutter) + columns(l.before)
		carets := strings.Repeat("^", max(columns(l.culprit), 1))
		if tint != "" {
			carets = tint + carets + "\x1b[0m"
			if l.culprit != "" {
				l.culprit = "\x1b[1m" + l.culprit + "\x1b[0m"
			}
		}
		b.WriteString(strings.TrimRight(gutter+l.before+l.culprit+l.rest, " ") + "\n")
		if i == 0 {
			b.WriteString(strings.Repeat(" ", indent) + carets + "\n")
		}
	}
	b.WriteByte('\n')
}

// shown is l as it is written: what cannot be seen as escapes, tabs as
// spaces, nothing blank at the end.
func (l snippetLine) shown() snippetLine {
	column := 0
	for _, part := range []*string{&l.before, &l.culprit, &l.rest} {
		var b strings.Builder
		for i, cell := range strings.Split(checks.Visible(*part, "\t"), "\t") {
			if i > 0 {
				n := tabStop - column%tabStop
				b.WriteString(strings.Repeat(" ", n))
				column += n
			}
			b.WriteString(cell)
			column += columns(cell)
		}
		*part = b.String()
	}
	if l.rest = strings.TrimRight(l.rest, " "); l.rest == "" {
		l.culprit = strings.TrimRight(l.culprit, " ")
	}
	return l
}

// fit cuts l to room columns, at its ends rather than in the culprit.
func (l snippetLine) fit(room int) snippetLine {
	before, culprit, rest := columns(l.before), columns(l.culprit), columns(l.rest)
	if before+culprit+rest <= room {
		return l
	}
	most := room
	if before+rest > 0 {
		most = room * 3 / 4
	}
	l.culprit = cells().Truncate(l.culprit, most, "…")
	room -= columns(l.culprit)
	l.before = cells().TruncatePrefix(l.before, max(room/2, room-rest), "…")
	l.rest = cells().Truncate(l.rest, room-columns(l.before), "…")
	return l
}

// columns is how many columns of a terminal s takes, which is on one line.
func columns(s string) int { return cells().StringWidth(s) }

// cells measures as terminals do in any locale.
func cells() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }
