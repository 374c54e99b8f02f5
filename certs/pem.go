package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Bounds on what a file may hold: more is a mistake, and costs time that
// grows with the number or the size of the keys.
const (
	maxChain    = 64       // certificates in a file with a client certificate
	maxCertSize = 64 << 10 // bytes of one certificate
	maxKeySize  = 16 << 10 // bytes of one private key; RSA of 16,384 bits takes 9 KiB
)

// Contents are the certificates and keys of a PEM file, in the file's order.
type contents struct {
	file  *file
	certs []*x509.Certificate
	keys  []*pem.Block
}

// certificateParser parses one certificate; [Loader] shares equal ones.
type certificateParser func(der []byte) (*x509.Certificate, error)

// parsePEM reads the certificates and the private keys of a file. Anything
// else in it is passed over, unless there is nothing but that. Keys are
// not parsed.
func parsePEM(f *file, parse certificateParser) (*contents, error) {
	c := &contents{file: f}
	data := bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf"))
	begun, read := countBegins(data), 0
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		read++
		switch {
		case block.Type == "CERTIFICATE":
			cert, err := f.certificate(block.Bytes, parse)
			if err != nil {
				return nil, err
			}
			c.certs = append(c.certs, cert)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			c.keys = append(c.keys, block)
		}
	}
	if read < begun {
		return nil, f.fail(fmt.Sprintf("is truncated or damaged: %d of its %d PEM blocks can be read", read, begun), "copy it again from where it comes from")
	}
	return c, nil
}

// certificate parses a certificate of the file.
func (f *file) certificate(der []byte, parse certificateParser) (*x509.Certificate, error) {
	if len(der) > maxCertSize {
		return nil, f.fail(fmt.Sprintf("holds a certificate of more than %d KiB", maxCertSize>>10), "")
	}
	cert, err := parse(der)
	if err != nil {
		e := f.fail("holds a damaged certificate: "+strings.TrimPrefix(err.Error(), "x509: "), "")
		e.Err = err
		return nil, e
	}
	return cert, nil
}

// countBegins counts the lines that begin a PEM block.
func countBegins(data []byte) int {
	n := bytes.Count(data, []byte("\n-----BEGIN "))
	if bytes.HasPrefix(data, []byte("-----BEGIN ")) {
		n++
	}
	return n
}

// chainFile parses a file that brings a client certificate.
func chainFile(f *file, parse certificateParser) (*contents, error) {
	c, err := parsePEM(f, parse)
	switch {
	case err != nil:
		return nil, err
	case len(c.certs) == 0:
		return nil, f.instead(describe(f.data))
	}
	return c, c.check()
}

// check refuses more certificates than a chain can have.
func (c *contents) check() error {
	if len(c.certs) > maxChain {
		return c.file.fail(fmt.Sprintf("holds %d certificates", len(c.certs)), "it looks like a bundle of authorities, which belongs in ca")
	}
	return nil
}

// privateKey returns the one private key of the file.
func (c *contents) privateKey(p Passphrase) (privateKey, error) {
	switch {
	case len(c.keys) == 0:
		found := describe(c.file.data)
		if len(c.certs) > 0 && c.file.attribute == "pem" {
			return privateKey{}, c.file.fail("has no private key in it", "if the key is in a file of its own, write cert and key")
		}
		return privateKey{}, c.file.instead(found)
	case len(c.keys) > 1:
		return privateKey{}, c.file.fail(fmt.Sprintf("holds %d private keys", len(c.keys)), "leave only the one of the client certificate in it")
	case c.keys[0].Type == "OPENSSH PRIVATE KEY":
		return privateKey{}, c.file.instead(describeBlock(c.keys[0]))
	case len(c.keys[0].Bytes) > maxKeySize:
		return privateKey{}, c.file.fail(fmt.Sprintf("holds a private key of more than %d KiB", maxKeySize>>10), "")
	}
	if isEncrypted(c.keys[0]) {
		key, err := c.file.decryptKey(c.keys[0], p)
		return privateKey{key, true}, err
	}
	key, err := parseKey(c.keys[0])
	if err != nil {
		return privateKey{}, c.file.unusableKey(c.keys[0], err)
	}
	return privateKey{key, false}, nil
}

// parseKey parses an unencrypted private key, by its contents if the label
// lies, as crypto/tls does.
func parseKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		if other, e := x509.ParsePKCS8PrivateKey(block.Bytes); e == nil {
			key, err = other, nil
		} else if other, e := x509.ParsePKCS1PrivateKey(block.Bytes); e == nil {
			key, err = other, nil
		} else if other, e := x509.ParseECPrivateKey(block.Bytes); e == nil {
			key, err = other, nil
		}
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("it is for key agreement, not for signatures")
	}
	return signer, nil
}
