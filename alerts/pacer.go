package alerts

import (
	"context"
	"sync"
	"time"
)

// Slack's limits: a message a second and channel, about 50 edits a minute for
// a workspace.
const (
	postGap = time.Second
	editGap = 1200 * time.Millisecond
)

// Pacer keeps the distance between messages that a service asks for. The
// zero value keeps Slack's: one post a second and channel, an edit every 1.2
// seconds. One Pacer is shared by all receivers, across reloads.
type Pacer struct {
	Post, Edit time.Duration // gaps; 0 means Slack's

	mu   sync.Mutex
	next map[string]time.Time // when the next one may start, by what is paced
}

// post waits until a message may be posted to a channel. The key stands for
// the channel.
func (p *Pacer) post(ctx context.Context, key string) error {
	return p.wait(ctx, "post "+key, p.Post, postGap)
}

// edit waits until a message may be edited. The key stands for the workspace.
func (p *Pacer) edit(ctx context.Context, key string) error {
	return p.wait(ctx, "edit "+key, p.Edit, editGap)
}

func (p *Pacer) wait(ctx context.Context, key string, gap, otherwise time.Duration) error {
	if gap == 0 {
		gap = otherwise
	}
	now := time.Now()
	p.mu.Lock()
	if p.next == nil {
		p.next = make(map[string]time.Time)
	}
	at := p.next[key]
	if at.Before(now) {
		at = now
	}
	p.next[key] = at.Add(gap)
	p.mu.Unlock()
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
