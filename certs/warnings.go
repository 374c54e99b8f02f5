package certs

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// warningsFor returns the warnings of a pattern: what its alternatives cover that
// belongs to others.
func warningsFor(text string, alternatives []*alternative) []string {
	var warnings []string
	for _, a := range alternatives {
		if w := a.warning(text); w != "" && !slices.Contains(warnings, w) {
			warnings = append(warnings, w)
		}
	}
	return warnings
}

// warning returns why hosts of strangers match the alternative, or "". They
// do if the end that is fixed holds no domain that someone owns.
func (a *alternative) warning(text string) string {
	if a.literal {
		return ""
	}
	if a.prefix == "" && a.suffix == "" && a.middle == nil {
		return fmt.Sprintf("host %q covers every host: the certificate is shown to whoever asks for one; "+
			"to use it only where a request demands a certificate, set primary = true instead", text)
	}
	if a.suffix == "" {
		return fmt.Sprintf("host %q ends with a wildcard: it covers hosts in the domains of others, such as %q",
			text, a.prefix+"x.evil.example")
	}
	inside, domain, dotted := strings.Cut(a.suffix, ".")
	suffix, icann := publicsuffix.PublicSuffix(domain)
	switch {
	case dotted && inside != "" && !strings.Contains(domain, "."):
	case dotted && (!icann || suffix != domain):
		return ""
	case dotted && inside == "":
		return fmt.Sprintf("host %q covers every host below %q, a suffix under which anyone can have a domain", text, a.suffix)
	}
	return fmt.Sprintf("host %q also covers %q, want %q or %q",
		text, a.prefix+"evil"+a.suffix, a.prefix+"*."+a.suffix, "{,*.}"+a.suffix)
}
