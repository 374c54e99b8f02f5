package certs

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// maxBundle bounds a PKCS#12 file, in bytes.
const maxBundle = 1 << 20

// The object identifiers of PKCS#12 (RFC 7292) and of the contents that it
// takes from PKCS#7.
const (
	oidSHA1          = "1.3.14.3.2.26"
	oidSHA256        = "2.16.840.1.101.3.4.2.1"
	oidSHA512        = "2.16.840.1.101.3.4.2.3"
	oidData          = "1.2.840.113549.1.7.1"
	oidEncryptedData = "1.2.840.113549.1.7.6"
	oidKeyBag        = "1.2.840.113549.1.12.10.1.1"
	oidShroudedBag   = "1.2.840.113549.1.12.10.1.2"
	oidNestedBag     = "1.2.840.113549.1.12.10.1.6"
)

// derSequence begins each DER sequence.
const derSequence = 0x30

// A bundle is a PKCS#12 file, taken apart as far as that needs no passphrase.
type bundle struct {
	file       *file
	mac        bool
	bags       []asn1.RawValue // of the parts that are not encrypted as a whole
	sealed     []asn1.RawValue // the parts that are
	keys       int             // private keys in bags, each encrypted or not
	iterations int             // of all that is derived from the passphrase
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

type safeBag struct {
	ID    asn1.ObjectIdentifier
	Value asn1.RawValue `asn1:"tag:0,explicit"`
}

// readBundle takes a PKCS#12 file apart. Nothing is decrypted.
func readBundle(f *file) (*bundle, error) {
	switch found := describe(f.data); {
	case found != foundPKCS12:
		return nil, f.instead(found)
	case len(f.data) > maxBundle:
		return nil, f.fail(fmt.Sprintf("is a PKCS#12 bundle of more than %d MiB", maxBundle>>20), "")
	case f.data[0] != derSequence:
		e := f.fail("is a PKCS#12 bundle in PEM", "convert it")
		out := f.path + ".new"
		e.Command = "grep -v '^-----' " + shellWord(f.path) + " | openssl base64 -d -out " + shellWord(out) + " && mv " + shellWord(out) + " " + shellWord(f.path)
		return nil, e
	case f.data[1] == 0x80:
		return nil, f.unreadableBundle(unsupportedError("lengths that are not written (BER)"))
	}
	b := &bundle{file: f}
	if err := b.read(f.data); err != nil {
		return nil, f.unreadableBundle(err)
	}
	switch {
	case b.keys > 1:
		return nil, f.manyKeys(fmt.Sprintf("holds %d private keys", b.keys))
	case b.keys == 0 && len(b.sealed) == 0:
		return nil, f.fail("is a PKCS#12 bundle without a private key", "export the certificate again, together with its key")
	}
	return b, nil
}

func (f *file) manyKeys(found string) error {
	in := shellWord(f.path)
	return f.fail(foundPKCS12+" that "+found,
		"their names are shown by keytool -list -keystore "+in+", and one of them is exported by keytool -importkeystore -srckeystore "+in+" -srcalias NAME -destkeystore NEW -deststoretype PKCS12")
}

// unreadableBundle tells of a bundle that is damaged, or in a form that cannot
// be read.
func (f *file) unreadableBundle(err error) error {
	e := f.fail(foundPKCS12+" that is truncated or damaged: "+err.Error(), "copy it again from where it comes from")
	unsupported, ok := errors.AsType[unsupportedError](err)
	if library, is := errors.AsType[pkcs12.NotImplementedError](err); is {
		unsupported, ok = unsupportedError(strings.TrimPrefix(library.Error(), "pkcs12: ")), true
	}
	if ok {
		e = f.fail(foundPKCS12+" in a form that cannot be read: "+strings.TrimPrefix(unsupported.Error(), "encrypted with "), "")
		e.Hint, e.Command = f.repacking()
	}
	e.Err = err
	return e
}

// read reads the outer structures of the bundle.
func (b *bundle) read(data []byte) error {
	var pfx struct {
		Version int
		Safe    contentInfo
		MAC     struct {
			Digest struct {
				Algorithm pkix.AlgorithmIdentifier
				Digest    []byte
			}
			Salt       []byte
			Iterations int `asn1:"optional,default:1"`
		} `asn1:"optional"`
	}
	if err := unmarshal(data, &pfx); err != nil {
		return err
	}
	if pfx.Version != 3 || pfx.Safe.Type.String() != oidData {
		return unsupportedError("a signature instead of a passphrase")
	}
	if err := b.readMAC(pfx.MAC.Digest.Algorithm, pfx.MAC.Iterations); err != nil {
		return err
	}
	var safe []byte
	if err := unmarshal(pfx.Safe.Content.Bytes, &safe); err != nil {
		return err
	}
	var parts []asn1.RawValue
	if err := unmarshal(safe, &parts); err != nil {
		return err
	}
	for _, c := range parts {
		if err := b.readContents(c); err != nil {
			return err
		}
	}
	if b.iterations > maxIterations {
		return iterationsError(b.iterations)
	}
	return nil
}

// readMAC reads how the passphrase is verified.
func (b *bundle) readMAC(algorithm pkix.AlgorithmIdentifier, iterations int) error {
	if len(algorithm.Algorithm) == 0 {
		return nil
	}
	switch id := algorithm.Algorithm.String(); id {
	case oidSHA1, oidSHA256, oidSHA512:
	case oidPBMAC1:
		var p struct{ KDF, MAC pkix.AlgorithmIdentifier }
		if err := unmarshal(algorithm.Parameters.FullBytes, &p); err != nil {
			return err
		}
		s, err := parsePBKDF2(p.KDF)
		if err != nil {
			return err
		}
		mac := scheme{prf: p.MAC.Algorithm.String()}
		if !s.common() || !mac.common() || s.keyLength < 20 || s.keyLength > 64 { // RFC 9579, section 5
			return unsupportedError("an uncommon checksum")
		}
		iterations = s.iterations
	default:
		return unsupportedError("a checksum of the kind " + id)
	}
	if iterations < 1 || iterations > maxIterations {
		return iterationsError(iterations)
	}
	b.mac, b.iterations = true, iterations
	return nil
}

// readContents reads one of the parts of a bundle.
func (b *bundle) readContents(part asn1.RawValue) error {
	var c contentInfo
	if err := unmarshal(part.FullBytes, &c); err != nil {
		return err
	}
	switch id := c.Type.String(); id {
	case oidData:
		var data []byte
		if err := unmarshal(c.Content.Bytes, &data); err != nil {
			return err
		}
		var bags []asn1.RawValue
		if err := unmarshal(data, &bags); err != nil {
			return err
		}
		for _, bag := range bags {
			if err := b.readBag(bag); err != nil {
				return err
			}
		}
		return nil
	case oidEncryptedData:
		var sealed struct {
			Version int
			Info    struct {
				Type      asn1.ObjectIdentifier
				Algorithm pkix.AlgorithmIdentifier
				Content   []byte `asn1:"tag:0,optional"`
			}
		}
		if err := unmarshal(c.Content.Bytes, &sealed); err != nil {
			return err
		}
		b.sealed = append(b.sealed, part)
		return b.derive(sealed.Info.Algorithm)
	default:
		return unsupportedError("contents of the kind " + id)
	}
}

// readBag reads one item of a part that is not encrypted as a whole.
func (b *bundle) readBag(raw asn1.RawValue) error {
	var bag safeBag
	if err := unmarshal(raw.FullBytes, &bag); err != nil {
		return err
	}
	b.bags = append(b.bags, raw)
	switch bag.ID.String() {
	case oidKeyBag:
		b.keys++
	case oidShroudedBag:
		b.keys++
		var info struct {
			Algorithm pkix.AlgorithmIdentifier
			Data      []byte
		}
		if err := unmarshal(bag.Value.Bytes, &info); err != nil {
			return err
		}
		return b.derive(info.Algorithm)
	case oidNestedBag:
		return unsupportedError("bags inside of bags")
	}
	return nil
}

// derive counts what it takes to decrypt something.
func (b *bundle) derive(algorithm pkix.AlgorithmIdentifier) error {
	s, err := parseScheme(algorithm)
	if err != nil {
		return err
	}
	if s.block == oid3DESCBC || s.prf != "" && !s.common() {
		return unsupportedError("an uncommon cipher or hash")
	}
	b.iterations += s.iterations
	return nil
}
