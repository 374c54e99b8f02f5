package certstest

import (
	"encoding/asn1"
	"fmt"
	"slices"

	"software.sslmate.com/src/go-pkcs12"
)

// PKCS12 returns the certificate, its chain and the key as a PKCS#12 bundle
// with ciphers of today.
func (p *Pair) PKCS12(passphrase string) ([]byte, error) {
	der, err := pkcs12.Modern.Encode(p.Key, p.Leaf, p.Chain[1:], passphrase)
	if err != nil {
		return nil, fmt.Errorf("bundling the certificate of %q: %w", p.Leaf.Subject.CommonName, err)
	}
	return der, nil
}

// Bundle returns one PKCS#12 bundle with all pairs, which is neither encrypted
// nor has a checksum. Most programs expect one pair in it.
func Bundle(pairs ...*Pair) ([]byte, error) {
	type content struct {
		Type asn1.ObjectIdentifier
		Data []byte `asn1:"tag:0,explicit"`
	}
	type bundle struct {
		Version int
		Safe    content
	}
	data := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	var parts []asn1.RawValue
	for _, p := range pairs {
		der, err := pkcs12.Passwordless.Encode(p.Key, p.Leaf, p.Chain[1:], "")
		if err != nil {
			return nil, fmt.Errorf("bundling the certificate of %q: %w", p.Leaf.Subject.CommonName, err)
		}
		var b bundle
		var its []asn1.RawValue
		if _, err := asn1.Unmarshal(der, &b); err != nil {
			return nil, fmt.Errorf("bundling certificates: %w", err)
		}
		if _, err := asn1.Unmarshal(b.Safe.Data, &its); err != nil {
			return nil, fmt.Errorf("bundling certificates: %w", err)
		}
		parts = slices.Concat(parts, its)
	}
	safe, err := asn1.Marshal(parts)
	if err != nil {
		return nil, fmt.Errorf("bundling certificates: %w", err)
	}
	return asn1.Marshal(bundle{3, content{data, safe}})
}
