package certs

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A privateKey is the key of a file.
type privateKey struct {
	signer    crypto.Signer
	encrypted bool // in its file
}

// isEncrypted reports whether a key is protected by a passphrase, in the form
// of PKCS#8 or in the older one of RFC 1421.
func isEncrypted(block *pem.Block) bool {
	return block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED")
}

// decryptKey decrypts the private key of a PEM block.
func (f *file) decryptKey(block *pem.Block, p Passphrase) (crypto.Signer, error) {
	decrypt, err := decrypter(block)
	if err != nil {
		return nil, f.undecryptable(err)
	}
	passphrase, err := f.passphrase(foundSealedKey, p)
	if err != nil {
		return nil, err
	}
	plain, err := decrypt(passphrase)
	if err != nil {
		return nil, f.undecryptable(err)
	}
	opened := &pem.Block{Type: block.Type, Bytes: plain}
	key, err := parseKey(opened)
	if err != nil {
		return nil, f.unusableKey(opened, err)
	}
	return key, nil
}

// passphrase returns the passphrase for what the file is.
func (f *file) passphrase(found string, p Passphrase) (string, error) {
	if p.IsZero() {
		return "", f.fail(found+", and there is no passphrase", "add passphrase = secret.NAME to the block, and a secret block of that name")
	}
	text, err := p.read()
	if err != nil {
		e := f.fail(found+", and its passphrase cannot be read: "+err.Error(), "")
		e.Attribute, e.Want, e.Err = "passphrase", "", &PassphraseError{err}
		return "", e
	}
	return text, nil
}

// A PassphraseError says that the secret with a passphrase cannot be read.
type PassphraseError struct{ Err error }

func (e *PassphraseError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PassphraseError) Unwrap() error { return e.Err }

// undecryptable tells of a private key that cannot be decrypted.
func (f *file) undecryptable(err error) error {
	if errors.Is(err, errWrongPassphrase) {
		return f.wrongPassphrase(foundSealedKey, "pkey -noout")
	}
	e := f.fail("holds an encrypted private key that is damaged: "+err.Error(), "")
	if cipher, ok := errors.AsType[unsupportedError](err); ok {
		e = f.fail("holds a private key "+cipher.Error()+", which cannot be read", "")
		e.Hint, e.Command = f.reencryption()
	}
	e.Err = err
	return e
}

// wrongPassphrase tells of a passphrase that is not the one of what the file
// is. That subcommand of openssl asks for it.
func (f *file) wrongPassphrase(found, subcommand string) error {
	e := f.fail(found+" that this passphrase does not open", "try it with openssl "+subcommand+" -in "+shellWord(f.path))
	e.Attribute, e.Want, e.Err = "passphrase", "", errWrongPassphrase
	return e
}

// decrypter returns what decrypts the private key of a PEM block.
func decrypter(block *pem.Block) (func(passphrase string) ([]byte, error), error) {
	if block.Headers["Proc-Type"] != "" {
		return legacyDecrypter(block)
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if err := unmarshal(block.Bytes, &info); err != nil {
		return nil, err
	}
	s, err := parseScheme(info.Algorithm)
	if err != nil {
		return nil, err
	}
	if s.prf == "" {
		return nil, unsupportedError("a cipher of PKCS#12 (" + info.Algorithm.Algorithm.String() + ")")
	}
	return func(passphrase string) ([]byte, error) { return s.decrypt(info.Data, passphrase) }, nil
}

// legacyDecrypter is for keys in the form of RFC 1421, which openssl wrote
// before its version 1.0.
func legacyDecrypter(block *pem.Block) (func(passphrase string) ([]byte, error), error) {
	name, _, _ := strings.Cut(block.Headers["DEK-Info"], ",")
	if !slices.Contains([]string{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC", "DES-CBC", "DES-EDE3-CBC"}, name) {
		return nil, unsupportedError(fmt.Sprintf("the cipher %.40q", name))
	}
	return func(passphrase string) ([]byte, error) {
		plain, err := x509.DecryptPEMBlock(block, []byte(passphrase)) //nolint:staticcheck // keys of this form are in use
		if errors.Is(err, x509.IncorrectPasswordError) || err == nil && !isSequence(plain) {
			return nil, errWrongPassphrase
		}
		return plain, err
	}, nil
}

// unusableKey tells of a private key that was read and is of no use.
func (f *file) unusableKey(block *pem.Block, cause error) error {
	e := f.fail("holds a private key that cannot be used: "+strings.TrimPrefix(cause.Error(), "x509: "), "")
	if kind := uselessKind(block); kind != "" {
		e = f.fail("holds a private key for "+kind+", which TLS does not use", "ask for a new certificate, for a key of RSA, ECDSA or Ed25519")
		word := shellWord(f.path + ".new")
		e.Command = "openssl req -new -newkey rsa:3072 -keyout " + word + " -out " + shellWord(f.path+".csr")
	}
	e.Err = cause
	return e
}

// uselessKind names the algorithm of a private key that no client certificate
// can have, or "".
func uselessKind(block *pem.Block) string {
	if block.Type == "DSA PRIVATE KEY" {
		return "DSA"
	}
	var info struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if err := unmarshal(block.Bytes, &info); err != nil {
		return ""
	}
	switch info.Algorithm.Algorithm.String() {
	case "1.2.840.10040.4.1":
		return "DSA"
	case "1.3.101.113":
		return "Ed448"
	case "1.3.101.110", "1.3.101.111":
		return "key agreement"
	}
	return ""
}
