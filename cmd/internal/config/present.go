package config

import (
	"watchword/certs"
	"watchword/cmd/internal/lang"
)

// presents works out which certificate a request presents, as far as its
// host is known, and reports combinations that cannot be meant. It returns
// the host.
func (l *loader) presents(m *Monitor, q *requestLayer, template *lang.Request) string {
	l.reachable(q, template)
	l.ownCA(m, q)
	host := template.Host()
	skips := q.skipVerify.ok() && q.skipVerify.value
	if host == "" {
		l.hostUnknown = true
		if q.certificate.ok() {
			l.uses(m, q.certificate.value)
		}
		if skips && q.certificate.ok() {
			l.unverified(q, q.certificate.value.source.Name)
		}
		return ""
	}
	normal, err := certs.NormalizeHost(host)
	if err != nil {
		l.errorf(q.url.Range(), "Invalid URL", "%s.", capital(err.Error()))
		return ""
	}
	l.rootsOf(normal)
	if l.setBroken {
		return normal
	}
	want := certs.Want{Mode: q.mode()}
	if q.certificate.ok() {
		want.Explicit = q.certificate.value.identity
	}
	if !q.ca.set {
		l.verified(m, q, l.set.Verifier(normal, want))
	}
	choice := l.set.Select(normal, want)
	switch {
	case choice.Identity != nil:
		used := l.identities[choice.Identity.Name()]
		l.uses(m, used)
		if skips {
			l.unverified(q, used.source.Name)
		}
	case want.Mode == certs.ModeRequired && !q.certificate.set:
		l.errorf(q.mtls.at, "No certificate for a request that demands one",
			"mtls = true, but no certificate is for %s and none is primary. Add a certificate block with host = %q, or mark one with primary = true.", normal, normal)
	}
	return normal
}

// uses notes that the monitor presents c.
func (l *loader) uses(m *Monitor, c *certificate) {
	c.used = true
	if m.Enabled && (len(c.usedBy) == 0 || c.usedBy[len(c.usedBy)-1] != m.Check.Name) {
		c.usedBy = append(c.usedBy, m.Check.Name)
	}
}

// verified notes that the ca of id, if any, is what the request of the monitor
// verifies its server by.
func (l *loader) verified(m *Monitor, q *requestLayer, id *certs.Identity) {
	if id == nil || !m.Enabled || q.skipVerify.ok() && q.skipVerify.value {
		return
	}
	c := l.identities[id.Name()]
	if n := len(c.verifies); n == 0 || c.verifies[n-1] != m.Check.Name {
		c.verifies = append(c.verifies, m.Check.Name)
	}
}

// ownCA notes that the request of the monitor brings its own ca.
func (l *loader) ownCA(m *Monitor, q *requestLayer) {
	if !m.Enabled || !q.ca.ok() || q.ca.value.roots == nil {
		return
	}
	for i := range l.requestCAs {
		if ca := &l.requestCAs[i]; ca.Path == q.ca.value.path {
			if n := len(ca.Checks); n == 0 || ca.Checks[n-1] != m.Check.Name {
				ca.Checks = append(ca.Checks, m.Check.Name)
			}
			return
		}
	}
	l.requestCAs = append(l.requestCAs, CA{Path: q.ca.value.path, Roots: q.ca.value.roots, Checks: []string{m.Check.Name}})
}

// rootsOf marks the blocks whose ca may verify host.
func (l *loader) rootsOf(host string) {
	if l.rootHosts[host] {
		return
	}
	l.rootHosts[host] = true
	for _, c := range l.certs {
		if c.source.CA == "" || c.identity.HasCertificate() {
			continue
		}
		for _, p := range c.patterns {
			c.used = c.used || p.Match(host)
		}
	}
}

// unverified reports insecure_skip_verify where a certificate goes along.
func (l *loader) unverified(q *requestLayer, name string) {
	const summary = "A certificate for a server that nobody verifies"
	at := q.skipVerify.at
	if q.mode() == certs.ModeRequired {
		l.warnf(at, summary, "Certificate %q goes along whoever answers.", name)
		return
	}
	l.errorf(at, summary, "Certificate %q would go along whoever answers. Leave insecure_skip_verify out, say mtls = false to send no certificate, or mtls = true if this is meant.", name)
}

// unused warns of certificates that no check uses. A host that is known only
// when a check runs may need any of them.
func (l *loader) unused() {
	if l.setBroken || l.errors > 0 {
		return
	}
	for _, c := range l.certs {
		if !c.used && (!l.hostUnknown || len(c.source.Hosts) == 0 && !c.source.Primary) {
			l.warnf(c.block.at, "Unused certificate", "No check uses certificate %q.", c.source.Name)
		}
	}
}
