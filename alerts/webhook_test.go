package alerts_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
)

const (
	hookURL = "https://hooks.example.com/in/canary-path?key=canary-query"
	hookKey = "canary-key-of-thirty-two-bytes--"
	nextKey = "canary-next-key-of-thirty-bytes-"
)

// A hook takes webhooks without any network, with faults.
type hook struct {
	fault func(number int) hookFault // may be nil

	mu       sync.Mutex
	requests int
	taken    []hookBody
	headers  []http.Header
}

// hookFault is what goes wrong with a request. The zero value is nothing.
type hookFault struct {
	status     int
	retryAfter string
	said       string
	refused    bool // the connection breaks before anything was taken
	dropped    bool // it is taken, and the answer is lost
}

type hookBody struct {
	ID             string
	Kind           string
	Open           bool
	Incident       string
	Check          string
	Message        string
	PossibleRepeat bool `json:"possible_repeat"`
}

var errHook = errors.New("connection reset by the hook")

// RoundTrip implements [http.RoundTripper].
func (h *hook) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	fault := hookFault{}
	if h.fault != nil {
		fault = h.fault(h.requests)
	}
	if fault.refused {
		return nil, errHook
	}
	rec := httptest.NewRecorder()
	if fault.retryAfter != "" {
		rec.Header().Set("Retry-After", fault.retryAfter)
	}
	if fault.status != 0 {
		rec.WriteHeader(fault.status)
		_, _ = rec.WriteString(fault.said)
		return rec.Result(), nil
	}
	if signed(r.Header, raw, hookKey) != r.Header.Get("webhook-signature") {
		return nil, fmt.Errorf("signature is %q", r.Header.Get("webhook-signature"))
	}
	var body hookBody
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	h.taken, h.headers = append(h.taken, body), append(h.headers, r.Header)
	if fault.dropped {
		return nil, errHook
	}
	rec.WriteHeader(http.StatusNoContent)
	return rec.Result(), nil
}

// signed is the signature by a key that the specification asks for.
func signed(h http.Header, body []byte, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s.%s.%s", h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (h *hook) receiver() *alerts.Webhook {
	return &alerts.Webhook{
		URL: hookURL, Keys: [][]byte{[]byte(hookKey)}, Client: &http.Client{Transport: h}, UserAgent: "watchword/test",
		Headers: map[string]string{"Authorization": "Bearer canary-token"},
	}
}

func delivery(kind alerts.TransitionKind) alerts.Delivery {
	return alerts.Delivery{ID: "0123", Thread: "a#1", Message: alerts.Message{
		Topic: alerts.AboutCheck, Kind: kind, Check: "a", Headline: "🔴 a is failing: x", At: time.Unix(0, 0),
	}}
}

