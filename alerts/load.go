package alerts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Load takes over a configuration: at start (it reads the states from the
// Store then) and at every reload. It tells nothing about checks by itself,
// but has the messages of incidents edited whose checks are gone, and tells
// of Problems. An error at start means that nothing was taken over; at a reload
// the new configuration is in place all the same, and what could not be stored
// is made up for by the next start.
func (e *Engine) Load(ctx context.Context, setup Setup) error {
	e.loading.Lock()
	defer e.loading.Unlock()
	e.mu.RLock()
	loaded := e.loaded
	e.mu.RUnlock()
	var stored map[string]State
	if !loaded {
		snap, err := e.Store.Load(ctx)
		if err != nil {
			return fmt.Errorf("loading the state: %w", err)
		}
		stored = snap.States
	}

	gone := e.swap(setup, stored)
	e.wakeExpiry()
	var mu sync.Mutex
	var errs []error
	each(gone, func(s *subject) {
		if err := e.withdraw(ctx, s); err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, fmt.Errorf("removing %s: %w", s.name, err))
		}
	})
	err := errors.Join(append(errs, e.tellProblems(ctx, setup.Problems))...)
	e.changed()
	return err
}

// swap puts the new configuration in place and returns the subjects that are
// gone. stored is nil at a reload.
func (e *Engine) swap(setup Setup, stored map[string]State) []*subject {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.subjects
	e.setup, e.subjects = setup, make(map[string]*subject, len(setup.Subjects))
	if !e.loaded {
		old = e.restore(stored)
	}
	e.expiry.configure(setup)
	e.place(&setup, old)
	e.setup.Subjects = nil // their places say all of it
	gone := make([]*subject, 0, len(old))
	for _, s := range old {
		last := place{Subject: Subject{Name: s.name}}
		if at := s.place.Load(); at != nil {
			last = *at
		}
		last.location, last.known = setup.Location, setup.Receivers
		last.all = slices.DeleteFunc(slices.Clone(last.all), func(r string) bool { return !slices.Contains(last.known, r) })
		s.place.Store(&last)
		gone = append(gone, s)
		delete(e.restless, s)
	}
	return gone
}

// place makes the subjects of a configuration, and takes those that there
// were before out of old. mu is held.
func (e *Engine) place(setup *Setup, old map[string]*subject) {
	now := e.time()
	windows := calendars(setup.Maintenance)
	places := make(map[*subject]*place, len(setup.Subjects))
	hosts := make(map[string]struct{})
	for i := range setup.Subjects {
		sub := setup.Subjects[i]
		s := old[sub.Name]
		if s == nil {
			s = &subject{name: sub.Name}
		}
		if s.place.Load() == nil {
			s.run = lastRun{start: now, well: now}
			s.seen = s.run
		}
		delete(old, sub.Name)
		places[s] = placeOf(sub, setup, windows)
		e.subjects[sub.Name] = s
		if len(sub.Hosts) > 0 {
			hosts[sub.Hosts[0]] = struct{}{}
		}
	}
	e.hosts = len(hosts)
	link(e.subjects, places)
	for s, at := range places {
		s.adopt(at)
	}
}

// restore takes over what was stored, and returns its subjects; e.mu is held.
func (e *Engine) restore(stored map[string]State) map[string]*subject {
	e.loaded = true
	e.restless = make(map[*subject]struct{})
	e.problems.load(stored)
	e.mutes.load(stored)
	e.groups.load(stored)
	e.outage.load(stored)
	e.expiry.load(stored, e.time())
	known := recall(stored)
	for _, s := range known {
		if s.state().Status() != OK {
			e.restless[s] = struct{}{}
		}
	}
	return known
}

// recall makes subjects of stored states. They know no more than their names.
func recall(stored map[string]State) map[string]*subject {
	out := make(map[string]*subject)
	for key, st := range stored {
		if name, ok := strings.CutPrefix(key, checkPrefix); ok {
			s := &subject{name: name}
			s.set(st)
			out[name] = s
		}
	}
	return out
}

// placeOf is what a configuration says of a subject, but for the others that
// it depends on.
func placeOf(sub Subject, setup *Setup, windows []*calendar) *place {
	labels := sub.labels(setup.Location)
	at := &place{
		Subject: sub, location: setup.Location, known: setup.Receivers, links: setup.Links,
		windows: matching(windows, labels), wait: setup.GroupWait,
	}
	routed := setup.Routes.Receivers(labels, setup.everyone())
	named := sub.Receivers
	if len(named) == 0 {
		named = routed
	}
	var by []string
	if r := setup.Routes.first(labels); r != nil && slices.Equal(named, routed) {
		by, at.wait = r.GroupBy, r.GroupWait
	}
	if at.all, at.fed = setup.split(named); len(at.all) == 0 {
		at.wait = 0 // there are no messages to put together
	}
	at.group = groupOf(at.all, by, labels)
	return at
}

// adopt gives a subject its place in a configuration. What was changed is not
// by itself a reason to tell anything: the clock leaves the check alone until
// it has run.
func (s *subject) adopt(at *place) {
	if old := s.place.Load(); old != nil &&
		(old.Policy != at.Policy || !sameWindows(old.windows, at.windows) || !slices.Equal(old.parents, at.parents)) {
		s.quiet.Store(true)
	}
	s.place.Store(at)
}

// withdraw ends the state of a check that is gone.
func (e *Engine) withdraw(ctx context.Context, s *subject) error {
	e.groups.telling.RLock()
	defer e.groups.telling.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	if s.state().Status() == OK {
		return nil
	}
	return e.decide(ctx, s, Event{Kind: Removed}, e.time())
}
