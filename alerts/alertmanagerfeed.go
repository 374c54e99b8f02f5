package alerts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Feed tells Alertmanagers what is wrong now: from the live states of an
// [Engine], not from what is queued. What stands (an open incident, a
// certificate that expires, a problem of watchword itself) is sent at once and
// then every minute, with an end a few minutes ahead, so that it ends by
// itself if nobody says more; what is over is sent as resolved for a quarter of
// an hour. Nothing of it is kept on disk: after a restart of either side, what
// stands is there again within a minute. An Alertmanager that is down costs
// memory for what it had taken, and nothing else.
//
// An incident is sent while it is open, whatever has become of it since: a
// check that is muted, in maintenance or held by one that it depends on goes
// on if it was sent before, for it still fails, and is not sent before it is
// told. Who is told follows from the routes of the moment.
//
// Set the fields before the first call. All methods may be called
// concurrently.
type Feed struct {
	Engine  *Engine
	Logger  *slog.Logger                                          // nil discards
	Blocked func(ctx context.Context, receiver string, err error) // as of [Outbox]

	Every time.Duration // between two repeats; 0 means a minute
	Ahead time.Duration // how far ahead the end is of what stands; 0 means four minutes
	Keep  time.Duration // how long what is over is sent as resolved; 0 means 15 minutes

	mu      sync.Mutex // guards the following
	lanes   map[string]*feedLane
	arrived chan struct{} // an instance was added while Run runs
}

// The times of a [Feed] whose fields are zero.
const (
	feedEvery = time.Minute
	feedAhead = 4 * time.Minute
	feedKeep  = 15 * time.Minute

	feedSettle = 500 * time.Millisecond // between two requests to one instance
)

func (f *Feed) log() *slog.Logger {
	if f.Logger != nil {
		return f.Logger
	}
	return slog.New(slog.DiscardHandler)
}

func (f *Feed) every() time.Duration { return orDefault(f.Every, feedEvery) }
func (f *Feed) ahead() time.Duration { return orDefault(f.Ahead, feedAhead) }
func (f *Feed) keep() time.Duration  { return orDefault(f.Keep, feedKeep) }

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// SetReceivers replaces the receivers, by full name: at start and at every
// reload. Each is told everything anew. One that is missing is told nothing
// more: what it was told ends by itself.
func (f *Feed) SetReceivers(receivers map[string]*Alertmanager) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lanes == nil {
		f.lanes = make(map[string]*feedLane)
	}
	for name, r := range receivers {
		l := f.lanes[name]
		if l == nil {
			l = &feedLane{name: name, feed: f}
			f.lanes[name] = l
		}
		l.replace(r)
	}
	for name, l := range f.lanes {
		if receivers[name] == nil {
			l.replace(nil)
			delete(f.lanes, name)
		}
	}
	if f.arrived != nil {
		signal(f.arrived)
	}
}

// Wake makes the feed look at the states at once.
func (f *Feed) Wake() {
	for _, p := range f.peers() {
		signal(p.poke)
	}
}

// peers are all instances of all receivers, by receiver and in their order.
func (f *Feed) peers() []*peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*peer
	for _, name := range slices.Sorted(maps.Keys(f.lanes)) {
		out = append(out, f.lanes[name].all()...)
	}
	return out
}

