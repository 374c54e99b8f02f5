package alerts

import (
	"net/url"
	"strconv"
	"strings"
)

// Bounds of the texts of an alert.
const (
	maxSummary     = 500
	maxDescription = 4000
)

// annotations say what an alert is about. Whoever Alertmanager tells may read
// them as markup: mentions and links of Slack are broken in them, too.
func annotations(m Message) map[string]string {
	_, headline, _ := strings.Cut(m.Headline, " ") // without the mark: the alert says how bad it is
	out := map[string]string{"summary": literal(oneLine(headline), maxSummary)}
	if text := described(m); text != "" {
		out["description"] = literal(text, maxDescription)
	}
	if u, err := url.Parse(m.Runbook); err == nil && u.Host != "" {
		out["runbook_url"] = clean(m.Runbook, false)
	}
	for _, l := range m.Links {
		if l.Name != statusLink { // which is the generatorURL
			out[l.Name+"_url"] = clean(l.URL, false)
		}
	}
	for i := range m.Failures {
		if curl := m.Failures[i].Curl; curl != "" {
			out["curl"] = literal(curl, maxCurl)
			break
		}
	}
	return out
}

// described is all that is known beside the headline.
func described(m Message) string {
	var parts []string
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			parts = append(parts, text)
		}
	}
	add(m.Detail)
	for i := range m.Failures {
		f := &m.Failures[i]
		add(asked(f))
		add(f.Advice)
		add(conditions(f.Conditions))
		if f.Body != "" {
			add("the answer's body begins with: " + f.Body)
		}
		add(exchange(f))
	}
	if m.Topic == AboutCheck {
		add(facts(&m))
	}
	if len(m.Members) > 0 {
		names := make([]string, 0, len(m.Members))
		for _, c := range m.Members {
			names = append(names, c.Check)
		}
		text := "not told by themselves, because they depend on it: " + strings.Join(names, ", ")
		if m.More > 0 {
			text += " and " + strconv.Itoa(m.More) + " more"
		}
		add(text)
	}
	return strings.Join(parts, "\n")
}

// asked says what was asked and answered in a step.
func asked(f *Failure) string {
	var parts []string
	if f.Step != "" {
		parts = append(parts, "step "+strconv.Quote(f.Step))
	}
	if f.URL != "" {
		text := strings.TrimSpace(f.Method + " " + f.URL)
		if f.Status != 0 {
			text += " → " + strconv.Itoa(f.Status)
		}
		parts = append(parts, text)
	}
	if f.Reason != "" {
		parts = append(parts, string(f.Reason))
	}
	return strings.Join(parts, ": ")
}

// facts say since when and how often.
func facts(m *Message) string {
	word, last := "failing", "none seen"
	if m.Level == LevelDegraded {
		word = "degraded"
	}
	if !m.LastGood.IsZero() {
		last = clock(m.LastGood)
	}
	return word + " since " + clock(m.Since) + " (" + count(m.Runs, "run") + ")\nlast good run: " + last
}
