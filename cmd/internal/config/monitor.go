package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/lang"
	"watchword/scheduler"
)

const (
	defaultTimeout  = 10 * time.Second
	defaultSeverity = "warning"
)

// spec is a schedule and the zone it is read in: those of many checks are
// the same, and parsed once.
type spec struct{ text, zone string }

// monitor builds the monitor of one check from its effective layer. With
// mistakes in it, it is incomplete.
func (l *loader) monitor(y *layer, b *block, name, group string) *Monitor {
	c := &checks.Check{
		Name:        name,
		Group:       group,
		Retry:       y.retry.value(),
		Description: y.description.value,
		Labels:      l.shared(y.labels.value),
		Timeout:     y.timeout.otherwise(defaultTimeout),
		Redactor:    l.redactor,
		Runbook:     y.runbook.value,
		Source:      sourceAt(b.at),
	}
	m := &Monitor{
		Check:   c,
		Spec:    y.schedule.value,
		Splay:   y.splay.value,
		Enabled: y.enabled.otherwise(true),
		Policy: alerts.Policy{
			After:        y.alert.after.otherwise(1),
			For:          y.alert.holding.value,
			RecoverAfter: y.alert.recoverAfter.otherwise(1),
			RemindEvery:  y.alert.remindEvery.value,
			MaxReminders: y.alert.maxReminders.otherwise(0),
			Severity:     y.alert.severity.otherwise(defaultSeverity),
		},
	}
	l.schedule(m, y)
	if steps := b.all("step"); len(steps) > 0 {
		l.steps(m, y, b, steps)
	} else {
		c.Steps = []*checks.Step{l.step(m, y, b)}
	}
	m.Hosts = distinct(m.StepHosts)
	m.Parents = l.parents(y, name)
	m.Receivers = y.alert.receivers.value
	if !y.alert.receivers.set {
		m.Receivers = l.routing.Receivers(l.routingLabels(m), l.receiverList)
	}
	return m
}

// step makes a step of its effective layer, and of the block b in which it
// stands.
func (l *loader) step(m *Monitor, y *layer, b *block) *checks.Step {
	step := &checks.Step{
		Expect:        y.expect.value,
		DegradedIf:    y.degradedIf.value,
		ExpectFailure: y.expectFailure.value,
		ShowBody:      y.showBody.value,
		Always:        y.always.value,
	}
	if len(step.Expect) == 0 && !y.withoutAnswer() {
		step.Expect = []checks.Condition{lang.DefaultExpect(b.at, l.scope)}
	}
	host := ""
	if y.request == nil {
		if !y.broken {
			l.errorf(b.at, capital(b.is.name)+" without request", "Add request { url = \"https://…\" }.")
		}
	} else if template := l.template(y, b); template != nil {
		step.Request = requestOf(y.request, template)
		host = l.presents(m, y.request, template)
	}
	m.StepHosts = append(m.StepHosts, host)
	return step
}

