package checks_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchword/checks"
)

// namedStep is a step that asks for /NAME.
func namedStep(t *testing.T, url, name string, c checks.Condition) *checks.Step {
	t.Helper()
	return &checks.Step{Name: name, Request: checks.Request{Template: get(t, url+"/"+name)}, Expect: []checks.Condition{c}}
}

// needs is a template that cannot be made without the answer to a step.
func needs(t *testing.T, url, step string) checks.Template {
	t.Helper()
	return computed(func(v *checks.Vars) (*checks.Rendered, error) {
		if v.Steps[step] == nil {
			return nil, &checks.ValueError{Err: fmt.Errorf("step.%s is missing", step)}
		}
		return &checks.Rendered{Method: http.MethodGet, URL: parse(t, url+"/cleanup")}, nil
	})
}

func stepOutcomes(r checks.Result) string {
	var parts []string
	for _, s := range r.Steps {
		parts = append(parts, s.Step+" "+string(s.Outcome))
	}
	return strings.Join(parts, ", ")
}

func TestAlways(t *testing.T) {
	url := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hang" {
			<-r.Context().Done()
		}
	})
	gone := "http://127.0.0.1:1"
	tests := map[string]struct {
		use            *checks.Step
		cleanup        checks.Template
		condition      checks.Condition
		want, message  string
		cleanupMessage string
	}{
		"after a failure": {
			use: namedStep(t, url, "use", never("a is 1")), cleanup: get(t, url), condition: always(),
			want: "use failed, cleanup passed", message: `step "use": a is 1`,
		},
		"with an answer that was not as expected": {
			use: namedStep(t, url, "use", never("a is 1")), cleanup: needs(t, url, "use"), condition: always(),
			want: "use failed, cleanup passed", message: `step "use": a is 1`,
		},
		"without what it needs": {
			use: namedStep(t, gone, "use", always()), cleanup: needs(t, url, "use"), condition: always(),
			want: "use failed, cleanup skipped", cleanupMessage: "skipped: step.use is missing",
		},
		"it fails too": {
			use: namedStep(t, url, "use", never("a is 1")), cleanup: get(t, url), condition: never("b is 2"),
			want: "use failed, cleanup failed", message: `step "use": a is 1`, cleanupMessage: "b is 2",
		},
		"it fails alone": {
			use: namedStep(t, url, "use", always()), cleanup: get(t, url), condition: never("b is 2"),
			want: "use passed, between passed, cleanup failed", message: `step "cleanup": b is 2`, cleanupMessage: "b is 2",
		},
		"it needs what a good run does not bring": {
			use: namedStep(t, url, "use", always()), cleanup: needs(t, url, "other"), condition: always(),
			want: "use passed, between passed, cleanup failed", message: `step "cleanup": step.other is missing`, cleanupMessage: "step.other is missing",
		},
		"no time is left": {
			use: namedStep(t, url, "hang", always()), cleanup: get(t, url), condition: always(),
			want: "hang failed, cleanup skipped", cleanupMessage: "skipped: the check's timeout has passed",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := &checks.Check{Timeout: 10 * time.Second, Steps: []*checks.Step{
				tt.use, namedStep(t, url, "between", always()),
				{Name: "cleanup", Always: true, Request: checks.Request{Template: tt.cleanup}, Expect: []checks.Condition{tt.condition}},
			}}
			if name == "no time is left" {
				c.Timeout = 100 * time.Millisecond
			}
			res := new(checks.Runner).Run(t.Context(), c)
			if got := stepOutcomes(res); got != tt.want {
				t.Errorf("steps: %s, want %s", got, tt.want)
			}
			if tt.message != "" && res.Message != tt.message {
				t.Errorf("message is %q, want %q", res.Message, tt.message)
			}
			if got := res.Steps[len(res.Steps)-1].Message; got != tt.cleanupMessage {
				t.Errorf("the cleanup says %q, want %q", got, tt.cleanupMessage)
			}
			if res.Outcome != checks.Failed {
				t.Errorf("outcome is %s, want failed", res.Outcome)
			}
		})
	}
}

// What an answer brings for a later step to authenticate with is kept out of
// what is said of that answer already.
func TestSecretsOfAnswers(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "t0ken-of-the-day") })
	login := namedStep(t, url, "login", condition(func(x *checks.Exchange) (string, error) { return "body is " + string(x.Body), nil }))
	login.ShowBody = true
	login.Secrets = func(x *checks.Exchange) []string { return []string{string(x.Body)} }
	res := new(checks.Runner).Run(t.Context(), &checks.Check{Steps: []*checks.Step{login}})
	if got, want := res.Message, `step "login": body is ***`; got != want {
		t.Errorf("message is %q, want %q", got, want)
	}
	if got := res.Steps[0].Body; got != "***" {
		t.Errorf("the body is shown as %q", got)
	}
}

