package certs_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

// write writes a file in a new directory and returns its path.
func write(tb testing.TB, name string, data ...[]byte) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	if err := os.WriteFile(file, bytes.Join(data, nil), 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

func keyPEM(tb testing.TB, p *certstest.Pair, format certstest.KeyFormat) []byte {
	tb.Helper()
	b, err := p.KeyPEM(format)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func block(label string, data []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: data})
}

func TestLoadKeys(t *testing.T) {
	ca := certstest.NewCA(t, certstest.Options{Intermediate: true})
	server := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAndVerifyClientCert})
	for _, test := range []struct {
		name      string
		variation certstest.Variation
		format    certstest.KeyFormat
	}{
		{"RSA in PKCS#1", certstest.WithRSA2048, certstest.PKCS1},
		{"RSA in PKCS#8", certstest.WithRSA2048, certstest.PKCS8},
		{"ECDSA in SEC1", certstest.WithP384, certstest.SEC1},
		{"ECDSA in PKCS#8", certstest.WithP384, certstest.PKCS8},
		{"Ed25519 in PKCS#8", certstest.WithEd25519, certstest.PKCS8},
	} {
		t.Run(test.name, func(t *testing.T) {
			pair := ca.Client("probe", test.variation)
			key := keyPEM(t, pair, test.format)
			curve := []byte(nil)
			if test.format == certstest.SEC1 {
				curve = block("EC PARAMETERS", []byte{6, 5, 43, 129, 4, 0, 34})
			}
			leaf, issuer := block("CERTIFICATE", pair.Leaf.Raw), block("CERTIFICATE", ca.Issuer().Raw)
			certFile, keyFile := write(t, "x.crt", leaf, issuer), write(t, "x.key", curve, key)
			for layout, src := range map[string]certs.Source{
				"cert and key":              {Cert: certFile, Key: keyFile},
				"issuer first":              {Cert: write(t, "x.crt", issuer, leaf), Key: keyFile},
				"pem":                       {PEM: write(t, "x.pem", leaf, issuer, curve, key)},
				"pem, key first":            {PEM: write(t, "x.pem", curve, key, leaf, issuer)},
				"pem, key in the middle":    {PEM: write(t, "x.pem", issuer, curve, key, leaf)},
				"pem with text around":      {PEM: write(t, "x.pem", []byte("subject=CN = probe\n"), leaf, []byte("\nBag Attributes\n"), issuer, curve, key)},
				"pem with CRLF":             {PEM: write(t, "x.pem", bytes.ReplaceAll(slices.Concat(leaf, issuer, curve, key), []byte("\n"), []byte("\r\n")))},
				"pem with byte order mark":  {PEM: write(t, "x.pem", []byte("\xef\xbb\xbf"), leaf, issuer, curve, key)},
				"pem twice the same":        {PEM: write(t, "x.pem", leaf, leaf, issuer, issuer, curve, key)},
				"key file with certificate": {Cert: certFile, Key: write(t, "x.key", leaf, curve, key)},
				"cert file with the key":    {Cert: write(t, "x.crt", leaf, issuer, curve, key), Key: keyFile},
			} {
				src.Name = "probe"
				id := certs.Load(src)
				if err := id.Err(); err != nil {
					t.Errorf("%s: %v", layout, err)
					continue
				}
				if problems := id.Problems(time.Now()); len(problems) != 0 {
					t.Errorf("%s: problems %v, want none", layout, problems)
				}
				if !id.Leaf().Equal(pair.Leaf) || len(id.Chain()) != 2 || !id.Chain()[1].Equal(ca.Issuer()) || id.Fingerprint() != pair.Fingerprint() {
					t.Errorf("%s: chain has %d certificates of %s, want the leaf and its issuer", layout, len(id.Chain()), id.Leaf().Subject)
				}
				if !handshakes(t, server, ca, id.TLS()) {
					t.Errorf("%s: the server refuses the certificate", layout)
				}
			}
		})
	}
}

