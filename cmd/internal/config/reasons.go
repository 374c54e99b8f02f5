package config

import (
	"strings"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// reasons evaluates expect_failure, a list of failure reasons.
func (l *loader) reasons(b *block, name string) opt[[]checks.Reason] {
	o := l.reasonList(b, name, reasonNames, "There is no failure reason %q.%s", func(text string) []checks.Reason {
		if reason, ok := checks.ParseReason(text); ok {
			return []checks.Reason{reason}
		}
		return nil
	})
	if o.ok() && len(o.value) == 0 {
		o.bad = true
		l.errorf(b.attr(name).Range(), "Nothing expected", "The list is empty. Name the reasons with which the run must fail, or leave it out.")
	}
	return o
}

// reasonPrefixes evaluates a list of reasons, or of words with which several
// of them begin.
func (l *loader) reasonPrefixes(b *block, name string) opt[[]checks.Reason] {
	known := func() []string { return append(reasonNames(), reasonWords()...) }
	o := l.reasonList(b, name, known, "No failure reason is %q or begins with it.%s", func(text string) []checks.Reason {
		var found []checks.Reason
		for _, reason := range checks.Reasons() {
			if text == string(reason) || strings.HasPrefix(string(reason), strings.TrimSuffix(text, "_")+"_") {
				found = append(found, reason)
			}
		}
		return found
	})
	if o.ok() && len(o.value) == 0 {
		o.bad = true
		l.errorf(b.attr(name).Range(), "Nothing to try again on", "The list is empty. Name the reasons after which a run is tried again, or leave it out for any.")
	}
	return o
}

// reasonList evaluates a list of words, each of which stands for the reasons
// that find returns. Unknown is what to say of any other, with a hint.
func (l *loader) reasonList(b *block, name string, known func() []string, unknown string, find func(string) []checks.Reason) opt[[]checks.Reason] {
	texts := l.texts(b, name)
	o := opt[[]checks.Reason]{at: texts.at, set: texts.set, bad: texts.bad}
	if !texts.ok() {
		return o
	}
	places := elementPlaces(b.attr(name), len(texts.value))
	for i, text := range texts.value {
		found := find(text)
		if len(found) == 0 {
			o.bad = true
			l.errorf(places[i], "Unknown reason", unknown, clip(text), lang.DidYouMean(text, known()))
		}
		o.value = append(o.value, found...)
	}
	return o
}

func reasonNames() []string {
	all := checks.Reasons()
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = string(r)
	}
	return names
}

// reasonWords are the words with which several reasons begin.
func reasonWords() []string {
	count := map[string]int{}
	var words []string
	for _, reason := range checks.Reasons() {
		name := string(reason)
		for i := range len(name) {
			if name[i] != '_' {
				continue
			}
			if count[name[:i]]++; count[name[:i]] == 2 {
				words = append(words, name[:i])
			}
		}
	}
	return words
}
