package alerts

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// Slack is a [Receiver] that posts to a Slack channel: with a bot token (and
// a Channel) or by an incoming webhook. Set the fields before the first Send.
//
// With a token, an incident is one message in the channel, which is edited as
// the incident changes; reminders are replies in its thread, and so is the
// recovery, which the channel sees too. By a webhook, each transition is a
// message of its own.
type Slack struct {
	Token      string       // xoxb-…, with the scope chat:write
	Channel    string       // name or id
	WebhookURL string       // instead of Token and Channel
	APIURL     string       // empty means Slack's own; for a proxy or a compatible server
	Mention    string       // who is mentioned when something begins or gets worse: see [ParseMention]; may be empty
	Client     *http.Client // its Transport and Timeout are used; nil means one of its own
	Pacer      *Pacer       // shared by all receivers, across reloads; nil means one of its own

	once  sync.Once
	base  http.RoundTripper
	limit time.Duration
	pacer *Pacer

	mu      sync.Mutex // guards the following
	channel string     // id of Channel, once it is known
	blind   bool       // the token may not read the history
	tries   int        // times that the history could not be read for the message with the id below
	seeking string
}

const slackTimeout = 20 * time.Second // of one request

// setUp fills in what was left out.
func (s *Slack) setUp() {
	s.once.Do(func() {
		s.pacer, s.limit = s.Pacer, slackTimeout
		if s.pacer == nil {
			s.pacer = &Pacer{}
		}
		if s.Client != nil {
			s.base = s.Client.Transport
			s.limit = cmp.Or(s.Client.Timeout, s.limit)
		}
		if s.base == nil {
			s.base = http.DefaultTransport
		}
	})
}

// Send implements [Receiver].
func (s *Slack) Send(ctx context.Context, d Delivery) (Reference, error) {
	if s.isSilent(d.Message.Kind, d.Reference) {
		return Reference{}, nil
	}
	s.setUp()
	if d.Message.PossibleRepeat && s.WebhookURL == "" {
		ref, found, err := s.reconcile(ctx, &d)
		if found || err != nil {
			return ref, err
		}
	}
	m := &d.Message
	out := s.render(*m)
	if s.WebhookURL != "" {
		return Reference{}, s.post(ctx, d, Reference{}, out, nil)
	}
	threaded := d.Reference != (Reference{}) && m.Kind != Fired && m.Kind != Folded
	if threaded && m.Kind != Reminded {
		plain := *m
		plain.PossibleRepeat = false // an edit shows once
		lost, err := s.edit(ctx, d.Reference, s.render(plain))
		if err != nil {
			return Reference{}, err
		}
		threaded = !lost
	}
	if onlyEdits(m.Kind) || m.Kind == Recovered && m.Topic != AboutCheck && m.Topic != AboutGroup {
		return Reference{}, nil // the edit says it all
	}
	if threaded {
		reply := out
		reply.broadcast = m.Kind == Recovered || m.Kind == Escalated
		if m.Kind == Recovered {
			reply.blocks = out.blocks[:min(len(out.blocks), 1)]
		}
		if err := s.post(ctx, d, d.Reference, reply, nil); !isLost(err) {
			return Reference{}, err
		}
	}
	var ref Reference
	err := s.post(ctx, d, Reference{}, out, &ref)
	return ref, err
}

// onlyEdits says whether nothing new is posted.
func onlyEdits(kind TransitionKind) bool { return kind == Withdrawn || kind == Amended }

// isSilent implements [silent]: there is nothing to edit.
func (s *Slack) isSilent(kind TransitionKind, ref Reference) bool {
	return onlyEdits(kind) && (s.WebhookURL != "" || ref == Reference{})
}

// render puts a message into Slack's form, with the mention where someone is
// to look at once.
func (s *Slack) render(m Message) outgoing {
	out := render(m)
	if s.Mention != "" && (m.Kind == Fired || m.Kind == Escalated || m.Kind == Reminded) {
		out.blocks = append(out.blocks[:min(len(out.blocks), maxBlocks-1)], mentionBlock(s.Mention))
	}
	return out
}

// isLost says whether an error means that a message, or the channel that it
// stands in, cannot be reached (any more): it was deleted, or the receiver has
// moved to another channel or workspace since. What follows stands for itself
// then, in the channel that is configured now; that one alone decides whether
// the receiver is blocked.
func isLost(err error) bool {
	var coded *slackError
	return errors.As(err, &coded) && slices.Contains([]string{
		"message_not_found", "thread_not_found", "cannot_reply_to_message",
		"channel_not_found", "not_in_channel", "is_archived", "channel_is_archived",
	}, coded.code)
}