// flaky fails until it has been asked so often.
func flaky(failures int, fail func() error) (checks.Template, *int) {
	asked := new(int)
	return computed(func(*checks.Vars) (*checks.Rendered, error) {
		*asked++
		if *asked <= failures {
			return nil, fail()
		}
		return nil, errors.New("no request at all") // the outcome unknown, without any socket
	}), asked
}

// Delays are waited for between attempts, and are no part of the duration.
func TestRetryDelays(t *testing.T) {
	missing := func() error {
		<-time.After(time.Second)
		return &checks.ValueError{Err: errors.New("step.x is missing")}
	}
	tests := map[string]struct {
		retry    checks.Retry
		took     time.Duration
		attempts int
	}{
		"none":           {checks.Retry{}, 1 * time.Second, 1},
		"constant":       {checks.Retry{Attempts: 4, Delay: time.Minute}, 4*time.Second + 3*time.Minute, 4},
		"linear":         {checks.Retry{Attempts: 4, Delay: time.Minute, Backoff: checks.Linear}, 4*time.Second + 6*time.Minute, 4},
		"exponential":    {checks.Retry{Attempts: 4, Delay: time.Minute, Backoff: checks.Exponential}, 4*time.Second + 7*time.Minute, 4},
		"on this reason": {checks.Retry{Attempts: 3, OnlyOn: []checks.Reason{checks.ReasonExpectation}}, 3 * time.Second, 3},
		"on another":     {checks.Retry{Attempts: 3, OnlyOn: []checks.Reason{checks.ReasonConnectRefused}}, time.Second, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				template, asked := flaky(100, missing)
				c := single(checks.Request{Template: template})
				c.Retry = tt.retry
				begin := time.Now()
				res := new(checks.Runner).Run(t.Context(), c)
				if took := time.Since(begin); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				if want := time.Duration(tt.attempts) * time.Second; res.Duration != want {
					t.Errorf("duration is %s, want %s", res.Duration, want)
				}
				if res.Attempts != tt.attempts || *asked != tt.attempts || res.Outcome != checks.Failed || !res.Started.Equal(begin) {
					t.Errorf("%d attempts of %d, started %s: %+v", res.Attempts, *asked, begin, res)
				}
			})
		})
	}
}

// A run whose fault is watchword's own is not tried again.
func TestRetryEndsWithUnknown(t *testing.T) {
	template, asked := flaky(1, func() error { return &checks.ValueError{Err: errors.New("x")} })
	c := single(checks.Request{Template: template})
	c.Retry = checks.Retry{Attempts: 9}
	if res := new(checks.Runner).Run(t.Context(), c); res.Attempts != 2 || *asked != 2 || res.Outcome != checks.Unknown {
		t.Errorf("result is %+v, want the second attempt's", res)
	}
}

// A delay ends with its context, and says nothing of the target.
func TestRetryIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		template, _ := flaky(100, func() error { return &checks.ValueError{Err: errors.New("step.x is missing")} })
		c := single(checks.Request{Template: template})
		c.Retry = checks.Retry{Attempts: 3, Delay: time.Hour}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("shutting down"))
		defer cancel()
		begin := time.Now()
		res := new(checks.Runner).Run(ctx, c)
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("took %s, want a minute", took)
		}
		if want := "the run was cut short before attempt 2: shutting down (step.x is missing)"; res.Outcome != checks.Unknown || res.Message != want {
			t.Errorf("outcome is %s, message %q; want %q", res.Outcome, res.Message, want)
		}
	})
}

// A failure that passes at the second attempt is a run that passed.
func TestRetryPasses(t *testing.T) {
	asked := 0
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	c := single(checks.Request{Template: get(t, url)})
	c.Retry = checks.Retry{Attempts: 3}
	res := new(checks.Runner).Run(t.Context(), c)
	if res.Outcome != checks.Passed || res.Attempts != 2 || res.Message != "" || len(res.Steps) != 1 {
		t.Errorf("result is %+v, want passed at the second attempt", res)
	}
}

func TestLongestRun(t *testing.T) {
	tests := []struct {
		retry checks.Retry
		want  time.Duration
	}{
		{checks.Retry{}, 10 * time.Second},
		{checks.Retry{Attempts: 3, Delay: time.Second}, 32 * time.Second},
		{checks.Retry{Attempts: 3, Delay: time.Second, Backoff: checks.Linear}, 33 * time.Second},
		{checks.Retry{Attempts: 5, Delay: time.Second, Backoff: checks.Exponential}, 65 * time.Second},
		{checks.Retry{Attempts: 3, Delay: 1 << 62}, 30*time.Second + 2*24*time.Hour},
		{checks.Retry{Attempts: 100, Delay: time.Hour, Backoff: checks.Exponential}, 1000*time.Second + (1+2+4+8+16)*time.Hour + 94*24*time.Hour},
		{checks.Retry{Attempts: 100, Delay: 0, Backoff: checks.Exponential}, 1000 * time.Second},
	}
	for _, tt := range tests {
		if got := tt.retry.Longest(10 * time.Second); got != tt.want {
			t.Errorf("%+v: longest is %s, want %s", tt.retry, got, tt.want)
		}
	}
}
