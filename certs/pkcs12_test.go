package certs

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"watchword/certs/certstest"
)

// loadBundle loads a PKCS#12 file with the passphrase "letmein".
func loadBundle(tb testing.TB, data []byte) *Identity {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.p12")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return Load(Source{Name: "probe", PKCS12: path, Passphrase: NewPassphrase(func() (string, error) { return "letmein", nil })})
}

// read takes a bundle apart.
func read(tb testing.TB, data []byte) *bundle {
	tb.Helper()
	b, err := readBundle(&file{attribute: "pkcs12", path: "x.p12", data: data})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestPKCS12Mistakes(t *testing.T) {
	ca := certstest.NewCA(t, certstest.Options{Intermediate: true})
	pair, other := ca.Client("probe"), ca.Client("other")
	must := func(data []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good := must(pair.PKCS12("letmein"))
	keyOnly := func(b *bundle) *bundle { b.sealed = nil; return b }
	keyPEM := must(pair.KeyPEM(certstest.PKCS8))
	trust := must(pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{pair.Leaf}, "letmein"))
	encoded, _ := encodePassphrase("letmein")

	// A private key among the encrypted certificates: its rounds cannot be seen
	// in advance.
	endless := seal(t, sequence(sealedKey(math.MaxInt)), "letmein")
	beside := read(t, good)
	if err := beside.readContents(asn1.RawValue{FullBytes: endless}); err != nil {
		t.Fatal(err)
	}
	beside.sealed = beside.sealed[1:]

	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"three keys", must(certstest.Bundle(pair, other, ca.Client("third"))), "is a PKCS#12 bundle that holds 3 private keys, want a PKCS#12 bundle (.p12 or .pfx) with the certificate, its chain and its private key (their names are shown by keytool -list -keystore FILE"},
		{"certificates alone", trust, "is a PKCS#12 bundle without a private key"},
		{"a key alone", keyOnly(read(t, good)).repack(encoded), "is a PKCS#12 bundle without a certificate"},
		{"nothing", sequence(integer(3), sequence(identifier(1, 2, 840, 113549, 1, 7, 1), explicit(octets(sequence())))), "is a PKCS#12 bundle without a private key"},
		{"key of another", must(pkcs12.Modern.Encode(other.Key, pair.Leaf, pair.Chain[1:], "letmein")), `holds the private key of another certificate, want the key of CN="probe"`},
		{"wrong passphrase", must(pair.PKCS12("sesame")), "is a PKCS#12 bundle that this passphrase does not open"},
		{"truncated", good[:len(good)-9], "is a PKCS#12 bundle that is truncated or damaged: it is no valid DER"},
		{"data behind", append(bytes.Clone(good), 0), "is a PKCS#12 bundle that is truncated or damaged: there is data behind its end"},
		{"a bit flipped", flip(good, len(good)/2), "is a PKCS#12 bundle that "},
		{"BER", append([]byte{0x30, 0x80}, append(bytes.Clone(good[4:]), 0, 0)...), "is a PKCS#12 bundle in a form that cannot be read: lengths that are not written (BER)"},
		{"PEM", append(pair.CertPEM(), keyPEM...), "holds a certificate, want a PKCS#12 bundle (.p12 or .pfx) with the certificate, its chain and its private key (write pem instead of pkcs12"},
		{"empty", nil, "is empty, want"},
		{"text", []byte("hello"), "is text without a PEM block, want"},
		{"a key hidden", verified(encoded, endless), "is a PKCS#12 bundle in a form that cannot be read: a private key among the encrypted certificates"},
		{"a key hidden beside another", beside.repack(encoded), "is a PKCS#12 bundle that holds several private keys"},
		{"endless rounds for the checksum", pfx(math.MaxInt, nil), "is a PKCS#12 bundle that is truncated or damaged: its key is derived in 9223372036854775807 rounds, want 1 to 4000000"},
		{"no rounds for the checksum", pfx(-1, nil), "is a PKCS#12 bundle that is truncated or damaged: its key is derived in -1 rounds"},
		{"endless rounds for the key", pfx(1, plainPart(sealedKey(math.MaxInt))), "its key is derived in 9223372036854775807 rounds"},
		{"endless rounds for the certificates", pfx(1, sealedPart(math.MaxInt, make([]byte, 16))), "its key is derived in 9223372036854775807 rounds"},
		{"many rounds in all", pfx(2_000_000, sealedPart(2_000_001, make([]byte, 16))), "its key is derived in 4000001 rounds"},
		{"a signature", sequence(integer(3), sequence(identifier(1, 2, 840, 113549, 1, 7, 2), explicit(sequence(integer(3))))), "is a PKCS#12 bundle in a form that cannot be read: a signature instead of a passphrase"},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := loadBundle(t, test.data)
			if id.Err() == nil || id.TLS() != nil {
				t.Fatalf("error is %v, want one", id.Err())
			}
			got := strings.ReplaceAll(id.Err().Error(), id.Source().PKCS12, "FILE")
			if !strings.Contains(got, test.want) || strings.Contains(got, "letmein") {
				t.Errorf("error is\n\t%s\nwant\n\t%s", got, test.want)
			}
			if problems := id.Problems(time.Now()); len(problems) != 1 || problems[0].Severity != Error {
				t.Errorf("problems are %v, want one error", problems)
			}
		})
	}
}