// distinct returns the names in list that are known, each once.
func distinct(list []string) []string {
	if len(list) == 1 && list[0] != "" {
		return list
	}
	var out []string
	for _, name := range list {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// shared is a map equal to labels: many checks have the same.
func (l *loader) shared(labels map[string]string) map[string]string {
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		key.WriteString(name + "\x00" + labels[name] + "\x00")
	}
	known, ok := l.labelSets[key.String()]
	if !ok {
		known = labels
		l.labelSets[key.String()] = labels
	}
	return known
}

// schedule parses when the monitor runs, and compares it with how long.
func (l *loader) schedule(m *Monitor, y *layer) {
	if !y.schedule.ok() {
		if !y.schedule.set && !y.broken {
			l.errorf(y.block.at, "Check without schedule", "Add schedule, here or in defaults, such as schedule = \"@every 1m\".")
		}
		return
	}
	loc := y.timezone.otherwise(l.zone)
	key := spec{y.schedule.value, loc.String()}
	known, again := l.schedules[key]
	if !again {
		known.schedule, known.err = scheduler.Parse(key.text, loc)
		l.schedules[key] = known
	}
	if known.err != nil {
		l.errorf(y.schedule.at, "Invalid schedule", "%s.", capital(trimStop(known.err.Error())))
		return
	}
	m.Schedule = known.schedule
	interval := known.schedule.Interval()
	if timeout := m.Check.Timeout; timeout > interval {
		at := y.schedule.at
		if y.timeout.ok() {
			at = y.timeout.at
		}
		l.warnf(at, "Timeout longer than the interval",
			"A run may take %s, and the next is due after %s: runs that overlap are skipped.", formatDuration(timeout), formatDuration(interval))
	}
	l.retriesFit(m, y, interval)
	if m.Splay >= interval {
		l.warnf(y.splay.at, "Splay as long as the interval",
			"A start may be put off by %s, and the next run is due after %s: runs that overlap are skipped.", formatDuration(m.Splay), formatDuration(interval))
	}
}

// template compiles what is sent, or returns nil where that has mistakes.
func (l *loader) template(y *layer, b *block) *lang.Request {
	if y.compiled {
		return y.template
	}
	exprs := y.request.exprs()
	if exprs.URL == nil {
		if !y.broken {
			at := b.at
			if own := b.nested("request"); own != nil {
				at = own.at
			}
			l.errorf(at, "Request without URL", "Add url, such as url = \"https://api.example.com/health\".")
		}
		l.requestNames(y.request)
		return nil
	}
	template, diags := lang.CompileRequest(exprs, l.scope)
	l.add(diags)
	if diags.HasErrors() {
		return nil
	}
	return template
}

// requestNames reports unknown names in a request that is not compiled.
func (l *loader) requestNames(q *requestLayer) {
	exprs := slices.Concat([]hcl.Expression{q.url, q.method, q.bodies.body, q.bodies.json, q.bodies.form, q.basic, q.token}, q.headers, q.query)
	for _, expr := range exprs {
		if expr != nil {
			l.add(l.scope.Check(expr))
		}
	}
}

func requestOf(q *requestLayer, template *lang.Request) checks.Request {
	r := checks.Request{
		Template:           template,
		MTLS:               q.mode(),
		Roots:              q.ca.value.roots,
		RootsErr:           q.ca.value.err,
		RootsFile:          q.ca.value.path,
		Proxy:              q.proxy.value.proxy,
		ProxyErr:           q.proxy.value.err,
		IPVersion:          q.ipVersion.value,
		HTTPVersion:        q.httpVersion.value,
		ConnectTo:          q.connectTo.value,
		ServerName:         q.serverName.value,
		InsecureSkipVerify: q.skipVerify.value,
		MaxRedirects:       q.followRedirects.otherwise(checks.DefaultMaxRedirects),
		MaxBody:            q.maxBody.otherwise(checks.DefaultMaxBody),
	}
	if q.certificate.ok() {
		r.Certificate = q.certificate.value.identity
	}
	return r
}

// routingLabels are the labels that routes match for a check.
func (l *loader) routingLabels(m *Monitor) map[string]string {
	labels := map[string]string{
		"alertname": "CheckFailing",
		"check":     m.Check.Name,
		"group":     m.Check.Group,
		"location":  l.location,
		"severity":  m.Policy.Severity,
	}
	maps.Copy(labels, m.Check.Labels)
	return labels
}

// duplicates reports second blocks of one name, naming the first's place,
// and returns the first of each.
func (l *loader) duplicates(blocks []*block) []*block {
	first := make(map[string]*block, len(blocks))
	return slices.DeleteFunc(blocks, func(b *block) bool {
		if l.full() {
			return true
		}
		id := strings.Join(b.labels, "\x00")
		if before := first[id]; before != nil {
			l.errorf(b.at, "Duplicate "+b.is.name, "%s is defined at %s already.", capital(before.title()), l.where(before.at))
			return true
		}
		first[id] = b
		return false
	})
}

func trimStop(s string) string { return strings.TrimRight(s, ".") }
