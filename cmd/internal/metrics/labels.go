package metrics

import (
	"strings"
	"unicode"
	"unicode/utf8"

	dto "github.com/prometheus/client_model/go"

	"watchword/alerts"
	"watchword/checks"
)

// Limits on label values that do not come from the configuration, in bytes.
const (
	maxHost        = 253 // the longest name in the DNS
	maxFingerprint = 64  // SHA-256 in hexadecimal
	maxName        = 256 // subject, issuer and serial number of a certificate
)

// labels are some labels of a series as the text format shows them:
// name="value",name="value". There may be none.
type labels string

// label returns one label.
func label(name, value string) labels {
	return labels(name + `="` + escapeLabel(clean(value)) + `"`)
}

// name is the name of the first label.
func (l labels) name() string {
	name, _, _ := strings.Cut(string(l), "=")
	return name
}

// pairs are the labels as client_golang has them.
func (l labels) pairs() []*dto.LabelPair {
	n := strings.Count(string(l), `="`) // or more, where a value holds it
	list := make([]*dto.LabelPair, 0, n)
	memory := make([]struct {
		pair        dto.LabelPair
		name, value string
	}, n)
	for rest := string(l); rest != ""; {
		at := &memory[len(list)]
		at.name, rest, _ = strings.Cut(rest, `="`)
		at.value, rest = cutQuoted(rest)
		rest = strings.TrimPrefix(rest, ",")
		at.pair.Name, at.pair.Value = &at.name, &at.value
		list = append(list, &at.pair)
	}
	return list
}

// cutQuoted splits what escapeLabel made of a value from what follows the
// quote that ends it.
func cutQuoted(s string) (value, rest string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			value, rest = s[:i], s[i+1:]
			if strings.Contains(value, `\`) {
				value = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`).Replace(value)
			}
			return value, rest
		}
	}
	return s, ""
}

// sharedLabels are those that many checks have, each made once a load.
type sharedLabels struct {
	location labels
	known    map[[2]string]labels
}

func share(location labels) *sharedLabels {
	return &sharedLabels{location, make(map[[2]string]labels)}
}

// label returns one label, the same for the same name and value.
func (s *sharedLabels) label(name, value string) labels {
	key := [2]string{name, value}
	l, known := s.known[key]
	if !known {
		l = label(name, value)
		s.known[key] = l
	}
	return l
}

// join returns all labels of the sets, in this order.
func join(sets ...labels) labels {
	texts := make([]string, len(sets))
	for i, set := range sets {
		texts[i] = string(set)
	}
	return labels(strings.Join(texts, ","))
}

// clean returns s as a label value: valid UTF-8, and without control
// characters, some of which Prometheus cannot read.
func clean(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return strings.Map(func(r rune) rune {
				if unicode.IsControl(r) {
					return utf8.RuneError
				}
				return r
			}, s)
		}
	}
	return s
}

// cut returns s, cleaned, and what fits into limit bytes of it.
func cut(s string, limit int) string {
	s = clean(s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// validLabel says whether name can be the rest of a label name.
func validLabel(name string) bool {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
		default:
			return false
		}
	}
	return name != ""
}

// words are the labels whose values come from a closed list, made once.
type words struct {
	outcomes []word
	statuses []word // in the order of outcomes
	states   []word
	levels   []word
	muting   []word // maintenance, mute, dependency
	phases   []word
	skips    []word
	results  []word // of a notification
	verdicts []word // accepted, rejected
	reasons  map[checks.Reason]labels
	degraded labels // in the place of a reason, which a degraded run has not
}

// A word is one value of a label.
type word struct {
	value string
	label labels
}

func newWords() words {
	w := words{
		outcomes: wordList("outcome", outcomes()),
		statuses: wordList("status", []string{"passing", "degraded", "failing", "unknown"}),
		states:   wordList("state", []string{"ok", "pending", "firing", "recovering"}),
		levels:   wordList("level", []string{string(alerts.LevelFailed), string(alerts.LevelDegraded)}),
		muting:   wordList("by", []string{"maintenance", "mute", "dependency"}),
		phases:   wordList("phase", []string{"dns", "connect", "tls", "wait", "transfer"}),
		skips:    wordList("reason", skipReasons()),
		results:  wordList("result", []string{"sent", "failed", "possible_repeat"}),
		verdicts: wordList("result", []string{"accepted", "rejected"}),
		reasons:  make(map[checks.Reason]labels),
		degraded: label("reason", "degraded_if"),
	}
	for _, r := range checks.Reasons() {
		w.reasons[r] = label("reason", string(r))
	}
	return w
}

// reason returns the label of a reason; one that is not on the list counts as
// an internal fault.
func (w *words) reason(r checks.Reason) labels {
	if l, known := w.reasons[r]; known {
		return l
	}
	return w.reasons[checks.ReasonInternal]
}

func wordList(name string, values []string) []word {
	list := make([]word, len(values))
	for i, v := range values {
		list[i] = word{v, label(name, v)}
	}
	return list
}

func outcomes() []string {
	return []string{string(checks.Passed), string(checks.Degraded), string(checks.Failed), string(checks.Unknown)}
}

func skipReasons() []string { return []string{"overlap", "saturated", "missed"} }
