package certs_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

// A workshop makes files with openssl, in a folder of its own.
type workshop struct {
	*testing.T
	dir    string
	ca     *certstest.CA
	server *certstest.Server
	pass   string // all files are encrypted with it
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	need(t, "openssl")
	ca := certstest.NewCA(t, certstest.Options{Intermediate: true})
	w := &workshop{T: t, dir: t.TempDir(), ca: ca, pass: "pass wörd"}
	w.server = certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAndVerifyClientCert})
	w.write("root.pem", ca.PEM())
	w.write("issuer.pem", block("CERTIFICATE", ca.Issuer().Raw))
	return w
}

// need skips the test where a program is missing, except in CI.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", program)
		}
		t.Skipf("%s is missing", program)
	}
}

func (w *workshop) path(name string) string { return filepath.Join(w.dir, name) }

func (w *workshop) write(name string, data ...[]byte) {
	w.Helper()
	if err := os.WriteFile(w.path(name), bytes.Join(data, nil), 0o600); err != nil {
		w.Fatal(err)
	}
}

func (w *workshop) read(name string) []byte {
	w.Helper()
	data, err := os.ReadFile(w.path(name))
	if err != nil {
		w.Fatal(err)
	}
	return data
}

// sh runs a command in the folder, without a terminal, where programs read
// passphrases from their input.
func (w *workshop) sh(command string) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), "sh", "-c", "umask 077; "+command)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), "PASS="+w.pass, "LC_ALL=C.UTF-8")
	cmd.Stdin = strings.NewReader(strings.Repeat(w.pass+"\n", 8))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		w.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// client writes a new client certificate: leaf.pem, chain.pem with it and its
// issuer, key.pem, and all.pem with everything.
func (w *workshop) client(variation certstest.Variation) *certstest.Pair {
	w.Helper()
	pair := w.ca.Client("probe", variation)
	key := keyPEM(w, pair, certstest.PKCS8)
	w.write("leaf.pem", block("CERTIFICATE", pair.Leaf.Raw))
	w.write("chain.pem", pair.CertPEM())
	w.write("key.pem", key)
	w.write("all.pem", pair.CertPEM(), key)
	return pair
}

// source names files of the folder: a block as it would be written.
func (w *workshop) source(attribute, name string) certs.Source {
	src := certs.Source{Name: "probe", Passphrase: certs.NewPassphrase(func() (string, error) { return w.pass, nil })}
	switch attribute {
	case "pem":
		src.PEM = w.path(name)
	case "pkcs12":
		src.PKCS12 = w.path(name)
	case "cert":
		src.Cert, src.Key = w.path(name), w.path("key.pem")
	case "key":
		src.Cert, src.Key = w.path("chain.pem"), w.path(name)
	}
	return src
}

// works checks that a source brings the pair and its chain, without a problem,
// and that the server accepts it.
func (w *workshop) works(src certs.Source, pair *certstest.Pair) {
	w.Helper()
	id := certs.Load(src)
	if err := id.Err(); err != nil {
		w.Error(err)
		return
	}
	if problems := id.Problems(time.Now()); len(problems) > 0 {
		w.Errorf("problems are %v, want none", problems)
	}
	if !id.Leaf().Equal(pair.Leaf) || len(id.Chain()) < 2 || !id.Chain()[1].Equal(w.ca.Issuer()) {
		w.Errorf("the chain is %d certificates of %s, want the leaf and its issuer", len(id.Chain()), id.Leaf().Subject)
	}
	if !handshakes(w.T, w.server, w.ca, id.TLS()) {
		w.Error("the server refuses the certificate")
	}
}

