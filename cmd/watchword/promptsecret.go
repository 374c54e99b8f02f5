package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"watchword/cmd/internal/config"
)

// askSecret reads a value from stdin: all of it from a pipe, and a line from
// a terminal, which does not show it and is asked twice.
func (a *app) askSecret(ctx context.Context) ([]byte, error) {
	f, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		text, err := io.ReadAll(io.LimitReader(a.stdin, config.MaxSecret+1))
		if err != nil {
			return nil, fmt.Errorf("reading the value: %w", err)
		}
		return text, nil
	}
	first, err := a.askHidden(ctx, f, "Value: ")
	if err != nil {
		return nil, err
	}
	if len(first) == 0 {
		return nil, errors.New("nothing was typed")
	}
	second, err := a.askHidden(ctx, f, "Again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, second) {
		return nil, errors.New("the two values differ")
	}
	return first, nil
}

// askHidden asks for a line that the terminal does not show. When ctx ends it
// returns at once, with the terminal as it was before.
func (a *app) askHidden(ctx context.Context, terminal *os.File, prompt string) ([]byte, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, fmt.Errorf("looking at the terminal: %w", err)
	}
	type answer struct {
		line []byte
		err  error
	}
	fmt.Fprint(a.stderr, prompt)
	answers := make(chan answer, 1)
	go func() { // nothing can interrupt the reading of a terminal: the end of the program ends it
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		err = errors.Join(errors.New("interrupted"), term.Restore(fd, before))
		fmt.Fprintln(a.stderr)
		return nil, err
	case got := <-answers:
		fmt.Fprintln(a.stderr)
		if got.err != nil {
			return nil, fmt.Errorf("reading the value: %w", got.err)
		}
		return got.line, nil
	}
}
