package certs

import (
	"encoding"
	"fmt"
)

// A Passphrase opens an encrypted private key. It is read anew each time that
// a key has to be decrypted, and it does not print: each format shows it as
// "***". The zero value is none.
type Passphrase struct {
	read func() (string, error)
}

var (
	_ fmt.Formatter          = Passphrase{}
	_ encoding.TextMarshaler = Passphrase{}
)

// NewPassphrase returns the passphrase that read returns. An error of read,
// which must be free of secrets, fails what cannot be opened without it. read
// may be called often, and by several goroutines at once.
func NewPassphrase(read func() (string, error)) Passphrase { return Passphrase{read} }

// IsZero reports whether there is no passphrase.
func (p Passphrase) IsZero() bool { return p.read == nil }

// Format hides the passphrase, whatever the verb.
func (p Passphrase) Format(s fmt.State, _ rune) {
	text, _ := p.MarshalText()
	_, _ = s.Write(text)
}

// MarshalText hides the passphrase.
func (p Passphrase) MarshalText() ([]byte, error) {
	if p.IsZero() {
		return nil, nil
	}
	return []byte("***"), nil
}
