package certstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// KeyType is a kind of key.
type KeyType string

// The kinds of keys. The empty one is ECDSA on P-256.
const (
	P256    KeyType = "ECDSA P-256"
	P384    KeyType = "ECDSA P-384"
	P224    KeyType = "ECDSA P-224" // TLS 1.3 has no signatures for it
	Ed25519 KeyType = "Ed25519"
	RSA2048 KeyType = "RSA 2048"
	RSA1024 KeyType = "RSA 1024" // too weak
)

// generate makes a key.
func (k KeyType) generate() (crypto.Signer, error) {
	switch k {
	case P256, "":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case P224:
		return ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA1024:
		return rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // weak on purpose
	default:
		return nil, fmt.Errorf("no such kind of key: %q", string(k))
	}
}

// KeyFormat is a way to write an unencrypted private key.
type KeyFormat string

// The formats of private keys. The empty one is PKCS#8.
const (
	PKCS8 KeyFormat = "PKCS#8"
	PKCS1 KeyFormat = "PKCS#1" // RSA alone
	SEC1  KeyFormat = "SEC1"   // ECDSA alone
)

// encode returns key in PEM.
func (f KeyFormat) encode(key crypto.Signer) ([]byte, error) {
	var label string
	var der []byte
	var err error
	switch f {
	case PKCS8, "":
		label = "PRIVATE KEY"
		der, err = x509.MarshalPKCS8PrivateKey(key)
	case PKCS1:
		rsaKey, ok := key.(*rsa.PrivateKey)
		if !ok {
			return nil, errors.New("encoding a key in PKCS#1: it is not an RSA key")
		}
		label, der = "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)
	case SEC1:
		ecKey, ok := key.(*ecdsa.PrivateKey)
		if !ok {
			return nil, errors.New("encoding a key in SEC1: it is not an ECDSA key")
		}
		label = "EC PRIVATE KEY"
		der, err = x509.MarshalECPrivateKey(ecKey)
	default:
		return nil, fmt.Errorf("encoding a key: no such format: %q", string(f))
	}
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}), nil
}
