package alerts

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// peer is one instance of an Alertmanager: what it was told, and what of that
// it has taken.
type peer struct {
	lane *feedLane
	url  string
	poke chan struct{}
	gone chan struct{} // closed when it is no longer configured
	anew atomic.Bool   // everything is to be sent at once, whatever happened before

	pushing  chan struct{} // full while alerts are sent, which takes as long as the instance does; guards the following
	entries  map[string]*entry
	next     time.Time // when everything is sent again
	retry    time.Time // not before, after a failure
	failures int

	// Guarded by the lane's mu.
	taken   bool       // it has taken a request
	failing string     // how the last request failed; empty if it did not
	refusal *SendError // of a request that was refused for good; until one is taken
	err     error      // of the last request
	pending int
	oldest  time.Time
}

// entry is an alert that an instance should know of.
type entry struct {
	standing
	notes   map[string]string // as they were sent last
	ends    time.Time         // when it was over; zero while it stands
	changed time.Time         // since when the instance has not taken that it stands or is over
	current bool              // it has taken that
	counted bool              // and that was counted
	offered bool              // it may have taken once that it stands
	until   time.Time         // how long it is sent after it was over; zero: until it was taken, and then for a while
}

func newPeer(l *feedLane, url string) *peer {
	return &peer{
		lane: l, url: url, poke: make(chan struct{}, 1), gone: make(chan struct{}),
		pushing: make(chan struct{}, 1), entries: make(map[string]*entry),
	}
}

// run sends until ctx ends or the instance is no longer configured.
func (p *peer) run(ctx context.Context) {
	for ctx.Err() == nil && !p.isGone() {
		_ = p.push(ctx, false) // ctx has ended
		p.wait(ctx, feedSettle, nil)
		p.wait(ctx, p.idle(ctx), p.poke)
	}
}

func (p *peer) isGone() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// idle is how long there is nothing to do, unless someone pokes.
func (p *peer) idle(ctx context.Context) time.Duration {
	if p.lock(ctx) != nil {
		return 0
	}
	defer p.unlock()
	switch {
	case !p.lane.current().usable():
		return p.lane.feed.every()
	case p.failures > 0:
		return time.Until(p.retry)
	default:
		return time.Until(p.next)
	}
}

func (p *peer) lock(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case p.pushing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *peer) unlock() { <-p.pushing }

func (p *peer) wait(ctx context.Context, d time.Duration, poke <-chan struct{}) {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-p.gone:
	case <-poke:
	case <-t.C:
	}
}

// push sends what has changed, or everything when it is time or if all is
// set. An error means that ctx has ended before that was done.
func (p *peer) push(ctx context.Context, all bool) error {
	if err := p.lock(ctx); err != nil {
		return err
	}
	defer p.unlock()
	receiver := p.lane.current()
	if !receiver.usable() || p.isGone() {
		return nil
	}
	now := time.Now()
	p.look(now)
	if p.anew.Swap(false) {
		p.failures, p.next = 0, time.Time{}
	}
	if p.failures > 0 && (all || now.Before(p.retry)) {
		p.count(0)
		return nil
	}
	all = all || p.failures > 0 || !now.Before(p.next)
	due := p.due(all)
	if len(due) == 0 && !all {
		return nil
	}
	taken, err := p.send(ctx, receiver, due, now)
	if err != nil && ctx.Err() != nil {
		p.count(taken)
		return context.Cause(ctx)
	}
	if err == nil {
		p.failures = 0
		if all {
			p.next = now.Add(p.lane.feed.every())
		}
	} else {
		p.failures++
		p.retry = time.Now().Add(p.backoff(err))
	}
	p.count(taken)
	p.ended(ctx, err)
	return nil
}

// backoff is how long to wait after an error: never longer than between two
// repeats, for what stands would end meanwhile.
func (p *peer) backoff(err error) time.Duration {
	d := firstBackoff << min(p.failures-1, 20)
	if send, ok := errors.AsType[*SendError](err); ok {
		d = max(d, send.RetryAfter)
	}
	return min(d, p.lane.feed.every())
}

