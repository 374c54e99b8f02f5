package metrics

import (
	"sync/atomic"
	"time"

	"watchword/certs"
)

// A certificate is a certificate block with its labels made.
type certificate struct {
	identity   *certs.Identity
	checks     int
	base       labels // certificate, location
	dated      labels // certificate, fingerprint, location; empty without a certificate that could be read
	info       labels // empty likewise
	notBefore  time.Time
	notAfter   time.Time
	handshakes *handshakes
}

// handshakes outlive a reload.
type handshakes struct{ accepted, rejected atomic.Uint64 }

func (h *handshakes) count(accepted bool) {
	if accepted {
		h.accepted.Add(1)
	} else {
		h.rejected.Add(1)
	}
}

func newCertificate(id *certs.Identity, checks int, location labels, h *handshakes) *certificate {
	name := label("certificate", id.Name())
	c := &certificate{identity: id, checks: checks, base: join(name, location), handshakes: h}
	leaf := id.Leaf()
	if leaf == nil {
		return c
	}
	c.notBefore, c.notAfter = leaf.NotBefore, leaf.NotAfter
	c.dated = join(name, label("fingerprint", cut(id.Fingerprint(), maxFingerprint)), location)
	c.info = join(
		name,
		label("issuer", cut(leaf.Issuer.String(), maxName)),
		location,
		label("primary", boolWord(id.Primary())),
		label("serial", cut(leaf.SerialNumber.Text(16), maxName)),
		label("subject", cut(leaf.Subject.String(), maxName)),
	)
	return c
}

// A block that only brings a ca is no client certificate: all there is to say
// of it is whether it could be loaded.

func certificateLoadFailed(s *scrape) {
	for _, c := range s.view.certificates {
		s.gauge(boolValue(c.identity.Err() != nil || c.identity.Rotation() != nil), c.base)
		s.flush()
	}
}

func certificateChecks(s *scrape) {
	for _, c := range s.view.certificates {
		if c.identity.HasCertificate() {
			s.gauge(float64(c.checks), c.base)
			s.flush()
		}
	}
}

func certificateHandshakes(s *scrape) {
	for _, c := range s.view.certificates {
		if c.identity.HasCertificate() {
			s.counter(c.handshakes.accepted.Load(), c.base, s.words.verdicts[0].label)
			s.counter(c.handshakes.rejected.Load(), c.base, s.words.verdicts[1].label)
			s.flush()
		}
	}
}

func certificateInfo(s *scrape) {
	for _, c := range s.view.certificates {
		if c.info != "" {
			s.gauge(1, c.info)
			s.flush()
		}
	}
}

func certificateNotAfter(s *scrape) {
	for _, c := range s.view.certificates {
		if c.dated != "" {
			s.gauge(timestamp(c.notAfter), c.dated)
			s.flush()
		}
	}
}

func certificateNotBefore(s *scrape) {
	for _, c := range s.view.certificates {
		if c.dated != "" {
			s.gauge(timestamp(c.notBefore), c.dated)
			s.flush()
		}
	}
}
