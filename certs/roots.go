package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Roots are the authorities that a server is verified by: those of a file,
// the system's, or both. They do not change, are safe for concurrent use and
// can be compared by their pointers. A nil *Roots stands for the system's.
type Roots struct {
	certs  []*x509.Certificate // of the file, each once
	pool   *x509.CertPool      // of certs; nil without a file
	system bool                // the system's count too
	places []int               // of certs in the file, from 1
	hasKey bool                // the file holds a private key
}

// SystemRoots returns the roots of the operating system.
func SystemRoots() *Roots { return &Roots{system: true} }

// LoadRoots reads PEM certificates of authorities from the file path. With
// system they stand beside the system's roots, else instead of them. An error
// is a [*FileError].
func LoadRoots(path string, system bool) (*Roots, error) { return new(Loader).Roots(path, system) }

func newRoots(c *contents, system bool) *Roots {
	r := &Roots{pool: x509.NewCertPool(), system: system, hasKey: len(c.keys) > 0}
	for i, cert := range c.certs {
		if !slices.Contains(r.certs, cert) {
			r.certs = append(r.certs, cert)
			r.places = append(r.places, i+1)
			r.pool.AddCert(cert)
		}
	}
	return r
}

// Certificates returns the certificates of the file, each once, and none for
// the system's roots.
func (r *Roots) Certificates() []*x509.Certificate {
	if r == nil {
		return nil
	}
	return slices.Clone(r.certs)
}

// Verify verifies what a server presented, its own certificate first, for a
// host name or an IP address at the moment now. Errors are those of
// crypto/x509, for errors.As. First comes whether an authority is known and
// the chain holds and is valid now, then whether the certificate is for host.
// With several sources of roots, one that knows the issuer has the last word:
// what it objects to is returned, not that the other does not know it.
func (r *Roots) Verify(chain []*x509.Certificate, host string, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("verifying the server: it presented no certificate")
	}
	opts := x509.VerifyOptions{CurrentTime: now, Intermediates: x509.NewCertPool()}
	for _, cert := range chain[1:] {
		opts.Intermediates.AddCert(cert)
	}
	var err error
	if r != nil && r.pool != nil {
		opts.Roots = r.pool
		_, err = chain[0].Verify(opts)
	}
	if r == nil || r.system && (r.pool == nil || err != nil) {
		opts.Roots = nil // the system's, without a copy
		_, systemErr := chain[0].Verify(opts)
		if systemErr == nil || err == nil || knowsIssuer(systemErr) && !knowsIssuer(err) {
			err = systemErr
		}
	}
	if err == nil {
		err = verifyHost(chain[0], host)
	}
	if err != nil {
		return fmt.Errorf("verifying the server: %w", err)
	}
	return nil
}

// verifyHost verifies that a certificate is for a normalized host.
func verifyHost(cert *x509.Certificate, host string) error {
	host, _, _ = strings.Cut(host, "%") // the zone of an IPv6 address
	return cert.VerifyHostname(host)
}

// knowsIssuer reports whether an error of x509's Verify was found in a chain
// that leads to a root.
func knowsIssuer(err error) bool {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return false
	}
	_, ok := errors.AsType[x509.SystemRootsError](err)
	return !ok
}
