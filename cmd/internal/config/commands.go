package config

import (
	"context"
	"maps"
	"sync"
	"time"
)

const (
	// maxCommands is how many commands run at the same time.
	maxCommands = 64

	// retryCommand is how soon a command that failed runs again, unless it is
	// refreshed sooner.
	retryCommand = time.Minute
)

// Commands keeps in memory what the commands of secrets said, so that a
// daemon knows which of them are due. A value lasts until its command gives
// another: one that fails leaves the value as it is. The zero value remembers
// nothing. It is safe for concurrent use; a nil one remembers nothing either.
type Commands struct {
	mu    sync.Mutex
	said  map[string]answer        // by the command's key: the latest
	used  map[string]answer        // the same of the configuration that was loaded last
	list  map[string]secretCommand // of that configuration
	fresh chan struct{}            // closed and replaced when list is; may be nil
}

// An answer is what a command said.
type answer struct {
	value string
	since time.Time // when it gave value; zero: it never did
	err   error     // why it gave none the last time
	tried time.Time // the last time; zero: it never ran
}

func (a answer) reading() reading {
	r := reading{value: a.value, has: !a.since.IsZero(), err: a.err}
	if a.err != nil {
		r.since = a.since
	}
	return r
}

// same reports whether a and b lead to the same configuration.
func (a answer) same(b answer) bool {
	return a.value == b.value && a.since.IsZero() == b.since.IsZero() && sameText(a.err, b.err)
}

func sameText(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

// due is when c runs again after a; zero: at a load only.
func (a answer) due(c secretCommand) time.Time {
	switch {
	case a.err != nil && c.refresh > 0:
		return a.tried.Add(min(c.refresh, retryCommand))
	case a.err != nil:
		return a.tried.Add(retryCommand)
	case c.refresh > 0:
		return a.tried.Add(c.refresh)
	default:
		return time.Time{}
	}
}

// load returns what the commands in list say, by key. With recall, those that
// are remembered do not run.
func (c *Commands) load(ctx context.Context, list []secretCommand, recall bool) map[string]answer {
	if c == nil {
		c = new(Commands)
	}
	known := make(map[string]answer, len(list))
	var run []secretCommand
	c.mu.Lock()
	for _, command := range list {
		a, ok := c.said[command.key()]
		if ok && recall {
			known[command.key()] = a
			continue
		}
		run = append(run, command)
	}
	c.mu.Unlock()
	maps.Copy(known, c.run(ctx, run))
	return known
}

// run runs commands at the same time, remembers and returns what they say.
func (c *Commands) run(ctx context.Context, list []secretCommand) map[string]answer {
	type outcome struct {
		value string
		err   error
		at    time.Time
	}
	outcomes := make([]outcome, len(list))
	slots := make(chan struct{}, maxCommands)
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() {
			o := &outcomes[i]
			o.value, o.err = list[i].run(ctx, slots)
			o.at = time.Now()
		})
	}
	wg.Wait()
	answers := make(map[string]answer, len(list))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, o := range outcomes {
		key := list[i].key()
		a := c.said[key]
		a.tried = o.at
		switch {
		case o.err == nil:
			a.value, a.since, a.err = o.value, o.at, nil
		case !sameFailure(a.err, o.err):
			a.err = o.err
		}
		answers[key] = a
	}
	if ctx.Err() == nil { // else they were ended for no fault of theirs
		if c.said == nil {
			c.said = make(map[string]answer)
		}
		maps.Copy(c.said, answers)
	}
	return answers
}

// sameFailure reports whether a command goes on failing as before. What it
// writes may differ each time, by a date for instance, and is not worth
// telling again.
func sameFailure(before, now error) bool {
	a, ok := before.(*commandError) //nolint:errorlint // commands give no other, and wrap none
	b, also := now.(*commandError)  //nolint:errorlint // as above
	return ok && also && a.what == b.what
}

// use makes list the commands of the configuration that was loaded last, and
// forgets all others.
func (c *Commands) use(list []secretCommand) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.used = make(map[string]secretCommand, len(list)), make(map[string]answer, len(list))
	for _, command := range list {
		key := command.key()
		if a, ok := c.said[key]; ok { // not so with Options.Offline
			c.list[key], c.used[key] = command, a
		}
	}
	c.said = maps.Clone(c.used)
	if c.fresh != nil {
		close(c.fresh)
		c.fresh = nil
	}
}

// Wait waits until a command of the configuration that was loaded last is
// due, and returns false when ctx ends.
func (c *Commands) Wait(ctx context.Context) bool {
	for {
		next, fresh := c.next()
		var due <-chan time.Time
		if !next.IsZero() {
			due = time.After(time.Until(next))
		}
		select {
		case <-ctx.Done():
			return false
		case <-fresh:
		case <-due:
			return true
		}
	}
}

// next is when the next command is due, zero if none ever is, and a channel
// that is closed when that may have changed.
func (c *Commands) next() (next time.Time, fresh <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh == nil {
		c.fresh = make(chan struct{})
	}
	for key, command := range c.list {
		due := c.said[key].due(command)
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next, c.fresh
}

// Refresh runs the commands that are due, and tells whether the configuration
// has to be loaded again, with Options.Recall, because of what they say.
func (c *Commands) Refresh(ctx context.Context) bool {
	now := time.Now()
	var run []secretCommand
	c.mu.Lock()
	for key, command := range c.list {
		if due := c.said[key].due(command); !due.IsZero() && !due.After(now) {
			run = append(run, command)
		}
	}
	c.mu.Unlock()
	c.run(ctx, run)
	if ctx.Err() != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, used := range c.used {
		if !c.said[key].same(used) {
			return true
		}
	}
	return false
}
