package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity tells how bad a [Problem] is.
type Severity string

// The severities of a [Problem].
const (
	Error   Severity = "error"   // the identity cannot be used
	Warning Severity = "warning" // it is used all the same
)

// minRSA is the shortest RSA key that servers can be expected to accept, in
// bits (NIST SP 800-131A).
const minRSA = 2048

// A Problem is a finding of the checks at load.
type Problem struct {
	Severity  Severity
	Attribute string // of the block: "pem", "cert", "key", "pkcs12", "passphrase", "ca" or "primary"; empty: the block as a whole
	Summary   string // one line
	Detail    string // what follows and what to do; may be empty
	Command   string // for a POSIX shell, mends it; may be empty
}

// Problems returns what is wrong with the files at the moment now, errors
// first. There are none for an identity that was loaded offline. Hosts are not
// part of it: see [ParseHost] and [HostPattern.Warnings].
func (id *Identity) Problems(now time.Time) []Problem {
	if id.source.Offline {
		return nil
	}
	problems := slices.Concat(id.errors(), id.primaryProblems())
	if id.leaf != nil && id.certErr == nil {
		problems = slices.Concat(problems, id.validity(now), id.usage(), id.strength(), id.completeness())
	}
	if id.keyMode.Perm()&0o004 != 0 {
		problems = append(problems, Problem{
			Severity: Warning, Attribute: id.keyAttribute(),
			Summary: fmt.Sprintf("every user of this machine may read the private key in %s", id.keyFile),
			Detail:  fmt.Sprintf("Its mode is %04o, want 0600. Kubernetes mounts are like that unless defaultMode is set.", id.keyMode.Perm()),
			Command: "chmod 0600 " + shellWord(id.keyFile),
		})
	}
	if id.plainKey && !id.source.Passphrase.IsZero() {
		problems = append(problems, Problem{
			Severity: Warning, Attribute: "passphrase",
			Summary: "there is a passphrase, and the private key in " + id.keyFile + " is not encrypted",
			Detail:  "The passphrase is not used: leave it out, or encrypt the key.",
		})
	}
	return append(problems, id.caProblems(now)...)
}

// errors returns what keeps the identity from being used.
func (id *Identity) errors() []Problem {
	var problems []Problem
	for _, err := range []error{id.certErr, id.caErr} {
		for _, cause := range causes(err) {
			p := Problem{Severity: Error, Summary: "certificate " + fmt.Sprintf("%q ", id.Name()) + cause.Error()}
			if file, ok := errors.AsType[*FileError](cause); ok {
				p.Attribute, p.Summary, p.Detail, p.Command = file.Attribute, file.Path+" "+file.Found, file.detail(), file.Command
			}
			problems = append(problems, p)
		}
	}
	return problems
}

// causes returns the errors that were joined to err.
func causes(err error) []error {
	switch joined := err.(type) { //nolint:errorlint // the outermost is the joined one
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		return joined.Unwrap()
	default:
		return []error{err}
	}
}

// detail says what was expected and what mends it.
func (e *FileError) detail() string {
	var sentences []string
	if e.Want != "" {
		sentences = append(sentences, "Want "+e.Want+".")
	}
	if e.Hint != "" {
		sentences = append(sentences, strings.ToUpper(e.Hint[:1])+e.Hint[1:]+".")
	}
	return strings.Join(sentences, " ")
}

func (id *Identity) primaryProblems() []Problem {
	if !id.Primary() || id.HasCertificate() {
		return nil
	}
	return []Problem{{
		Severity: Error, Attribute: "primary",
		Summary: fmt.Sprintf("certificate %q is primary and has no certificate", id.Name()),
		Detail:  "A block that only brings a ca cannot go along with a request. Want pem, or cert and key, or pkcs12.",
	}}
}

// validity returns what has expired or is not valid yet.
func (id *Identity) validity(now time.Time) []Problem {
	var problems []Problem
	for i, cert := range id.chain {
		which := "certificate"
		if i > 0 {
			which = "issuing certificate"
		}
		switch name := subject(cert); {
		case now.After(cert.NotAfter):
			problems = append(problems, Problem{
				Severity: Warning, Attribute: id.certAttribute(),
				Summary: fmt.Sprintf("%s %s has expired on %s", which, name, moment(cert.NotAfter)),
				Detail:  "It is tried all the same; servers will refuse it.",
			})
		case now.Before(cert.NotBefore):
			problems = append(problems, Problem{
				Severity: Warning, Attribute: id.certAttribute(),
				Summary: fmt.Sprintf("%s %s is not valid before %s", which, name, moment(cert.NotBefore)),
				Detail:  "It is tried all the same; servers will refuse it until then.",
			})
		}
	}
	return problems
}

// usage returns why the leaf is no client certificate (RFC 5280, section
// 4.2.1.12: without the extension it may be used for anything).
func (id *Identity) usage() []Problem {
	leaf := id.leaf
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 ||
		slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageClientAuth) || slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return nil
	}
	return []Problem{{
		Severity: Warning, Attribute: id.certAttribute(),
		Summary: fmt.Sprintf("certificate %s is no client certificate", subject(leaf)),
		Detail:  "Its extended key usage does not allow client authentication. It is tried all the same; most servers refuse it.",
	}}
}

