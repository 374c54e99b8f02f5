package alerts

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

const (
	eventType = "watchword_notification" // of the metadata of our messages
	idField   = "id"

	clockSkew    = 5 * time.Minute // between Slack and us
	historyPage  = 200
	historyPages = 50 // what is not found in so many is not looked for any further
	listPage     = 1000
	listPages    = 20
	lookups      = 20 // answers other than a history that are taken for one message
)

// opaqueID names a notification in the metadata of its message: the same in
// every attempt, also after a restart, and saying nothing to others.
func opaqueID(n Notification) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d\x00%d", n.Receiver, n.Thread, n.Message.Kind, n.Queued.UnixNano(), n.ID))
	return hex.EncodeToString(sum[:16])
}

func metadata(id string) slack.SlackMetadata {
	return slack.SlackMetadata{EventType: eventType, EventPayload: map[string]any{idField: id}}
}

func hasID(m *slack.SlackMetadata, id string) bool {
	return m.EventType == eventType && m.EventPayload[idField] == id
}

// reconcile looks whether an earlier attempt has arrived. If it has, found is
// true and ref says where, for the first message of a thread. If it has not,
// the message of d is no possible repeat any more. Where the token may not
// read the history, nothing changes. An error is worth another attempt.
func (s *Slack) reconcile(ctx context.Context, d *Delivery) (ref Reference, found bool, err error) {
	if !s.mayLook(d.ID) {
		return Reference{}, false, nil
	}
	ref, found, err = s.find(ctx, d)
	var coded *slackError
	switch {
	case errors.As(err, &coded) && codeKind(coded.code) != unsureCode || errors.Is(err, errTooFar) || s.refused(err):
		if coded != nil && codeKind(coded.code) == permanentCode && !isLost(coded) {
			s.mu.Lock()
			s.blind = true
			s.mu.Unlock()
		}
		return Reference{}, false, nil // the post itself tells what is wrong, if anything is
	case err != nil:
		if send, ok := errors.AsType[*SendError](err); ok {
			send.Permanent = false
		}
		return Reference{}, false, err
	}
	d.Message.PossibleRepeat = false
	if d.Settled != nil {
		d.Settled()
	}
	return ref, found, nil
}

// mayLook says whether it is worth asking for the history once more.
func (s *Slack) mayLook(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seeking != id {
		s.seeking, s.tries = id, 0
	}
	return !s.blind && s.tries < lookups
}

// refused says whether an answer means that no history is to be had: there is
// no such method, or too many answers were of no use. As long as there is no
// answer at all, a post would not arrive either.
func (s *Slack) refused(err error) bool {
	send, ok := errors.AsType[*SendError](err)
	if !ok || send.status == 0 {
		return false
	}
	s.mu.Lock()
	s.tries++
	s.mu.Unlock()
	return send.status != http.StatusOK && send.status != http.StatusTooManyRequests && send.status < http.StatusInternalServerError
}

var errTooFar = errors.New("the history is too long")

// find looks in the thread, then in the channel.
func (s *Slack) find(ctx context.Context, d *Delivery) (Reference, bool, error) {
	oldest := fmt.Sprintf("%d.000000", d.Queued.Add(-clockSkew).Unix())
	if d.Reference != (Reference{}) {
		found, err := s.inThread(ctx, d, oldest)
		if found || err != nil && !isLost(err) {
			return Reference{}, found, err
		}
	}
	channel, err := s.channelID(ctx)
	if err != nil {
		return Reference{}, false, err
	}
	cursor := ""
	for range historyPages {
		var page *slack.GetConversationHistoryResponse
		err := s.call(ctx, "reading Slack channel "+s.Channel, func(ctx context.Context, c *http.Client) (err error) {
			page, err = s.api(c).GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
				ChannelID: channel, Oldest: oldest, Cursor: cursor, Limit: historyPage, IncludeAllMetadata: true,
			})
			return err
		})
		if err != nil {
			return Reference{}, false, err
		}
		for i := range page.Messages {
			m := &page.Messages[i]
			if !hasID(&m.Metadata, d.ID) {
				continue
			}
			if m.ThreadTimestamp != "" && m.ThreadTimestamp != m.Timestamp { // a reply that the channel sees
				return Reference{}, true, nil
			}
			return Reference{Channel: channel, ID: m.Timestamp}, true, nil
		}
		cursor = page.ResponseMetaData.NextCursor
		if !page.HasMore || cursor == "" {
			return Reference{}, false, nil
		}
	}
	return Reference{}, false, errTooFar
}

// inThread looks among the replies.
func (s *Slack) inThread(ctx context.Context, d *Delivery, oldest string) (bool, error) {
	cursor := ""
	for range historyPages {
		var replies []slack.Message
		var more bool
		err := s.call(ctx, "reading a thread in Slack channel "+s.Channel, func(ctx context.Context, c *http.Client) (err error) {
			replies, more, cursor, err = s.api(c).GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: cmp.Or(d.Reference.Channel, s.Channel), Timestamp: d.Reference.ID, Oldest: oldest, Cursor: cursor,
				Limit: historyPage, IncludeAllMetadata: true,
			})
			return err
		})
		if err != nil {
			return false, err
		}
		for i := range replies {
			if hasID(&replies[i].Metadata, d.ID) {
				return true, nil
			}
		}
		if !more || cursor == "" {
			return false, nil
		}
	}
	return false, errTooFar
}

// learn remembers the id of the channel.
func (s *Slack) learn(id string) {
	s.mu.Lock()
	s.channel = cmp.Or(id, s.channel)
	s.mu.Unlock()
}

// channelID is the id of the channel: from an earlier post, as it was
// configured, or looked up by its name.
func (s *Slack) channelID(ctx context.Context) (string, error) {
	s.mu.Lock()
	known := s.channel
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	if looksLikeID(s.Channel) {
		return s.Channel, nil
	}
	name, cursor := strings.TrimPrefix(s.Channel, "#"), ""
	for range listPages {
		var list []slack.Channel
		err := s.call(ctx, "listing Slack channels", func(ctx context.Context, c *http.Client) (err error) {
			list, cursor, err = s.api(c).GetConversationsContext(ctx, &slack.GetConversationsParameters{
				Cursor: cursor, Limit: listPage, ExcludeArchived: true, Types: []string{"public_channel", "private_channel"},
			})
			return err
		})
		if err != nil {
			return "", err
		}
		for i := range list {
			if list[i].Name == name {
				s.learn(list[i].ID)
				return list[i].ID, nil
			}
		}
		if cursor == "" {
			break
		}
	}
	return "", errTooFar
}

// looksLikeID says whether a channel is given by its id: names are in lower
// case.
func looksLikeID(channel string) bool {
	return len(channel) >= 2 && strings.ContainsRune("CGD", rune(channel[0])) &&
		strings.Trim(channel, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}
