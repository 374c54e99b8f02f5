package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Child makes the command that calls [Inspect] on a file with its standard
// output. It ends with ctx.
type Child func(ctx context.Context, path string) (*exec.Cmd, error)

// errSlow: nothing is known of the file, since the disk did not bring it.
var errSlow = errors.New("the disk is too slow")

// Check examines a state file that no daemon has open, and changes nothing.
// child is where the database's own check runs; nil leaves that out. The error
// is about the examination.
func Check(ctx context.Context, path string, child Child) (Report, error) {
	if err := holder(path + ".lock"); err != nil {
		return Report{Verdict: Unreadable, Problem: err.Error()}, nil //nolint:nilerr // that is an answer
	}
	return check(ctx, path, child)
}

// check is Check for who holds the lock.
func check(ctx context.Context, path string, child Child) (Report, error) {
	info, err := os.Stat(path)
	if child == nil || err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return inspect(path, false), nil //nolint:nilerr // it says what is wrong
	}
	r, err := ask(ctx, path, child, limitsFor(info.Size()))
	if errors.Is(err, errKilled) { // by a machine that was short of memory: once is not the file's fault
		if r, err = ask(ctx, path, child, limitsFor(info.Size())); errors.Is(err, errKilled) {
			return r, nil
		}
	}
	if errors.Is(err, errNoAnswer) {
		r, problem := inspect(path, false), err.Error()
		r.Partial = problem
		return r, nil
	}
	return r, err
}

var (
	errNoAnswer = errors.New("no process could be started to check it") // or it could not do its work, for reasons of its own
	errKilled   = errors.New("the process that checks it was killed")
	errSilent   = errors.New("without an answer")
)

// limits are what the examination of a file may take.
type limits struct {
	processor time.Duration // which tells a database that hangs from a disk that is slow
	wait      time.Duration
	memory    uint64 // bytes
}

// limitsFor allows about ten times of what a sound file of this size takes.
func limitsFor(size int64) limits {
	return limits{
		processor: 5*time.Second + time.Duration(size>>23)*time.Second,
		wait:      10*time.Second + time.Duration(size>>20)*time.Second,
		memory:    256<<20 + uint64(size), //nolint:gosec // no file has a negative size
	}
}

// ask runs the child and returns what it has found out. A child that crashes
// or hangs is an answer too.
func ask(ctx context.Context, path string, child Child, most limits) (Report, error) {
	limited, cancel := context.WithTimeoutCause(ctx, most.wait, errSlow)
	defer cancel()
	cmd, err := child(limited, path)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	var out, stderr head
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(""), &out, &stderr // and not /dev/null, which may be missing
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "GOTRACEBACK=single")
	cmd.WaitDelay = time.Second
	isolate(cmd)
	runtime.LockOSThread() // with which the child would die
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return Report{}, context.Cause(ctx)
		}
		return Report{}, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	err = cmd.Wait()
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r := Report{Verdict: Damaged}
	var found Report
	crash, killed := stderr.crash(), cmd.ProcessState.ExitCode() < 0 // by a signal
	answer, examined := bytes.CutPrefix(out.buf.Bytes(), []byte(begun))
	switch {
	case err == nil && examined && json.Unmarshal(answer, &found) == nil && found.Verdict != "":
		return found, nil
	case ctx.Err() != nil:
		return r, context.Cause(ctx)
	case killed && used > most.processor/2: // the limit counts whole ticks of the clock, and so reaches it early on a busy machine
		r.Problem = fmt.Sprintf("the database was still busy with it after %s of processor time", used.Round(time.Second))
	case limited.Err() != nil:
		return r, fmt.Errorf("%w: it was not read within %s", errSlow, most.wait)
	case strings.Contains(crash, "newosproc"), strings.Contains(crash, "pthread_create"):
		return r, fmt.Errorf("%w: %s", errNoAnswer, stderr.firstLine())
	case killed:
		r.Problem = fmt.Sprintf("the process that checks it was killed again and again (%v)", err)
		return r, errKilled
	case !examined:
		return r, fmt.Errorf("%w: it said %q (%w)", errNoAnswer, stderr.firstLine(), cmp.Or(err, errSilent))
	default:
		r.Problem = "the database crashed on it: " + cmp.Or(crash, stderr.firstLine(), fmt.Sprint(err))
	}
	return r, nil
}

// head keeps the beginning of what is written to it.
type head struct{ buf bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	const most = 8 << 10
	h.buf.Write(p[:min(len(p), most-h.buf.Len())])
	return len(p), nil
}

func (h *head) firstLine() string {
	line, _, _ := strings.Cut(strings.TrimSpace(h.buf.String()), "\n")
	return line
}

// crash returns the line with which Go's runtime says why it gives up, if
// there is one.
func (h *head) crash() string {
	for line := range strings.Lines(h.buf.String()) {
		line = strings.TrimSpace(line)
		for _, start := range []string{"panic: ", "fatal error: ", "runtime/cgo: "} {
			if strings.HasPrefix(line, start) {
				return line
			}
		}
	}
	return ""
}