func handshakes(t *testing.T, s *certstest.Server, ca *certstest.CA, cert *tls.Certificate) bool {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{
		RootCAs:              ca.Pool(),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return false
	}
	n, err := conn.Read(make([]byte, 100))
	return n > 0 && err == nil
}

func TestLoadMistakes(t *testing.T) {
	ca := certstest.NewCA(t)
	pair, other := ca.Client("probe"), ca.Client("other")
	cert, key := pair.CertPEM(), keyPEM(t, pair, certstest.PKCS8)
	public, err := x509.MarshalPKIXPublicKey(pair.Key.Public())
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{}, certstestKey(t))
	if err != nil {
		t.Fatal(err)
	}
	keyBlock, _ := pem.Decode(key)
	encrypted := block("ENCRYPTED PRIVATE KEY", []byte("hunter22"))
	legacy := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("hunter22"), Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}})
	p12, err := hex.DecodeString("30820410020103308203c606092a864886f70d010701a08203b7048203b3308203af3082026a06092a864886f70d010706a082025b308202570201003082025006")
	if err != nil {
		t.Fatal(err)
	}
	p7, err := hex.DecodeString("308201a406092a864886f70d010702a0820195308201910201013100300b06092a864886f70d010701a0820179")
	if err != nil {
		t.Fatal(err)
	}
	many := bytes.Repeat(cert, 65)

	for _, test := range []struct {
		name               string
		pem, cert, key, ca []byte // nil: not named
		want               []string
	}{
		{"no key", cert, nil, nil, nil, []string{"PEM has no private key in it, want PEM with the certificate, its chain and its private key"}},
		{"no certificate", key, nil, nil, nil, []string{"PEM holds a private key, want PEM with the certificate"}},
		{"two keys", slices.Concat(cert, key, key), nil, nil, nil, []string{"PEM holds 2 private keys, want"}},
		{"key of another", slices.Concat(other.CertPEM(), key), nil, nil, nil, []string{`PEM holds the private key of another certificate, want the key of CN="other"`}},
		{"empty", []byte(""), nil, nil, nil, []string{"PEM is empty, want PEM with"}},
		{"blank", []byte(" \n\n"), nil, nil, nil, []string{"PEM is empty, want PEM with"}},
		{"encrypted", slices.Concat(cert, encrypted), nil, nil, nil, []string{"PEM holds an encrypted private key that is damaged: it is no valid DER, want PEM with"}},
		{"truncated", cert[:len(cert)/2], nil, nil, nil, []string{"PEM is truncated or damaged: 0 of its 1 PEM blocks can be read"}},
		{"truncated in the chain", slices.Concat(cert, key, cert[:len(cert)-10]), nil, nil, nil, []string{"PEM is truncated or damaged: 2 of its 3 PEM blocks can be read"}},
		{"damaged certificate", slices.Concat(block("CERTIFICATE", pair.Leaf.Raw[:50]), key), nil, nil, nil, []string{"PEM holds a damaged certificate: malformed certificate"}},
		{"damaged key", slices.Concat(cert, block("PRIVATE KEY", keyBlock.Bytes[:20])), nil, nil, nil, []string{"PEM holds a private key that cannot be used: "}},
		{"bundle", slices.Concat(many, key), nil, nil, nil, []string{"PEM holds 65 certificates, want", "it looks like a bundle of authorities, which belongs in ca"}},
		{"indented", bytes.ReplaceAll(append([]byte("\n"), slices.Concat(cert, key)...), []byte("\n"), []byte("\n  ")), nil, nil, nil, []string{"PEM holds a PEM block that is indented or damaged"}},
		{"PKCS#12", p12, nil, nil, nil, []string{"PEM is a PKCS#12 bundle, want", "(write pkcs12 instead of pem)"}},
		{"PKCS#7", p7, nil, nil, nil, []string{"PEM is a PKCS#7 bundle in binary form (DER), want"}},
		{"text", []byte("hello\n"), nil, nil, nil, []string{"PEM is text without a PEM block, want"}},
		{"text with a digit", []byte("0123\n"), nil, nil, nil, []string{"PEM is text without a PEM block, want"}},
		{"UTF-16", []byte("\xff\xfe-\x00-\x00"), nil, nil, nil, []string{"PEM is text in UTF-16, want"}},
		{"HTML", []byte("<!doctype html>"), nil, nil, nil, []string{"PEM is HTML or XML, want"}},
		{"Java key store", []byte("\xfe\xed\xfe\xed\x00\x00"), nil, nil, nil, []string{"PEM is a Java key store (JKS), want"}},
		{"noise", []byte("\x80\x81\x82\x00"), nil, nil, nil, []string{"PEM is binary data of no known kind, want"}},
		{"DER", nil, pair.Leaf.Raw, keyBlock.Bytes, nil, []string{
			"CERT is a certificate in binary form (DER), want PEM certificates", "(convert it, and name CERT.pem: openssl x509 -inform DER -in CERT -out CERT.pem)",
			"KEY is a private key in binary form (DER), want one PEM private key", "openssl pkey -inform DER -in KEY -out KEY.pem",
		}},
		{"swapped", nil, key, cert, nil, []string{"CERT holds a private key, want PEM certificates", "KEY holds a certificate, want one PEM private key"}},
		{"signing request", nil, block("CERTIFICATE REQUEST", request), key, nil, []string{"CERT holds a certificate signing request, not the certificate that the authority made of it, want PEM certificates"}},
		{"signing request in DER", nil, request, key, nil, []string{"CERT is a certificate signing request in binary form (DER), want"}},
		{"trusted certificate", nil, block("TRUSTED CERTIFICATE", pair.Leaf.Raw), key, nil, []string{"CERT holds a certificate in the OpenSSL format TRUSTED CERTIFICATE, want"}},
		{"revocation list", nil, block("X509 CRL", nil), key, nil, []string{"CERT holds a list of revoked certificates (CRL), want"}},
		{"public key", nil, cert, block("PUBLIC KEY", public), nil, []string{"KEY holds a public key, want one PEM private key"}},
		{"public key in DER", nil, cert, public, nil, []string{"KEY is a public key in binary form (DER), want"}},
		{"SSH public key", nil, cert, []byte("ssh-ed25519 AAAA me"), nil, []string{"KEY is an SSH public key, want"}},
		{"OpenSSH key", nil, cert, block("OPENSSH PRIVATE KEY", nil), nil, []string{"KEY holds a private key in the format of OpenSSH, want", "ssh-keygen -p -m PKCS8 -f KEY"}},
		{"legacy encrypted key", nil, cert, legacy, nil, []string{"KEY holds an encrypted private key, and there is no passphrase, want one PEM private key"}},
		{"two keys in key", nil, cert, slices.Concat(key, keyPEM(t, other, certstest.SEC1)), nil, []string{"KEY holds 2 private keys, want one PEM private key"}},
		{"key of another in key", nil, other.CertPEM(), key, nil, []string{`KEY holds the private key of another certificate, want the key of CN="other" in CERT`}},
		{"only a certificate", nil, cert, nil, nil, []string{"key is missing, want a file with one PEM private key"}},
		{"only a key", nil, nil, key, nil, []string{"cert is missing, want a file with PEM certificates, the client certificate and its chain"}},
		{"ca is a key", nil, nil, nil, key, []string{"CA holds a private key, want PEM certificates of authorities"}},
		{"ca is damaged", nil, nil, nil, cert[:100], []string{"CA is truncated or damaged: 0 of its 1 PEM blocks can be read"}},
		{"all at once", nil, []byte("x"), []byte("y"), []byte("z"), []string{"CERT is text", "KEY is text", "CA is text"}},
		{"nothing", nil, nil, nil, nil, []string{`loading certificate "probe": has neither a certificate nor a ca, want pem, or cert and key, or pkcs12, or ca`}},
		{"both", cert, cert, nil, nil, []string{`has pem beside cert and key, want one or the other`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			src := certs.Source{Name: "probe"}
			var pairs []string
			for _, file := range []struct {
				attribute string
				data      []byte
				path      *string
			}{{"PEM", test.pem, &src.PEM}, {"CERT", test.cert, &src.Cert}, {"KEY", test.key, &src.Key}, {"CA", test.ca, &src.CA}} {
				if file.data != nil {
					*file.path = write(t, "file", file.data)
					pairs = append(pairs, *file.path, file.attribute)
				}
			}
			names := strings.NewReplacer(pairs...)
			id := certs.Load(src)
			if id.Err() == nil || id.TLS() != nil {
				t.Fatalf("error is %v, want one", id.Err())
			}
			got := names.Replace(id.Err().Error())
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("error is\n\t%s\nwant\n\t%s", got, want)
				}
			}
			for _, secret := range []string{"hunter22", string(keyBlock.Bytes[:8])} {
				if strings.Contains(got, secret) {
					t.Errorf("error holds contents of the file: %q", got)
				}
			}
			if problems := id.Problems(time.Now()); len(problems) == 0 || problems[0].Severity != certs.Error || problems[0].Summary == "" {
				t.Errorf("problems are %v, want an error first", problems)
			}
		})
	}
}

