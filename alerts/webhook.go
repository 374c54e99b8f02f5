package alerts

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"watchword/checks"
)

// Webhook is a [Receiver] that posts every message as JSON to a URL, for
// machines to read. Set the fields before the first Send.
//
// Any answer from 200 to 299 takes the message. Redirects are not followed.
// What the receiver gets is described in examples/webhook.
type Webhook struct {
	URL       string            // http or https
	Headers   map[string]string // sent along; may hold secrets
	Keys      [][]byte          // each signs what is sent, in this order: see [ParseSigningSecret]; none means no signature
	UserAgent string            // may be empty
	Timeout   time.Duration     // of one attempt, answer included; 0 means 10 seconds
	TLS       TLS               // of an https URL
	Client    *http.Client      // its Transport is used; nil means one of its own, with a connection for each attempt
}

// DefaultWebhookTimeout bounds one attempt unless the configuration says
// otherwise.
const DefaultWebhookTimeout = 10 * time.Second

// Send implements [Receiver]. An [Amended] message is not posted: what it
// counts has changed, and nothing has happened.
func (w *Webhook) Send(ctx context.Context, d Delivery) (Reference, error) {
	if w.isSilent(d.Message.Kind, d.Reference) {
		return Reference{}, nil
	}
	if d.Begin != nil {
		d.Begin(ctx)
	}
	body := newWebhookBody(d).encode()
	limit := cmp.Or(w.Timeout, DefaultWebhookTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	if err := w.post(ctx, d.ID, body); err != nil {
		err.Err = fmt.Errorf("posting to the webhook: %w", err.Err)
		return Reference{}, err
	}
	return Reference{}, nil
}

// isSilent implements [silent].
func (w *Webhook) isSilent(kind TransitionKind, _ Reference) bool { return kind == Amended }

// post makes one attempt. Its error names neither the URL nor a secret.
func (w *Webhook) post(ctx context.Context, id string, body []byte) *SendError {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return &SendError{Err: errors.New("the URL is not valid"), Permanent: true}
	}
	req.GetBody = nil // an attempt is one request: whoever sends again says so in the body
	for name, value := range w.Headers {
		req.Header.Set(name, value)
	}
	if w.UserAgent != "" && req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", w.UserAgent)
	}
	req.Header.Set("Content-Type", "application/json")
	w.sign(req.Header, id, time.Now(), body)

	conn := w.TLS.connect(req.URL, w.Client)
	defer conn.close()
	resp, err := conn.send(req)
	if err != nil {
		out := conn.failed(ctx, err)
		out.Err = hide(out.Err, w.secrets())
		return out
	}
	defer func() { _ = resp.Body.Close() }()
	return w.answered(resp)
}

// maxWebhookAnswer bounds what is read of an answer, in bytes.
const maxWebhookAnswer = 4 << 10

// answered says what an answer means for the delivery; nil if the message
// was taken.
func (w *Webhook) answered(resp *http.Response) *SendError {
	code := resp.StatusCode
	if code >= 200 && code < 300 {
		return nil
	}
	out := &SendError{status: code, RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	said := "redirects are not followed"
	switch {
	case code < 400:
		out.Permanent = true
	case code >= 500: // a gateway answers for a server that may have taken it
		out.Unsure = true
	case code == http.StatusRequestTimeout, code == http.StatusConflict, code == http.StatusLocked,
		code == http.StatusTooEarly, code == http.StatusTooManyRequests:
	default:
		out.Permanent = true
	}
	if out.Permanent {
		out.RetryAfter = 0
	}
	if code >= 400 {
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxWebhookAnswer)) // what there is
		said = begins(raw, w.secrets(), 200)
	}
	out.Err = errors.New(refusal(code, said)) //nolint:err113 // it is the receiver's
	return out
}

// secrets finds what no error may show: what the receiver knows of the
// headers and the URL beyond its host, it may repeat.
func (w *Webhook) secrets() *checks.Redactor {
	out := append([]string{w.URL}, partsOf(w.URL)...)
	for _, key := range w.Keys {
		out = append(out, string(key))
	}
	for _, value := range w.Headers {
		out = append(out, value)
		if _, credentials, ok := strings.Cut(value, " "); ok { // Bearer …
			out = append(out, credentials)
		}
	}
	return checks.NewRedactor(out...)
}