// Run sends until ctx ends, which also ends the requests in flight. It
// returns nil.
func (f *Feed) Run(ctx context.Context) error {
	arrived := make(chan struct{}, 1)
	f.mu.Lock()
	f.arrived = arrived
	f.mu.Unlock()
	var wg sync.WaitGroup
	defer wg.Wait()
	running := make(map[*peer]bool)
	for {
		now := f.peers()
		maps.DeleteFunc(running, func(p *peer, _ bool) bool { return !slices.Contains(now, p) })
		for _, p := range now {
			if !running[p] {
				running[p] = true
				wg.Go(func() { p.run(ctx) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-arrived:
		}
	}
}

// Flush sends everything once more to every instance that is not failing, so
// that a restart has the time until its end to say more. The error says how
// much was not taken, or that ctx ended before it was known.
func (f *Feed) Flush(ctx context.Context) error {
	var wg sync.WaitGroup
	var short atomic.Pointer[error]
	for _, p := range f.peers() {
		wg.Go(func() {
			if err := p.push(ctx, true); err != nil {
				short.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := short.Load(); err != nil {
		return fmt.Errorf("sending all alerts to Alertmanager: %w", *err)
	}
	left := 0
	for _, s := range f.Stats() {
		if s.Blocked == "" {
			left += s.Pending
		}
	}
	if left > 0 {
		return fmt.Errorf("sending %s to Alertmanager: %w", count(left, "alert"), errNotTaken)
	}
	return nil
}

var errNotTaken = errors.New("not taken")

// Stats returns the figures of every receiver, by name. Sent counts alerts,
// each once when it begins and once when it is over for every instance that
// has taken it; Failed counts requests. Pending are the alerts that an
// instance should have and has not taken.
func (f *Feed) Stats() []QueueStats {
	f.mu.Lock()
	lanes := slices.Collect(maps.Values(f.lanes))
	f.mu.Unlock()
	slices.SortFunc(lanes, func(a, b *feedLane) int { return strings.Compare(a.name, b.name) })
	out := make([]QueueStats, 0, len(lanes))
	for _, l := range lanes {
		out = append(out, l.figures())
	}
	return out
}

// feedLane is one receiver with its instances.
type feedLane struct {
	name string
	feed *Feed

	telling sync.Mutex // held while it is told whether the receiver refuses

	mu       sync.Mutex    // guards the following
	receiver *Alertmanager // nil: no longer configured
	peers    []*peer
	told     int  // the status with which it refuses, as it was told last
	proven   bool // it was told that it does not refuse (any more)
	stats    QueueStats
}

// replace gives the lane another receiver. Instances with the same URL go on
// with what they know, and try at once.
func (l *feedLane) replace(r *Alertmanager) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.peers
	l.receiver, l.peers = r, nil
	if r != nil {
		for i, url := range r.URLs {
			if slices.Contains(r.URLs[:i], url) {
				continue
			}
			i := slices.IndexFunc(old, func(p *peer) bool { return p.url == url })
			if i < 0 {
				l.peers = append(l.peers, newPeer(l, url))
				continue
			}
			l.peers = append(l.peers, old[i])
			old[i].anew.Store(true)
			signal(old[i].poke)
		}
	}
	for _, p := range old {
		if !slices.Contains(l.peers, p) {
			close(p.gone)
		}
	}
}

func (l *feedLane) all() []*peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.peers)
}

func (l *feedLane) current() *Alertmanager {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.receiver
}

func (l *feedLane) figures() QueueStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Receiver = l.name
	if l.receiver != nil && l.receiver.Err != nil {
		s.Blocked = l.receiver.Err.Error()
	}
	for _, p := range l.peers {
		s.Pending += p.pending
		if s.Oldest.IsZero() || !p.oldest.IsZero() && p.oldest.Before(s.Oldest) {
			s.Oldest = p.oldest
		}
		if p.err != nil && s.LastError == "" {
			s.LastError = p.err.Error()
		}
		if p.refusal != nil && s.Blocked == "" {
			s.Blocked = p.refusal.Error()
		}
	}
	return s
}

// tell says whether an instance refuses for good, when that has changed, and
// when one has taken something and none refuses (any more).
func (l *feedLane) tell(ctx context.Context) {
	l.telling.Lock()
	defer l.telling.Unlock()
	l.mu.Lock()
	refusal, taken := (*SendError)(nil), false
	for _, p := range l.peers {
		taken = taken || p.taken
		refusal = cmp.Or(refusal, p.refusal)
	}
	var err error
	news := false
	switch {
	case refusal != nil:
		news = l.told != refusal.status
		l.told, l.proven, err = refusal.status, false, refusal
	case taken && !l.proven:
		news = true
		l.told, l.proven = 0, true
	}
	l.mu.Unlock()
	if news && l.feed.Blocked != nil {
		l.feed.Blocked(ctx, l.name, err)
	}
}
