package certs

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxHost is the longest host name that DNS can carry, in bytes of its ASCII
// form without the trailing dot (RFC 1035, section 2.3.4).
const maxHost = 253

// maxLabel is the longest label of a host name, in bytes.
const maxLabel = 63

// NormalizeHost returns host in the form in which hosts are compared: lower
// case, without one trailing dot, international names in punycode, IP
// addresses in their canonical form and without brackets. It takes what
// [net/url.URL.Hostname] returns. Underscores are allowed, as resolvers allow
// them. An error says why host cannot be the host of a URL.
func NormalizeHost(host string) (string, error) {
	if isNormal(host) {
		return host, nil
	}
	normal, err := normalize(host)
	if err != nil {
		return "", fmt.Errorf("host %q %w", host, err)
	}
	return normal, nil
}

// normalize is NormalizeHost with errors that go on after the host's name.
func normalize(host string) (string, error) {
	if host == "" {
		return "", errors.New("is empty")
	}
	if !utf8.ValidString(host) {
		return "", errors.New("is not valid UTF-8")
	}
	if addr, ok := parseIP(host); ok {
		return addr, nil
	}
	name := strings.TrimSuffix(host, ".")
	switch {
	case strings.ContainsRune(name, ':'):
		return "", errors.New("is neither a host name nor an IP address: a colon stands in IPv6 addresses only")
	case name == "":
		return "", errors.New("is only a dot")
	}
	name, err := toASCII(name)
	if err != nil {
		return "", err
	}
	return name, checkName(name)
}

// parseIP returns the canonical form of an IP address. IPv6 may stand in
// brackets.
func parseIP(s string) (string, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(inner, ":") {
			return "", false
		}
		s = inner
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(s, "."))
	if err != nil {
		return "", false
	}
	var buf [64]byte
	if canonical := addr.AppendTo(buf[:0]); string(canonical) != s {
		return string(canonical), true
	}
	return s, true
}

// toASCII returns name in lower case, and in punycode where it is
// international (UTS #46 as for lookup, but with underscores and with hyphens
// anywhere).
func toASCII(name string) (string, error) {
	if isASCII(name) {
		return strings.ToLower(name), nil
	}
	profile := idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.CheckHyphens(false))
	ascii, err := profile.ToASCII(name)
	if err != nil {
		return "", fmt.Errorf("is no international host name: %w", err)
	}
	return strings.ToLower(strings.TrimSuffix(ascii, ".")), nil
}

// checkName says what keeps name, in lower-case ASCII, from being a host name.
func checkName(name string) error {
	if len(name) > maxHost {
		return fmt.Errorf("has %d characters, want at most %d", len(name), maxHost)
	}
	digits := true
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "":
			return errors.New("has an empty part: it begins with a dot, or two dots follow one another")
		case len(label) > maxLabel:
			return fmt.Errorf("has a part of %d characters, want at most %d between two dots", len(label), maxLabel)
		}
		for _, c := range label {
			if !isHostChar(c) {
				return fmt.Errorf("has %q, which cannot stand in a host name", c)
			}
			digits = digits && '0' <= c && c <= '9'
		}
	}
	if digits {
		return errors.New("is no IP address: want four numbers from 0 to 255 without leading zeros")
	}
	return nil
}

// isNormal reports whether host is what NormalizeHost would return, and not
// an IPv6 address. It allocates nothing.
func isNormal(host string) bool {
	if host == "" || len(host) > maxHost {
		return false
	}
	label, digits := 0, true
	for i := range len(host) {
		c := host[i]
		switch {
		case c == '.':
			if label == 0 {
				return false
			}
			label = 0
			continue
		case !isHostChar(rune(c)):
			return false
		}
		label++
		if label > maxLabel {
			return false
		}
		digits = digits && '0' <= c && c <= '9'
	}
	return label > 0 && !digits
}

// isIP reports whether a normalized host is an IP address.
func isIP(host string) bool {
	if strings.IndexByte(host, ':') >= 0 {
		return true
	}
	for i := range len(host) {
		if c := host[i]; c != '.' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isHostChar reports whether c may stand in a label of a normalized host.
func isHostChar(c rune) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