// Every way of openssl to write a key with its certificate works in a
// handshake, and is opened by its passphrase alone.
func TestOpenSSLFormats(t *testing.T) {
	const traditional = "openssl pkey -in key.pem -traditional -passout env:PASS -out out.key "
	const pkcs8 = "openssl pkcs8 -topk8 -in key.pem -passout env:PASS -out out.key "
	const p12 = "openssl pkcs12 -export -in leaf.pem -inkey key.pem -certfile issuer.pem -passout env:PASS -out out.p12 "
	all := []certstest.Variation{certstest.WithRSA2048, certstest.WithP384, certstest.WithEd25519}
	for _, test := range []struct {
		name, attribute, file, command string
		keys                           []certstest.Variation
	}{
		{"PKCS#8 of today", "key", "out.key", pkcs8, all},
		{"PKCS#8 with AES-128 and SHA-1", "key", "out.key", pkcs8 + "-v2 aes-128-cbc -v2prf hmacWithSHA1", all},
		{"PKCS#8 with AES-192 and SHA-384", "key", "out.key", pkcs8 + "-v2 aes-192-cbc -v2prf hmacWithSHA384", all},
		{"PKCS#8 with SHA-512", "key", "out.key", pkcs8 + "-v2 aes-256-cbc -v2prf hmacWithSHA512", all},
		{"PKCS#8 with 3DES and SHA-224", "key", "out.key", pkcs8 + "-v2 des3 -v2prf hmacWithSHA224", all},
		{"PKCS#8 in many rounds", "key", "out.key", pkcs8 + "-iter 300000", all[:1]},
		{"DEK-Info with AES-256", "key", "out.key", traditional + "-aes256", all[:2]},
		{"DEK-Info with AES-192", "key", "out.key", traditional + "-aes192", all[:2]},
		{"DEK-Info with AES-128", "key", "out.key", traditional + "-aes128", all[:2]},
		{"DEK-Info with 3DES", "key", "out.key", traditional + "-des3", all[:2]},
		{"DEK-Info with DES", "key", "out.key", traditional + "-des -provider legacy -provider default", all[:2]},
		{"pem, encrypted key first", "pem", "out.pem", pkcs8 + "&& cat out.key issuer.pem leaf.pem root.pem > out.pem", all},
		{"pem, encrypted key last", "pem", "out.pem", pkcs8 + "&& cat root.pem leaf.pem issuer.pem out.key > out.pem", all},
		{"pem of openssl pkcs12", "pem", "out.pem", p12 + "&& openssl pkcs12 -in out.p12 -passin env:PASS -passout env:PASS -out out.pem", all},
		{"PKCS#12 of today", "pkcs12", "out.p12", p12, all},
		{"PKCS#12 of OpenSSL 1", "pkcs12", "out.p12", p12 + "-legacy", all},
		{"PKCS#12 with 3DES", "pkcs12", "out.p12", p12 + "-legacy -descert", all},
		{"PKCS#12 with RC2-128", "pkcs12", "out.p12", p12 + "-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-128", all},
		{"PKCS#12 with AES-128 and SHA-512", "pkcs12", "out.p12", p12 + "-certpbe AES-128-CBC -keypbe AES-192-CBC -macalg sha512", all},
		{"PKCS#12 with open certificates", "pkcs12", "out.p12", p12 + "-certpbe NONE", all},
		{"PKCS#12 in one round", "pkcs12", "out.p12", p12 + "-noiter -nomaciter", all},
		{"PKCS#12 without checksum", "pkcs12", "out.p12", p12 + "-nomac", all},
		{"PKCS#12 with the root, reversed", "pkcs12", "out.p12", "cat root.pem issuer.pem > cas.pem && openssl pkcs12 -export -in leaf.pem -inkey key.pem -certfile cas.pem -passout env:PASS -out out.p12 -name probe", all},
	} {
		for _, variation := range test.keys {
			t.Run(fmt.Sprint(test.name, "/", variation), func(t *testing.T) {
				w := newWorkshop(t)
				pair := w.client(variation)
				w.sh(test.command)
				src := w.source(test.attribute, test.file)
				w.works(src, pair)
				for _, wrong := range []struct {
					passphrase certs.Passphrase
					want       string
				}{
					{certs.Passphrase{}, test.attribute + ": there is no passphrase"},
					{certs.NewPassphrase(func() (string, error) { return "päss", nil }), "passphrase: this passphrase does not open"},
					{certs.NewPassphrase(func() (string, error) { return "", errors.New("no such variable") }), "passphrase: its passphrase cannot be read: no such variable"},
				} {
					src.Passphrase = wrong.passphrase
					id := certs.Load(src)
					attribute, want, _ := strings.Cut(wrong.want, ": ")
					problems := id.Problems(time.Now())
					if len(problems) != 1 || problems[0].Attribute != attribute || !strings.Contains(problems[0].Summary, want) || id.TLS() != nil {
						t.Errorf("problems are %v, want one of %s: %s", problems, attribute, want)
					}
				}
			})
		}
	}
}

