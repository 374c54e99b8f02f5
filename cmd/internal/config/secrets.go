package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// maxSecret bounds the value of a secret, in bytes.
const maxSecret = 1 << 20

// A secretSource is a `secret` block: where its value comes from.
type secretSource struct {
	name    string
	env     opt[string]
	file    opt[string]
	ageFile opt[string]
	command *secretCommand // nil unless it is the source
	at      hcl.Range      // of the attribute that names the source
	bad     bool           // it cannot be read because of mistakes
}

// parseEnvName reads the name of an environment variable: any, but for what no
// environment can hold.
func parseEnvName(s string) (string, error) {
	if s == "" || strings.ContainsAny(s, "=\x00") {
		return "", fmt.Errorf("%q names no environment variable", clip(s))
	}
	return s, nil
}

// A reading is what came of reading a secret.
type reading struct {
	value string
	has   bool      // there is a value
	err   error     // why there is none, or none newer than since
	since time.Time // when a command gave the value that has to go on
}

// secretValues evaluates all secret blocks to the object `secret`. One that
// cannot be read has a value that is not available, which spoils only what
// it goes into.
func (l *loader) secretValues(ctx context.Context, blocks []*block) cty.Value {
	sources := make([]*secretSource, len(blocks))
	for i, b := range blocks {
		sources[i] = l.secretSource(b)
		l.secretNames = append(l.secretNames, sources[i].name)
	}
	readings := l.readSecrets(ctx, sources)
	values := make(map[string]cty.Value, len(blocks))
	for i, s := range sources {
		origin := "secret." + s.name
		switch r := readings[i]; {
		case s.bad:
			values[s.name] = lang.Sensitive(cty.UnknownVal(cty.String), origin)
		case r.has:
			values[s.name] = lang.Sensitive(cty.StringVal(r.value), origin)
		default:
			values[s.name] = lang.Unavailable(cty.String, origin, r.err)
		}
	}
	return cty.ObjectVal(values)
}

// secretSource reads a secret block, and nothing outside of it.
func (l *loader) secretSource(b *block) *secretSource {
	s := &secretSource{name: b.label(), env: parsed(l, b, "env", parseEnvName), file: l.path(b, "file"), ageFile: l.path(b, "age_file")}
	command := l.secretCommand(b)
	var given []string
	for _, source := range []struct {
		name     string
		set, bad bool
	}{
		{"env", s.env.set, s.env.bad},
		{"file", s.file.set, s.file.bad},
		{"command", command.set, command.bad},
		{"age_file", s.ageFile.set, s.ageFile.bad},
	} {
		if source.set {
			given = append(given, source.name)
			s.bad = s.bad || source.bad
		}
	}
	switch {
	case len(given) > 1:
		l.errorf(b.attrAt(given[1]), "Two sources", "A secret has exactly one of env, file, command and age_file.")
		s.bad = true
		return s
	case len(given) == 0:
		if !b.broken {
			l.errorf(b.at, "No source", "A secret has exactly one of env, file, command and age_file, such as env = \"API_PASSWORD\".")
		}
		s.bad = true
		return s
	}
	s.at = b.attrAt(given[0])
	for _, path := range []opt[string]{s.file, s.ageFile} {
		l.watch(path.value)
	}
	if command.ok() {
		s.command = &command.value
		l.commands = append(l.commands, command.value)
	}
	return s
}

// errOffline is why no secret has a value with Options.Offline.
var errOffline = errors.New("secrets are not read with --offline")

// readSecrets reads all secrets, commands at the same time, and tells which
// could not be read. The redactor's secrets are complete before that.
func (l *loader) readSecrets(ctx context.Context, sources []*secretSource) []reading {
	readings := make([]reading, len(sources))
	if l.opts.Offline {
		for i := range readings {
			readings[i].err = errOffline
		}
		return readings
	}
	answers := l.opts.Commands.load(ctx, l.commands, l.opts.Recall)
	for i, s := range sources {
		r := &readings[i]
		switch {
		case s.bad:
			continue
		case s.command != nil:
			*r = answers[s.command.key()].reading()
		default:
			r.value, r.err = l.readSecret(s)
			r.has = r.err == nil
		}
		if r.has {
			l.keep(s.name, r.value)
		}
	}
	var redactor *checks.Redactor
	for i, s := range sources {
		r := &readings[i]
		if r.err == nil {
			continue
		}
		if said, ok := errors.AsType[*commandError](r.err); ok && said.stderr != "" {
			if redactor == nil {
				redactor = checks.NewNamedRedactor(l.secrets...)
			}
			if redactor.Redact(said.stderr) != said.stderr {
				r.err = &commandError{what: said.what}
			}
		}
		r.err = fmt.Errorf("reading secret %q: %w", s.name, r.err)
		l.unreadable(Notice{Kind: "secret", Name: s.name, Err: r.err, Since: r.since}, s.at)
	}
	return readings
}

// readSecret reads the value of a secret that is no command. No error shows
// any of it.
func (l *loader) readSecret(s *secretSource) (string, error) {
	switch {
	case s.env.set:
		value, ok := "", false
		if l.opts.Environ != nil {
			value, ok = l.opts.Environ(s.env.value)
		}
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", clip(s.env.value))
		}
		return acceptSecret(value, "the environment variable "+clip(s.env.value)+" is empty")
	case s.file.set:
		text, err := lang.ReadFile(s.file.value, maxSecret)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.file.value, err)
		}
		return acceptSecret(withoutNewline(text), s.file.value+" is empty")
	default:
		text, err := l.openAgeFile(s.ageFile.value)
		if err != nil {
			return "", err
		}
		return acceptSecret(withoutNewline(text), s.ageFile.value+" is empty inside")
	}
}

// withoutNewline drops one newline at the end.
func withoutNewline(text []byte) string {
	value, dropped := strings.CutSuffix(string(text), "\n")
	if dropped {
		value = strings.TrimSuffix(value, "\r")
	}
	return value
}

// acceptSecret refuses what cannot be a secret's value. empty is what to say
// of one without any text.
func acceptSecret(value, empty string) (string, error) {
	switch {
	case value == "":
		return "", errors.New(empty)
	case !utf8.ValidString(value):
		return "", errors.New("it is not UTF-8 text")
	case cty.NormalizeString(value) != value: // the library would change it silently
		return "", errors.New("its characters are not in Unicode's composed form (NFC)")
	}
	return value, nil
}

// unreadable notes that something outside of the HCL files cannot be used:
// a mistake for `watchword validate`, and for the daemon a notice.
func (l *loader) unreadable(n Notice, at hcl.Range) {
	if l.opts.Validate {
		l.errorf(at, capital(n.Kind)+" cannot be used", "%s.", capital(n.Err.Error()))
		return
	}
	n.Source = sourceAt(at)
	l.notices = append(l.notices, n)
}
