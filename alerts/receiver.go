package alerts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"watchword/checks"
)

// Receiver delivers messages to people.
type Receiver interface {
	// Send delivers d and returns where the thread's first message stands,
	// if it is this one. It returns nil only when the receiver has taken
	// all of it. An error is a *SendError if more is known than its text,
	// which never holds a token or a URL with one in it. It never outlives
	// ctx.
	Send(ctx context.Context, d Delivery) (Reference, error)
}

// Delivery is one message on its way.
type Delivery struct {
	ID        string    // opaque and the same in every attempt
	Thread    string    // names the incident: the same in all of its messages
	Queued    time.Time // no attempt was made before
	Message   Message   // with PossibleRepeat if an earlier attempt may have arrived
	Reference Reference // of the thread's first message; zero if the receiver has none
	// Begin is to be called right before what would be seen twice if it were
	// done twice. It may be nil.
	Begin func(context.Context)
	// Settled is to be called once it is known what became of an earlier
	// attempt, so that there is no possible repeat. It may be nil.
	Settled func()
}

// silent is a receiver that says nothing of some messages: they count as
// taken, although nothing is sent.
type silent interface {
	isSilent(kind TransitionKind, ref Reference) bool
}

func isSilent(r Receiver, n *Notification) bool {
	s, ok := r.(silent)
	return ok && s.isSilent(n.Message.Kind, n.Reference)
}

// SendError is a delivery that did not succeed.
type SendError struct {
	Err        error
	Permanent  bool          // no attempt will succeed before someone changes something: a bad token, an archived channel
	Unsure     bool          // the receiver may have taken the message all the same
	RetryAfter time.Duration // how long the receiver wants to be left alone; 0 if it does not say

	status int // of the HTTP answer, if there was one
}

// Error is the text of the error that is wrapped.
func (e *SendError) Error() string { return e.Err.Error() }

// Unwrap returns the error that is wrapped.
func (e *SendError) Unwrap() error { return e.Err }

// Unusable is a [Receiver] that cannot deliver anything before the
// configuration is mended: its secret cannot be read, say.
type Unusable struct{ Err error }

// Send fails for good.
func (u Unusable) Send(context.Context, Delivery) (Reference, error) {
	return Reference{}, &SendError{Err: u.Err, Permanent: true}
}

// sending follows one request to where it has a connection.
type sending struct{ connected atomic.Bool }

// follow returns the request to make by a transport; nil stands for the usual
// one.
func (s *sending) follow(r *http.Request, by http.RoundTripper) *http.Request {
	if _, tells := by.(*http.Transport); by != nil && !tells { // of its connections
		s.connected.Store(true)
	}
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { s.connected.Store(true) },
	}))
}

// unsure says whether something may have been sent before the error came.
func (s *sending) unsure(err error) bool { return s.connected.Load() && !neverSent(err) }

// neverSent says whether an error means that nothing was sent, whatever
// connection there was.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &dns) || errors.As(err, &cert)
}

// inner takes the URL off an error of net/http: a webhook's URL is a secret.
func inner(err error) error {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return err
}

// hide makes sure that an error shows no secret: a server may repeat what it
// was sent where an answer is expected.
func hide(err error, secrets *checks.Redactor) error {
	text := err.Error()
	if hidden := secrets.Redact(text); hidden != text {
		return errors.New(hidden) //nolint:err113 // the chain would show it
	}
	return err
}

// partsOf are the texts of a URL beyond its host, which may be secrets.
func partsOf(text string) []string {
	u, err := url.Parse(text)
	if err != nil {
		return nil
	}
	out := []string{u.RequestURI(), u.Path, u.RawQuery}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 8 {
			out = append(out, part)
		}
	}
	for _, values := range u.Query() {
		out = append(out, values...)
	}
	return out
}

// refusal says that an answer is no success, and what it said, if anything.
func refusal(status int, said string) string {
	text := strings.TrimSpace(fmt.Sprintf("the answer is %d %s", status, http.StatusText(status)))
	if said != "" {
		text += ": " + said
	}
	return text
}

// begins is how the body of an answer begins, on one line of at most so many
// runes, without what it repeats of a secret.
func begins(body []byte, secrets *checks.Redactor, most int) string {
	return shorten(oneLine(clean(secrets.Redact(string(body)), true)), most)
}

const maxRetryAfter = time.Hour

// retryAfter reads the header of that name, seconds or a date (RFC 9110); 0
// if it asks for nothing.
func retryAfter(header string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if n, err := strconv.ParseInt(header, 10, 32); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
