package alerts

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Outbox delivers what is queued in a [Store]: to each receiver in order and
// one at a time, again and again until it is taken. Set the fields before the
// first call. All methods may be called concurrently.
//
// What was being sent when the process died, or whose answer was lost, is
// sent again with [Message].PossibleRepeat set.
type Outbox struct {
	Store   Store
	Logger  *slog.Logger                                          // nil discards
	Blocked func(ctx context.Context, receiver string, err error) // called when a receiver refuses for good, and with nil when it takes its first message (again); may be nil

	mu      sync.Mutex
	lanes   map[string]*lane
	arrived chan struct{} // a lane was added while Run runs
}

// QueueStats are the figures of one receiver.
type QueueStats struct {
	Receiver       string
	Sent           uint64 // taken by the receiver
	Failed         uint64 // attempts that were not
	LastError      string // why the latest attempt failed; empty if it did not
	PossibleRepeat uint64 // of Sent: those marked as a possible repeat
	Pending        int
	Oldest         time.Time // when the oldest pending one was queued; zero if none is
	Blocked        string    // why the receiver is blocked; empty if it is not
}

const notConfigured = "the receiver is not configured"

// SetReceivers replaces the receivers, by full name: at start and at every
// reload. Receivers that were blocked are tried again. What is queued for one
// that is missing stays queued.
func (o *Outbox) SetReceivers(receivers map[string]Receiver) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name, r := range receivers {
		o.lane(name).replace(r)
	}
	for name, l := range o.lanes {
		if _, ok := receivers[name]; !ok {
			l.replace(nil)
		}
	}
}

// lane returns the lane of a receiver, which it makes if need be. o.mu is
// held.
func (o *Outbox) lane(name string) *lane {
	l := o.lanes[name]
	if l != nil {
		return l
	}
	if o.lanes == nil {
		o.lanes = make(map[string]*lane)
	}
	l = &lane{name: name, outbox: o, poke: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
	o.lanes[name] = l
	if o.arrived != nil {
		signal(o.arrived)
	}
	return l
}

// Wake makes the outbox look into the queue at once. It does not cut short
// the time between two attempts.
func (o *Outbox) Wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lanes {
		signal(l.poke)
	}
}

// Run delivers until ctx ends, which also ends the attempts in flight. Use
// Flush before that. Its error is that of the Store.
func (o *Outbox) Run(ctx context.Context) error {
	snap, err := o.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading the queue: %w", err)
	}
	o.mu.Lock()
	o.arrived = make(chan struct{}, 1)
	for _, name := range snap.Receivers {
		o.lane(name)
	}
	o.mu.Unlock()

	var wg sync.WaitGroup
	defer wg.Wait()
	running := make(map[string]bool)
	for {
		o.mu.Lock()
		for name, l := range o.lanes {
			if !running[name] {
				running[name] = true
				wg.Go(func() { l.run(ctx) })
			}
		}
		o.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-o.arrived:
		}
	}
}

// Flush waits, while Run runs, until everything is delivered that can be, or
// ctx ends. What a receiver does not take, because it is blocked, is left. The
// error says how much could not be delivered in time; it stays queued.
func (o *Outbox) Flush(ctx context.Context) error {
	o.mu.Lock()
	for _, l := range o.lanes {
		signal(l.hurry)
		signal(l.poke)
	}
	o.mu.Unlock()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left := 0
		for _, s := range o.Stats() {
			if s.Blocked == "" {
				left += s.Pending
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("delivering %s: %w", count(left, "queued notification"), context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Stats returns the figures of every receiver, by name.
func (o *Outbox) Stats() []QueueStats {
	o.mu.Lock()
	lanes := make([]*lane, 0, len(o.lanes))
	for _, l := range o.lanes {
		lanes = append(lanes, l)
	}
	o.mu.Unlock()
	slices.SortFunc(lanes, func(a, b *lane) int { return strings.Compare(a.name, b.name) })
	out := make([]QueueStats, 0, len(lanes))
	for _, l := range lanes {
		s := l.figures()
		if q, err := o.Store.Pending(context.Background(), l.name, 0); err == nil {
			s.Pending, s.Oldest = q.Total, q.Oldest
		}
		if s.Blocked == notConfigured && s.Pending == 0 {
			continue
		}
		out = append(out, s)
	}
	return out
}

func (o *Outbox) log() *slog.Logger {
	if o.Logger != nil {
		return o.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// signal sends on a channel of capacity one unless it is full.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
