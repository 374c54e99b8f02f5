package certs

import (
	"errors"
	"fmt"
	"strings"
)

// parseClass parses a class such as [a-z0-9] or [!a] at the beginning of text
// and returns the characters of host names in it.
func parseClass(text string) (set, rest string, err error) {
	inside, rest, ok := strings.Cut(text[1:], "]")
	if !ok {
		return "", "", errors.New("has an opening bracket without a closing one")
	}
	negated := inside != "" && (inside[0] == '!' || inside[0] == '^')
	members := inside
	if negated {
		members = inside[1:]
	}
	var has [256]bool
	for i := 0; i < len(members); i++ {
		lo, hi := members[i], members[i]
		if i+2 < len(members) && members[i+1] == '-' {
			hi = members[i+2]
			i += 2
		}
		switch {
		case lo == '[':
			return "", "", errors.New("has a class inside of a class, which is not supported: want [a-z0-9]")
		case !isClassChar(lo) || !isClassChar(hi):
			return "", "", fmt.Errorf("has the class [%s], which holds other characters than host names do", inside)
		case lo > hi:
			return "", "", fmt.Errorf("has the class [%s] with the range %c-%c, which is empty", inside, lo, hi)
		}
		for c := int(lo); c <= int(hi); c++ {
			has[c] = true
		}
	}
	var b strings.Builder
	for _, c := range []byte(hostAlphabet) {
		if has[c] != negated {
			b.WriteByte(c)
		}
	}
	if b.Len() == 0 || members == "" {
		return "", "", fmt.Errorf("has the class [%s], which holds no character of a host name", inside)
	}
	return b.String(), rest, nil
}

func isClassChar(c byte) bool { return c == '.' || isHostChar(rune(c)) }

// checkElements finds patterns that cover IP addresses or that no host can
// match.
func checkElements(elements []element) error {
	const numeric = "0123456789."
	digits, letters, length := false, false, 0
	for i, e := range elements {
		if e.star {
			continue
		}
		length++
		if e.set == "." && (i == 0 || i == len(elements)-1 || elements[i-1].set == ".") {
			return errors.New("has an empty part: it begins with a dot, or two dots follow one another")
		}
		outside := strings.Trim(e.set, numeric) != ""
		letters = letters || outside && len(e.set) < len(hostAlphabet)
		digits = digits || !outside && e.set != "."
	}
	if length > maxHost {
		return fmt.Errorf("stands for at least %d characters, and a host has at most %d", length, maxHost)
	}
	wild := len(elements) > 0 && !allLiteral(elements)
	if wild && digits && !letters {
		return errIPPattern()
	}
	return nil
}

func allLiteral(elements []element) bool {
	for _, e := range elements {
		if len(e.set) != 1 {
			return false
		}
	}
	return true
}
