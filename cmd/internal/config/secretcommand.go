package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"watchword/checks"
)

const (
	// commandTimeout is how long a secret's command may take unless its block
	// says otherwise, and maxCommandTimeout how long it may say: a load waits
	// for the slowest.
	commandTimeout    = 10 * time.Second
	maxCommandTimeout = time.Minute

	minRefresh = time.Second

	// commandGrace is how long a pipe may stay open after a command has ended
	// or was killed: a process that it left behind may hold it.
	commandGrace = time.Second

	maxStderr = 200     // bytes shown of a line
	maxLine   = 4 << 10 // bytes of a line that is looked at; of a longer one nothing is shown
)

// A secretCommand is the command of a secret block.
type secretCommand struct {
	secret  string // name of the block
	argv    []string
	dir     string // where it runs: the folder of its file
	timeout time.Duration
	refresh time.Duration // zero: it runs again at loads only
}

// secretCommand reads command, and refresh and timeout, which need it.
func (l *loader) secretCommand(b *block) opt[secretCommand] {
	argv := l.texts(b, "command")
	refresh := l.duration(b, "refresh", minRefresh)
	timeout := l.duration(b, "timeout", time.Millisecond)
	o := opt[secretCommand]{at: argv.at, set: argv.set, bad: argv.bad || refresh.bad || timeout.bad}
	if !argv.set {
		if refresh.set && !b.broken {
			l.errorf(refresh.at, "refresh without command", "Only a command runs again. Files are read again when they change, and the environment of a process does not change.")
		}
		if timeout.set && !b.broken {
			l.errorf(timeout.at, "timeout without command", "Only a command takes time.")
		}
		return o
	}
	if argv.ok() && (len(argv.value) == 0 || argv.value[0] == "") {
		l.errorf(argv.at, "No command", "Write the program and its arguments, such as [\"vault\", \"kv\", \"get\", \"-field=token\", \"kv/slack\"].")
		o.bad = true
	}
	if timeout.ok() && timeout.value > maxCommandTimeout {
		l.errorf(timeout.at, "Invalid timeout", "A load waits for the slowest command: at most %s.", formatDuration(maxCommandTimeout))
		o.bad = true
	}
	o.value = secretCommand{
		secret: b.label(), argv: argv.value, dir: b.file.dir(),
		timeout: timeout.otherwise(commandTimeout), refresh: refresh.otherwise(0),
	}
	return o
}

// key is equal for commands that are sure to ask the same.
func (c *secretCommand) key() string { return fmt.Sprintf("%q %q %q", c.secret, c.dir, c.argv) }

// A commandError is why a command gave no value.
type commandError struct {
	what   string
	stderr string // the first line that it wrote there; holds nothing of what it wrote to stdout
}

func (e *commandError) Error() string {
	if e.stderr == "" {
		return e.what
	}
	return e.what + ": " + cutTail(e.stderr, maxStderr)
}

// Causes for which a command is ended.
var (
	errCommandSlow  = errors.New("too slow")
	errCommandLarge = errors.New("too large")
)

// run runs the command, which gets no input, in a process group of its own,
// and returns what it writes to stdout, without one newline at the end. It
// takes no longer than the command's timeout, the wait for a place in slots
// included; then the whole group is killed. An error is a [*commandError], and
// shows nothing of stdout.
func (c *secretCommand) run(ctx context.Context, slots chan struct{}) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errCommandSlow)
	defer cancel()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return "", &commandError{what: fmt.Sprintf("the command %s was not started within %s: too many others hang", c, formatDuration(c.timeout))}
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	program := c.argv[0]
	if filepath.Base(program) != program && !filepath.IsAbs(program) {
		program = filepath.Join(c.dir, program)
	}
	cmd := exec.CommandContext(ctx, program, c.argv[1:]...) //nolint:gosec // the configuration says what runs: that is the job
	stdout, stderr := &limited{full: func() { end(errCommandLarge) }}, new(beginning)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, stdout, stderr
	cmd.WaitDelay = commandGrace
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well, but left a process behind
		_ = killGroup(cmd) // there may be none
		err = nil
	}
	if err == nil && stdout.over {
		err = errCommandLarge
	}
	if err != nil {
		return "", c.failure(ctx, err, stdout.text.Bytes(), stderr)
	}
	value, err := acceptSecret(withoutNewline(stdout.text.Bytes()), fmt.Sprintf("the command %s wrote nothing to stdout", c))
	if err != nil {
		return "", &commandError{what: err.Error()}
	}
	return value, nil
}

// failure says why the command gave no value.
func (c *secretCommand) failure(ctx context.Context, err error, stdout []byte, stderr *beginning) *commandError {
	cause := context.Cause(ctx)
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(err, errCommandLarge), errors.Is(cause, errCommandLarge):
		return &commandError{what: fmt.Sprintf("the command %s wrote more than %s to stdout", c, formatSize(maxSecret))}
	case errors.Is(cause, errCommandSlow):
		return &commandError{what: fmt.Sprintf("the command %s did not end within %s and was killed", c, formatDuration(c.timeout)), stderr: stderr.line(stdout)}
	case cause != nil:
		return &commandError{what: fmt.Sprintf("the command %s was interrupted", c)}
	case exited && exit.Exited():
		return &commandError{what: fmt.Sprintf("the command %s ended with exit code %d", c, exit.ExitCode()), stderr: stderr.line(stdout)}
	case exited:
		return &commandError{what: fmt.Sprintf("the command %s was ended by a %s", c, exit), stderr: stderr.line(stdout)}
	case errors.Is(err, exec.ErrNotFound):
		return &commandError{what: fmt.Sprintf("there is no command %s in $PATH", c)}
	}
	for unwrapped := errors.Unwrap(err); unwrapped != nil; unwrapped = errors.Unwrap(err) {
		err = unwrapped // the error of the system, without the paths
	}
	return &commandError{what: fmt.Sprintf("the command %s cannot be started: %v", c, err)}
}

// String is the quoted name of the program: arguments are nobody's business.
func (c *secretCommand) String() string { return fmt.Sprintf("%q", clip(c.argv[0])) }

// limited keeps what is written to it, up to the size of a secret with its
// newline, and calls full when there is more.
type limited struct {
	text bytes.Buffer
	over bool
	full func()
}

func (w *limited) Write(p []byte) (int, error) {
	if w.text.Len()+len(p) > maxSecret+len("\r\n") {
		w.over = true
		w.full()
		return 0, errCommandLarge
	}
	return w.text.Write(p)
}

// beginning keeps the beginning of what is written to it.
type beginning struct{ text []byte }

func (w *beginning) Write(p []byte) (int, error) {
	w.text = append(w.text, p[:min(len(p), maxLine-len(w.text))]...)
	return len(p), nil
}

// line is the first line, in printable characters, or nothing if anything in
// it also stands in stdout.
func (w *beginning) line(stdout []byte) string {
	text := strings.TrimLeft(string(w.text), " \t\r\n")
	first, _, whole := strings.Cut(text, "\n")
	if !whole && len(w.text) == maxLine { // a part of a secret could not be told from other text
		return ""
	}
	first = checks.Visible(strings.TrimSpace(first), "\t")
	value := strings.TrimSpace(string(stdout))
	if value == "" || first == "" {
		return first
	}
	if strings.Contains(first, value) || checks.NewRedactor(value).Redact(first) != first {
		return ""
	}
	for word := range strings.FieldsSeq(value) {
		if len(word) > 2 && strings.Contains(first, word) {
			return ""
		}
	}
	return first
}
