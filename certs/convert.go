package certs

import (
	"bytes"
	"strings"
)

// The formats that a command makes something readable of, as [describe] says
// them.
const (
	foundJKS       = "is a Java key store (JKS)"
	foundJCEKS     = "is a Java key store (JCEKS)"
	foundBKS       = "is a key store of Bouncy Castle (BKS)"
	foundBCFKS     = "is a key store of Bouncy Castle (BCFKS)"
	foundPKCS12    = "is a PKCS#12 bundle"
	foundPKCS7     = "is a PKCS#7 bundle"
	foundPKCS7DER  = "is a PKCS#7 bundle in binary form (DER)"
	foundCertDER   = "is a certificate in binary form (DER)"
	foundKeyDER    = "is a private key in binary form (DER)"
	foundSealedDER = "is an encrypted private key in binary form (DER)"
	foundTrusted   = "holds a certificate in the OpenSSL format TRUSTED CERTIFICATE"
	foundOpenSSH   = "holds a private key in the format of OpenSSH"
	foundUTF16     = "is text in UTF-16"
	foundPuTTY     = "is a PuTTY key"
	foundCert      = "holds a certificate"
	foundKey       = "holds a private key"
	foundSealedKey = "holds an encrypted private key"
	foundRequest   = "holds a certificate signing request, not the certificate that the authority made of it"
	foundPublic    = "holds a public key"
)

// instead returns an error about a file that holds something else than was
// expected, with the command that makes that of it, where there is one.
func (f *file) instead(found string) *FileError {
	e := f.fail(found, "")
	in, out := shellWord(f.path), f.path+".pem"
	command := ""
	switch found {
	case foundPKCS12:
		e.Hint = f.write("pkcs12")
		if f.attribute == "cert" || f.attribute == "key" {
			e.Hint = "write pkcs12 instead of cert and key"
		}
		if f.attribute == "ca" {
			command = "openssl pkcs12 -legacy -nokeys -in FILE -out NEW"
		}
	case foundPKCS7:
		command = "openssl pkcs7 -print_certs -in FILE -out NEW"
	case foundPKCS7DER:
		command = "openssl pkcs7 -inform DER -print_certs -in FILE -out NEW"
	case foundCertDER:
		command = "openssl x509 -inform DER -in FILE -out NEW"
	case foundKeyDER:
		command = "openssl pkey -inform DER -in FILE -out NEW"
	case foundSealedDER:
		command = "openssl pkcs8 -topk8 -inform DER -in FILE -out NEW"
	case foundTrusted:
		command = "openssl x509 -in FILE -out NEW"
	case foundUTF16:
		command = "iconv -f UTF-16 -t UTF-8 FILE > NEW"
	case foundPuTTY:
		command = "puttygen FILE -O private-openssh -o NEW"
	case foundOpenSSH:
		e.Hint, e.Command = "this converts it in its place", "ssh-keygen -p -m PKCS8 -f "+in
		return e
	case foundJKS, foundJCEKS, foundBKS, foundBCFKS:
		command, out = keytool(found), f.path+".p12"
	case foundCert, foundKey, foundSealedKey:
		e.Hint = map[string]string{
			"pkcs12": "write pem instead of pkcs12, or cert and key where they are two files",
			"cert":   "cert and key may be swapped",
			"key":    "cert and key may be swapped",
			"pem":    "if certificate and key are in two files, write cert and key",
		}[f.attribute]
	case foundRequest:
		e.Hint = "the authority answers it with the certificate"
	case foundPublic:
		e.Hint = "the private key was made along with it"
	}
	if command == "" {
		return e
	}
	e.Command = strings.NewReplacer("FILE", in, "NEW", shellWord(out)).Replace(command)
	e.Hint = "convert it, and name " + out
	if attribute := f.home(found); attribute != f.attribute {
		e.Hint += " by " + attribute
	}
	return e
}

// write says that the file belongs to another attribute.
func (f *file) write(attribute string) string {
	if f.attribute == "ca" || f.attribute == attribute {
		return ""
	}
	return "write " + attribute + " instead of " + f.attribute
}

// home is the attribute that names what a file is converted to.
func (f *file) home(found string) string {
	switch found {
	case foundJKS, foundJCEKS, foundBKS, foundBCFKS:
		return "pkcs12"
	case foundKeyDER, foundSealedDER, foundPuTTY:
		return "key"
	case foundUTF16:
		return f.attribute
	}
	if f.attribute == "ca" {
		return "ca"
	}
	return "cert"
}

// keytool is the command that makes a PKCS#12 bundle of a Java key store.
func keytool(found string) string {
	const provider = " -providerclass org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar"
	options := map[string]string{
		foundJKS: "", foundJCEKS: " -srcstoretype JCEKS",
		foundBKS: " -srcstoretype BKS" + provider, foundBCFKS: " -srcstoretype BCFKS" + provider,
	}[found]
	return "keytool -importkeystore -srckeystore FILE" + options + " -destkeystore NEW -deststoretype PKCS12"
}

// reencryption is how a private key that is encrypted in a way which cannot
// be read is encrypted in one that can.
func (f *file) reencryption() (hint, command string) {
	out := f.path + ".new"
	command = "openssl pkcs8 -topk8 -provider default -provider legacy -in " + shellWord(f.path)
	if bytes.Contains(f.data, []byte("-----BEGIN CERTIFICATE-----")) {
		out = f.path + ".key"
		return "encrypt it anew, and write cert = " + shellWord(f.path) + " and key = " + shellWord(out), command + " -out " + shellWord(out)
	}
	return "encrypt it anew", command + " -out " + shellWord(out) + " && mv " + shellWord(out) + " " + shellWord(f.path)
}

// repacking is how a PKCS#12 bundle that cannot be read becomes PEM.
func (f *file) repacking() (hint, command string) {
	out := f.path + ".pem"
	return "convert it, and write pem = " + shellWord(out) + " instead of pkcs12", "openssl pkcs12 -legacy -in " + shellWord(f.path) + " -out " + shellWord(out)
}
