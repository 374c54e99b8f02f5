package config

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

const withSealed = `
secret "s" { age_file = "s.age" }
receiver "slack" "r" {
  token   = secret.s
  channel = "#a"
}
`

func TestAgeFile(t *testing.T) {
	x25519, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	key := x25519.String()
	keys := "# created: today\n# public key: " + x25519.Recipient().String() + "\n" + key + "\n"
	binary := func(text string, to ...age.Recipient) string { return string(encrypt(t, text, false, to)) }
	armored := func(text string, to ...age.Recipient) string { return string(encrypt(t, text, true, to)) }
	tests := []struct{ name, keys, file, want string }{
		{"binary", keys, binary("hunter2", x25519.Recipient()), "hunter2"},
		{"armored", keys, armored("hunter2", x25519.Recipient()), "hunter2"},
		{"armored after empty lines", keys, "\r\n\n" + armored("hunter2", x25519.Recipient()), "hunter2"},
		{"CRLF", keys, strings.ReplaceAll(armored("hunter2", x25519.Recipient()), "\n", "\r\n"), "hunter2"},
		{"one newline is dropped", keys, binary("hunter2\n\n", x25519.Recipient()), "hunter2\n"},
		{"several recipients", keys, armored("hunter2", other.Recipient(), x25519.Recipient()), "hunter2"},
		{"several identities", other.String() + "\n" + keys, armored("hunter2", x25519.Recipient()), "hunter2"},
		{"post-quantum", hybrid.String(), armored("hunter2", hybrid.Recipient()), "hunter2"},
		{"largest", keys, binary(strings.Repeat("x", maxSecret), x25519.Recipient()), strings.Repeat("x", maxSecret)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, "conf/a.hcl", withSealed, "conf/s.age", tt.file, "keys.txt", tt.keys)
			c := load(t, filepath.Join(dir, "conf"), Options{Validate: true, AgeIdentities: []string{"keys.txt"}, WorkDir: dir})
			if got := c.Receivers[0].Slack.Token; got != tt.want {
				t.Errorf("secret is %.40q, want %.40q", got, tt.want)
			}
			if got := c.Redactor.Redact("<" + tt.want + ">"); got != "<***>" {
				t.Errorf("redacted to %.40q", got)
			}
			for _, name := range []string{"conf/s.age", "keys.txt"} {
				if path := filepath.Join(dir, name); !slices.Contains(c.Files, path) || !slices.Contains(c.Dirs, filepath.Dir(path)) {
					t.Errorf("%s is not watched: %q in %q", name, c.Files, c.Dirs)
				}
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		dir := write(t, "a.hcl", withSealed, "s.age", binary(strings.Repeat("x", maxSecret+1), x25519.Recipient()), "keys.txt", keys)
		_, err := Load(t.Context(), dir, Options{Validate: true, AgeIdentities: []string{filepath.Join(dir, "keys.txt")}})
		if err == nil || !strings.Contains(err.Error(), "more than 1MiB") {
			t.Errorf("Load: %v, want the limit", err)
		}
	})
}

// Nothing that is no longer as it was encrypted is taken, wherever it changed.
func TestAgeFileIsAuthentic(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := encrypt(t, "hunter2", false, []age.Recipient{id.Recipient()})
	dir := write(t, "a.hcl", withSealed, "keys.txt", id.String())
	try := func(file []byte) bool {
		if err := os.WriteFile(filepath.Join(dir, "s.age"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(t.Context(), dir, Options{Validate: true, AgeIdentities: []string{filepath.Join(dir, "keys.txt")}})
		return err == nil
	}
	if !try(file) {
		t.Fatal("the file as it is cannot be read")
	}
	for i := range file {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		if try(changed) {
			t.Errorf("a change of byte %d is not seen", i)
		}
		if try(file[:i]) {
			t.Errorf("%d of %d bytes are taken", i, len(file))
		}
	}
}

func encrypt(t *testing.T, text string, armored bool, to []age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	var out io.WriteCloser = nopCloser{&b}
	if armored {
		out = armor.NewWriter(&b)
	}
	w, err := age.Encrypt(out, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func TestSealRefuses(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, "keys.txt", id.String(), "text.txt", "canary")
	public := id.Recipient().String()
	tests := []struct {
		name string
		text string
		to   Recipients
		want string
	}{
		{"nobody", "x", Recipients{}, "--recipient"},
		{"no recipient", "x", Recipients{Keys: []string{"age1canary"}}, "is no recipient"},
		{"a secret key", "x", Recipients{Keys: []string{id.String()}}, "secret key"},
		{"a secret key in a file", "x", Recipients{Files: []string{filepath.Join(dir, "keys.txt")}}, "secret key"},
		{"a key for a file", "x", Recipients{Identities: []string{id.String()}}, "not the key itself"},
		{"no keys in a file", "x", Recipients{Identities: []string{filepath.Join(dir, "text.txt")}}, "holds no age identities"},
		{"no recipients in a file", "x", Recipients{Files: []string{filepath.Join(dir, "text.txt")}}, "holds no recipients"},
		{"post-quantum and not", "x", Recipients{Keys: []string{public, pq.Recipient().String()}}, "encrypting"},
		{"empty", "", Recipients{Keys: []string{public}}, "it is empty"},
		{"only a newline", "\n", Recipients{Keys: []string{public}}, "it is empty"},
		{"no text", "\xff", Recipients{Keys: []string{public}}, "not UTF-8"},
		{"not composed", "e\u0301", Recipients{Keys: []string{public}}, "NFC"},
		{"too large", strings.Repeat("x", maxSecret+1), Recipients{Keys: []string{public}}, "larger than 1MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Seal([]byte(tt.text), tt.to)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Seal: %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), id.String()[20:]) {
				t.Errorf("the error shows the key: %v", err)
			}
		})
	}
}