func TestLoadOpensPlainFilesOnly(t *testing.T) {
	dir := t.TempDir()
	fifo, huge := filepath.Join(dir, "fifo"), filepath.Join(dir, "huge")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 1<<40); err != nil {
		t.Skipf("sparse files are not supported: %v", err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                          "is a directory, want PEM",
		fifo:                         "is a named pipe, want PEM",
		huge:                         "has more than 4 MiB, want PEM",
		"/dev/zero":                  "is a device, want PEM",
		loop:                         "cannot be read: too many levels of symbolic links, want PEM",
		filepath.Join(dir, "nobody"): "does not exist, want PEM",
	} {
		err := certs.Load(certs.Source{Name: "x", PEM: path}).Err()
		if err == nil || !strings.Contains(err.Error(), path+" "+want) {
			t.Errorf("error is %v, want %s %s", err, path, want)
		}
		file, ok := errors.AsType[*certs.FileError](err)
		if !ok || file.Attribute != "pem" || file.Path != path {
			t.Errorf("error is %#v, want a *FileError of pem", err)
		}
	}
	_, err := certs.LoadRoots(filepath.Join(dir, "nobody"), true)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that is os.ErrNotExist", err)
	}
}

func TestLoadFollowsSymbolicLinks(t *testing.T) {
	ca := certstest.NewCA(t)
	dir := t.TempDir()
	link := filepath.Join(dir, "link.pem")
	if err := os.Symlink(ca.Client("probe").WritePEM(dir), link); err != nil {
		t.Fatal(err)
	}
	if err := certs.Load(certs.Source{Name: "x", PEM: link}).Err(); err != nil {
		t.Error(err)
	}
}

func certstestKey(t *testing.T) any {
	t.Helper()
	return certstest.NewCA(t).Client("x").Key
}

func TestLoadOffline(t *testing.T) {
	id := certs.Load(certs.Source{Name: "x", Hosts: []string{"*.acme.com"}, Cert: "/nonexistent", CA: "/nonexistent", Offline: true})
	if id.Err() != nil || id.TLS() != nil || !id.HasCertificate() || len(id.Problems(time.Now())) != 0 {
		t.Errorf("offline: error %v, problems %v, has a certificate %v", id.Err(), id.Problems(time.Now()), id.HasCertificate())
	}
	set, err := certs.NewSet([]*certs.Identity{id})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Select("api.acme.com", certs.Want{}); got.Identity != id {
		t.Errorf("selected %v, want it", got)
	}
	if roots, err := set.Roots("api.acme.com", certs.Want{}); roots == nil || err != nil {
		t.Errorf("roots are %v, %v", roots, err)
	}
}