// strength returns keys and signatures that servers refuse as too weak.
func (id *Identity) strength() []Problem {
	var problems []Problem
	warn := func(cert *x509.Certificate, format string, args ...any) {
		summary := fmt.Sprintf("certificate %s %s", subject(cert), fmt.Sprintf(format, args...))
		problems = append(problems, Problem{Severity: Warning, Attribute: id.certAttribute(), Summary: summary, Detail: "It is tried all the same; many servers refuse it."})
	}
	for _, cert := range id.chain {
		switch key := cert.PublicKey.(type) {
		case *rsa.PublicKey:
			if bits := key.N.BitLen(); bits < minRSA {
				warn(cert, "has an RSA key of %d bits, want at least %d", bits, minRSA)
			}
		case *ecdsa.PublicKey:
			if key.Curve == elliptic.P224() {
				warn(cert, "has a key on the curve P-224, want P-256, P-384 or P-521")
			}
		}
		if hash := weakHash(cert.SignatureAlgorithm); hash != "" && !isSelfIssued(cert) {
			warn(cert, "is signed with %s, want SHA-256 or better", hash)
		}
	}
	return problems
}

// weakHash returns the name of a broken hash function, or "".
func weakHash(algorithm x509.SignatureAlgorithm) string {
	switch algorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return "SHA-1"
	case x509.MD5WithRSA:
		return "MD5"
	case x509.MD2WithRSA:
		return "MD2"
	default:
		return ""
	}
}

// completeness returns gaps in the chain, as far as the files show them. A
// leaf alone may be complete: servers know their own authorities.
func (id *Identity) completeness() []Problem {
	last := id.chain[len(id.chain)-1]
	if isSelfIssued(last) {
		return id.unusedProblems("")
	}
	for i, cert := range id.CACerts() {
		if !isSelfIssued(cert) && isIssuer(cert, last) {
			return []Problem{{
				Command:  id.appending(i),
				Severity: Warning, Attribute: id.certAttribute(),
				Summary: fmt.Sprintf("the chain of certificate %s lacks its issuer %s", subject(id.leaf), issuer(last)),
				Detail:  "That intermediate certificate stands in ca, from which nothing is sent. Append it to the certificate's file.",
			}}
		}
	}
	return id.unusedProblems(fmt.Sprintf("The chain ends at %s, whose issuer %s is not in the file. ", subject(last), issuer(last)))
}

// appending returns the command that appends a certificate of the CA file to
// the chain, or "" where the chain is in a bundle.
func (id *Identity) appending(i int) string {
	file := id.source.Cert + id.source.PEM // one of them
	if file == "" {
		return ""
	}
	return fmt.Sprintf("{ echo; awk '/^-----BEGIN CERTIFICATE-----/ {n++} n == %d' %s; } >> %s", id.roots.places[i], shellWord(id.source.CA), shellWord(file))
}

// unusedProblems tells of certificates that are no part of the chain.
func (id *Identity) unusedProblems(gap string) []Problem {
	if len(id.unused) == 0 {
		return nil
	}
	names := make([]string, 0, len(id.unused))
	for _, cert := range id.unused {
		names = append(names, subject(cert))
	}
	return []Problem{{
		Severity: Warning, Attribute: id.certAttribute(),
		Summary: fmt.Sprintf("the chain of certificate %s does not lead to %s", subject(id.leaf), strings.Join(names, ", ")),
		Detail:  gap + "Certificates beside the chain are not sent.",
	}}
}

// caProblems returns what is wrong with the CA file.
func (id *Identity) caProblems(now time.Time) []Problem {
	var problems []Problem
	if id.source.ExcludeSystemRoots && !id.bringsCA() {
		problems = append(problems, Problem{
			Severity: Warning, Attribute: "ca",
			Summary: fmt.Sprintf("certificate %q has system_roots = false and no ca", id.Name()),
			Detail:  "Servers are verified by the system's roots. Want a ca that stands instead of them.",
		})
	}
	if id.roots == nil {
		return problems
	}
	if id.roots.hasKey {
		problems = append(problems, Problem{
			Severity: Warning, Attribute: "ca",
			Summary: id.source.CA + " holds a private key",
			Detail:  "Only the certificates of authorities belong there; their keys must be kept from every other machine.",
		})
	}
	return append(problems, expiredCA(id.roots.certs, now)...)
}

// expiredCA tells of the certificates of a CA file that are not valid, as one
// problem: bundles often hold some.
func expiredCA(certs []*x509.Certificate, now time.Time) []Problem {
	const most = 3
	var names []string
	for _, cert := range certs {
		if now.After(cert.NotAfter) || now.Before(cert.NotBefore) {
			names = append(names, fmt.Sprintf("%s (valid from %s to %s)", subject(cert), moment(cert.NotBefore), moment(cert.NotAfter)))
		}
	}
	if len(names) == 0 {
		return nil
	}
	summary := fmt.Sprintf("%d of %d authorities are not valid now: %s", len(names), len(certs), strings.Join(names[:min(len(names), most)], ", "))
	if len(names) > most {
		summary += " and others"
	}
	return []Problem{{Severity: Warning, Attribute: "ca", Summary: summary, Detail: "No server is verified by them."}}
}

// certAttribute returns the attribute that the certificate comes from.
func (id *Identity) certAttribute() string {
	switch {
	case id.source.PKCS12 != "":
		return "pkcs12"
	case id.source.PEM != "":
		return "pem"
	}
	return "cert"
}

// keyAttribute returns the attribute that the key comes from.
func (id *Identity) keyAttribute() string {
	switch {
	case id.source.PKCS12 != "":
		return "pkcs12"
	case id.source.PEM != "":
		return "pem"
	}
	return "key"
}

// moment formats the time from or to which a certificate is valid.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
