package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"watchword/certs/certstest"
)

// A world is what the demo watches: two authorities, an API that demands
// certificates of the first, and a partner that demands those of the second.
type world struct {
	api, partner *certstest.Server
	phase        atomic.Int32 // index into scenes of the one that runs
	started      chan struct{}
}

// A scene is a stretch of the demo in which the API behaves in one way.
type scene struct {
	at     time.Duration // since the start
	say    string
	slow   bool // search answers slowly
	broken bool // payments has lost its database
}

func scenes() []scene {
	return []scene{
		{},
		{at: 15 * time.Second, say: "search.acme.test answers slowly now", slow: true},
		{at: 30 * time.Second, say: "payments.acme.test loses its database", slow: true, broken: true},
		{at: 45 * time.Second, say: "search.acme.test is fast again", broken: true},
		{at: 80 * time.Second, say: "payments.acme.test has its database back"},
		{at: 95 * time.Second, say: "that was all: it goes on like this until Ctrl-C"},
	}
}

// startWorld writes the certificates into dir and starts the servers.
func startWorld(dir string) (*world, error) {
	acme, err := certstest.New(certstest.Options{Name: "Acme CA"})
	if err != nil {
		return nil, err
	}
	partner, err := certstest.New(certstest.Options{Name: "Partner CA"})
	if err != nil {
		return nil, err
	}
	if err := saveIdentities(dir, acme, partner); err != nil {
		return nil, err
	}
	apiPair, err := acme.Issue(certstest.ServerLeaf("*.acme.test"))
	if err != nil {
		return nil, err
	}
	partnerPair, err := partner.Issue(certstest.ServerLeaf("api.partner.test"))
	if err != nil {
		return nil, err
	}
	w := &world{started: make(chan struct{})}
	w.api = &certstest.Server{Pair: apiPair, ClientAuth: tls.RequireAndVerifyClientCert, Handler: w}
	w.partner = &certstest.Server{Pair: partnerPair, ClientAuth: tls.RequireAndVerifyClientCert}
	if err := w.api.Start(); err != nil {
		return nil, err
	}
	if err := w.partner.Start(); err != nil {
		return nil, errors.Join(err, w.api.Close())
	}
	return w, nil
}

// saveIdentities writes the files that demo.hcl names.
func saveIdentities(dir string, acme, partner *certstest.CA) error {
	const day = 24 * time.Hour
	now := time.Now()
	for _, id := range []struct {
		file, subject string
		valid         time.Duration
	}{
		{"acme-wildcard", "probe.acme.test", 300 * day},
		{"reports", "probe-reports.acme.test", 6*day + 4*time.Hour},
		{"partner", "probe.acme.test", 300 * day}, // should have come from the partner's CA
	} {
		pair, err := acme.Issue(certstest.Leaf{
			CommonName: id.subject, NotBefore: now.Add(-100 * day), NotAfter: now.Add(id.valid),
		})
		if err != nil {
			return err
		}
		if _, _, _, err := pair.Save(dir, id.file); err != nil {
			return err
		}
	}
	if _, err := acme.Save(dir, "acme-ca"); err != nil {
		return err
	}
	_, err := partner.Save(dir, "partner-ca")
	return err
}

// ServeHTTP answers for all hosts below acme.test.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	now := scenes()[w.phase.Load()]
	status, database := http.StatusOK, "up"
	switch {
	case now.slow && strings.HasPrefix(r.Host, "search."):
		select {
		case <-time.After(400 * time.Millisecond):
		case <-r.Context().Done():
		}
	case now.broken && strings.HasPrefix(r.Host, "payments."):
		status, database = http.StatusServiceUnavailable, "down"
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = fmt.Fprintf(rw, `{"database":%q,"version":"1.4.2"}`, database) // a client that is gone needs no answer
}

// begin starts the clock of the scenes.
func (w *world) begin() { close(w.started) }

// tell plays the scenes once the world has begun, and tells of each, until
// ctx ends or stop is called.
func (w *world) tell(ctx context.Context, say func(string)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-w.started:
		}
		began := time.Now()
		for i, s := range scenes()[1:] {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(began.Add(s.at))):
			}
			w.phase.Store(int32(i + 1))
			say(s.say)
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

// Close ends the servers.
func (w *world) Close() error { return errors.Join(w.api.Close(), w.partner.Close()) }