// TestWebhookAnswers says what each answer means for the delivery.
func TestWebhookAnswers(t *testing.T) {
	type outcome struct {
		Text              string
		Permanent, Unsure bool
		RetryAfter        time.Duration
	}
	for _, tc := range []struct {
		fault hookFault
		want  outcome
	}{
		{hookFault{status: 200}, outcome{}},
		{hookFault{status: 202}, outcome{}},
		{hookFault{status: 204}, outcome{}},
		{hookFault{status: 301}, outcome{Text: "the answer is 301 Moved Permanently: redirects are not followed", Permanent: true}},
		{hookFault{status: 304}, outcome{Text: "the answer is 304 Not Modified: redirects are not followed", Permanent: true}},
		{hookFault{status: 307, said: "https://elsewhere.example/"}, outcome{Text: "the answer is 307 Temporary Redirect: redirects are not followed", Permanent: true}},
		{hookFault{status: 400, said: "no field text\nat all"}, outcome{Text: "the answer is 400 Bad Request: no field text at all", Permanent: true}},
		{hookFault{status: 401, retryAfter: "60"}, outcome{Text: "the answer is 401 Unauthorized", Permanent: true}},
		{hookFault{status: 403}, outcome{Text: "the answer is 403 Forbidden", Permanent: true}},
		{hookFault{status: 404, said: "Cannot POST /in/canary-path?key=canary-query"}, outcome{Text: "the answer is 404 Not Found: Cannot POST ***", Permanent: true}},
		{hookFault{status: 410}, outcome{Text: "the answer is 410 Gone", Permanent: true}},
		{hookFault{status: 413}, outcome{Text: "the answer is 413 Request Entity Too Large", Permanent: true}},
		{hookFault{status: 422, said: "\x1b[31m\u202eno " + strings.Repeat("x", 5000)}, outcome{Text: "the answer is 422 Unprocessable Entity: [31mno " + strings.Repeat("x", 192) + "…", Permanent: true}},
		{hookFault{status: 499}, outcome{Text: "the answer is 499", Permanent: true}},
		{hookFault{status: 408}, outcome{Text: "the answer is 408 Request Timeout"}},
		{hookFault{status: 409}, outcome{Text: "the answer is 409 Conflict"}},
		{hookFault{status: 423}, outcome{Text: "the answer is 423 Locked"}},
		{hookFault{status: 425}, outcome{Text: "the answer is 425 Too Early"}},
		{hookFault{status: 429, retryAfter: "7"}, outcome{Text: "the answer is 429 Too Many Requests", RetryAfter: 7 * time.Second}},
		{hookFault{status: 429, retryAfter: "-7"}, outcome{Text: "the answer is 429 Too Many Requests"}},
		{hookFault{status: 429, retryAfter: "Sat, 01 Jan 2000 00:00:30 GMT"}, outcome{Text: "the answer is 429 Too Many Requests", RetryAfter: 30 * time.Second}},
		{hookFault{status: 429, retryAfter: "31536000"}, outcome{Text: "the answer is 429 Too Many Requests", RetryAfter: time.Hour}},
		{hookFault{status: 500, said: "canary-key-of-thirty-two-bytes-- Y2FuYXJ5LXRva2Vu"}, outcome{Text: "the answer is 500 Internal Server Error: *** ***", Unsure: true}},
		{hookFault{status: 502}, outcome{Text: "the answer is 502 Bad Gateway", Unsure: true}},
		{hookFault{status: 503, retryAfter: "5"}, outcome{Text: "the answer is 503 Service Unavailable", Unsure: true, RetryAfter: 5 * time.Second}},
		{hookFault{status: 504}, outcome{Text: "the answer is 504 Gateway Timeout", Unsure: true}},
		{hookFault{dropped: true}, outcome{Text: "connection reset by the hook", Unsure: true}},
	} {
		synctest.Test(t, func(t *testing.T) { // begins at 2000-01-01
			h := &hook{fault: func(int) hookFault { return tc.fault }}
			_, err := h.receiver().Send(t.Context(), delivery(alerts.Fired))
			got := outcome{}
			if send, ok := errors.AsType[*alerts.SendError](err); ok {
				got = outcome{send.Error(), send.Permanent, send.Unsure, send.RetryAfter}
			} else if err != nil {
				t.Errorf("%+v: error %T", tc.fault, err)
			}
			got.Text = strings.TrimPrefix(got.Text, "posting to the webhook: ")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", tc.fault, diff)
			}
			if strings.Contains(got.Text, "canary") {
				t.Errorf("a secret in %q", got.Text)
			}
		})
	}
}

