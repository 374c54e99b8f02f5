package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/cmd/internal/lang"
)

// maxSecret bounds a secret's file, in bytes.
const maxSecret = 1 << 20

// secretValues evaluates all secret blocks to the object `secret`. One that
// cannot be read has a value that is not available, which spoils only what
// it goes into.
func (l *loader) secretValues(blocks []*block) cty.Value {
	values := make(map[string]cty.Value, len(blocks))
	for _, b := range blocks {
		name := b.label()
		origin := "secret." + name
		env, path := l.text(b, "env"), l.path(b, "file")
		values[name] = lang.Sensitive(cty.UnknownVal(cty.String), origin)
		if !l.oneOf(b, env.set, path.set) || env.bad || path.bad {
			continue
		}
		if path.set {
			l.watch(path.value)
		}
		if l.opts.Offline {
			values[name] = lang.Unavailable(cty.String, origin, errOffline)
			continue
		}
		value, err := l.readSecret(env, path)
		if err != nil {
			err = fmt.Errorf("reading secret %q: %w", name, err)
			at := env.at
			if path.set {
				at = path.at
			}
			l.unreadable("secret", name, at, err)
			values[name] = lang.Unavailable(cty.String, origin, err)
			continue
		}
		l.keep(name, value)
		values[name] = lang.Sensitive(cty.StringVal(value), origin)
	}
	return cty.ObjectVal(values)
}

// errOffline is why no secret has a value with Options.Offline.
var errOffline = errors.New("secrets are not read with --offline")

// oneOf reports a secret block with no or several sources.
func (l *loader) oneOf(b *block, env, path bool) bool {
	switch {
	case env && path:
		l.errorf(b.attrAt("file"), "Two sources", "A secret has exactly one of env and file.")
		return false
	case !env && !path:
		if !b.broken {
			l.errorf(b.at, "No source", "A secret has exactly one of env and file, such as env = \"API_PASSWORD\".")
		}
		return false
	}
	return true
}

// readSecret reads the value of a secret. No error shows any of it.
func (l *loader) readSecret(env, path opt[string]) (string, error) {
	value := ""
	if env.set {
		ok := false
		if l.opts.Environ != nil {
			value, ok = l.opts.Environ(env.value)
		}
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", clip(env.value))
		}
	} else {
		text, err := lang.ReadFile(path.value, maxSecret)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path.value, err)
		}
		value = strings.TrimSuffix(string(text), "\n")
		if len(value) < len(text) {
			value = strings.TrimSuffix(value, "\r")
		}
	}
	switch {
	case value == "" && env.set:
		return "", fmt.Errorf("the environment variable %s is empty", clip(env.value))
	case value == "":
		return "", fmt.Errorf("%s is empty", path.value)
	case !utf8.ValidString(value):
		return "", errors.New("it is not UTF-8 text")
	case cty.NormalizeString(value) != value: // the library would change it silently
		return "", errors.New("its characters are not in Unicode's composed form (NFC)")
	}
	return value, nil
}

// unreadable notes that something outside of the HCL files cannot be used:
// a mistake for `watchword validate`, and for the daemon a notice.
func (l *loader) unreadable(kind, name string, at hcl.Range, err error) {
	if l.opts.Validate {
		l.errorf(at, capital(kind)+" cannot be used", "%s.", capital(err.Error()))
		return
	}
	l.notices = append(l.notices, Notice{Kind: kind, Name: name, Err: err, Source: sourceAt(at)})
}
