package alerts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Problem is something that is wrong with watchword itself.
type Problem struct {
	Cause    string // what it is about, such as `secret slack_token`: each cause is told once until its text changes
	Text     string // without the heading "watchword at LOCATION: "; free of secrets
	Receiver string // the receiver that it is about, which is not told of it; may be empty
}

// ConfigurationCause is the cause of the [Problem] that the configuration was
// refused when it was read again.
const ConfigurationCause = "configuration"

const (
	noticePrefix = "notice:" // told by Notice
	setupPrefix  = "setup:"  // told by Load, until a later Load no longer lists it
)

var errNotLoaded = errors.New("no configuration was loaded")

// problems are the live states under the two prefixes.
type problems struct {
	mu     sync.Mutex // held across Store.Update
	live   sync.Mutex // guards states alone, which is written with both held
	states map[string]State
}

// open returns those that are not over. It waits for no disk.
func (p *problems) open() map[string]State {
	p.live.Lock()
	defer p.live.Unlock()
	out := make(map[string]State)
	for key, st := range p.states {
		if st.Open() {
			out[key] = st
		}
	}
	return out
}

func (p *problems) load(stored map[string]State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.live.Lock()
	defer p.live.Unlock()
	p.states = make(map[string]State)
	for key, st := range stored {
		if strings.HasPrefix(key, noticePrefix) || strings.HasPrefix(key, setupPrefix) {
			p.states[key] = st
		}
	}
}

// Notice tells of a problem of watchword itself, once for each cause until
// its text changes. An empty text says that the problem is over: what was
// told is edited. It is to be called after the first Load.
func (e *Engine) Notice(ctx context.Context, p Problem) error {
	e.problems.mu.Lock()
	defer e.problems.mu.Unlock()
	return e.tellProblem(ctx, noticePrefix+p.Cause, p)
}

// tellProblems tells of the problems that a configuration has, and that
// others are over.
func (e *Engine) tellProblems(ctx context.Context, list []Problem) error {
	e.problems.mu.Lock()
	defer e.problems.mu.Unlock()
	listed := make(map[string]bool, len(list))
	for _, p := range list {
		listed[setupPrefix+p.Cause] = true
		if err := e.tellProblem(ctx, setupPrefix+p.Cause, p); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(e.problems.states)) {
		if cause, ok := strings.CutPrefix(key, setupPrefix); ok && !listed[key] {
			if err := e.tellProblem(ctx, key, Problem{Cause: cause}); err != nil {
				return err
			}
		}
	}
	return nil
}

// tellProblem does it for one cause; problems.mu is held.
func (e *Engine) tellProblem(ctx context.Context, key string, p Problem) error {
	if e.problems.states == nil {
		return fmt.Errorf("telling of %s: %w", p.Cause, errNotLoaded)
	}
	p.Text = shorten(oneLine(p.Text), maxLine)
	live := e.problems.states[key]
	if !live.Open() && p.Text == "" || live.Open() && live.Message == p.Text {
		return nil
	}
	now := e.time()
	next, err := e.tell(ctx, key, p.Receiver, func(s State) (State, Message) { return p.next(s, e.location(), now) })
	if err != nil {
		return fmt.Errorf("telling of %s: %w", p.Cause, err)
	}
	e.problems.live.Lock()
	e.problems.states[key] = next
	e.problems.live.Unlock()
	e.changed()
	return nil
}

// next is the decision: told anew when it begins, again when its text
// changes, edited when it is over.
func (p Problem) next(s State, location string, now time.Time) (State, Message) {
	heading := heading(location)
	m := Message{
		Topic: AboutWatchword, Location: location, Severity: "warning", At: now,
		Headline: "⚠️ " + heading + ": " + p.Text,
	}
	switch {
	case s.Open() == (p.Text != "") && s.Message == p.Text:
		return s, Message{}
	case p.Text == "":
		m.Kind, m.Since, m.Headline = Recovered, s.Since, "🟢 "+heading+": no longer so: "+s.Message
		return State{Incident: s.Incident, Receivers: s.Receivers}, m
	case s.Open():
		m.Kind = Escalated
		s.Told = now
	default:
		m.Kind = Fired
		s = State{Phase: Firing, Incident: s.Incident + 1, Since: now, Fired: now, Told: now}
	}
	m.Since, s.Message = s.Since, p.Text
	return s, m
}

func (e *Engine) location() string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.setup.Location
}

func (e *Engine) links() Links {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.setup.Links
}

// tell stores what change makes of the state under key, and queues its
// message for those who are to know by the message's labels, or were told of
// the beginning. except is not told. A message without a Kind is not sent.
func (e *Engine) tell(ctx context.Context, key, except string, change func(State) (State, Message)) (State, error) {
	e.mu.RLock()
	setup := e.setup
	e.mu.RUnlock()
	var next State
	now := e.time()
	err := e.Store.Update(ctx, key, func(stored State) (State, []Notification) {
		var m Message
		next, m = change(stored)
		if m.Kind == "" {
			return next, nil
		}
		m.Links = setup.Links.overview()
		to, _ := setup.split(setup.but(setup.concerned(m), except))
		if m.Kind == Fired {
			next.Receivers = to
		} else {
			told := audience(stored.Receivers, setup.Receivers, to)
			if m.Kind == Escalated && m.Topic == AboutCertificate { // the severity rises with the end
				told = union(told, to)
				next.Receivers = told
			}
			to = told
			to = slices.DeleteFunc(slices.Clone(to), func(r string) bool { return r == except })
		}
		if m.Kind.Closes() {
			next.Receivers = nil
		}
		return next, notifications(to, thread(key, next.Incident), m, now)
	})
	if err != nil {
		return State{}, err
	}
	e.wake()
	return next, nil
}

// union returns all of both, in order.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// concerned is who is told of what is not about a check. What is wrong with
// watchword itself concerns everyone if no route wants it.
func (s *Setup) concerned(m Message) []string {
	labels := map[string]string{"alertname": "Watchword", "severity": m.Severity, "location": m.Location}
	if m.Topic == AboutCertificate {
		labels["alertname"], labels["certificate"] = "CertificateExpiry", m.Check
	}
	to := s.Routes.Receivers(labels, s.everyone())
	if len(to) == 0 && m.Topic == AboutWatchword {
		return s.everyone()
	}
	return to
}

// everyone is all receivers of both kinds.
func (s *Setup) everyone() []string { return slices.Concat(s.Receivers, s.Fed) }

// split divides receivers into those that messages are queued for and those
// that a Feed tells.
func (s *Setup) split(names []string) (queued, fed []string) {
	if len(s.Fed) == 0 {
		return names, nil
	}
	for _, name := range names {
		if slices.Contains(s.Fed, name) {
			fed = append(fed, name)
		} else {
			queued = append(queued, name)
		}
	}
	return queued, fed
}

// but leaves out the receiver that something is about. If nobody else is
// told, all others are.
func (s *Setup) but(names []string, except string) []string {
	is := func(name string) bool { return name == except }
	if except == "" || !slices.ContainsFunc(names, is) {
		return names
	}
	if rest := slices.DeleteFunc(slices.Clone(names), is); len(rest) > 0 {
		return rest
	}
	return slices.DeleteFunc(s.everyone(), is)
}
