package checks

import (
	"context"
	"sync"

	"watchword/certs"
)

// A HostLimit bounds the runs that ask one host at the same time. Those above
// the bound wait for their turn, the first that came first. The zero value
// bounds nothing. It is safe for concurrent use, and may serve one [Runner]
// after another.
type HostLimit struct {
	mu    sync.Mutex
	most  int // 0 for no limit
	hosts map[string]*turns
}

// turns are the runs of one host.
type turns struct {
	running int
	waiting []chan struct{} // closed when it is one's turn, which counts as running by then
}

// NewHostLimit returns a limit of most runs a host; 0 bounds nothing.
func NewHostLimit(most int) *HostLimit { return &HostLimit{most: most} }

// Set changes the limit. Runs above a lower one go on to their end.
func (l *HostLimit) Set(most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = most
	for host, t := range l.hosts {
		l.call(host, t)
	}
}

// call lets in whom there is a place for. The caller holds mu.
func (l *HostLimit) call(host string, t *turns) {
	for len(t.waiting) > 0 && (l.most <= 0 || t.running < l.most) {
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
		t.running++
	}
	if t.running == 0 && len(t.waiting) == 0 {
		delete(l.hosts, host)
	}
}

// enter waits until the host may be asked, or ctx ends. Leave is to be called
// in either case.
func (l *HostLimit) enter(ctx context.Context, host string) (leave func()) {
	l.mu.Lock()
	t := l.hosts[host]
	if t == nil {
		t = new(turns)
		if l.hosts == nil {
			l.hosts = make(map[string]*turns)
		}
		l.hosts[host] = t
	}
	turn := make(chan struct{})
	t.waiting = append(t.waiting, turn)
	l.call(host, t)
	l.mu.Unlock()

	select {
	case <-turn:
	case <-ctx.Done():
	}
	return func() { l.leave(host, t, turn) }
}

func (l *HostLimit) leave(host string, t *turns, turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-turn:
		t.running--
	default: // it gave up
		for i, w := range t.waiting {
			if w == turn {
				t.waiting = append(t.waiting[:i:i], t.waiting[i+1:]...)
				break
			}
		}
	}
	l.call(host, t)
}

// limited reports whether there is a limit.
func (l *HostLimit) limited() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.most > 0
}

// admit waits until the host of the check's first request may be asked. The
// wait is no part of the run: it has its whole timeout afterwards, and makes
// its request anew. What is returned ends the run's turn.
func (r *Runner) admit(ctx context.Context, c *Check) (done func()) {
	if !r.Hosts.limited() {
		return func() {}
	}
	host := r.firstHost(ctx, c)
	if host == "" {
		return func() {}
	}
	return r.Hosts.enter(ctx, host)
}

// firstHost returns the host that the check asks first, or nothing where that
// cannot be told; the run then says why.
func (r *Runner) firstHost(ctx context.Context, c *Check) (host string) {
	defer func() {
		if recover() != nil { // the run meets it again
			host = ""
		}
	}()
	if len(c.Steps) == 0 {
		return ""
	}
	rendered, err := c.Steps[0].Request.Template.Render(ctx, &Vars{Redactor: c.Redactor})
	if err != nil {
		return ""
	}
	host, err = certs.NormalizeHost(rendered.URL.Hostname())
	if err != nil {
		return ""
	}
	return host
}