// pbes2 is an algorithm with a salt and an initialization vector of zeros.
func pbes2(rounds int) []byte {
	return sequence(identifier(1, 2, 840, 113549, 1, 5, 13), sequence(
		sequence(identifier(1, 2, 840, 113549, 1, 5, 12), sequence(octets(make([]byte, 8)), integer(rounds), sequence(identifier(1, 2, 840, 113549, 2, 9)))),
		sequence(identifier(2, 16, 840, 1, 101, 3, 4, 1, 42), octets(make([]byte, aes.BlockSize))),
	))
}

// sealedKey is a bag with something that looks like an encrypted key.
func sealedKey(rounds int) []byte {
	return sequence(identifier(1, 2, 840, 113549, 1, 12, 10, 1, 2), explicit(sequence(pbes2(rounds), octets(make([]byte, 64)))))
}

func plainPart(bags ...[]byte) []byte {
	return sequence(identifier(1, 2, 840, 113549, 1, 7, 1), explicit(octets(sequence(bags...))))
}

func sealedPart(rounds int, data []byte) []byte {
	inner := encode(asn1.RawValue{Class: asn1.ClassContextSpecific, Bytes: data})
	return sequence(identifier(1, 2, 840, 113549, 1, 7, 6), explicit(sequence(integer(0), sequence(identifier(1, 2, 840, 113549, 1, 7, 1), pbes2(rounds), inner))))
}

// seal encrypts bags in one round.
func seal(tb testing.TB, bags []byte, passphrase string) []byte {
	tb.Helper()
	return sealedPart(1, encrypt(tb, bags, passphrase))
}

// encrypt encrypts as pbes2 says in one round.
func encrypt(tb testing.TB, data []byte, passphrase string) []byte {
	tb.Helper()
	key, err := pbkdf2.Key(sha256.New, passphrase, make([]byte, 8), 1, 32)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	padding := aes.BlockSize - len(data)%aes.BlockSize
	data = append(bytes.Clone(data), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(data, data)
	return data
}

// pfx is a bundle with a checksum that is wrong.
func pfx(rounds int, part []byte) []byte {
	return sequence(
		integer(3),
		sequence(identifier(1, 2, 840, 113549, 1, 7, 1), explicit(octets(sequence(part)))),
		sequence(sequence(sequence(identifier(2, 16, 840, 1, 101, 3, 4, 2, 1)), octets(make([]byte, 32))), octets(make([]byte, 8)), integer(rounds)),
	)
}

func flip(data []byte, i int) []byte {
	data = bytes.Clone(data)
	data[i] ^= 1
	return data
}

// What opens an encrypted key is read once for each load, and does not print.
func TestPassphrase(t *testing.T) {
	ca := certstest.NewCA(t)
	data, err := ca.Client("probe").PKCS12("letmein")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.p12")
	write := func(data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(data)
	reads, text := 0, "letmein"
	src := Source{Name: "x", PKCS12: path, Passphrase: NewPassphrase(func() (string, error) { reads++; return text, nil })}
	var loader Loader
	first, second := loader.Load(src), loader.Load(src)
	if first.Err() != nil || first.TLS().PrivateKey != second.TLS().PrivateKey {
		t.Errorf("error is %v; the second load decrypted the key again", first.Err())
	}
	if reads != 2 {
		t.Errorf("the passphrase was read %d times, want once for each load", reads)
	}
	text = "other"
	if err := loader.Load(src).Err(); err == nil {
		t.Error("another passphrase opens it too")
	}
	text = "letmein"
	write(flip(data, len(data)-20))
	if err := loader.Load(src).Err(); err == nil {
		t.Error("the file changed, and its old key is used")
	}
	write(data)
	if err := loader.Load(src).Err(); err != nil || len(loader.opened) != 1 {
		t.Errorf("error is %v, and %d files are remembered, want 1", err, len(loader.opened))
	}
	js, err := json.Marshal(src)
	if err != nil {
		t.Error(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "source", src, "passphrase", src.Passphrase)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "source", src, "passphrase", src.Passphrase)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		js = fmt.Appendf(js, verb+verb+verb+verb, src, &src, first, src.Passphrase)
	}
	for _, form := range []string{"letmein", hex.EncodeToString([]byte("letmein")), "108 101 116 109 101 105 110"} {
		if bytes.Contains(js, []byte(form)) || bytes.Contains(log.Bytes(), []byte(form)) {
			t.Errorf("the passphrase is printed:\n%s\n%s", js, &log)
		}
	}
	if got := fmt.Sprintf("%v %d %q", src.Passphrase, src.Passphrase, Passphrase{}); got != "*** *** " {
		t.Errorf("printed as %s", got)
	}
}

// Key stores of Java are told apart.
func TestKeyStores(t *testing.T) {
	sealed := sequence(pbes2(1), octets(make([]byte, 16)))
	for want, data := range map[string][]byte{
		foundJKS:       []byte("\xfe\xed\xfe\xed\x00\x00\x00\x02"),
		foundJCEKS:     []byte("\xce\xce\xce\xce\x00\x00\x00\x02"),
		foundBKS:       append([]byte("\x00\x00\x00\x02\x00\x00\x00\x14"), make([]byte, 20)...),
		foundBCFKS:     sequence(sealed, sequence(pbes2(1), octets(nil))),
		foundSealedDER: sealed,
	} {
		if got := describe(data); got != want {
			t.Errorf("it %s, want %s", got, want)
		}
		e := (&file{attribute: "pkcs12", path: "/etc/my certs/x", data: data}).instead(want)
		if !strings.Contains(e.Command, " '/etc/my certs/x'") || !strings.Contains(e.Command, "'/etc/my certs/x.p") {
			t.Errorf("it %s: the command is %s", want, e.Command)
		}
	}
}
