package certs

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"unicode/utf16"

	"software.sslmate.com/src/go-pkcs12"
)

// unlock decrypts the bundle, with the passphrase if it has one.
func (b *bundle) unlock(p Passphrase, parse certificateParser) (*contents, privateKey, error) {
	certs, key, err := b.decode("")
	encrypted := errors.Is(err, errWrongPassphrase)
	if encrypted {
		passphrase, missing := b.file.passphrase(foundPKCS12+" with a passphrase", p)
		if missing != nil {
			return nil, privateKey{}, missing
		}
		certs, key, err = b.decode(passphrase)
	}
	if err != nil {
		if errors.Is(err, errWrongPassphrase) {
			err = b.file.wrongPassphrase(foundPKCS12, "pkcs12 -info -noout")
		}
		return nil, privateKey{}, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, privateKey{}, b.file.fail(foundPKCS12+" with a private key for key agreement, which TLS does not use", "")
	}
	c := &contents{file: b.file}
	for _, cert := range certs {
		if cert, err = b.file.certificate(cert.Raw, parse); err != nil {
			return nil, privateKey{}, err
		}
		c.certs = append(c.certs, cert)
	}
	return c, privateKey{signer, encrypted}, nil
}

// decode decrypts the bundle with a passphrase. The error is
// errWrongPassphrase where it does not open it.
//
// The library decodes what [bundle.repack] made of the file: the private key
// stands first then, and a second one, whose iterations cannot be seen in
// advance, is refused instead of decrypted.
func (b *bundle) decode(passphrase string) ([]*x509.Certificate, any, error) {
	encoded, ok := encodePassphrase(passphrase)
	if !ok {
		return nil, nil, b.file.unreadableBundle(unsupportedError("a passphrase with characters beyond U+FFFF"))
	}
	if len(b.sealed) > 1 {
		return nil, nil, b.file.unreadableBundle(unsupportedError("several encrypted parts"))
	}
	if b.mac {
		// It decrypts no private key; what it says beyond the passphrase is of no interest.
		if _, err := pkcs12.DecodeTrustStore(b.file.data, passphrase); errors.Is(err, pkcs12.ErrIncorrectPassword) {
			return nil, nil, errWrongPassphrase
		}
	}
	variants := [][]byte{encoded}
	if passphrase == "" { // some programs take nothing at all for it, others its end
		variants = append(variants, nil)
	}
	var err error
	for _, variant := range variants {
		var key any
		var leaf *x509.Certificate
		var others []*x509.Certificate
		key, leaf, others, err = pkcs12.DecodeChain(b.repack(variant), passphrase)
		switch {
		case err == nil && b.keys == 0:
			return nil, nil, b.file.fail(foundPKCS12+" without a private key", "export the certificate again, together with its key")
		case err == nil:
			return append([]*x509.Certificate{leaf}, others...), key, nil
		case strings.Contains(err.Error(), "exactly one key bag"):
			if b.keys == 0 {
				return nil, nil, b.file.unreadableBundle(unsupportedError("a private key among the encrypted certificates"))
			}
			return nil, nil, b.file.manyKeys("holds several private keys")
		case strings.Contains(err.Error(), "certificate missing"):
			return nil, nil, b.file.fail(foundPKCS12+" without a certificate", "export the key again, together with its certificate")
		}
	}
	return nil, nil, b.undecodable(err)
}

// undecodable tells why the library could not decode a bundle whose passphrase
// has been verified, if it can be.
func (b *bundle) undecodable(err error) error {
	text := strings.TrimPrefix(err.Error(), "pkcs12: ")
	_, cause, unusable := strings.Cut(text, "error parsing PKCS#8 private key: ")
	switch {
	case !b.mac && !unusable:
		return errWrongPassphrase
	case unusable:
		e := b.file.fail(foundPKCS12+" with a private key that cannot be used: "+strings.TrimPrefix(cause, "x509: "), "")
		e.Err = err
		return e
	default:
		return b.file.unreadableBundle(err)
	}
}

// encodePassphrase returns a passphrase as PKCS#12 has it, and false for one
// that cannot be written so.
func encodePassphrase(passphrase string) ([]byte, bool) {
	var encoded []byte
	for _, r := range passphrase {
		if utf16.RuneLen(r) != 1 {
			return nil, false
		}
		encoded = binary.BigEndian.AppendUint16(encoded, uint16(r)) //nolint:gosec // it has one unit
	}
	return append(encoded, 0, 0), true
}

// repack returns a bundle with the same contents, in which all that is not
// encrypted comes first and the private key before everything else. Without
// one, a private key that is of no use stands in its place. Its checksum is
// made with an encoded passphrase.
func (b *bundle) repack(passphrase []byte) []byte {
	var keys, others [][]byte
	for _, bag := range b.bags {
		var is safeBag
		_ = unmarshal(bag.FullBytes, &is) // it has been read
		if id := is.ID.String(); id == oidKeyBag || id == oidShroudedBag {
			keys = append(keys, bag.FullBytes)
		} else {
			others = append(others, bag.FullBytes)
		}
	}
	if len(keys) == 0 {
		keys = append(keys, placeholder())
	}
	data := sequence(identifier(1, 2, 840, 113549, 1, 7, 1), explicit(octets(sequence(slices.Concat(keys, others)...))))
	parts := [][]byte{data}
	for _, part := range b.sealed {
		parts = append(parts, part.FullBytes)
	}
	return verified(passphrase, parts...)
}

// verified returns a bundle with a checksum that an encoded passphrase makes.
func verified(passphrase []byte, parts ...[]byte) []byte {
	safe, salt := sequence(parts...), make([]byte, sha256.BlockSize)
	mac := hmac.New(sha256.New, macKey(salt, passphrase))
	mac.Write(safe)
	return sequence(
		integer(3),
		sequence(identifier(1, 2, 840, 113549, 1, 7, 1), explicit(octets(safe))),
		sequence(
			sequence(sequence(identifier(2, 16, 840, 1, 101, 3, 4, 2, 1)), octets(mac.Sum(nil))),
			octets(salt), integer(1),
		),
	)
}

// placeholder returns a bag with some private key.
func placeholder() []byte {
	key, _ := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))) // never fails
	return sequence(identifier(1, 2, 840, 113549, 1, 12, 10, 1, 1), explicit(key))
}

// macKey derives the key of a checksum with SHA-256 in one iteration (RFC 7292,
// appendix B.2). The salt fills a block.
func macKey(salt, passphrase []byte) []byte {
	const forChecksums = 3
	input := slices.Repeat([]byte{forChecksums}, sha256.BlockSize)
	input = append(input, salt...)
	for i := 0; len(passphrase) > 0 && (i < len(passphrase) || len(input)%sha256.BlockSize > 0); i++ {
		input = append(input, passphrase[i%len(passphrase)])
	}
	sum := sha256.Sum256(input)
	return sum[:]
}

func sequence(elements ...[]byte) []byte {
	return encode(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: slices.Concat(elements...)})
}

func explicit(element []byte) []byte {
	return encode(asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: element})
}

func octets(b []byte) []byte { return encode(b) }

func integer(n int) []byte { return encode(n) }

func identifier(arcs ...int) []byte { return encode(asn1.ObjectIdentifier(arcs)) }

// encode returns v in DER. The kinds of values above never fail.
func encode(v any) []byte {
	der, _ := asn1.Marshal(v)
	return der
}
