package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

// A layer is what one defaults, group, check or step block says of a check.
// The effective check is its own layer over those around it.
type layer struct {
	block         *block
	description   opt[string]
	schedule      opt[string]
	timezone      opt[*time.Location]
	splay         opt[time.Duration]
	timeout       opt[time.Duration]
	labels        opt[map[string]string]
	enabled       opt[bool]
	expect        opt[[]checks.Condition]
	degradedIf    opt[[]checks.Condition]
	expectFailure opt[[]checks.Reason]
	showBody      opt[bool]
	runbook       opt[string]
	always        opt[bool]     // of a step
	dependsOn     opt[[]string] // full names
	retry         retryLayer
	alert         alertLayer
	request       *requestLayer // nil without a request block
	template      *lang.Request // of the request, once it is compiled; nil with mistakes
	compiled      bool
	broken        bool // holds something unknown
}

// An alertLayer is what one alert block says.
type alertLayer struct {
	after, recoverAfter opt[int]
	holding             opt[time.Duration] // for
	remindEvery         opt[time.Duration]
	maxReminders        opt[int]
	severity            opt[string]
	receivers           opt[[]string] // full names
}

// layer evaluates a defaults, group, check or step block.
func (l *loader) layer(b *block) *layer {
	y := &layer{
		block:       b,
		description: l.text(b, "description"),
		schedule:    l.scheduleText(b),
		timezone:    parsed(l, b, "timezone", parseZone),
		splay:       l.duration(b, "splay", 0),
		timeout:     l.duration(b, "timeout", time.Millisecond),
		labels:      l.labels(b),
		enabled:     l.flag(b, "enabled"),
		expect:      l.conditions(b, "expect", lang.Expect),
		degradedIf:  l.conditions(b, "degraded_if", lang.DegradedIf),
		showBody:    l.flag(b, "show_body"),
		runbook:     parsed(l, b, "runbook", parseWebURL),
		always:      l.flag(b, "always"),
		dependsOn:   l.dependsOn(b),
		broken:      b.broken,
	}
	y.expectFailure = l.reasons(b, "expect_failure")
	if y.expect.ok() && y.withoutAnswer() {
		l.errorf(y.expect.at, "expect together with expect_failure",
			"A run that must fail with %s has no answer to expect something of.", y.expectFailure.value[0])
	}
	if a := b.nested("alert"); a != nil {
		y.broken = y.broken || a.broken
		y.alert = l.alert(a)
	}
	if r := b.nested("retry"); r != nil {
		y.broken = y.broken || r.broken
		y.retry = l.retry(r)
	}
	if r := b.nested("request"); r != nil {
		y.broken = y.broken || r.broken
		y.request = l.request(r)
	}
	return y
}

func (l *loader) alert(b *block) alertLayer {
	return alertLayer{
		after:        l.count(b, "after"),
		holding:      l.duration(b, "for", 0),
		recoverAfter: l.count(b, "recover_after"),
		remindEvery:  l.duration(b, "remind_every", 0),
		maxReminders: l.count(b, "max_reminders"),
		receivers:    l.ownReceivers(b),
		severity: parsed(l, b, "severity", func(s string) (string, error) {
			if strings.TrimSpace(s) == "" {
				return "", fmt.Errorf("%q is empty", s)
			}
			return s, nil
		}),
	}
}

// over is y where it says something, and outer elsewhere. outer may be nil.
func (y *layer) over(outer *layer) *layer {
	if outer == nil {
		return y
	}
	m := *y
	m.description = y.description.or(outer.description)
	m.schedule = y.schedule.or(outer.schedule)
	m.timezone = y.timezone.or(outer.timezone)
	m.splay = y.splay.or(outer.splay)
	m.timeout = y.timeout.or(outer.timeout)
	m.enabled = y.enabled.or(outer.enabled)
	m.expect = y.expect.or(outer.expect)
	m.degradedIf = y.degradedIf.or(outer.degradedIf)
	m.expectFailure = y.expectFailure.or(outer.expectFailure)
	m.showBody = y.showBody.or(outer.showBody)
	m.runbook = y.runbook.or(outer.runbook)
	m.dependsOn = y.dependsOn.or(outer.dependsOn)
	m.labels = mergeMaps(y.labels, outer.labels)
	m.retry = y.retry.over(outer.retry)
	m.alert = y.alert.over(outer.alert)
	m.request = y.request.over(outer.request)
	m.broken = y.broken || outer.broken
	// An expected failure and an expected answer exclude each other.
	switch {
	case !m.withoutAnswer():
	case y.expectFailure.set && !y.expect.set:
		m.expect = opt[[]checks.Condition]{}
	case y.expect.set && !y.expectFailure.set:
		m.expectFailure = opt[[]checks.Reason]{}
	}
	return &m
}

// withoutAnswer tells that the run must fail before there is an answer.
func (y *layer) withoutAnswer() bool {
	return y.expectFailure.ok() && !slices.Contains(y.expectFailure.value, checks.ReasonExpectation)
}

func (a alertLayer) over(outer alertLayer) alertLayer {
	return alertLayer{
		after:        a.after.or(outer.after),
		holding:      a.holding.or(outer.holding),
		recoverAfter: a.recoverAfter.or(outer.recoverAfter),
		remindEvery:  a.remindEvery.or(outer.remindEvery),
		maxReminders: a.maxReminders.or(outer.maxReminders),
		receivers:    a.receivers.or(outer.receivers),
		severity:     a.severity.or(outer.severity),
	}
}

// mergeMaps adds the inner entries to the outer ones.
func mergeMaps(inner, outer opt[map[string]string]) opt[map[string]string] {
	if !inner.ok() || !outer.ok() {
		return inner.or(outer)
	}
	m := inner
	m.value = maps.Clone(outer.value)
	maps.Copy(m.value, inner.value)
	return m
}

// labels evaluates labels and checks that their names are Prometheus's.
func (l *loader) labels(b *block) opt[map[string]string] {
	o := l.textMap(b, "labels")
	for _, name := range slices.Sorted(maps.Keys(o.value)) {
		why := ""
		switch {
		case name == "severity":
			why = `The severity stands in alert { severity = … }.`
		case strings.HasPrefix(name, "__"):
			why = "Names that begin with __ are Prometheus's own."
		case !l.labelName.MatchString(name):
			why = "The name of a label begins with a letter or _ and holds letters, digits and _."
		default:
			continue
		}
		l.errorf(keyAt(b.attr("labels"), name), "Invalid label", "%q cannot be a label. %s", clip(name), why)
	}
	return o
}

// labelPattern is what Prometheus takes for the name of a label.
func labelPattern() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`) }
