package alerts

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	pollEvery      = time.Second      // an idle lane looks into the queue, whether it was woken or not
	attemptTimeout = 10 * time.Minute // hundreds of receivers may share one workspace's pace
	firstBackoff   = time.Second
	maxBackoff     = 5 * time.Minute
)

// lane takes the queue of one receiver to it, in order and one at a time.
type lane struct {
	name   string
	outbox *Outbox
	poke   chan struct{} // there may be something in the queue
	hurry  chan struct{} // do not wait for the next attempt

	mu       sync.Mutex // guards the following
	receiver Receiver   // nil: not configured
	blocked  error
	proven   bool // the receiver has taken a message since it was set or blocked
	stats    QueueStats
}

// replace gives the lane another receiver and another chance. One that is
// unusable needs no attempt to be found out.
func (l *lane) replace(r Receiver) {
	l.mu.Lock()
	l.receiver, l.blocked = r, nil
	if u, ok := r.(Unusable); ok {
		l.blocked = u.Err
	}
	l.mu.Unlock()
	signal(l.hurry)
	signal(l.poke)
}

func (l *lane) current() (Receiver, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.receiver, l.receiver != nil && l.blocked == nil
}

func (l *lane) figures() QueueStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Receiver = l.name
	switch {
	case l.receiver == nil:
		s.Blocked = notConfigured
	case l.blocked != nil:
		s.Blocked = l.blocked.Error()
	}
	return s
}

// run delivers until ctx ends.
func (l *lane) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		select {
		case <-l.hurry: // there is nothing to wait for yet; whoever hurries from here on cuts the next pause short
		default:
		}
		receiver, usable := l.current()
		if !usable {
			l.idle(ctx)
			continue
		}
		q, err := l.outbox.Store.Pending(ctx, l.name, 1)
		if err != nil {
			l.outbox.log().ErrorContext(ctx, "the queue could not be read", "receiver", l.name, "error", err)
		}
		if len(q.Notifications) == 0 {
			l.idle(ctx)
			continue
		}
		next, with, send := fold(q.Notifications[0])
		if !send || isSilent(receiver, &next) {
			l.ack(ctx, Receipt{ID: next.ID, Stage: Taken})
			continue
		}
		asked, err := l.deliver(ctx, receiver, next, with)
		if err == nil {
			failures = 0
			continue
		}
		failures++
		l.pause(ctx, asked, failures)
	}
}

// idle waits for something to do.
func (l *lane) idle(ctx context.Context) {
	t := time.NewTimer(pollEvery)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-l.poke:
	case <-t.C:
	}
}

// pause waits before the next attempt: as long as the receiver has asked for,
// else longer with each failure, unless someone is in a hurry.
func (l *lane) pause(ctx context.Context, asked time.Duration, failures int) {
	d, hurry := asked, (chan struct{})(nil)
	if asked <= 0 {
		d, hurry = min(firstBackoff<<min(failures-1, 20), maxBackoff), l.hurry
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-hurry:
	case <-t.C:
	}
}

// deliver makes one attempt, for the notification and those that it stands
// for. It returns how long the receiver wants to be left alone.
func (l *lane) deliver(ctx context.Context, receiver Receiver, n Notification, with []uint64) (time.Duration, error) {
	begun := n.Attempted
	repeat := n.Attempted
	d := Delivery{
		ID: opaqueID(n), Thread: n.Thread, Queued: n.Queued, Message: n.Message, Reference: n.Reference,
		Begin: func(ctx context.Context) {
			if !begun {
				begun = true
				l.ack(ctx, Receipt{ID: n.ID, Stage: Begun, Folded: with})
			}
		},
		Settled: func() { repeat = false },
	}
	d.Message.PossibleRepeat = n.Attempted
	attempt, cancel := context.WithTimeoutCause(ctx, attemptTimeout, errors.New("no answer within 10 minutes"))
	ref, err := receiver.Send(attempt, d)
	cancel()
	if err == nil {
		l.ack(ctx, Receipt{ID: n.ID, Stage: Taken, Reference: ref, Folded: with})
		l.taken(ctx, repeat)
		return 0, nil
	}
	if begun && !n.Attempted && !unsure(err) {
		l.ack(ctx, Receipt{ID: n.ID, Stage: Refused, Folded: with})
	}
	return l.failed(ctx, receiver, n, err)
}

// taken counts a success.
func (l *lane) taken(ctx context.Context, repeat bool) {
	l.mu.Lock()
	l.stats.Sent++
	l.stats.LastError = ""
	if repeat {
		l.stats.PossibleRepeat++
	}
	first := !l.proven
	l.proven = true
	l.mu.Unlock()
	if first && l.outbox.Blocked != nil {
		l.outbox.Blocked(ctx, l.name, nil)
	}
}

// unsure says whether the receiver may have taken the message all the same.
func unsure(err error) bool {
	send, ok := errors.AsType[*SendError](err)
	return !ok || send.Unsure
}

// failed sees to an attempt that did not succeed.
func (l *lane) failed(ctx context.Context, receiver Receiver, n Notification, err error) (time.Duration, error) {
	send := &SendError{Err: err}
	errors.As(err, &send)
	if ctx.Err() != nil {
		return 0, err
	}
	l.mu.Lock()
	l.stats.Failed++
	l.stats.LastError = err.Error()
	blocked := send.Permanent && l.receiver == receiver // and not another one since
	if blocked {
		l.blocked, l.proven = err, false
	}
	l.mu.Unlock()
	log := l.outbox.log()
	if !blocked {
		log.WarnContext(ctx, "notification not delivered, trying again", "receiver", l.name, "thread", n.Thread, "error", err)
		return send.RetryAfter, err
	}
	log.ErrorContext(ctx, "receiver blocked until the next reload", "receiver", l.name, "error", err)
	if l.outbox.Blocked != nil {
		l.outbox.Blocked(ctx, l.name, err)
	}
	return time.Nanosecond, err
}

// ack tells the store, whether ctx has ended or not: the message has been
// sent, or is about to be. It tries until the store takes it or is closed for
// good: a message that was taken must not be sent again by this process.
func (l *lane) ack(ctx context.Context, r Receipt) {
	log := l.outbox.log()
	for wait := firstBackoff; ; wait = min(2*wait, maxBackoff) {
		err := l.outbox.Store.Ack(context.WithoutCancel(ctx), r)
		if err == nil {
			return
		}
		log.ErrorContext(ctx, "delivery could not be recorded", "receiver", l.name, "error", err)
		if r.Stage != Taken || ctx.Err() != nil {
			return
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
}
