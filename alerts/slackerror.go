package alerts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"watchword/checks"
)

var (
	// errRejected: Slack does not like the form of the message.
	errRejected = errors.New("message rejected")

	// errNoReference: an answer that says ok but not where the message stands.
	errNoReference = errors.New("the answer names no message")
)

// slackError is an error code of Slack's.
type slackError struct{ code string }

func (e *slackError) Error() string {
	if hint := codeHint(e.code); hint != "" {
		return e.code + ": " + hint
	}
	return e.code
}

func (e *slackError) Is(target error) bool {
	return target == errRejected && codeKind(e.code) == rejectedCode
}

type codeClass int

const (
	otherCode     codeClass = iota // worth another attempt
	permanentCode                  // not before someone changes something
	rejectedCode                   // the form of the message
	unsureCode                     // Slack may have done it all the same
)

// codeKind sorts the error codes of chat.postMessage, chat.update and
// incoming webhooks, as Slack documents them.
func codeKind(code string) codeClass {
	switch code {
	case "not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "no_permission", "missing_scope",
		"not_allowed_token_type", "org_login_required", "ekm_access_denied", "team_access_not_granted", "access_denied",
		"enterprise_is_restricted", "two_factor_setup_required", "channel_not_found", "not_in_channel", "is_archived",
		"channel_is_archived", "restricted_action", "restricted_action_read_only_channel",
		"restricted_action_non_threadable_channel", "restricted_action_thread_only_channel", "messages_tab_disabled",
		"posting_to_general_channel_denied", "action_prohibited", "no_service", "no_service_id", "no_team", "team_disabled",
		"invalid_token", "no_active_hooks", "user_not_found":
		return permanentCode
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text", "invalid_payload",
		"invalid_attachments", "too_many_attachments", "invalid_metadata_format":
		return rejectedCode
	case "fatal_error", "internal_error", "request_timeout", "service_unavailable", "update_failed":
		return unsureCode
	default:
		return otherCode
	}
}

// codeHint says what to do about the codes that people meet.
func codeHint(code string) string {
	switch code {
	case "not_in_channel":
		return "invite the bot to the channel, with /invite"
	case "channel_not_found":
		return "no such channel in the token's workspace, or a private one that the bot was not invited to"
	case "is_archived", "channel_is_archived":
		return "the channel was archived"
	case "invalid_auth", "not_authed", "token_revoked", "token_expired":
		return "the token is not valid (any more): copy the app's bot token, xoxb-…, once more"
	case "account_inactive":
		return "the app was removed from the workspace: install it again"
	case "missing_scope":
		return "the token lacks the scope chat:write: add it to the app, and install the app again"
	case "not_allowed_token_type":
		return "not a token that may post: take the app's bot token, xoxb-…"
	case "restricted_action", "restricted_action_read_only_channel", "posting_to_general_channel_denied":
		return "the workspace does not let the bot post there"
	case "no_service", "no_service_id", "no_active_hooks", "invalid_token":
		return "the webhook was removed: make another one"
	default:
		return ""
	}
}

// call makes one request by way of do and sorts its error. The error names
// neither the token nor the URL.
func (s *Slack) call(ctx context.Context, doing string, do func(context.Context, *http.Client) error) error {
	seen := &observer{base: s.base}
	client := &http.Client{
		Transport: seen, Timeout: s.limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token stays here
	}
	err := do(ctx, client)
	if err == nil {
		return nil
	}
	out := seen.sort(err)
	out.Err, out.status = fmt.Errorf("%s: %w", doing, hide(out.Err, s.secrets())), seen.status
	return out
}

// secrets finds what no error may show.
func (s *Slack) secrets() *checks.Redactor {
	return checks.NewRedactor(append(partsOf(s.WebhookURL), s.Token, s.WebhookURL)...)
}

// observer notes what the answer to a request was, which the Slack library
// tells only in part.
type observer struct {
	base   http.RoundTripper
	sent   sending
	err    error
	status int
	retry  time.Duration
	text   string // beginning of an answer other than 200
}

const (
	maxAnswer = 1 << 20
	maxCode   = 100 // runes of an error code that are told: a server that is not Slack's may say anything
)

// RoundTrip implements [http.RoundTripper].
func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := o.base.RoundTrip(o.sent.follow(r, o.base))
	if err != nil {
		o.err = err
		return nil, err
	}
	o.status = resp.StatusCode
	o.retry = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	body := io.LimitReader(resp.Body, maxAnswer)
	if o.status != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(body, 200))
		o.text = strings.TrimSpace(string(text))
		body = io.MultiReader(bytes.NewReader(text), body)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// sort says what an error means for the delivery.
func (o *observer) sort(err error) *SendError {
	var api slack.SlackErrorResponse
	switch {
	case o.err != nil || o.status == 0:
		return &SendError{Err: inner(err), Unsure: o.sent.unsure(err)}
	case o.status == http.StatusTooManyRequests:
		return &SendError{Err: errors.New("rate limited"), RetryAfter: o.retry}
	case o.status >= 500:
		return &SendError{Err: errors.New(refusal(o.status, "")), Unsure: true, RetryAfter: o.retry}
	case o.status != http.StatusOK:
		if kind := codeKind(o.text); kind != otherCode {
			return &SendError{Err: &slackError{o.text}, Permanent: kind == permanentCode}
		}
		return &SendError{Err: errors.New(refusal(o.status, ""))}
	case errors.As(err, &api):
		kind := codeKind(api.Err)
		return &SendError{Err: &slackError{shorten(oneLine(clean(api.Err, false)), maxCode)}, Permanent: kind == permanentCode, Unsure: kind == unsureCode}
	default:
		return &SendError{Err: fmt.Errorf("reading the answer: %w", inner(err)), Unsure: true}
	}
}