// A bundle without a passphrase needs none, in each of the forms that has.
func TestPKCS12WithoutPassphrase(t *testing.T) {
	const p12 = "openssl pkcs12 -export -in leaf.pem -inkey key.pem -certfile issuer.pem -out out.p12 "
	for name, command := range map[string]string{
		"empty":                     p12 + "-passout pass:",
		"empty, of OpenSSL 1":       p12 + "-passout pass: -legacy",
		"not encrypted":             p12 + "-passout pass: -keypbe NONE -certpbe NONE",
		"not encrypted, unverified": p12 + "-passout pass: -keypbe NONE -certpbe NONE -nomac",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkshop(t)
			pair := w.client(certstest.WithP384)
			w.sh(command)
			src := w.source("pkcs12", "out.p12")
			src.Passphrase = certs.Passphrase{}
			w.works(src, pair)
			problems := certs.Load(w.source("pkcs12", "out.p12")).Problems(time.Now())
			if len(problems) != 1 || problems[0].Severity != certs.Warning || problems[0].Attribute != "passphrase" {
				t.Errorf("problems are %v, want a warning of a passphrase that is not needed", problems)
			}
		})
	}
}

// A private key that no client certificate can have is named.
func TestUselessKeys(t *testing.T) {
	w := newWorkshop(t)
	w.client(certstest.WithP384)
	for command, want := range map[string]string{
		"openssl dsaparam -genkey -noout -out x.key 1024":                                                                "DSA",
		"openssl dsaparam -genkey -noout -out y.key 1024 && openssl pkcs8 -topk8 -in y.key -passout env:PASS -out x.key": "DSA",
		"openssl genpkey -algorithm ED448 -out x.key":                                                                    "Ed448",
		"openssl genpkey -algorithm X25519 -out x.key":                                                                   "key agreement",
	} {
		w.sh("rm -f x.key && " + command)
		src := w.source("key", "x.key")
		if !bytes.Contains(w.read("x.key"), []byte("ENCRYPTED")) {
			src.Passphrase = certs.Passphrase{}
		}
		problems := certs.Load(src).Problems(time.Now())
		if len(problems) != 1 || !strings.HasSuffix(problems[0].Summary, "x.key holds a private key for "+want+", which TLS does not use") || problems[0].Command == "" {
			t.Errorf("%s: problems are %v, want a key for %s", command, problems, want)
		}
	}
}

