package certs

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// maxVerifyBits is the largest RSA key by which a signature is verified while
// a chain is sorted: crypto/tls takes no larger ones either.
const maxVerifyBits = 8192

// sortChain returns the leaf followed by its issuers among certs, each the
// issuer of the one before, and the certificates that are no part of it.
func sortChain(leaf *x509.Certificate, certs []*x509.Certificate) (chain, unused []*x509.Certificate) {
	chain = []*x509.Certificate{leaf}
	for _, cert := range certs {
		if !cert.Equal(leaf) && !slices.ContainsFunc(unused, cert.Equal) {
			unused = append(unused, cert)
		}
	}
	for last := leaf; !isSelfIssued(last); last = chain[len(chain)-1] {
		i := slices.IndexFunc(unused, func(cert *x509.Certificate) bool { return isIssuer(cert, last) })
		if i < 0 {
			break
		}
		chain = append(chain, unused[i])
		unused = slices.Delete(unused, i, i+1)
	}
	return chain, unused
}

// isIssuer reports whether parent issued child, by name, key identifiers and
// signature. A signature of a kind that is not verified any more, such as
// SHA-1, counts as good: the server decides.
func isIssuer(parent, child *x509.Certificate) bool {
	if !bytes.Equal(parent.RawSubject, child.RawIssuer) {
		return false
	}
	if len(parent.SubjectKeyId) > 0 && len(child.AuthorityKeyId) > 0 && !bytes.Equal(parent.SubjectKeyId, child.AuthorityKeyId) {
		return false
	}
	if key, ok := parent.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxVerifyBits {
		return true
	}
	err := parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
	_, insecure := errors.AsType[x509.InsecureAlgorithmError](err)
	return err == nil || insecure || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

// isSelfIssued reports whether a certificate ends a chain.
func isSelfIssued(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawSubject, cert.RawIssuer)
}

// subject names a certificate in a message.
func subject(cert *x509.Certificate) string {
	switch {
	case cert.Subject.CommonName != "":
		return fmt.Sprintf("CN=%.100q", cert.Subject.CommonName)
	case len(cert.DNSNames) > 0:
		return fmt.Sprintf("%.100q", cert.DNSNames[0])
	case len(cert.URIs) > 0:
		return fmt.Sprintf("%.100q", cert.URIs[0])
	}
	return "serial number " + cert.SerialNumber.String()
}

// issuer names the issuer of a certificate in a message.
func issuer(cert *x509.Certificate) string {
	if cn := cert.Issuer.CommonName; cn != "" {
		return fmt.Sprintf("CN=%.100q", cn)
	}
	return fmt.Sprintf("%.100q", cert.Issuer.String())
}
