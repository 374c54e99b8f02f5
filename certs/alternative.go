package certs

import (
	"errors"
	"fmt"
	"strings"
)

// hostAlphabet is every character of a normalized host name.
const hostAlphabet = "-.0123456789_abcdefghijklmnopqrstuvwxyz"

// An alternative is a pattern without braces. Its literal ends are kept apart,
// for the index and because most patterns need nothing else.
type alternative struct {
	prefix, suffix string   // literal beginning and end; they never overlap in a match
	literal        bool     // the whole is suffix: a host name
	middle         *matcher // of what stands between them; nil: anything, even nothing
}

// match reports whether the alternative covers host.
func (a *alternative) match(host string) bool {
	if a.literal {
		return host == a.suffix
	}
	return len(host) >= len(a.prefix)+len(a.suffix) &&
		strings.HasPrefix(host, a.prefix) && strings.HasSuffix(host, a.suffix) &&
		(a.middle == nil || a.middle.match(host[len(a.prefix):len(host)-len(a.suffix)]))
}

// An element of a pattern without braces is a star, or stands for one
// character of a set: a string of one for a literal, the whole alphabet for ?.
type element struct {
	star bool
	set  string
}

// compileAlternative compiles a pattern without braces. Errors go on after
// the pattern.
func compileAlternative(text string) (*alternative, error) {
	text, err := asciiLabels(strings.TrimSuffix(text, "."))
	if err != nil {
		return nil, err
	}
	elements, err := parseElements(text)
	if err != nil {
		return nil, err
	}
	if err := checkElements(elements); err != nil {
		return nil, err
	}
	a := &alternative{}
	for len(a.prefix) < len(elements) && len(elements[len(a.prefix)].set) == 1 {
		a.prefix += elements[len(a.prefix)].set
	}
	if len(a.prefix) == len(elements) {
		a.literal, a.suffix, a.prefix = true, a.prefix, ""
		if a.suffix != "" && isIP(a.suffix) {
			return nil, errIPPattern()
		}
		return a, checkName(a.suffix)
	}
	for i := len(elements) - 1; len(elements[i].set) == 1; i-- {
		a.suffix = elements[i].set + a.suffix
	}
	if middle := elements[len(a.prefix) : len(elements)-len(a.suffix)]; len(middle) > 1 || !middle[0].star {
		a.middle, err = newMatcher(middle)
	}
	return a, err
}

// asciiLabels replaces international labels without wildcards by their
// punycode.
func asciiLabels(text string) (string, error) {
	if isASCII(text) {
		return text, nil
	}
	labels := strings.Split(text, ".")
	for i, label := range labels {
		if isASCII(label) {
			continue
		}
		if strings.ContainsAny(label, "*?[]") {
			return "", fmt.Errorf("has a wildcard beside international characters in %q: hosts are compared in punycode, "+
				"so that it would match nothing", label)
		}
		ascii, err := toASCII(label)
		if err != nil {
			return "", err
		}
		labels[i] = ascii
	}
	return strings.Join(labels, "."), nil
}

// parseElements splits a pattern into its elements, with runs of stars as one.
func parseElements(text string) ([]element, error) {
	var elements []element
	for text != "" {
		if text[0] == '*' {
			elements = append(elements, element{star: true})
			text = strings.TrimLeft(text, "*")
			continue
		}
		set, rest, err := parseOne(text)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element{set: set})
		text = rest
	}
	return elements, nil
}

// parseOne parses what stands for one character at the beginning of text.
func parseOne(text string) (set, rest string, err error) {
	switch c := rune(text[0]); {
	case c == '?':
		return hostAlphabet, text[1:], nil
	case c == '[':
		return parseClass(text)
	case c == ']':
		return "", "", errors.New("has a closing bracket without an opening one")
	case c == ',':
		return "", "", errors.New("has a comma outside of braces: want {a,b}, or a list in hosts")
	case c != '.' && !isHostChar(c):
		return "", "", fmt.Errorf("has %q, which cannot stand in a host name", c)
	}
	return text[:1], text[1:], nil
}
