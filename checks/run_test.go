package checks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
)

// never and always are conditions.
func never(message string) checks.Condition {
	return condition(func(*checks.Exchange) (string, error) { return message, nil })
}

func always() checks.Condition { return never("") }

// holds is a degraded_if that holds and explains itself.
type holds string

func (h holds) Judge(*checks.Vars) checks.Verdict {
	return checks.Verdict{Holds: true, Explanation: checks.Explanation{Expression: "timing.total > 1", Message: string(h)}}
}

func fails(err error) checks.Condition {
	return condition(func(*checks.Exchange) (string, error) { return "", err })
}

func TestJudging(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[[[") })
	hostile := condition(func(*checks.Exchange) (string, error) {
		_, err := (&checks.Exchange{Body: []byte(strings.Repeat("[", 100))}).JSON()
		return "", fmt.Errorf("evaluating: %w", err)
	})
	type want struct {
		outcome checks.Outcome
		reason  checks.Reason
		message string
		failed  int
	}
	tests := map[string]struct {
		step checks.Step
		want want
	}{
		"all hold":               {checks.Step{Expect: []checks.Condition{always(), always()}}, want{outcome: checks.Passed}},
		"one fails":              {checks.Step{Expect: []checks.Condition{always(), never("status is 422, want 201")}}, want{checks.Failed, checks.ReasonExpectation, "status is 422, want 201", 1}},
		"all are judged":         {checks.Step{Expect: []checks.Condition{never("a is 1"), always(), never("b is 2")}}, want{checks.Failed, checks.ReasonExpectation, "a is 1 (and 1 more)", 2}},
		"an error":               {checks.Step{Expect: []checks.Condition{fails(errors.New("json has no key x"))}}, want{checks.Failed, checks.ReasonExpectation, "json has no key x", 1}},
		"hostile JSON":           {checks.Step{Expect: []checks.Condition{never("a is 1"), hostile}}, want{checks.Failed, checks.ReasonDecode, "evaluating: decoding the body: nested deeper than 64 at byte 65: beyond the limits for JSON", 2}},
		"unreadable secret":      {checks.Step{Expect: []checks.Condition{never("a is 1"), fails(unreadable{})}}, want{checks.Unknown, checks.ReasonInternal, "secret.key cannot be read", 2}},
		"degraded":               {checks.Step{Expect: []checks.Condition{always()}, DegradedIf: []checks.Condition{never("no"), holds("timing.total is 1.2")}}, want{checks.Degraded, "", "timing.total is 1.2", 1}},
		"failed, not degraded":   {checks.Step{Expect: []checks.Condition{never("a is 1")}, DegradedIf: []checks.Condition{holds("x")}}, want{checks.Failed, checks.ReasonExpectation, "a is 1", 1}},
		"error in degraded_if":   {checks.Step{Expect: []checks.Condition{always()}, DegradedIf: []checks.Condition{fails(errors.New("no such key"))}}, want{checks.Failed, checks.ReasonExpectation, "no such key", 1}},
		"failure missing":        {checks.Step{ExpectFailure: []checks.Reason{checks.ReasonClientCertRequired}}, want{checks.Failed, checks.ReasonExpectation, "the request succeeded (status is 200), want it to fail with client_cert_required", 0}},
		"expectation to fail":    {checks.Step{Expect: []checks.Condition{never("a is 1")}, ExpectFailure: []checks.Reason{checks.ReasonExpectation}}, want{outcome: checks.Passed}},
		"without an explanation": {checks.Step{Expect: []checks.Condition{mute{}}}, want{checks.Failed, checks.ReasonExpectation, "status == 201 does not hold", 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.step.Request.Template = get(t, url)
			res := new(checks.Runner).Run(t.Context(), &checks.Check{Steps: []*checks.Step{&tt.step}})
			got := want{res.Outcome, res.Reason, res.Message, len(res.Steps[0].Failed)}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if (res.Steps[0].Curl != "") != (res.Outcome != checks.Passed) {
				t.Errorf("curl is %q, want one only if the run did not pass", res.Steps[0].Curl)
			}
		})
	}
}

// unreadable is the error of an expression that names a secret which cannot be read.
type unreadable struct{}

func (unreadable) Error() string     { return "secret.key cannot be read" }
func (unreadable) Unavailable() bool { return true }

// mute fails and does not say why.
type mute struct{}

func (mute) Judge(*checks.Vars) checks.Verdict {
	return checks.Verdict{Explanation: checks.Explanation{Expression: "status == 201"}}
}

func TestExpectFailureOfTheConnection(t *testing.T) {
	addr := rawServer(t, func(net.Conn) {})
	for reason, want := range map[checks.Reason]checks.Outcome{
		checks.ReasonConnectionClosed:   checks.Passed,
		checks.ReasonClientCertRequired: checks.Failed,
	} {
		c := &checks.Check{Steps: []*checks.Step{{
			Request: checks.Request{Template: get(t, "http://"+addr)}, ExpectFailure: []checks.Reason{checks.ReasonDNSError, reason},
		}}}
		res := new(checks.Runner).Run(t.Context(), c)
		if res.Outcome != want {
			t.Errorf("expecting %s: outcome is %s (%s), want %s", reason, res.Outcome, res.Message, want)
		}
		if want == checks.Failed && (res.Reason != checks.ReasonConnectionClosed ||
			!strings.Contains(res.Message, "failed with connection_closed, want dns_error or client_cert_required: ")) {
			t.Errorf("reason is %s, message %q", res.Reason, res.Message)
		}
	}
}

func TestSteps(t *testing.T) {
	var asked []string
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = fmt.Fprintf(w, `{"id": %q}`, r.URL.Path)
	})
	step := func(name string, expect ...checks.Condition) *checks.Step {
		return &checks.Step{Name: name, Request: checks.Request{Template: get(t, url+"/"+name)}, Expect: expect}
	}
	uses := step("second", always())
	uses.Request.Template = computed(func(v *checks.Vars) (*checks.Rendered, error) {
		if v.Exchange != nil {
			t.Error("an exchange is there while the request is rendered")
		}
		first, err := v.Steps["first"].JSON()
		if err != nil {
			return nil, err
		}
		return &checks.Rendered{URL: parse(t, url+"/second"+first.(map[string]any)["id"].(string))}, nil
	})
	uses.DegradedIf = []checks.Condition{holds("slow")}
	c := &checks.Check{Name: "steps", Steps: []*checks.Step{
		step("first", always()), uses, step("third", never("status is 422, want 201")), step("fourth", always()),
	}}
	res := new(checks.Runner).Run(t.Context(), c)
	wantReason(t, res, checks.ReasonExpectation)
	if want := `step "third": status is 422, want 201`; res.Message != want {
		t.Errorf("message is %q, want %q", res.Message, want)
	}
	if got := strings.Join(asked, " "); got != "/first /second/first /third" {
		t.Errorf("asked for %s, want the first three steps", got)
	}
	var outcomes []checks.Outcome
	for _, s := range res.Steps {
		outcomes = append(outcomes, s.Outcome)
	}
	if diff := cmp.Diff([]checks.Outcome{checks.Passed, checks.Degraded, checks.Failed}, outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	c.Steps = c.Steps[:2]
	if res := new(checks.Runner).Run(t.Context(), c); res.Outcome != checks.Degraded || res.Message != `step "second": slow` {
		t.Errorf("outcome is %s, message %q; want degraded by the second step", res.Outcome, res.Message)
	}
}

// What a request holds is a secret in the answers to later ones, too.
func TestSecretsOfEarlierSteps(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	c := &checks.Check{Steps: []*checks.Step{
		{Name: "login", Request: checks.Request{Template: computed(func(*checks.Vars) (*checks.Rendered, error) {
			return &checks.Rendered{URL: parse(t, url), Secrets: []string{"generated"}, Header: http.Header{"Authorization": {"Bearer t0ken"}}}, nil
		})}, Expect: []checks.Condition{always()}},
		{Name: "order", Request: checks.Request{Template: get(t, url)}, Expect: []checks.Condition{never("generated for t0ken")}},
	}}
	r := new(checks.Runner)
	for range 2 { // the second time, much is known
		if got, want := r.Run(t.Context(), c).Message, `step "order": *** for ***`; got != want {
			t.Errorf("message is %q, want %q", got, want)
		}
	}
}

// The half of a secret is one, too.
func TestLongMessagesAreRedactedBeforeTheyAreCut(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	for length := 900; length < 1000; length += 3 {
		c := single(checks.Request{Template: get(t, url)})
		c.Redactor = checks.NewRedactor("hunter2-hunter2-hunter2")
		c.Steps[0].Expect = []checks.Condition{never(strings.Repeat("x", length) + "hunter2-hunter2-hunter2"), never("b is 2")}
		if got := new(checks.Runner).Run(t.Context(), c).Message; strings.Contains(got, "hun") || !strings.HasSuffix(got, " (and 1 more)") {
			t.Fatalf("message is %q, want no secret in it and the number of the others", got)
		}
	}
}

func TestPanicsBecomeInternal(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	boom := func() { panic("boom hunter2") }
	for name, c := range map[string]*checks.Check{
		"in a template": single(checks.Request{Template: computed(func(*checks.Vars) (*checks.Rendered, error) { boom(); return nil, nil })}),
		"in a condition": {Steps: []*checks.Step{{
			Request: checks.Request{Template: get(t, url)},
			Expect:  []checks.Condition{condition(func(*checks.Exchange) (string, error) { boom(); return "", nil })},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Redactor = checks.NewRedactor("hunter2")
			var log bytes.Buffer
			r := &checks.Runner{Logger: slog.New(slog.NewTextHandler(&log, nil))}
			wantReason(t, r.Run(t.Context(), c), checks.ReasonInternal, "panicked: boom ***")
			if got := log.String(); !strings.Contains(got, "run_test.go") || strings.Contains(got, "hunter2") {
				t.Errorf("log is %s, want the stack and no secret", got)
			}
		})
	}
}

func TestTemplateError(t *testing.T) {
	c := single(checks.Request{Template: computed(func(*checks.Vars) (*checks.Rendered, error) {
		return nil, errors.New("secret.x cannot be read")
	})})
	wantReason(t, new(checks.Runner).Run(t.Context(), c), checks.ReasonInternal, "secret.x cannot be read")
}

func TestInvalidRequestIsInternal(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") })
	for name, r := range map[string]*static{
		"method": {Method: "GE T", URL: parse(t, url)},
		"header": {URL: parse(t, url), Header: http.Header{"X": {"a\r\nEvil: 1"}}},
		"name":   {URL: parse(t, url), Header: http.Header{"X Y": {"a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			res := new(checks.Runner).Run(t.Context(), single(checks.Request{Template: r}))
			wantReason(t, res, checks.ReasonInternal)
			if strings.Contains(res.Message, "Evil") {
				t.Errorf("message is %q, want no value in it", res.Message)
			}
		})
	}
}

func TestCutShortFromOutside(t *testing.T) {
	asked := make(chan struct{})
	url := serveHTTP(t, func(_ http.ResponseWriter, r *http.Request) { close(asked); <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	res := new(checks.Runner).Run(ctx, single(checks.Request{Template: get(t, url)}))
	wantReason(t, res, checks.ReasonInternal, "cut short")
}

func TestDefaultTimeout(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	c := single(checks.Request{Template: get(t, url)})
	c.Timeout = 0
	wantReason(t, new(checks.Runner).Run(t.Context(), c), "")
}

func TestFileDescriptorsRunOut(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	c := single(checks.Request{Template: get(t, "http://127.0.0.1:1")})
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(f.Fd())
	_ = f.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: next, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	res := new(checks.Runner).Run(t.Context(), c)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	wantReason(t, res, checks.ReasonInternal, "too many open files")
}

func TestHostileTextIsMadeVisible(t *testing.T) {
	location := "https://h.example/\u202egpj.exe\u2066 <!channel>"
	url := script(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: ftp://"+location[8:]+"\r\n\r\n")
	})
	res := fetch(t, new(checks.Runner), url)
	wantReason(t, res, checks.ReasonRedirect)
	if strings.ContainsAny(res.Message, "\u202e\u2066\r\n\x1b") {
		t.Errorf("message is %q, want no control characters", res.Message)
	}
	c := single(checks.Request{Template: get(t, url)})
	c.Steps[0].Expect = []checks.Condition{never("header is \x1b[31m\u202e" + strings.Repeat("x", 5000) + "\r\n")}
	res = new(checks.Runner).Run(t.Context(), c)
	if !strings.HasPrefix(res.Message, `header is \x1b[31m\u202e`) || len(res.Message) > 1000 || !strings.HasSuffix(res.Message, "…") {
		t.Errorf("message has %d bytes: %q", len(res.Message), res.Message)
	}
}

func TestShowBody(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "line\tone\nhunter2\x1b"+strings.Repeat("x", 1000))
	})
	for _, show := range []bool{true, false} {
		c := single(checks.Request{Template: get(t, url)})
		c.Redactor = checks.NewRedactor("hunter2")
		c.Steps[0].ShowBody = show
		c.Steps[0].Expect = []checks.Condition{never("no")}
		got := new(checks.Runner).Run(t.Context(), c).Steps[0].Body
		if !show && got != "" {
			t.Errorf("body is %q, want none", got)
		}
		if show && (!strings.HasPrefix(got, "line\tone\n***\\x1bx") || len(got) > 512) {
			t.Errorf("body has %d bytes: %q", len(got), got)
		}
	}
}

// What a redirect says is not what the next hop has answered.
func TestShowBodyIsOfTheLastHop(t *testing.T) {
	url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://127.0.0.1:1/")
		w.WriteHeader(http.StatusFound)
		_, _ = io.WriteString(w, "found")
	})
	c := single(checks.Request{Template: get(t, url), MaxRedirects: 1})
	c.Steps[0].ShowBody = true
	res := new(checks.Runner).Run(t.Context(), c)
	wantReason(t, res, checks.ReasonConnectRefused)
	if step := res.Steps[0]; step.Body != "" || step.Status != 0 {
		t.Errorf("status is %d, body %q; want none", step.Status, step.Body)
	}
}

// A run keeps time by the monotonic clock.
func TestDurations(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	jumps := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &checks.Runner{Now: func() time.Time { jumps = jumps.Add(-time.Hour); return jumps }}
	res := fetch(t, r, url)
	wantReason(t, res, "")
	if res.Duration <= 0 || res.Duration > time.Minute || res.Started.Year() != 2025 && res.Started.Year() != 2026 {
		t.Errorf("started %v, took %v", res.Started, res.Duration)
	}
}
