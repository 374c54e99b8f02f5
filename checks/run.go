package checks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"watchword/certs"
)

// DefaultTimeout bounds a run whose check has no timeout of its own.
const DefaultTimeout = 10 * time.Second

// errTimeout is the cause of a context that ended by the check's timeout, as
// opposed to one that ended from outside.
var errTimeout = errors.New("the check's timeout has passed")

// A Runner runs checks. The zero value works: it knows no certificates and
// trusts the system's roots. It keeps no connections and no sessions, and is
// safe for concurrent use. The fields must not change once it is in use: a
// new configuration gets a new Runner.
type Runner struct {
	Certs     *certs.Set       // the certificates that a host may select; nil has none
	Now       func() time.Time // the wall clock, for dates of certificates and Result.Started; nil means time.Now
	Logger    *slog.Logger     // is told of panics; nil drops them
	Forbidden []netip.AddrPort // never asked: watchword's own listeners
	Allow     []netip.Prefix   // the only networks that are asked; empty allows all
	Deny      []netip.Prefix   // networks that are never asked, allowed or not
	Hosts     *HostLimit       // bounds the runs that ask one host at once; nil does not
	UserAgent string           // sent unless a check sets its own; empty means "watchword"
	Resolver  *net.Resolver    // nil means the system's

	// Rehearse goes along, as if the request named it, wherever another
	// certificate would go along with a request to its first host. Nil
	// changes nothing.
	Rehearse *certs.Identity

	chunks sync.Pool // of *[chunkSize]byte
	coders coders    // of content codings
	bufs   sync.Pool // of *buffers
	http2s sync.Pool // of *http2Maker
	static sync.Map  // of *Step to *prepared
}

// Run makes one run of c: its steps in order, until one of them fails, and
// after that those that always run; and all of it again where c says that a
// failure is retried. What goes wrong is in the Result, with the outcome
// [Unknown] for what is not the target's fault, a ctx that ends early
// included. It outlives neither ctx nor, in each attempt, the check's timeout
// by more than a moment.
func (r *Runner) Run(ctx context.Context, c *Check) Result {
	started := r.now()
	res := r.attempt(ctx, c)
	if res.Outcome == Failed && c.Retry.Attempts > 1 {
		res = r.retry(ctx, c, res)
	}
	res.Started = started
	return res
}

// attempt makes the steps of c once, when its host may be asked.
func (r *Runner) attempt(ctx context.Context, c *Check) Result {
	defer r.admit(ctx, c)()
	begin := time.Now() // durations are monotonic whatever Now says
	res := Result{Check: c.Name, Outcome: Passed, Attempts: 1, Steps: make([]StepResult, 0, len(c.Steps))}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
	defer cancel()

	vars := &Vars{Redactor: c.Redactor}
	for _, s := range c.Steps {
		failed := res.failed()
		if failed && !s.Always {
			continue
		}
		if failed && ctx.Err() != nil {
			res = res.with(skipped(s, vars.Redactor, context.Cause(ctx)))
			continue
		}
		step, exchange := r.step(ctx, c, s, vars, failed)
		res = res.with(step)
		if s.Name != "" && exchange != nil {
			if vars.Steps == nil {
				vars.Steps = make(map[string]*Exchange, len(c.Steps))
			}
			vars.Steps[s.Name] = exchange
		}
	}
	res.Duration = time.Since(begin)
	return res
}

// failed reports whether one of the steps so far has not done what it should.
func (r Result) failed() bool { return r.Outcome == Failed || r.Outcome == Unknown }

// skipped is the result of a step that always runs, and could not.
func skipped(s *Step, red *Redactor, why error) StepResult {
	return StepResult{
		Step: s.Name, Outcome: Skipped, Rule: string(certs.RuleNone),
		Message: oneLine(red.Redact("skipped: "+why.Error()), maxMessage),
	}
}