// What cannot be read is answered with a command, and that command makes
// something of it that works.
func TestConversions(t *testing.T) {
	const pkcs8 = "openssl pkcs8 -topk8 -in key.pem -passout env:PASS -provider default -provider legacy -out in "
	for _, test := range []struct {
		name, attribute string
		make            string // writes the file in
		program         string // is needed beside openssl
		found           string
		attributeThen   string // the block after the conversion
		fileThen        string
	}{
		{"PBES1", "key", pkcs8 + "-v1 PBE-MD5-DES", "", "holds a private key encrypted with PBES1 (1.2.840.113549.1.5.3), which cannot be read", "key", "in"},
		{"PBES1 of PKCS#12", "key", pkcs8 + "-v1 PBE-SHA1-3DES", "", "holds a private key encrypted with a cipher of PKCS#12 (1.2.840.113549.1.12.1.3)", "key", "in"},
		{"PBES1 of PKCS#12, RC4", "key", pkcs8 + "-v1 PBE-SHA1-RC4-128", "", "holds a private key encrypted with an old cipher of PKCS#12 (1.2.840.113549.1.12.1.1)", "key", "in"},
		{"scrypt", "key", pkcs8 + "-scrypt", "", "holds a private key encrypted with scrypt, which cannot be read", "key", "in"},
		{"Camellia", "key", pkcs8 + "-v2 camellia-256-cbc", "", "holds a private key encrypted with an uncommon cipher (", "key", "in"},
		{"DEK-Info with Camellia", "key", "openssl pkey -in key.pem -traditional -camellia256 -passout env:PASS -out in", "", `holds a private key encrypted with the cipher "CAMELLIA-256-CBC"`, "key", "in"},
		{"scrypt in pem", "pem", pkcs8 + "-scrypt && cat chain.pem >> in", "", "holds a private key encrypted with scrypt, which cannot be read", "", ""},
		{"encrypted key in DER", "key", pkcs8 + "-outform DER", "", "is an encrypted private key in binary form (DER)", "key", "in.pem"},
		{"key in DER", "key", "openssl pkey -in key.pem -outform DER -out in", "", "is a private key in binary form (DER)", "key", "in.pem"},
		{"traditional key in DER", "key", "openssl pkey -in key.pem -traditional -outform DER -out in", "", "is a private key in binary form (DER)", "key", "in.pem"},
		{"OpenSSH", "key", "openssl pkey -in key.pem -traditional -out in && ssh-keygen -p -P '' -N \"$PASS\" -f in", "ssh-keygen", "holds a private key in the format of OpenSSH", "key", "in"},
		{"trusted certificates", "cert", "openssl x509 -in leaf.pem -trustout -out in", "", "holds a certificate in the OpenSSL format TRUSTED CERTIFICATE", "cert", "in.pem"},
		{"PKCS#7", "cert", "openssl crl2pkcs7 -nocrl -certfile chain.pem -out in", "", "is a PKCS#7 bundle", "cert", "in.pem"},
		{"PKCS#7 in DER", "cert", "openssl crl2pkcs7 -nocrl -certfile chain.pem -outform DER -out in", "", "is a PKCS#7 bundle in binary form (DER)", "cert", "in.pem"},
		{"UTF-16", "cert", "iconv -f UTF-8 -t UTF-16 chain.pem > in", "iconv", "is text in UTF-16", "cert", "in.pem"},
		{"PKCS#12 with SHA-384", "pkcs12", "openssl pkcs12 -export -in chain.pem -inkey key.pem -macalg sha384 -passout env:PASS -out in", "", "is a PKCS#12 bundle in a form that cannot be read: a checksum of the kind 2.16.840.1.101.3.4.2.2", "pem", "in.pem"},
		{"PKCS#12 in PEM", "pkcs12", "openssl pkcs12 -export -in chain.pem -inkey key.pem -passout env:PASS -out p12 && (echo '-----BEGIN PKCS12-----'; openssl base64 -in p12; echo '-----END PKCS12-----') > in", "", "is a PKCS#12 bundle in PEM", "pkcs12", "in"},
		{"Java key store", "pkcs12", "openssl pkcs12 -export -in chain.pem -inkey key.pem -passout env:PASS -out p12 && keytool -importkeystore -srckeystore p12 -srcstorepass:env PASS -destkeystore in -deststoretype JKS -deststorepass:env PASS", "keytool", "is a Java key store (JKS)", "pkcs12", "in.p12"},
		{"Java key store JCEKS", "pem", "openssl pkcs12 -export -in chain.pem -inkey key.pem -passout env:PASS -out p12 && keytool -importkeystore -srckeystore p12 -srcstorepass:env PASS -destkeystore in -deststoretype JCEKS -deststorepass:env PASS", "keytool", "is a Java key store (JCEKS)", "pkcs12", "in.p12"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.program != "" {
				need(t, test.program)
			}
			w := newWorkshop(t)
			if test.program == "keytool" {
				w.pass = "changeit" // its passwords are ASCII
			}
			pair := w.client(certstest.WithP384)
			w.sh(test.make)
			src := w.source(test.attribute, "in")
			problems := certs.Load(src).Problems(time.Now())
			i := slices.IndexFunc(problems, func(p certs.Problem) bool { return strings.HasPrefix(p.Summary, w.path("in")+" "+test.found) })
			if i != 0 || len(problems) > 1 || problems[0].Attribute != test.attribute || problems[0].Command == "" {
				t.Fatalf("problems are %+v, want one that it %s, and a command", problems, test.found)
			}
			w.sh(problems[0].Command)
			src = w.source(test.attributeThen, test.fileThen)
			switch {
			case test.attributeThen == "":
				src.Cert, src.Key = w.path("in"), w.path("in.key")
			case test.name == "trusted certificates":
				w.write("in.pem", w.read("in.pem"), w.read("issuer.pem"))
			}
			if !bytes.Contains(w.read(filepath.Base(src.Key+src.PEM+src.PKCS12)), []byte("ENCRYPTED")) && src.PKCS12 == "" {
				src.Passphrase = certs.Passphrase{}
			}
			w.works(src, pair)
		})
	}
}
