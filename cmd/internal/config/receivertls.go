package config

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/alerts"
	"watchword/certs"
)

// tlsAttrs are the attributes of receivers that may stand behind mutual TLS.
func tlsAttrs() []attrType {
	return []attrType{
		{name: "mtls", is: truth, doc: "true demands that a client certificate goes along, false sends none."},
		{name: "certificate", is: certificateRef, doc: "The client certificate, instead of choosing it by host as for a request."},
		{name: "ca", is: path, doc: "PEM file with the CAs that the server's certificate must come from, instead of the ca of the certificate block for its host."},
	}
}

// A Host is one that a receiver is reached at by https, and how the client
// certificate for it is chosen.
type Host struct {
	Name   string // normalized
	Hidden bool   // it may come from a secret
	Want   certs.Want
}

// Shown is the host as a message may show it.
func (h Host) Shown() string {
	if h.Hidden {
		return "…"
	}
	return h.Name
}

// A receiverTLS is what a block says with tlsAttrs, and what comes of it.
type receiverTLS struct {
	*loader
	block  *block
	chosen opt[*certificate]
	mtls   opt[bool]
	ca     opt[requestRoots]
	hidden bool // its hosts are

	refused bool // a mistake leaves nothing to choose
	hosts   []Host
}

// receiverTLS evaluates tlsAttrs.
func (l *loader) receiverTLS(b *block) *receiverTLS {
	r := &receiverTLS{loader: l, block: b, chosen: l.certificateRef(b, "certificate"), mtls: l.flag(b, "mtls"), ca: l.roots(b, "ca")}
	if r.chosen.ok() {
		r.chosen.value.used = true
	}
	if r.chosen.set && r.mtls.ok() && !r.mtls.value {
		l.errorf(r.chosen.at, "certificate together with mtls = false", "With mtls = false no certificate goes along; leave one of them out.")
		r.refused = true
	}
	if r.ca.value.roots != nil {
		l.requestCAs = append(l.requestCAs, CA{Path: r.ca.value.path, Roots: r.ca.value.roots, Receivers: []string{r.fullName()}})
	}
	return r
}

// fullName is the receiver's.
func (r *receiverTLS) fullName() string { return r.block.labels[0] + "." + r.block.label() }

// reach chooses certificate and roots for a URL by the rules for requests. u
// is nil where the URL is not known. Its Err is of files that cannot be read.
func (r *receiverTLS) reach(u *url.URL) alerts.TLS {
	switch {
	case u == nil:
		r.hostUnknown = true
		return alerts.TLS{}
	case u.Scheme == "http" || r.setBroken || r.refused:
		return alerts.TLS{}
	}
	name, err := certs.NormalizeHost(u.Hostname())
	if err != nil {
		return alerts.TLS{} // which has been reported
	}
	host := Host{Name: name, Hidden: r.hidden, Want: certs.Want{Mode: (&requestLayer{mtls: r.mtls}).mode()}}
	if r.chosen.ok() {
		host.Want.Explicit = r.chosen.value.identity
	}
	again := slices.Contains(r.hosts, host)
	if !again {
		r.hosts = append(r.hosts, host)
	}
	var out alerts.TLS
	out.Roots, out.Err = r.rootsFor(host)
	choice := r.set.Select(host.Name, host.Want)
	switch out.Identity = choice.Identity; {
	case choice.Identity != nil:
		c := r.identities[choice.Identity.Name()]
		c.used = true
		c.receivers = appendNew(c.receivers, r.fullName())
		if err := choice.Identity.Err(); err != nil {
			out.Err = fmt.Errorf("loading certificate %q: %w", choice.Identity.Name(), err)
		}
	case host.Want.Mode == certs.ModeRequired && !r.chosen.set && !again:
		r.errorf(r.mtls.at, "No certificate for a receiver that demands one",
			"mtls = true, but no certificate is for its host and none is primary. Add a certificate block with host = %q, or mark one with primary = true.", host.Shown())
	}
	return out
}

// rootsFor chooses what the server is verified by, and notes who is.
func (r *receiverTLS) rootsFor(host Host) (*certs.Roots, error) {
	r.rootsOf(host.Name)
	if r.ca.set {
		return r.ca.value.roots, r.ca.value.err
	}
	if id := r.set.Verifier(host.Name, host.Want); id != nil {
		c := r.identities[id.Name()]
		c.trusting = appendNew(c.trusting, r.fullName())
	}
	return r.set.Roots(host.Name, host.Want)
}

// withoutTLS reports what only https can do.
func (r *receiverTLS) withoutTLS() {
	for _, is := range tlsAttrs() {
		if a := r.block.attrs[is.name]; a != nil && !isNull(a.Expr) && !isFalse(a.Expr) {
			r.errorf(a.Range, "No TLS", "%s has no meaning for an http:// URL: use https://, or leave it out.", is.name)
		}
	}
}

// appendNew appends s unless it is the last already.
func appendNew(list []string, s string) []string {
	if n := len(list); n > 0 && list[n-1] == s {
		return list
	}
	return append(list, s)
}

// isFalse reports whether expr is the literal false.
func isFalse(expr hcl.Expression) bool {
	v, diags := expr.Value(nil)
	return !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.Bool && v.False()
}
