package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// interactive reports whether there is somebody to ask: stdin is a terminal.
func (a *app) interactive() bool {
	f, ok := a.stdin.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ask writes a question to stderr and returns the line that answers it,
// empty at the end of the input. An interrupt is an error.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	fmt.Fprint(a.stderr, question)
	if a.answers == nil {
		a.answers = bufio.NewReader(a.stdin)
	}
	type answer struct {
		line string
		err  error
	}
	got := make(chan answer, 1)
	go func() { // cannot be ended while it reads; an interrupt ends the program
		line, err := a.answers.ReadString('\n')
		got <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return "", errors.New("interrupted: nothing is changed")
	case given := <-got:
		if given.err != nil && !errors.Is(given.err, io.EOF) {
			return "", fmt.Errorf("reading the answer: %w", given.err)
		}
		if given.err != nil {
			fmt.Fprintln(a.stderr)
		}
		return strings.TrimSpace(given.line), nil
	}
}

// confirm asks a question whose answer is no unless it is yes.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	answer, err := a.ask(ctx, question+" [y/N] ")
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", err
}
