package main

import (
	"fmt"
	"io"
)

// progress is one line on a terminal that says what is waited for; it writes
// nothing to a pipe.
type progress struct {
	w     io.Writer
	width int
	total int
}

func (a *app) newProgress(total int) *progress {
	return &progress{w: a.stderr, width: a.screenOf(a.stderr).width, total: total}
}

func (p *progress) show(done int, name string) {
	if p.width == 0 {
		return
	}
	line := []rune(fmt.Sprintf("[%d/%d] %s", done, p.total, name))
	fmt.Fprintf(p.w, "\r\x1b[K%s", string(line[:min(len(line), p.width-1)]))
}

func (p *progress) clear() {
	if p.width > 0 {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