// with returns r with the result of one more step, which decides over the
// run: the first that is not passed gives the message, the first that fails
// the outcome.
func (r Result) with(s StepResult) Result {
	decided := r.failed()
	r.Steps = append(r.Steps, s)
	if decided || s.Outcome == Passed || s.Outcome == Skipped || s.Outcome == Degraded && r.Outcome == Degraded {
		return r
	}
	r.Outcome, r.Reason, r.Message = s.Outcome, s.Reason, s.Message
	if s.Step != "" {
		r.Message = cut(fmt.Sprintf("step %q: %s", s.Step, s.Message), maxMessage)
	}
	return r
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Runner) logger() *slog.Logger {
	if r.Logger != nil {
		return r.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// step makes the request of s and judges the answer. The exchange is nil
// unless there was an answer. After a failure, a step whose values are not
// known is skipped.
func (r *Runner) step(ctx context.Context, c *Check, s *Step, vars *Vars, failed bool) (res StepResult, x *Exchange) {
	t := &trip{runner: r, step: s, redactor: vars.Redactor}
	defer func() {
		if p := recover(); p != nil {
			r.logger().ErrorContext(ctx, "a check panicked", "check", c.Name, "step", s.Name,
				"panic", t.redactor.Redact(fmt.Sprint(p)), "stack", t.redactor.Redact(string(debug.Stack())))
			f := &failure{ReasonInternal, fmt.Sprintf("watchword panicked: %v", p)}
			res, x = t.result(verdict{failure: f}), nil
		}
	}()
	vars.Exchange = nil
	rendered, err := s.Request.Template.Render(ctx, vars)
	if err != nil {
		_, missing := errors.AsType[*ValueError](err)
		switch {
		case missing && failed:
			return skipped(s, vars.Redactor, err), nil
		case missing: // the target has not answered what it should
			return t.result(verdict{failure: &failure{ReasonExpectation, err.Error()}}), nil
		default:
			return t.result(verdict{failure: &failure{ReasonInternal, err.Error()}}), nil
		}
	}
	t.static = r.prepare(s, rendered, vars.Redactor)
	t.redactor = t.static.redactor
	vars.Redactor = t.redactor // what a request holds may come back in the answer to a later one

	x, f := t.follow(ctx, rendered)
	if f == nil {
		vars.Exchange = x
		if s.Secrets != nil {
			vars.Redactor = vars.Redactor.With(s.Secrets(x)...)
			t.redactor = vars.Redactor
		}
		return t.result(s.judge(vars)), x
	}
	if ended(ctx) {
		f = &failure{ReasonInternal, "the run was cut short: " + context.Cause(ctx).Error()}
	}
	return t.result(s.judgeFailure(f)), nil
}

// prepared is what follows from a request that was rendered before.
type prepared struct {
	rendered *Rendered
	known    *Redactor // of what came before
	redactor *Redactor
	address  string // the URL for people
}

// prepare returns what follows from rendered, where the values in known are
// secret already. A request that is the same at each run costs this once.
func (r *Runner) prepare(s *Step, rendered *Rendered, known *Redactor) *prepared {
	if p, ok := r.static.Load(s); ok && p.(*prepared).rendered == rendered && p.(*prepared).known == known {
		return p.(*prepared)
	}
	red := known.With(rendered.Secrets...).With(credentials(rendered.Header)...).With(s.Request.Proxy.secrets()...)
	p := &prepared{rendered: rendered, known: known, redactor: red, address: address(red, rendered.URL)}
	r.static.Store(s, p)
	return p
}

// ended reports whether ctx ended for another cause than the check's timeout.
func ended(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTimeout)
}

// A failure is why a request got no answer that can be judged, or why an
// answer is not as expected.
type failure struct {
	reason  Reason
	message string // one line for people; not yet redacted
}

func failf(reason Reason, format string, args ...any) *failure {
	return &failure{reason, fmt.Sprintf(format, args...)}
}

// A verdict is what became of a step.
type verdict struct {
	failure  *failure      // nil if it did not fail
	degraded string        // why it is degraded
	failed   []Explanation // the expectations that failed, or the degraded_if that held
}

// judge judges the answer that vars hold.
func (s *Step) judge(vars *Vars) verdict {
	v := s.judgeExpect(vars)
	if len(s.ExpectFailure) > 0 {
		if v.failure == nil {
			v.failure = failf(ReasonExpectation, "the request succeeded (status is %d), want it to fail with %s",
				vars.Exchange.Status, join(s.ExpectFailure))
		} else if f := s.judgeFailure(v.failure); f.failure == nil {
			return verdict{}
		}
		return v
	}
	if v.failure != nil {
		return v
	}
	for _, c := range s.DegradedIf {
		said := c.Judge(vars)
		if said.Err != nil {
			return verdict{failure: said.failure(), failed: []Explanation{said.Explanation}}
		}
		if said.Holds {
			v.failed = append(v.failed, said.Explanation)
		}
	}
	if len(v.failed) > 0 {
		v.degraded = summary(v.failed, vars.Redactor)
	}
	return v
}

// judgeExpect judges all expectations, so that a reader sees all that is wrong.
func (s *Step) judgeExpect(vars *Vars) verdict {
	var v verdict
	for _, c := range s.Expect {
		said := c.Judge(vars)
		if said.Holds && said.Err == nil {
			continue
		}
		f := said.failure()
		if f.reason != ReasonExpectation { // says more than the expectation that met it
			v.failure = f
		}
		said.Explanation.Message = f.message
		v.failed = append(v.failed, said.Explanation)
	}
	if len(v.failed) > 0 && v.failure == nil {
		v.failure = &failure{ReasonExpectation, summary(v.failed, vars.Redactor)}
	}
	return v
}

// judgeFailure judges a request that failed: the step passes if that is what
// it expects.
func (s *Step) judgeFailure(f *failure) verdict {
	switch {
	case len(s.ExpectFailure) == 0 || f.reason == ReasonInternal:
		return verdict{failure: f}
	case slices.Contains(s.ExpectFailure, f.reason):
		return verdict{}
	default:
		return verdict{failure: failf(f.reason, "failed with %s, want %s: %s", f.reason, join(s.ExpectFailure), f.message)}
	}
}

// failure returns what a verdict that does not hold comes to.
func (v Verdict) failure() *failure {
	f := &failure{ReasonExpectation, v.Explanation.Message}
	if v.Err != nil {
		var unavailable interface{ Unavailable() bool }
		switch {
		case errors.Is(v.Err, ErrLimit):
			f.reason = ReasonDecode
		case errors.As(v.Err, &unavailable) && unavailable.Unavailable():
			f.reason = ReasonInternal // a secret cannot be read, which says nothing of the target
		}
		if f.message == "" {
			f.message = v.Err.Error()
		}
	}
	if f.message == "" {
		f.message = v.Explanation.Expression + " does not hold"
	}
	return f
}

// summary returns the message of the first and the number of the others. What
// is cut is redacted before: the half of a secret would not be found.
func summary(failed []Explanation, red *Redactor) string {
	message := failed[0].Message
	if message == "" {
		message = failed[0].Expression
	}
	if more := len(failed) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more)", oneLine(red.Redact(message), maxMessage-50), more)
	}
	return message
}

func join(reasons []Reason) string {
	names := make([]string, len(reasons))
	for i, r := range reasons {
		names[i] = string(r)
	}
	return strings.Join(names, " or ")
}
