package certs

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // of keys that are as they are
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// maxIterations bounds the rounds by which the keys of one file are derived
// from its passphrase: that many take some seconds, and openssl takes 2,048.
const maxIterations = 4_000_000

// The object identifiers of encryption with a passphrase (RFC 8018, appendix
// A; RFC 7292, appendix C; RFC 7914).
const (
	oidPBES2     = "1.2.840.113549.1.5.13"
	oidPBKDF2    = "1.2.840.113549.1.5.12"
	oidPBMAC1    = "1.2.840.113549.1.5.14"
	oidScrypt    = "1.3.6.1.4.1.11591.4.11"
	arcPBES1     = "1.2.840.113549.1.5."
	arcPKCS12    = "1.2.840.113549.1.12.1."
	oidSHA1PRF   = "1.2.840.113549.2.7"
	oidSHA256PRF = "1.2.840.113549.2.9"
	oidSHA512PRF = "1.2.840.113549.2.11"
	oid3DESCBC   = "1.2.840.113549.3.7"
	arcAESModes  = "2.16.840.1.101.3.4.1."
)

// errWrongPassphrase says that something cannot be decrypted.
var errWrongPassphrase = errors.New("the passphrase is wrong")

// An unsupportedError names a way of encryption that cannot be read.
type unsupportedError string

func (e unsupportedError) Error() string { return "encrypted with " + string(e) }

// A scheme is a way to encrypt something under a passphrase, with its
// parameters: PBES2 (RFC 8018, section 6.2), or one that only PKCS#12 has.
type scheme struct {
	iterations int
	keyLength  int // as written; 0: not written
	salt, iv   []byte
	prf, block string // object identifiers; empty for the schemes of PKCS#12
}

// parseScheme reads an algorithm. An error is an [unsupportedError] where it
// cannot be read though it may be sound.
func parseScheme(algorithm pkix.AlgorithmIdentifier) (*scheme, error) {
	params := algorithm.Parameters.FullBytes
	switch id := algorithm.Algorithm.String(); {
	case id == oidPBES2:
		return parsePBES2(params)
	case id == arcPKCS12+"3", id == arcPKCS12+"5", id == arcPKCS12+"6":
		var p struct {
			Salt       []byte
			Iterations int
		}
		if err := unmarshal(params, &p); err != nil {
			return nil, err
		}
		return (&scheme{iterations: p.Iterations}).bounded()
	case strings.HasPrefix(id, arcPKCS12):
		return nil, unsupportedError("an old cipher of PKCS#12 (" + id + ")")
	case strings.HasPrefix(id, arcPBES1):
		return nil, unsupportedError("PBES1 (" + id + ")")
	default:
		return nil, unsupportedError("an unknown cipher (" + id + ")")
	}
}

// parsePBES2 reads the parameters of PBES2.
func parsePBES2(params []byte) (*scheme, error) {
	var p struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	if err := unmarshal(params, &p); err != nil {
		return nil, err
	}
	s, err := parsePBKDF2(p.KDF)
	if err != nil {
		return nil, err
	}
	s.block = p.Cipher.Algorithm.String()
	if s.newBlock() == nil {
		return nil, unsupportedError("an uncommon cipher (" + s.block + ")")
	}
	return s, unmarshal(p.Cipher.Parameters.FullBytes, &s.iv)
}

// parsePBKDF2 reads how a key is derived.
func parsePBKDF2(kdf pkix.AlgorithmIdentifier) (*scheme, error) {
	switch id := kdf.Algorithm.String(); id {
	case oidPBKDF2:
	case oidScrypt:
		return nil, unsupportedError("scrypt")
	default:
		return nil, unsupportedError("an uncommon way to derive its key (" + id + ")")
	}
	var p struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	if err := unmarshal(kdf.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	s := &scheme{iterations: p.Iterations, keyLength: p.KeyLength, salt: p.Salt, prf: oidSHA1PRF}
	if len(p.PRF.Algorithm) > 0 {
		s.prf = p.PRF.Algorithm.String()
	}
	if s.hash() == nil {
		return nil, unsupportedError("an uncommon hash (" + s.prf + ")")
	}
	return s.bounded()
}

// bounded refuses a number of iterations that makes no sense.
func (s *scheme) bounded() (*scheme, error) {
	if s.iterations < 1 || s.iterations > maxIterations {
		return nil, iterationsError(s.iterations)
	}
	return s, nil
}

func iterationsError(n int) error {
	return fmt.Errorf("its key is derived in %d rounds, want 1 to %d", n, maxIterations)
}

// common reports whether the hash is one that the library for PKCS#12 has.
func (s *scheme) common() bool {
	return s.prf == oidSHA1PRF || s.prf == oidSHA256PRF || s.prf == oidSHA512PRF
}

// hash returns the hash function of PBKDF2, or nil (RFC 8018, appendix B.1).
func (s *scheme) hash() func() hash.Hash {
	switch s.prf {
	case oidSHA1PRF:
		return sha1.New
	case "1.2.840.113549.2.8":
		return sha256.New224
	case oidSHA256PRF:
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case oidSHA512PRF:
		return sha512.New
	}
	return nil
}

// newBlock returns the cipher, which works in CBC mode and whose keys have as
// many bytes as keySize says, or nil.
func (s *scheme) newBlock() func(key []byte) (cipher.Block, error) {
	switch s.block {
	case arcAESModes + "2", arcAESModes + "22", arcAESModes + "42":
		return aes.NewCipher
	case oid3DESCBC:
		return des.NewTripleDESCipher
	}
	return nil
}

func (s *scheme) keySize() int {
	switch s.block {
	case arcAESModes + "2":
		return 16
	case arcAESModes + "22", oid3DESCBC:
		return 24
	}
	return 32
}

// decrypt decrypts data, which begins a DER sequence. The error is
// errWrongPassphrase where it does not.
func (s *scheme) decrypt(data []byte, passphrase string) ([]byte, error) {
	key, err := pbkdf2.Key(s.hash(), passphrase, s.salt, s.iterations, s.keySize())
	if err != nil {
		return nil, err
	}
	block, err := s.newBlock()(key)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(s.iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, errors.New("what is encrypted is damaged")
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, s.iv).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size {
		return nil, errWrongPassphrase
	}
	if plain = plain[:len(plain)-padding]; !isSequence(plain) {
		return nil, errWrongPassphrase
	}
	return plain, nil
}

// isSequence reports whether data is one DER sequence.
func isSequence(data []byte) bool {
	var v asn1.RawValue
	return unmarshal(data, &v) == nil && v.Tag == asn1.TagSequence && v.IsCompound
}

// unmarshal reads one value of DER and refuses anything behind it.
func unmarshal(data []byte, to any) error {
	rest, err := asn1.Unmarshal(data, to)
	switch {
	case err != nil:
		return errors.New("it is no valid DER") // asn1's own words show structures of Go
	case len(rest) > 0:
		return errors.New("there is data behind its end")
	}
	return nil
}
