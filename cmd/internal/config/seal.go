package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"watchword/cmd/internal/lang"
)

// MaxSecret is the size that a secret's value may have, in bytes.
const MaxSecret = maxSecret

// A Recipients says who will be able to open a sealed secret.
type Recipients struct {
	Keys       []string // "age1…"
	Files      []string // with a key a line
	Identities []string // files of identities, which stand for their recipients
}

// Seal encrypts text for to, as an armored file for `age_file`. It refuses
// what could not be a secret. No error shows anything of text.
func Seal(text []byte, to Recipients) ([]byte, error) {
	recipients, err := to.parse()
	if err != nil {
		return nil, err
	}
	if len(text) > MaxSecret {
		return nil, fmt.Errorf("the value is larger than %s", formatSize(MaxSecret))
	}
	if _, err := acceptSecret(withoutNewline(text), "it is empty"); err != nil {
		return nil, fmt.Errorf("the value cannot be a secret: %w", err)
	}
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	_, err = w.Write(text)
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return out.Bytes(), nil
}

// Check reports what is wrong with r, as [Seal] would.
func (r Recipients) Check() error {
	_, err := r.parse()
	return err
}

func (r Recipients) parse() ([]age.Recipient, error) {
	var all []age.Recipient
	for _, key := range r.Keys {
		if err := noIdentity(key, "the recipient"); err != nil {
			return nil, err
		}
		one, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil || len(one) != 1 {
			return nil, fmt.Errorf("%q is no recipient: want age1…, as age-keygen -y prints it for an identity", clip(key))
		}
		all = append(all, one...)
	}
	for _, name := range r.Files {
		text, err := lang.ReadFile(name, maxKeyFile)
		if err != nil {
			return nil, fmt.Errorf("reading the recipients %s: %w", name, err)
		}
		if err := noIdentity(string(text), name); err != nil {
			return nil, err
		}
		several, err := age.ParseRecipients(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s holds no recipients, which are lines that begin with age1: %w", name, err)
		}
		all = append(all, several...)
	}
	for _, name := range r.Identities {
		path, err := keyPath(name, "")
		if err != nil {
			return nil, err
		}
		ids, err := readIdentities(path)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			switch id := id.(type) {
			case *age.X25519Identity:
				all = append(all, id.Recipient())
			case *age.HybridIdentity:
				all = append(all, id.Recipient())
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("for whom? Give --recipient age1…, --recipients-file FILE, or the --age-identity FILE that is to open it; age-keygen -o FILE makes one")
	}
	return all, nil
}

// noIdentity refuses a secret key where a public one belongs, without showing
// it.
func noIdentity(text, where string) error {
	if strings.Contains(strings.ToUpper(text), ageKey) {
		return fmt.Errorf("%s is a secret key, an identity: want the public one, age1…, as age-keygen -y prints it", where)
	}
	return nil
}
