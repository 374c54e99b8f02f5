package certs

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// Source says where an identity comes from: one certificate block of the
// configuration. All paths are absolute.
type Source struct {
	Name               string   // the block's name; unique
	Hosts              []string // host names and patterns, as [ParseHost] takes them
	PEM                string   // file with the chain and the key; one of PEM, PKCS12, and Cert with Key
	Cert, Key          string   // files with the chain and with the key
	PKCS12             string   // file with the chain and the key in one bundle
	Passphrase         Passphrase
	CA                 string    // file with the authorities that servers are verified by
	ExcludeSystemRoots bool      // CA stands instead of the system's roots, not beside them
	Added              time.Time // zero if the block does not say
	Primary            bool      // goes along where a certificate is required and no host matches
	Offline            bool      // no file is read: the identity can be selected, and nothing more
}

// An Identity is a client certificate with its key, the roots that come with
// it, or both. It does not change after [Load] and is safe for concurrent use.
type Identity struct {
	source      Source
	leaf        *x509.Certificate
	chain       []*x509.Certificate // the leaf, then each the issuer of the one before
	unused      []*x509.Certificate // of the file, and no part of the chain
	tls         *tls.Certificate
	roots       *Roots
	fingerprint string
	certErr     error // why certificate and key cannot be used
	caErr       error // why the CA cannot be used
	keyFile     string
	keyMode     fs.FileMode
	plainKey    bool      // the key is not encrypted
	rotation    *Rotation // why what was read before of certificate and key goes on; nil: it does not
	caRotation  *Rotation // likewise of the CA
}

// Load reads the files of src. It never fails: what cannot be used is told by
// [Identity.Err], and in full by [Identity.Problems].
func Load(src Source) *Identity { return new(Loader).Load(src) }

// Load is the function [Load], with a memory shared with other identities.
func (l *Loader) Load(src Source) *Identity {
	src.Hosts = slices.Clone(src.Hosts)
	id := &Identity{source: src}
	if src.Offline {
		return id
	}
	switch {
	case src.PEM != "" && (src.Cert != "" || src.Key != ""):
		id.certErr = errors.New("has pem beside cert and key, want one or the other")
	case src.PKCS12 != "" && (src.PEM != "" || src.Cert != "" || src.Key != ""):
		id.certErr = errors.New("has pkcs12 beside pem, cert or key, want one or the other")
	case id.HasCertificate():
		id.certErr = l.pair(id)
	case src.CA == "":
		id.certErr = errors.New("has neither a certificate nor a ca, want pem, or cert and key, or pkcs12, or ca")
	}
	if src.CA != "" {
		id.roots, id.caErr = l.Roots(src.CA, !src.ExcludeSystemRoots)
		id.caRotation = l.RootsRotation(src.CA, !src.ExcludeSystemRoots)
	}
	return id
}

// load reads the certificate and its key.
func (id *Identity) load(l *Loader) error {
	certs, key, err := id.read(l)
	if err != nil {
		return err
	}
	id.plainKey = !key.encrypted
	leaf := leafFor(certs.certs, key.signer.Public())
	if leaf == nil {
		return id.mismatch(certs)
	}
	id.leaf = leaf
	id.chain, id.unused = sortChain(leaf, certs.certs)
	sum := sha256.Sum256(leaf.Raw)
	id.fingerprint = hex.EncodeToString(sum[:])
	id.tls = &tls.Certificate{PrivateKey: key.signer, Leaf: leaf}
	for _, cert := range id.chain {
		id.tls.Certificate = append(id.tls.Certificate, cert.Raw)
	}
	return nil
}

// read reads the file or the two files of certificate and key.
func (id *Identity) read(l *Loader) (certs *contents, key privateKey, err error) {
	src := id.source
	switch {
	case src.PKCS12 != "":
		f, err := readFile("pkcs12", src.PKCS12, wantPKCS12)
		if err != nil {
			return nil, key, err
		}
		id.keyFrom(f)
		return l.bundle(f, src.Passphrase)
	case src.PEM != "":
		f, err := readFile("pem", src.PEM, wantPEM)
		if err != nil {
			return nil, key, err
		}
		id.keyFrom(f)
		if certs, err = chainFile(f, l.parse); err != nil {
			return nil, key, err
		}
		key, err = l.key(certs, src.Passphrase)
		return certs, key, err
	}
	f, certErr := readFile("cert", src.Cert, wantCerts)
	if certErr == nil {
		certs, certErr = chainFile(f, l.parse)
	}
	f, keyErr := readFile("key", src.Key, wantKey)
	if keyErr == nil {
		id.keyFrom(f)
		var keys *contents
		if keys, keyErr = parsePEM(f, l.parse); keyErr == nil {
			key, keyErr = l.key(keys, src.Passphrase)
		}
	}
	return certs, key, errors.Join(certErr, keyErr)
}

