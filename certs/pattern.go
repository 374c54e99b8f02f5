package certs

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A HostPattern is what stands in host or hosts of a certificate block: a full
// host name, an IP address or a pattern. Make one with [ParseHost].
type HostPattern struct {
	text         string         // as written
	host         string         // normalized, of an exact one
	alternatives []*alternative // of a pattern, one for each expansion of its braces
	warnings     []string
}

// ParseHost parses a host name, an IP address or a pattern over host names.
//
// Patterns are those of minimatch without path segments
// (https://github.com/isaacs/minimatch): * stands for any characters and ? for
// one, dots included; [a-z], [!a] and [^a] for one of, or none of, some
// characters; {a,b} and {1..3} for alternatives, which are expanded first. A
// text without any of these is a full host name. Patterns never cover IP
// addresses.
//
// An error is a sentence for the user. It is returned for what can match no
// host or is no host (schemes, ports, paths), for the extended forms of
// minimatch, and beyond the limits: 253 characters, 64 expansions, and 64
// characters to be tried at every place of a host, such as -[0-9][0-9]. in
// *-[0-9][0-9].*.acme.com.
func ParseHost(s string) (HostPattern, error) {
	p, err := parseHost(s)
	if err != nil {
		return HostPattern{}, fmt.Errorf("host %q %w", s, err)
	}
	return p, nil
}

func parseHost(s string) (HostPattern, error) {
	p := HostPattern{text: s}
	if addr, ok := parseIP(s); ok {
		p.host = addr
		return p, nil
	}
	if err := findMistake(s); err != nil {
		return p, err
	}
	if !strings.ContainsAny(s, "*?[{") {
		host, err := normalize(s)
		p.host = host
		return p, err
	}
	if n := utf8.RuneCountInString(s); n > maxHost {
		return p, fmt.Errorf("has %d characters, want at most %d", n, maxHost)
	}
	expansions, err := expandBraces(strings.ToLower(s))
	if err != nil {
		return p, err
	}
	searched := 0
	for _, expansion := range expansions {
		a, err := compileAlternative(expansion)
		if err != nil && expansion != strings.ToLower(s) {
			err = fmt.Errorf("stands for %q, which %w", expansion, err)
		}
		if err != nil {
			return p, err
		}
		p.alternatives = append(p.alternatives, a)
		if a.middle != nil {
			searched += a.middle.searched()
		}
	}
	if searched > maxSearched {
		return p, fmt.Errorf("has %d characters beside ? or classes between stars, over all its expansions, want at most %d", searched, maxSearched)
	}
	p.warnings = warningsFor(s, p.alternatives)
	return p, nil
}

// findMistake recognises what people write instead of a host.
func findMistake(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	if !utf8.ValidString(s) {
		return errors.New("is not valid UTF-8")
	}
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return errors.New("has white space in it: want one host name or pattern")
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("has a control character in it")
	}
	if strings.Contains(s, "://") {
		return wantOnly("has a scheme in it", s)
	}
	if s[0] == '!' || s[0] == '#' {
		return fmt.Errorf("begins with %q: negation and comments are not supported", s[:1])
	}
	if i := strings.IndexByte(s, '('); i > 0 && strings.IndexByte("+@?*!", s[i-1]) >= 0 {
		return fmt.Errorf("has the extended form %s…), which is not supported: use braces, as in {a,b}", s[i-1:i+1])
	}
	if strings.ContainsAny(s, `\$`) || s[0] == '^' || strings.Contains(s, ".*.") && strings.ContainsAny(s, "()|+") {
		return errors.New("looks like a regular expression, want a pattern such as *.acme.com")
	}
	if strings.ContainsRune(s, '/') {
		if regexp.MustCompile(`^[0-9a-fA-F:.]+/[0-9]+$`).MatchString(s) {
			return errors.New("is a range of IP addresses, want single addresses or host names")
		}
		return wantOnly("has a path in it", "https://"+s)
	}
	if strings.ContainsRune(s, '@') {
		return wantOnly("has a user name in it", "https://"+s)
	}
	return findColon(s)
}

// findColon tells ports from mistaken IPv6 addresses.
func findColon(s string) error {
	if !strings.ContainsRune(s, ':') {
		return nil
	}
	host, port, _ := strings.Cut(s, ":")
	if inside, after, ok := strings.Cut(s, "]:"); ok {
		host, port = inside+"]", after
	}
	if strings.Contains(s, "[:") && strings.Contains(s, ":]") {
		return errors.New("has a named class, which is not supported: want [a-z0-9]")
	}
	if (port != "" || strings.Count(s, ":") == 1) && strings.Trim(port, "0123456789*") == "" && !strings.ContainsRune(host, ',') {
		return fmt.Errorf("has a port in it, want only the host: %q (ports make no difference)", host)
	}
	if strings.ContainsAny(s, "*?{") || strings.Count(s, "[") > 1 {
		return errIPPattern()
	}
	return errors.New("is neither a host name nor an IP address: a colon stands in IPv6 addresses only")
}

func errIPPattern() error {
	return errors.New("is a pattern over IP addresses: they match exactly, so each needs a host of its own")
}

// wantOnly returns an error that suggests the host of the URL rawURL.
func wantOnly(mistake, rawURL string) error {
	if u, err := url.Parse(rawURL); err == nil && u.Hostname() != "" {
		return fmt.Errorf("%s, want only the host: %q", mistake, u.Hostname())
	}
	return fmt.Errorf("%s, want only the host", mistake)
}

// Exact reports whether p is a full host name or an IP address, so that rule 3
// of the package comment applies to it.
func (p HostPattern) Exact() bool { return p.host != "" }

// String returns p as it was written.
func (p HostPattern) String() string { return p.text }

// Warnings returns, as sentences for the user, what is probably not meant as
// it is written. It is empty for most patterns.
func (p HostPattern) Warnings() []string { return slices.Clone(p.warnings) }

// Match reports whether p is, or covers, host, which must come from
// [NormalizeHost]. Whatever p and host are, it allocates nothing, and at the
// limits of [ParseHost] it takes a fraction of a millisecond.
func (p HostPattern) Match(host string) bool {
	if p.host != "" || isIP(host) {
		return p.host == host
	}
	for _, a := range p.alternatives {
		if a.match(host) {
			return true
		}
	}
	return false
}
