package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
	"unicode/utf8"
)

// describe says what a file without the expected contents is, to follow its
// path.
func describe(data []byte) string {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	text := strings.TrimSpace(string(data[:min(len(data), 4096)]))
	if text == "" {
		return "is empty"
	}
	for rest := data; ; {
		block, next := pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type == "EC PARAMETERS" {
			rest = next
			continue
		}
		return describeBlock(block)
	}
	for _, magic := range []struct{ prefix, found string }{
		{"ssh-", "is an SSH public key"},
		{"ecdsa-sha2-", "is an SSH public key"},
		{"\xfe\xed\xfe\xed", foundJKS},
		{"\xce\xce\xce\xce", foundJCEKS},
		{"\x00\x00\x00\x01\x00\x00\x00\x14", foundBKS},
		{"\x00\x00\x00\x02\x00\x00\x00\x14", foundBKS},
		{"\xff\xfe", foundUTF16},
		{"\xfe\xff", foundUTF16},
		{"age-encryption.org/", "is encrypted with age"},
		{"$ANSIBLE_VAULT", "is encrypted with Ansible Vault"},
		{"version https://git-lfs", "is a Git LFS pointer, not the file itself"},
		{"PuTTY-User-Key-File", foundPuTTY},
		{"<", "is HTML or XML"},
	} {
		if strings.HasPrefix(text, magic.prefix) {
			return magic.found
		}
	}
	switch {
	case data[0] == 0x30 && !isASCII(text): // DER, and not the digit 0
		return describeDER(data)
	case strings.Contains(text, "-----BEGIN "):
		return "holds a PEM block that is indented or damaged"
	case utf8.ValidString(text):
		return "is text without a PEM block"
	}
	return "is binary data of no known kind"
}

// describeBlock says what a file that begins with block is.
func describeBlock(block *pem.Block) string {
	if isEncrypted(block) {
		return foundSealedKey
	}
	switch label := block.Type; label {
	case "CERTIFICATE":
		return foundCert
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return foundRequest
	case "PUBLIC KEY", "RSA PUBLIC KEY", "SSH2 PUBLIC KEY":
		return foundPublic
	case "OPENSSH PRIVATE KEY":
		return foundOpenSSH
	case "TRUSTED CERTIFICATE":
		return foundTrusted
	case "X509 CRL":
		return "holds a list of revoked certificates (CRL)"
	case "PKCS7", "CMS":
		return foundPKCS7
	case "PKCS12":
		return foundPKCS12
	case "DH PARAMETERS":
		return "holds Diffie-Hellman parameters"
	case "AGE ENCRYPTED FILE":
		return "is encrypted with age"
	default:
		if strings.HasSuffix(label, "PRIVATE KEY") {
			return foundKey
		}
		return fmt.Sprintf("holds a PEM block of type %.40q", label)
	}
}

// describeDER tells the binary formats apart.
func describeDER(data []byte) string {
	der := func(oid string) bool { return bytes.Contains(data[:min(len(data), 64)], []byte(oid)) }
	const (
		oidData       = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" // PKCS#7 data, 1.2.840.113549.1.7.1
		oidSignedData = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" // PKCS#7 signedData, 1.2.840.113549.1.7.2
		version3      = "\x02\x01\x03"
	)
	switch {
	case der(version3) && (der(oidData) || der(oidSignedData)):
		return foundPKCS12
	case der(oidSignedData):
		return foundPKCS7DER
	}
	if found := describeSealed(data); found != "" {
		return found
	}
	if len(data) > maxCertSize {
		return "is binary data in DER"
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		return foundCertDER
	}
	if _, err := x509.ParseCertificateRequest(data); err == nil {
		return "is a certificate signing request in binary form (DER)"
	}
	if _, err := x509.ParsePKIXPublicKey(data); err == nil {
		return "is a public key in binary form (DER)"
	}
	if len(data) <= maxKeySize {
		if _, err := parseKey(&pem.Block{Bytes: data}); err == nil {
			return foundKeyDER
		}
	}
	return "is binary data in DER"
}

// describeSealed recognises what begins with a cipher: an encrypted private
// key, or a key store of Bouncy Castle, whose cipher stands one level deeper.
func describeSealed(data []byte) string {
	var v asn1.RawValue
	found := foundSealedDER
	for depth := range 3 {
		if _, err := asn1.Unmarshal(data, &v); err != nil || v.Tag != asn1.TagSequence || !v.IsCompound {
			return ""
		}
		if depth == 2 {
			found = foundBCFKS
		}
		data = v.Bytes
		var id asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(data, &id); err == nil {
			if text := id.String(); depth > 0 && (strings.HasPrefix(text, arcPBES1) || strings.HasPrefix(text, arcPKCS12)) {
				return found
			}
			return ""
		}
	}
	return ""
}