// keyFrom notes which file holds the key.
func (id *Identity) keyFrom(f *file) { id.keyFile, id.keyMode = f.path, f.mode }

// leafFor returns the first certificate of the public key.
func leafFor(certs []*x509.Certificate, public crypto.PublicKey) *x509.Certificate {
	key, ok := public.(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil
	}
	for _, cert := range certs {
		if key.Equal(cert.PublicKey) {
			return cert
		}
	}
	return nil
}

// mismatch tells of a key that belongs to none of the certificates.
func (id *Identity) mismatch(certs *contents) error {
	e := &FileError{
		Attribute: id.keyAttribute(), Path: id.keyFile,
		Found: "holds the private key of another certificate", Want: "the key of " + subject(certs.certs[0]),
		Hint: "certificate and key are made as a pair; a new certificate often has a new key",
	}
	if certs.file.path != id.keyFile {
		e.Want += " in " + certs.file.path
	}
	return e
}

// Name returns the name of the block.
func (id *Identity) Name() string { return id.source.Name }

// Hosts returns the host names and patterns as they were declared.
func (id *Identity) Hosts() []string { return slices.Clone(id.source.Hosts) }

// Primary reports whether the identity goes along where a certificate is
// required and no host matches.
func (id *Identity) Primary() bool { return id.source.Primary }

// Added returns the moment from which on the certificate counts as declared,
// or the zero time if the block does not say.
func (id *Identity) Added() time.Time { return id.source.Added }

// Source returns what the identity was loaded from.
func (id *Identity) Source() Source { return id.source }

// HasCertificate reports whether the block names a certificate, usable or not.
// One that does not only brings a CA, and is no candidate for a request.
func (id *Identity) HasCertificate() bool {
	return id.source.PEM != "" || id.source.Cert != "" || id.source.Key != "" || id.source.PKCS12 != ""
}

// Err returns why the certificate, its key or the CA cannot be used, or nil.
// The message names each file, what it is and what was expected; the causes
// are of type [*FileError] where a file is to blame.
func (id *Identity) Err() error {
	if err := errors.Join(id.certErr, id.caErr); err != nil {
		return fmt.Errorf("loading certificate %q: %w", id.Name(), err)
	}
	return nil
}

// TLS returns the certificate, its chain and its key as crypto/tls wants them.
// It is nil for an identity without a certificate, with an [Identity.Err], or
// loaded offline.
// It must not be modified.
func (id *Identity) TLS() *tls.Certificate {
	if id.caErr != nil {
		return nil
	}
	return id.tls
}

// Roots returns the roots that the block brings. It is nil if it brings none or
// they cannot be loaded.
func (id *Identity) Roots() *Roots { return id.roots }

// Leaf returns the client certificate itself, or nil where it could not be
// loaded.
func (id *Identity) Leaf() *x509.Certificate { return id.leaf }

// Chain returns the certificates that are sent: the leaf, then each the issuer
// of the one before. It is empty where they could not be loaded.
func (id *Identity) Chain() []*x509.Certificate { return slices.Clone(id.chain) }

// CACerts returns the certificates of the block's CA file.
func (id *Identity) CACerts() []*x509.Certificate {
	if id.roots == nil {
		return nil
	}
	return id.roots.Certificates()
}

// Fingerprint returns the SHA-256 of the leaf in lower-case hex, or "".
func (id *Identity) Fingerprint() string { return id.fingerprint }

// bringsCA reports whether the block names a CA, usable or not.
func (id *Identity) bringsCA() bool { return id.source.CA != "" }

// rootsOrError returns the roots that the block brings, or why it cannot.
func (id *Identity) rootsOrError() (*Roots, error) {
	if id.caErr != nil {
		return nil, fmt.Errorf("loading the ca of certificate %q: %w", id.Name(), id.caErr)
	}
	if id.source.Offline {
		return SystemRoots(), nil
	}
	return id.roots, nil
}
