package certs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxExpansions is how many names and patterns the braces of one pattern may
// stand for.
const maxExpansions = 64

// expandBraces returns the patterns without braces that s stands for, in the
// order of minimatch (https://github.com/juliangruber/brace-expansion):
// {a,b}, {1..3}, {01..10}, {a..c}, {1..9..2}, nested. Braces that minimatch
// would take literally are errors, since no host name has any. No step builds
// more than maxExpansions texts.
func expandBraces(s string) ([]string, error) {
	p := braceParser{rest: s}
	texts, err := p.sequence(0)
	if err != nil {
		return nil, err
	}
	if p.rest != "" {
		return nil, errors.New("has a closing brace without an opening one")
	}
	return texts, nil
}

type braceParser struct {
	rest string // what is not parsed yet
}

// sequence parses texts and braces up to the end or, inside of braces, up to
// a comma or a closing brace, which stay in rest.
func (p *braceParser) sequence(depth int) ([]string, error) {
	texts := []string{""}
	for {
		stop := "{}"
		if depth > 0 {
			stop = "{},"
		}
		n := strings.IndexAny(p.rest, stop)
		if n < 0 {
			n = len(p.rest)
		}
		for i := range texts {
			texts[i] += p.rest[:n]
		}
		p.rest = p.rest[n:]
		if p.rest == "" || p.rest[0] != '{' {
			return texts, nil
		}
		p.rest = p.rest[1:]
		choices, err := p.group(depth + 1)
		if err != nil {
			return nil, err
		}
		if texts, err = product(texts, choices); err != nil {
			return nil, err
		}
	}
}

// group parses the inside of braces and the closing one.
func (p *braceParser) group(depth int) ([]string, error) {
	if inside, rest, ok := strings.Cut(p.rest, "}"); ok && !strings.ContainsAny(inside, "{,") {
		p.rest = rest
		return expandRange(inside)
	}
	var choices []string
	for elements := 1; ; elements++ {
		texts, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		choices = append(choices, texts...)
		if len(choices) > maxExpansions {
			return nil, tooMany()
		}
		if p.rest == "" {
			return nil, errors.New("has an opening brace without a closing one")
		}
		closing := p.rest[0] == '}'
		p.rest = p.rest[1:]
		switch {
		case closing && elements == 1:
			return nil, errors.New("has braces with a single alternative inside, want {a,b} or {1..3}")
		case closing:
			return choices, nil
		}
	}
}

// product appends each of choices to each of texts.
func product(texts, choices []string) ([]string, error) {
	if len(texts)*len(choices) > maxExpansions {
		return nil, tooMany()
	}
	all := make([]string, 0, len(texts)*len(choices))
	for _, text := range texts {
		for _, choice := range choices {
			all = append(all, text+choice)
		}
	}
	return all, nil
}

// expandRange expands what stands between braces without a comma: FROM..TO or
// FROM..TO..STEP, with whole numbers or with single letters.
func expandRange(inside string) ([]string, error) {
	mistake := fmt.Errorf("has {%s}, want alternatives as in {a,b} or a range as in {1..3}", inside)
	ends := strings.Split(inside, "..")
	if len(ends) < 2 || len(ends) > 3 {
		return nil, mistake
	}
	step := 1
	if len(ends) == 3 {
		n, err := strconv.Atoi(ends[2])
		if err != nil {
			return nil, mistake
		}
		step = max(n, -n, 1)
	}
	from, to := ends[0], ends[1]
	if isLetter(from) && isLetter(to) {
		return countUp(int(from[0]), int(to[0]), step, func(n int) string { return string([]byte{byte(n)}) }) //nolint:gosec // between two letters
	}
	first, err := strconv.Atoi(from)
	if err != nil {
		return nil, mistake
	}
	last, err := strconv.Atoi(to)
	if err != nil || strings.Contains(inside, "+") {
		return nil, mistake
	}
	width := 0
	if isPadded(from) || isPadded(to) {
		width = max(len(from), len(to))
	}
	return countUp(first, last, step, func(n int) string { return fmt.Sprintf("%0*d", width, n) })
}

// countUp returns the texts of the numbers from first to last, in either
// direction.
func countUp(first, last, step int, text func(int) string) ([]string, error) {
	distance := uint64(last) - uint64(first) //nolint:gosec // wraps as two's complement does
	if last < first {
		distance = uint64(first) - uint64(last) //nolint:gosec // as above
	}
	steps := distance / uint64(step) //nolint:gosec // step is positive
	if steps >= maxExpansions {
		return nil, tooMany()
	}
	if last < first {
		step = -step
	}
	texts := make([]string, 0, steps+1)
	for i := range int(steps) + 1 {
		texts = append(texts, text(first+i*step))
	}
	return texts, nil
}

func tooMany() error {
	return fmt.Errorf("stands for more than %d names: use * or several hosts", maxExpansions)
}

func isLetter(s string) bool {
	return len(s) == 1 && ('a' <= s[0] && s[0] <= 'z' || 'A' <= s[0] && s[0] <= 'Z')
}

// isPadded reports whether a number is written with leading zeros.
func isPadded(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return len(s) > 1 && s[0] == '0'
}
