package alerts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// Run watches the clock until ctx ends: reminders, the `for` of policies,
// what is no longer held, groups, certificates that expire, checks that do
// not run.
func (e *Engine) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		e.look(ctx, e.time())
	}
}

// look does all that is due by time alone.
func (e *Engine) look(ctx context.Context, now time.Time) {
	e.endMutes(ctx, now)
	e.watchOutage(ctx, now)
	e.tick(ctx, now)
	e.tellGroups(ctx, now)
	e.expire(ctx, now)
	e.watchRuns(ctx, now)
}

// tick tells what is due of checks.
func (e *Engine) tick(ctx context.Context, now time.Time) {
	var due []*subject
	for _, s := range e.awake() {
		at, old := s.place.Load(), s.state()
		next, ts := at.Policy.Next(old, e.surroundings(s, at, old, Event{Kind: Ticked}, now), now)
		if len(ts) > 0 || next.Held != old.Held {
			due = append(due, s)
		}
	}
	each(due, func(s *subject) {
		if err := e.tickOne(ctx, s, now); err != nil && !errors.Is(err, context.Canceled) {
			e.log().ErrorContext(ctx, "state could not be stored", "check", s.name, "error", err)
		}
	})
}

// awake returns the subjects that are not well, by name.
func (e *Engine) awake() []*subject {
	e.mu.RLock()
	list := slices.Collect(maps.Keys(e.restless))
	e.mu.RUnlock()
	byName(list)
	return list
}

// each calls fn for every subject, many at a time: what they store together
// costs the Store little more than one of them.
func each(list []*subject, fn func(*subject)) {
	slots := make(chan struct{}, 256)
	var wg sync.WaitGroup
	for _, s := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			fn(s)
		})
	}
	wg.Wait()
}

func (e *Engine) tickOne(ctx context.Context, s *subject, now time.Time) error {
	e.groups.telling.RLock()
	defer e.groups.telling.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone || s.quiet.Load() {
		return nil
	}
	return e.decide(ctx, s, Event{Kind: Ticked}, now)
}

const (
	clockStep   = time.Minute     // a clock that went further forward than this beside the monotonic one was set
	clockSettle = 5 * time.Minute // and is not believed for so long
)

// clockGuard notices that the clock was set forward, or that the process stood
// still: the machine was asleep, or moved to another host.
type clockGuard struct {
	wall, mono time.Time // at the last look
	until      time.Time // monotonic: the clock is not believed before
}

// settled says whether the clock has run steadily for a while, if asked every
// few seconds: one that is wrong for a moment must not make certificates
// expire, nor a pause checks stale.
func (g *clockGuard) settled(now time.Time) bool {
	mono, wall := time.Now(), now.Round(0)
	if gone := mono.Sub(g.mono); !g.mono.IsZero() && (gone > clockStep || wall.Sub(g.wall)-gone > clockStep) {
		g.until = mono.Add(clockSettle)
	}
	g.wall, g.mono = wall, mono
	return !mono.Before(g.until)
}
