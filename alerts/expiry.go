package alerts

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"watchword/checks"
)

const (
	certificatePrefix = "certificate:"

	maxHosts   = 20     // of a server's certificate that are remembered across restarts
	maxShared  = 1_000  // hosts that show one certificate; more are not told apart
	maxServers = 50_000 // certificates of servers, and hosts: a server chooses both, but not how many

	lookEvery   = time.Minute      // how often expiry is looked at
	serverNew   = time.Minute      // how long a server's certificate is known before it is told, so that the checks that meet it are counted
	serverGone  = 10 * time.Minute // how long after all its hosts show another one a certificate counts as replaced
	serverLost  = 7 * day          // how long nobody has met it until it counts as no longer in use
	forgetAfter = 30 * day         // after its end, what was told of a certificate that is not in use is forgotten
)

// expiry watches certificates: those of the configuration and those that
// checks meet.
type expiry struct {
	mu         sync.Mutex // guards the following
	location   string
	thresholds []time.Duration
	configured map[string]*watched // by fingerprint
	unread     []string            // blocks whose files could not be read
	servers    map[string]*watched // by fingerprint
	hosts      map[string]string   // host to the fingerprint that it showed last
	told       map[string]State    // by fingerprint

	look  time.Time // when to look next
	guard clockGuard
}

// load takes over what was told before.
func (x *expiry) load(stored map[string]State, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.servers, x.hosts, x.told = make(map[string]*watched), make(map[string]string), make(map[string]State)
	for key, s := range stored {
		fp, ok := strings.CutPrefix(key, certificatePrefix)
		if !ok || s.Certificate == nil {
			continue
		}
		x.told[fp] = s
		if !s.Certificate.Kind.isMet() || !s.Open() {
			continue
		}
		w := &watched{
			Certificate: Certificate{
				Kind: s.Certificate.Kind, Name: s.Certificate.Name, Fingerprint: fp, NotBefore: s.Certificate.NotBefore, NotAfter: s.Certificate.NotAfter,
			},
			names: s.Certificate.Hosts, users: make(map[string]struct{}), first: now, latest: now,
		}
		x.servers[fp] = w
	}
}

// configure takes over the certificates of a configuration.
func (x *expiry) configure(s Setup) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.location, x.thresholds, x.unread = s.Location, s.Expiry, s.Unread
	if s.Expiry == nil {
		x.thresholds = DefaultExpiry()
	}
	x.configured = make(map[string]*watched, len(s.Certificates))
	for _, c := range s.Certificates {
		w := x.configured[c.Fingerprint]
		if w == nil {
			w = &watched{Certificate: c, users: make(map[string]struct{}, len(c.Checks))}
			x.configured[c.Fingerprint] = w
		}
		if !slices.Contains(w.names, c.Name) {
			w.names = append(w.names, c.Name)
		}
		for _, check := range c.Checks {
			w.users[check] = struct{}{}
		}
		w.receivers = union(w.receivers, c.Receivers)
		if c.Kind == ClientCertificate && w.Kind != ClientCertificate {
			w.Kind, w.Name = c.Kind, c.Name
		}
	}
	checks := make(map[string]struct{}, len(s.Subjects))
	for i := range s.Subjects {
		checks[s.Subjects[i].Name] = struct{}{}
	}
	for _, w := range x.servers {
		maps.DeleteFunc(w.users, func(check string, _ struct{}) bool { _, ok := checks[check]; return !ok })
	}
}

// wakeExpiry looks at the certificates with the next tick.
func (e *Engine) wakeExpiry() {
	e.expiry.mu.Lock()
	e.expiry.look = time.Time{}
	e.expiry.mu.Unlock()
}

// seeServers notes the certificates that a run has met. What was met before
// costs a lookup.
func (e *Engine) seeServers(r checks.Result, now time.Time) {
	for i := range r.Steps {
		for j := range r.Steps[i].Servers {
			e.expiry.see(&r.Steps[i].Servers[j], r.Check, now)
		}
	}
}

func (x *expiry) see(c *checks.ServerCertificate, check string, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.servers == nil { // not loaded yet
		return
	}
	seen := firstToEnd(c)
	w, shown := x.servers[seen.Fingerprint], x.hosts[c.Host]
	if w == nil {
		if len(x.servers) >= maxServers {
			return
		}
		w = &watched{users: make(map[string]struct{}), first: now, Certificate: seen}
		x.servers[seen.Fingerprint] = w
	}
	w.latest = now
	w.users[check] = struct{}{}
	if shown == seen.Fingerprint || shown == "" && len(x.hosts) >= maxServers {
		return
	}
	if !slices.Contains(w.names, c.Host) {
		if len(w.names) >= maxShared {
			return
		}
		w.names = append(w.names, c.Host)
	}
	x.hosts[c.Host] = seen.Fingerprint
}

// firstToEnd is the certificate that ends first of what a server presented:
// its own or an issuing one.
func firstToEnd(c *checks.ServerCertificate) Certificate {
	if i := c.Issuing; i != nil {
		return Certificate{Kind: ServerIssuer, Name: c.Host, Fingerprint: i.Fingerprint, NotBefore: i.NotBefore, NotAfter: i.NotAfter}
	}
	return Certificate{Kind: ServerCertificate, Name: c.Host, Fingerprint: c.Fingerprint, NotBefore: c.NotBefore, NotAfter: c.NotAfter}
}