// What a receiver needs to verify a message goes along. That the signature is
// right is held by every hook of these tests.
func TestWebhookSignature(t *testing.T) {
	h := &hook{}
	if _, err := h.receiver().Send(t.Context(), delivery(alerts.Fired)); err != nil {
		t.Fatal(err)
	}
	got := h.headers[0]
	stamp, err := strconv.ParseInt(got.Get("webhook-timestamp"), 10, 64)
	if age := time.Since(time.Unix(stamp, 0)); err != nil || age < -time.Second || age > time.Minute {
		t.Errorf("timestamp is %v ago (%v)", age, err)
	}
	for name, want := range map[string]string{
		"webhook-id": "0123", "Content-Type": "application/json", "User-Agent": "watchword/test", "Authorization": "Bearer canary-token",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	// While a key is replaced each signs, in their order, and a receiver that
	// knows either verifies the message.
	both := h.receiver()
	both.Keys = append([][]byte{[]byte(nextKey)}, both.Keys...)
	several := &lastRequest{}
	both.Client = &http.Client{Transport: several}
	if _, err := both.Send(t.Context(), delivery(alerts.Fired)); err != nil {
		t.Fatal(err)
	}
	first, second, _ := strings.Cut(several.header.Get("webhook-signature"), " ")
	if second != signed(several.header, several.body, hookKey) || first != signed(several.header, several.body, nextKey) {
		t.Errorf("signatures are %q and %q", first, second)
	}

	unsigned := h.receiver()
	unsigned.Keys = nil
	plain := &lastRequest{}
	unsigned.Client = &http.Client{Transport: plain}
	if _, err := unsigned.Send(t.Context(), delivery(alerts.Fired)); err != nil {
		t.Fatal(err)
	}
	if got := plain.header; got.Get("webhook-signature") != "" || got.Get("webhook-id") == "" {
		t.Errorf("without a key: %v", got)
	}
}

// lastRequest keeps a request, without looking at it.
type lastRequest struct {
	header http.Header
	body   []byte
}

// RoundTrip implements [http.RoundTripper].
func (h *lastRequest) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.header, h.body = r.Header, body
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestParseSigningSecret(t *testing.T) {
	for text, want := range map[string]string{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "1\xf2\x90\xf6\xbf\x06)\x8a\xabO\x08\xd4<?\x08,\xf6H\xa3b\xda-\xa4\xb0",
		"whsec_YQ==":                             "a",
		"whsec_YQ":                               "a",
		"whsec-plain":                            "whsec-plain",
		"plain text":                             "plain text",
		"YQ==":                                   "YQ==",
		"WHSEC_YQ==":                             "WHSEC_YQ==",
		"whsec_":                                 "error: it begins with whsec_, but what follows is not base64",
		"whsec_not base64":                       "error: it begins with whsec_, but what follows is not base64",
		"whsk_YQ==":                              "error: it is a key of an asymmetric signature; signatures are HMAC-SHA256, with a key that begins with whsec_ or any other text",
	} {
		key, err := alerts.ParseSigningSecret(text)
		got := string(key)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

// startHook is startPost with a webhook as its receiver.
func startHook(t *testing.T, h *hook, names ...string) *post {
	t.Helper()
	p := startPost(t, names...)
	p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": h.receiver()})
	return p
}

// Every kind is posted but the one that says nothing new, and an incident
// whose check was removed ends.
func TestWebhookKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hook{}
		p := startHook(t, h, "a", "b")
		p.setup.Subjects[0].Policy.RecoverAfter = 1
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.engine.Run(ctx) }()
		p.run("a", checks.Degraded, "slow")
		p.run("b", checks.Failed, "x")
		wait(time.Second)
		p.run("a", checks.Failed, "down")
		wait(time.Second)
		p.run("a", checks.Degraded, "slow again")
		wait(time.Second)
		p.run("a", checks.Passed, "")
		wait(61 * time.Minute)
		p.setup.Subjects = p.setup.Subjects[:1]
		if err := p.engine.Load(ctx, p.setup); err != nil {
			t.Fatal(err)
		}
		wait(time.Minute)
		var got []string
		for _, b := range h.taken {
			got = append(got, fmt.Sprintf("%s %s open=%v %s", b.Incident, b.Kind, b.Open, b.Message))
		}
		want := []string{
			"check:a#1 fired open=true slow", "check:b#1 fired open=true x", "check:a#1 escalated open=true down", "check:a#1 eased open=true slow again",
			"check:a#1 recovered open=false slow again", "check:b#1 reminded open=true x", "check:b#1 withdrawn open=false x",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if _, err := h.receiver().Send(ctx, delivery(alerts.Amended)); err != nil || len(h.taken) != len(want) {
			t.Errorf("amended: error %v, %d requests", err, len(h.taken))
		}
		cancel()
		<-done
		p.stop()
	})
}

func TestWebhookIsBlockedUntilReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := true
		h := &hook{fault: func(int) hookFault {
			if gone {
				return hookFault{status: 410}
			}
			return hookFault{}
		}}
		p := startHook(t, h, "a", "b")
		p.run("a", checks.Failed, "x")
		wait(time.Hour)
		p.run("b", checks.Failed, "x")
		wait(time.Hour)
		if s := p.stats(); s.Blocked != "posting to the webhook: the answer is 410 Gone" || s.Pending != 2 || h.requests != 1 {
			t.Errorf("%d requests, stats %+v", h.requests, s)
		}
		gone = false
		p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": h.receiver()})
		wait(time.Second)
		if s := p.stats(); s.Blocked != "" || s.Pending != 0 || len(h.taken) != 2 || h.taken[0].Check != "a" {
			t.Errorf("stats %+v, taken %+v", s, h.taken)
		}
		p.stop()
	})
}

// TestWebhookWithFaults is a day on which the receiver drops replies, asks
// for patience, fails, and is down altogether for most of it. Every incident
// must be told, in order, and what comes twice has one id and says so.
func TestWebhookWithFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 7))
		begin := time.Now()
		h := &hook{fault: func(int) hookFault {
			if at := time.Since(begin); at > time.Hour && at < 25*time.Hour {
				return hookFault{refused: true}
			}
			switch n := rng.IntN(100); {
			case n < 30:
				return hookFault{dropped: true}
			case n < 40:
				return hookFault{status: 429, retryAfter: strconv.Itoa(1 + rng.IntN(30))}
			case n < 50:
				return hookFault{status: 500}
			default:
				return hookFault{}
			}
		}}
		names := []string{"a", "b", "c", "d"}
		p := startHook(t, h, names...)
		incidents := 0
		for time.Since(begin) < 25*time.Hour {
			incidents++
			for _, n := range names {
				p.run(n, checks.Failed, fmt.Sprintf("incident %d", incidents))
			}
			wait(10 * time.Minute)
			for _, n := range names {
				p.run(n, checks.Passed, "")
			}
			wait(20 * time.Minute)
			if time.Since(begin) > 2*time.Hour && time.Since(begin) < 3*time.Hour {
				p.stop() // a restart in the middle of the outage
				p.start()
				p.outbox.SetReceivers(map[string]alerts.Receiver{"slack.a": h.receiver()})
			}
		}
		for i := 0; i < 48 && p.stats().Pending > 0; i++ {
			wait(time.Hour)
		}
		if s := p.stats(); s.Pending != 0 {
			t.Fatalf("stats %+v", s)
		}
		p.stop()
		repeats := checkIncidents(t, h.taken, names, incidents)
		if repeats == 0 || len(h.taken) == repeats {
			t.Errorf("%d of %d messages came twice: the test shows nothing", repeats, len(h.taken))
		}
		t.Logf("%d incidents, %d requests, %d taken, %d repeats", incidents*len(names), h.requests, len(h.taken), repeats)
	})
}

// checkIncidents holds that every incident of every check has begun and ended
// in order. It returns how many messages came twice.
func checkIncidents(t *testing.T, taken []hookBody, names []string, incidents int) (repeats int) {
	t.Helper()
	seen := map[string]hookBody{}
	told := map[string][]string{} // by check: kind and incident
	for _, b := range taken {
		if first, again := seen[b.ID]; again {
			repeats++
			if !b.PossibleRepeat || b.Kind != first.Kind || b.Incident != first.Incident {
				t.Errorf("%+v came again as %+v", first, b)
			}
			continue
		}
		seen[b.ID] = b
		told[b.Check] = append(told[b.Check], b.Kind+" "+b.Incident)
	}
	for _, n := range names {
		list := told[n]
		for i := 1; i <= incidents; i++ {
			incident := fmt.Sprintf(" check:%s#%d", n, i)
			switch {
			case len(list) >= 1 && list[0] == "folded"+incident:
				list = list[1:]
			case len(list) >= 2 && slices.Equal(list[:2], []string{"fired" + incident, "recovered" + incident}):
				list = list[2:]
			default:
				t.Fatalf("%s: incident %d is told by %q", n, i, list[:min(len(list), 3)])
			}
		}
		if len(list) > 0 {
			t.Errorf("%s: %q is too much", n, list)
		}
	}
	return repeats
}
