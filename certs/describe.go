package certs

import (
	"bytes"
	"crypto/x509"
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
		{"\xfe\xed\xfe\xed", "is a Java key store (JKS)"},
		{"\xff\xfe", "is text in UTF-16"},
		{"\xfe\xff", "is text in UTF-16"},
		{"age-encryption.org/", "is encrypted with age"},
		{"$ANSIBLE_VAULT", "is encrypted with Ansible Vault"},
		{"version https://git-lfs", "is a Git LFS pointer, not the file itself"},
		{"PuTTY-User-Key-File", "is a PuTTY key"},
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
		return "holds an encrypted private key"
	}
	switch label := block.Type; label {
	case "CERTIFICATE":
		return "holds a certificate"
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		return "holds a certificate signing request, not the certificate that the authority made of it"
	case "PUBLIC KEY", "RSA PUBLIC KEY", "SSH2 PUBLIC KEY":
		return "holds a public key"
	case "OPENSSH PRIVATE KEY":
		return "holds a private key in the format of OpenSSH"
	case "TRUSTED CERTIFICATE":
		return "holds a certificate in the OpenSSL format TRUSTED CERTIFICATE"
	case "X509 CRL":
		return "holds a list of revoked certificates (CRL)"
	case "PKCS7", "CMS":
		return "is a PKCS#7 bundle"
	case "PKCS12":
		return "is a PKCS#12 bundle"
	case "DH PARAMETERS":
		return "holds Diffie-Hellman parameters"
	case "AGE ENCRYPTED FILE":
		return "is encrypted with age"
	default:
		if strings.HasSuffix(label, "PRIVATE KEY") {
			return "holds a private key"
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
		return "is a PKCS#12 bundle"
	case der(oidSignedData):
		return "is a PKCS#7 bundle in binary form (DER)"
	}
	if len(data) > maxCertSize {
		return "is binary data in DER"
	}
	if _, err := x509.ParseCertificate(data); err == nil {
		return "is a certificate in binary form (DER)"
	}
	if _, err := x509.ParseCertificateRequest(data); err == nil {
		return "is a certificate signing request in binary form (DER)"
	}
	if _, err := x509.ParsePKIXPublicKey(data); err == nil {
		return "is a public key in binary form (DER)"
	}
	if len(data) <= maxKeySize {
		if _, err := parseKey(&pem.Block{Bytes: data}); err == nil {
			return "is a private key in binary form (DER)"
		}
	}
	return "is binary data in DER"
}

// hintFor returns the command that makes of the file what was expected, or "".
func hintFor(f *file) string {
	return strings.ReplaceAll(conversion(f), "FILE", f.path)
}

func conversion(f *file) string {
	switch found := describe(f.data); {
	case strings.Contains(string(f.data), "ENCRYPTED"):
		return "openssl pkey -in FILE -out PLAIN removes the passphrase"
	case strings.Contains(found, "PKCS#12"):
		return "openssl pkcs12 -in FILE -nodes -out PEM converts it"
	case strings.Contains(found, "PKCS#7"):
		return "openssl pkcs7 -in FILE -print_certs -out PEM converts it"
	case strings.Contains(found, "OpenSSH"):
		return "ssh-keygen -p -m PEM -f FILE converts it"
	case found == "is a certificate in binary form (DER)":
		return "openssl x509 -inform DER -in FILE -out PEM converts it"
	case found == "is a private key in binary form (DER)":
		return "openssl pkey -inform DER -in FILE -out PEM converts it"
	case strings.Contains(found, "TRUSTED CERTIFICATE"):
		return "openssl x509 -in FILE -out PEM converts it"
	}
	return ""
}