// forget drops what nobody needs any more, and returns the fingerprints of
// which no more is to be remembered.
func (x *expiry) forget(now time.Time) []string {
	shown := make(map[string]struct{}, len(x.hosts))
	for host, fp := range x.hosts {
		if now.Sub(x.servers[fp].latest) > serverLost {
			delete(x.hosts, host)
			continue
		}
		shown[fp] = struct{}{}
	}
	for fp, w := range x.servers {
		if _, ok := shown[fp]; !ok && !x.told[fp].Open() && now.Sub(w.latest) > serverGone {
			delete(x.servers, fp)
		}
	}
	var old []string
	for fp, s := range x.told {
		if !s.Open() && x.configured[fp] == nil && now.Sub(s.Certificate.NotAfter) > forgetAfter {
			old = append(old, fp)
		}
	}
	return old
}

// expire tells of certificates, if it is time to look.
func (e *Engine) expire(ctx context.Context, now time.Time) {
	x := &e.expiry
	x.mu.Lock()
	var news []*watched
	var over []ending
	var old []string
	if x.guard.settled(now) && (!now.Before(x.look) || x.look.Sub(now) > lookEvery) { // the latter after a clock was set back
		x.look = now.Add(lookEvery)
		news, over = x.find(now)
		old = x.forget(now)
	}
	location, thresholds := x.location, x.thresholds
	x.mu.Unlock()

	for _, w := range news {
		e.tellCertificate(ctx, w.Fingerprint, func(s State) (State, Message) {
			next, m, ok := w.next(s, thresholds, location, now)
			if !ok {
				m = Message{}
			}
			return next, m
		})
	}
	for _, o := range over {
		e.tellCertificate(ctx, o.fingerprint, func(s State) (State, Message) {
			if !s.Open() || s.Certificate == nil {
				return s, Message{}
			}
			return replaced(s, o.by, location, now)
		})
	}
	for _, fp := range old {
		e.forgetCertificate(ctx, fp)
	}
}

func (e *Engine) forgetCertificate(ctx context.Context, fingerprint string) {
	err := e.Store.Update(ctx, certificatePrefix+fingerprint, func(State) Change { return Change{} })
	if err != nil {
		return // the next look tries again
	}
	e.expiry.mu.Lock()
	delete(e.expiry.told, fingerprint)
	e.expiry.mu.Unlock()
}

func (e *Engine) tellCertificate(ctx context.Context, fingerprint string, change func(State) (State, Message)) {
	next, err := e.tell(ctx, certificatePrefix+fingerprint, "", change)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			e.log().ErrorContext(ctx, "state could not be stored", "certificate", fingerprint, "error", err)
		}
		return
	}
	e.expiry.mu.Lock()
	e.expiry.told[fingerprint] = next
	e.expiry.mu.Unlock()
	e.changed()
}

// ending is a certificate that is no longer met, and what came in its place.
type ending struct {
	fingerprint string
	by          *watched
}

// find returns copies of the certificates that are to be told, soonest first,
// and those of which what was told is over.
func (x *expiry) find(now time.Time) ([]*watched, []ending) {
	var news []*watched
	for _, set := range []map[string]*watched{x.configured, x.servers} {
		for fp, w := range set {
			if w.Kind.isMet() && (x.configured[fp] != nil || now.Sub(w.first) < serverNew || now.Sub(w.latest) > serverLost) {
				continue
			}
			if _, _, ok := w.next(x.told[fp], x.thresholds, x.location, now); ok {
				c := *w
				c.names, c.users = slices.Clone(w.names), maps.Clone(w.users)
				news = append(news, &c)
			}
		}
	}
	slices.SortFunc(news, func(a, b *watched) int {
		return cmp.Or(a.NotAfter.Compare(b.NotAfter), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	var over []ending
	for _, fp := range slices.Sorted(maps.Keys(x.told)) {
		if s := x.told[fp]; s.Open() && x.configured[fp] == nil {
			if by, ok := x.successor(fp, s.Certificate, now); ok {
				over = append(over, ending{fp, by})
			}
		}
	}
	return news, over
}

// successor says whether a certificate is no longer in use, and which one
// came in its place, if any did.
func (x *expiry) successor(fp string, c *CertificateState, now time.Time) (*watched, bool) {
	if !c.Kind.isMet() {
		if slices.Contains(x.unread, c.Name) {
			return nil, false // nobody knows what is in its files
		}
		if w := x.servers[fp]; w != nil && now.Sub(w.latest) < serverGone {
			return nil, false // a server shows it
		}
		var best *watched
		for _, w := range x.configured {
			if w.Kind == c.Kind && slices.Contains(w.names, c.Name) && (best == nil || w.NotAfter.After(best.NotAfter)) {
				best = w
			}
		}
		return best, true
	}
	w := x.servers[fp]
	if w == nil || now.Sub(w.latest) > serverLost {
		return nil, true
	}
	if now.Sub(w.latest) < serverGone {
		return nil, false
	}
	var by *watched
	for _, host := range w.names {
		other := x.hosts[host]
		if other == "" || other == fp {
			return nil, false
		}
		by = x.servers[other]
	}
	return by, true
}
