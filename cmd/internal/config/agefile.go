package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"watchword/cmd/internal/lang"
)

const (
	ageHeader = "age-encryption.org/v1"
	ageKey    = "AGE-SECRET-KEY-" // begins the lines of an identity

	maxAgeFile = 4 << 20 // a secret encrypted for many, as text
	maxKeyFile = 1 << 20
)

// ageKeys are the identities that a load was given.
type ageKeys struct {
	identities []age.Identity
	errs       []error // of files that hold none
}

// ageIdentities reads the identities at the first call.
func (l *loader) ageIdentities() *ageKeys {
	if l.age != nil {
		return l.age
	}
	l.age = new(ageKeys)
	for _, name := range l.opts.AgeIdentities {
		path, err := keyPath(name, l.opts.WorkDir)
		if err != nil {
			l.age.errs = append(l.age.errs, err)
			continue
		}
		l.watch(path)
		ids, err := readIdentities(path)
		if err != nil {
			l.age.errs = append(l.age.errs, err)
		}
		l.age.identities = append(l.age.identities, ids...)
	}
	return l.age
}

// keyPath is the absolute path of an identity's file. A key in place of its
// name is not shown.
func keyPath(name, dir string) (string, error) {
	if strings.Contains(strings.ToUpper(name), ageKey) {
		return "", errors.New("an age identity is the name of a file, not the key itself")
	}
	return absolute(name, dir)
}

// readIdentities reads the file of one or more identities. No error shows any
// of it.
func readIdentities(path string) ([]age.Identity, error) {
	text, err := lang.ReadFile(path, maxKeyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the age identity %s: %w", path, err)
	}
	if isAge(text) {
		return nil, fmt.Errorf("the age identity %s is itself encrypted: decrypt it first, with age -d", path)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil { // which may hold characters of the key
		return nil, fmt.Errorf("%s holds no age identities, which are lines that begin with %s: age-keygen writes one", path, ageKey)
	}
	return ids, nil
}

// isAge reports whether text begins as an age file, armored or not.
func isAge(text []byte) bool {
	return bytes.HasPrefix(text, []byte(ageHeader)) || isArmored(text)
}

func isArmored(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte(armor.Header))
}

// openAgeFile returns the text inside of the age file at path, all of which
// has proved to be authentic.
func (l *loader) openAgeFile(path string) ([]byte, error) {
	text, err := lang.ReadFile(path, maxAgeFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !isAge(text) {
		return nil, fmt.Errorf("%s is no age file: watchword secret seal writes one, and so does age", path)
	}
	keys := l.ageIdentities()
	if len(keys.identities) == 0 {
		if len(keys.errs) > 0 {
			return nil, fmt.Errorf("%s cannot be opened: %w", path, joined(keys.errs))
		}
		return nil, fmt.Errorf("%s cannot be opened: no identity was given, with --age-identity or in WATCHWORD_AGE_IDENTITY", path)
	}
	var file io.Reader = bytes.NewReader(text)
	if isArmored(text) {
		file = armor.NewReader(file)
	}
	plain, err := age.Decrypt(file, keys.identities...)
	if err != nil {
		return nil, keys.refused(path, err)
	}
	value, err := io.ReadAll(io.LimitReader(plain, maxSecret+1))
	switch {
	case err != nil:
		return nil, damaged(path)
	case len(value) > maxSecret:
		return nil, fmt.Errorf("%s holds more than %s", path, formatSize(maxSecret))
	}
	return value, nil
}

// refused says why no identity opens the file at path.
func (k *ageKeys) refused(path string, err error) error {
	var others string
	if len(k.errs) > 0 {
		others = "; " + joined(k.errs).Error()
	}
	none, ok := errors.AsType[*age.NoIdentityMatchError](err)
	switch {
	case !ok:
		return damaged(path)
	case slices.Contains(none.StanzaTypes, "scrypt"):
		return fmt.Errorf("%s is encrypted with a passphrase: encrypt it for the recipient of an identity, with watchword secret seal", path)
	case len(k.identities) == 1:
		return fmt.Errorf("%s is encrypted for another recipient than that of the identity%s", path, others)
	default:
		return fmt.Errorf("%s is encrypted for another recipient than those of the %d identities%s", path, len(k.identities), others)
	}
}

// damaged hides the library's error, which may quote the file.
func damaged(path string) error { return fmt.Errorf("%s is damaged or cut short", path) }

// joined are errors in one line.
func joined(errs []error) error {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return errors.New(strings.Join(texts, "; "))
}