// look compares what stands with what the instance was told.
func (p *peer) look(now time.Time) {
	stands := make(map[string]bool)
	for _, s := range p.lane.feed.Engine.standing(p.lane.name) {
		stands[s.key] = true
		if e := p.entries[s.key]; e != nil && e.ends.IsZero() {
			e.standing = s // with the latest texts
			continue
		}
		p.entries[s.key] = &entry{standing: s, changed: now}
	}
	for key, e := range p.entries {
		switch {
		case stands[key]:
		case e.ends.IsZero():
			e.ends, e.changed, e.current, e.counted = now, now, false, false
			if !e.offered {
				e.until = now.Add(p.lane.feed.keep())
			}
		case !e.until.IsZero() && !now.Before(e.until):
			delete(p.entries, key)
		}
	}
}

// due are the alerts to send, those first that have changed.
func (p *peer) due(all bool) []*entry {
	var changed, same []*entry
	for _, e := range p.entries {
		switch {
		case !e.current:
			changed = append(changed, e)
		case all:
			same = append(same, e)
		}
	}
	byAge := func(a, b *entry) int { return cmp.Or(a.changed.Compare(b.changed), strings.Compare(a.key, b.key)) }
	slices.SortFunc(changed, byAge)
	slices.SortFunc(same, byAge)
	return append(changed, same...)
}

// took notes that the instance has alerts, and returns how many of them were
// not counted before.
func (p *peer) took(batch []*entry, now time.Time) uint64 {
	fresh := uint64(0)
	for _, e := range batch {
		if !e.counted {
			fresh++
		}
		e.current, e.counted = true, true
		if e.ends.IsZero() {
			e.offered = true
		} else if e.until.IsZero() {
			e.until = now.Add(p.lane.feed.keep())
		}
	}
	return fresh
}

// missed notes that the instance may not have any of the alerts. The first n
// of them were on their way: if unsure is set, it may have them all the same.
func (p *peer) missed(due []*entry, n int, unsure bool, now time.Time) {
	for i, e := range due {
		e.offered = e.offered || unsure && i < n && e.ends.IsZero()
		if e.current {
			e.current, e.changed = false, now
		}
		if !e.ends.IsZero() && e.offered {
			e.until = time.Time{}
		}
	}
}

// count adds to the figures.
func (p *peer) count(taken uint64) {
	pending, oldest := 0, time.Time{}
	for _, e := range p.entries {
		if e.current {
			continue
		}
		pending++
		if oldest.IsZero() || e.changed.Before(oldest) {
			oldest = e.changed
		}
	}
	p.lane.mu.Lock()
	defer p.lane.mu.Unlock()
	p.lane.stats.Sent += taken
	p.pending, p.oldest = pending, oldest
}

// ended tells how a request ended, if otherwise than the one before.
func (p *peer) ended(ctx context.Context, err error) {
	failing := ""
	send, _ := errors.AsType[*SendError](err)
	refused := send != nil && send.Permanent
	switch {
	case send != nil && send.status != 0:
		failing = strconv.Itoa(send.status)
	case err != nil:
		failing = "not reached"
	}
	p.lane.mu.Lock()
	before := p.failing
	p.failing = failing
	switch {
	case err == nil:
		p.taken, p.refusal = true, nil
	case refused && (p.refusal == nil || p.refusal.status != send.status):
		p.refusal = send
	}
	if err != nil {
		p.lane.stats.Failed++
	}
	p.err = err
	p.lane.mu.Unlock()
	log := p.lane.feed.log()
	switch {
	case before == failing:
	case refused:
		log.ErrorContext(ctx, "Alertmanager refuses alerts", "receiver", p.lane.name, "error", err)
	case err != nil:
		log.WarnContext(ctx, "alerts not delivered, trying again", "receiver", p.lane.name, "error", err)
	default:
		log.InfoContext(ctx, "Alertmanager takes alerts again", "receiver", p.lane.name, "url", p.url)
	}
	p.lane.tell(ctx)
}