// post sends a message, below root if that is set, and stores in ref where it
// stands.
func (s *Slack) post(ctx context.Context, d Delivery, root Reference, out outgoing, ref *Reference) error {
	key := cmp.Or(s.WebhookURL, s.APIURL+" "+s.Token+" "+s.Channel)
	if err := s.pacer.post(ctx, key); err != nil {
		return &SendError{Err: err}
	}
	if d.Begin != nil {
		d.Begin(ctx)
	}
	err := s.try(ctx, d, root, out, ref)
	if errors.Is(err, errRejected) { // better a plain text than nothing
		if err := s.pacer.post(ctx, key); err != nil {
			return &SendError{Err: err}
		}
		out.blocks = nil
		err = s.try(ctx, d, root, out, ref)
	}
	return err
}

func (s *Slack) try(ctx context.Context, d Delivery, root Reference, out outgoing, ref *Reference) error {
	if s.WebhookURL != "" {
		return s.call(ctx, "posting to the Slack webhook", func(ctx context.Context, c *http.Client) error {
			return slack.PostWebhookCustomHTTPContext(ctx, s.WebhookURL, c, out.webhook())
		})
	}
	return s.call(ctx, "posting to Slack channel "+s.Channel, func(ctx context.Context, c *http.Client) error {
		options := append(out.options(), slack.MsgOptionMetadata(metadata(d.ID)), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
		channel := s.Channel
		if root != (Reference{}) {
			channel = cmp.Or(root.Channel, channel)
			options = append(options, slack.MsgOptionTS(root.ID))
			if out.broadcast {
				options = append(options, slack.MsgOptionBroadcast())
			}
		}
		channel, id, err := s.api(c).PostMessageContext(ctx, channel, options...)
		if err == nil && id == "" {
			return errNoReference
		}
		if err == nil && ref != nil {
			*ref = Reference{Channel: channel, ID: id}
			s.learn(channel)
		}
		return err
	})
}

// edit replaces a message. It says whether the message is lost: it cannot be
// edited (any more), which is no reason to keep back what follows.
func (s *Slack) edit(ctx context.Context, ref Reference, out outgoing) (lost bool, err error) {
	for {
		if err := s.pacer.edit(ctx, s.APIURL+" "+s.Token); err != nil {
			return false, &SendError{Err: err}
		}
		err := s.call(ctx, "editing a message in Slack channel "+s.Channel, func(ctx context.Context, c *http.Client) error {
			_, _, _, err := s.api(c).UpdateMessageContext(ctx, cmp.Or(ref.Channel, s.Channel), ref.ID, out.options()...)
			return err
		})
		var coded *slackError
		switch {
		case err == nil:
			return false, nil
		case errors.Is(err, errRejected) && len(out.blocks) > 0:
			out.blocks = []slack.Block{}
			continue
		case isLost(err):
			return true, nil
		case errors.As(err, &coded) && slices.Contains([]string{"cant_update_message", "edit_window_closed", "update_failed", "block_mismatch"}, coded.code):
			return false, nil
		}
		if send, ok := errors.AsType[*SendError](err); ok {
			send.Unsure = false // editing twice shows once
		}
		return false, err
	}
}

// api is a client for one call.
func (s *Slack) api(c *http.Client) *slack.Client {
	options := []slack.Option{slack.OptionHTTPClient(c)}
	if s.APIURL != "" {
		options = append(options, slack.OptionAPIURL(strings.TrimRight(s.APIURL, "/")+"/"))
	}
	return slack.New(s.Token, options...)
}

// outgoing is a message in Slack's form.
type outgoing struct {
	text      string
	blocks    []slack.Block
	broadcast bool
}

func (o outgoing) options() []slack.MsgOption {
	out := []slack.MsgOption{slack.MsgOptionText(o.text, false)}
	if o.blocks != nil { // an edit without any keeps the old ones, unless it says that there are none
		out = append(out, slack.MsgOptionBlocks(o.blocks...))
	}
	return out
}

func (o outgoing) webhook() *slack.WebhookMessage {
	off := false
	m := &slack.WebhookMessage{Text: o.text, UnfurlLinks: &off, UnfurlMedia: &off}
	if len(o.blocks) > 0 {
		m.Blocks = &slack.Blocks{BlockSet: o.blocks}
	}
	return m
}
