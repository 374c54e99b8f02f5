package alerts

import (
	"context"
	"errors"
	"fmt"
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
	return errors.Join(append(errs, e.tellProblems(ctx, setup.Problems))...)
}

// swap puts the new configuration in place and returns the subjects that are
// gone. stored is nil at a reload.
func (e *Engine) swap(setup Setup, stored map[string]State) []*subject {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.subjects
	e.setup, e.subjects = setup, make(map[string]*subject, len(setup.Subjects))
	if !e.loaded {
		e.loaded = true
		e.restless = make(map[*subject]struct{})
		e.problems.load(stored)
		e.expiry.load(stored, e.time())
		old = recall(stored)
		for _, s := range old {
			if s.now.Status() != OK {
				e.restless[s] = struct{}{}
			}
		}
	}
	e.expiry.configure(setup)
	for i := range setup.Subjects {
		sub := setup.Subjects[i]
		s := old[sub.Name]
		if s == nil {
			s = &subject{name: sub.Name}
		}
		delete(old, sub.Name)
		s.adopt(sub, &setup)
		e.subjects[sub.Name] = s
	}
	gone := make([]*subject, 0, len(old))
	for _, s := range old {
		last := place{Subject: Subject{Name: s.name}}
		if at := s.place.Load(); at != nil {
			last = *at
		}
		last.location, last.known = setup.Location, setup.Receivers
		s.place.Store(&last)
		gone = append(gone, s)
		delete(e.restless, s)
	}
	return gone
}

// recall makes subjects of stored states. They know no more than their names.
func recall(stored map[string]State) map[string]*subject {
	out := make(map[string]*subject)
	for key, st := range stored {
		if name, ok := strings.CutPrefix(key, checkPrefix); ok {
			out[name] = &subject{name: name, now: st}
		}
	}
	return out
}

// adopt gives a subject its place in a configuration.
func (s *subject) adopt(sub Subject, setup *Setup) {
	to := sub.Receivers
	if len(to) == 0 {
		to = setup.Routes.Receivers(sub.labels(setup.Location), setup.Receivers)
	}
	// A policy that was changed is not by itself a reason to tell anything:
	// the clock leaves the check alone until it has run.
	if old := s.place.Load(); old != nil && old.Policy != sub.Policy {
		s.quiet.Store(true)
	}
	s.place.Store(&place{Subject: sub, location: setup.Location, all: to, known: setup.Receivers})
}

// withdraw ends the state of a check that is gone.
func (e *Engine) withdraw(ctx context.Context, s *subject) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	if s.state().Status() == OK {
		return nil
	}
	return e.decide(ctx, s, Event{Kind: Removed}, e.time())
}
