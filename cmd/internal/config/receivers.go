package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"watchword/alerts"
	"watchword/cmd/internal/lang"
)

// receivers evaluates all receiver blocks.
func (l *loader) receivers(blocks []*block) []Receiver {
	kinds := receiverBlock().kindNames()
	var list []Receiver
	for _, b := range blocks {
		r := Receiver{Type: b.labels[0], Name: b.label(), Source: sourceAt(b.at)}
		switch r.Type {
		case "slack":
			r.Slack, r.Err = l.slack(b)
		case "webhook":
			r.Webhook, r.Hosts, r.Err = l.webhook(b)
		case "alertmanager":
			r.Alertmanager, r.Hosts, r.Err = l.alertmanager(b)
		default:
			l.errorf(b.names[0], "Unknown kind of receiver", "There is no receiver %q.%s Kinds are: %s.",
				clip(r.Type), lang.DidYouMean(r.Type, kinds), strings.Join(kinds, ", "))
			continue
		}
		list = append(list, r)
	}
	return list
}

// secretText is a string that may be a secret. The error is why the secret
// cannot be read; the value is empty then.
func (l *loader) secretText(b *block, name string) (opt[string], error) {
	plain, o, err := secretValue[string](l, b, name, cty.String)
	if err != nil || !o.ok() {
		return o, err
	}
	o.value = plain.AsString()
	if strings.TrimSpace(o.value) == "" {
		l.errorf(b.attrs[name].Expr.Range(), "Invalid "+name, "%s must not be empty.", name)
		o.bad = true
	}
	return o, nil
}

// receiverNames is the object `receiver`: what a reference evaluates to is
// its own path.
func receiverNames(blocks []*block) cty.Value {
	kinds := map[string]map[string]cty.Value{}
	for _, b := range blocks {
		kind, name := b.labels[0], b.label()
		if kinds[kind] == nil {
			kinds[kind] = map[string]cty.Value{}
		}
		kinds[kind][name] = cty.StringVal("receiver." + kind + "." + name)
	}
	values := make(map[string]cty.Value, len(kinds))
	for kind, names := range kinds {
		values[kind] = cty.ObjectVal(names)
	}
	return cty.ObjectVal(values)
}

// routes evaluates all route blocks. known are the full names of receivers.
func (l *loader) routes(blocks []*block, known []string) alerts.Routes {
	var routes alerts.Routes
	for _, b := range blocks {
		goOn := l.flag(b, "continue").otherwise(false)
		match := l.textMap(b, "match")
		by := l.texts(b, "group_by")
		wait := l.duration(b, "group_wait", 0)
		names, ok := l.receiverRefs(b, known)
		route, err := alerts.CompileRoute(match.value, names, goOn)
		if err != nil {
			l.errorf(b.attrs["match"].Expr.Range(), "Invalid match", "%s.", capital(err.Error()))
			ok = false
		}
		route.GroupBy, route.GroupWait = by.value, wait.otherwise(alerts.DefaultGroupWait)
		if ok {
			routes = append(routes, route)
		}
	}
	return routes
}

// receiverRefs resolves `receivers = [receiver.slack.oncall]` to full names.
func (l *loader) receiverRefs(b *block, known []string) (names []string, ok bool) {
	const name = "receivers"
	expr := b.attr(name)
	if expr == nil {
		if !b.broken {
			l.errorf(b.at, "Route to nobody", "Add receivers, such as receivers = [receiver.slack.oncall].")
		}
		return nil, false
	}
	elements, diags := lang.Elements(expr)
	l.add(diags)
	if diags.HasErrors() {
		return nil, false
	}
	ok = true
	for _, element := range elements {
		path, diags := lang.Reference(element, "receiver.TYPE.NAME")
		l.add(diags)
		if diags.HasErrors() {
			ok = false
			continue
		}
		full := dotted(path)
		switch {
		case slices.Contains(known, full):
			names = append(names, full)
		default:
			ok = false
			l.errorf(element.Range(), "Unknown receiver", "There is no receiver %q.%s", clip(full), lang.DidYouMean(full, known))
		}
	}
	return names, ok
}

// dotted is what follows the root of a reference: "slack.oncall".
func dotted(path hcl.Traversal) string {
	var steps []string
	for _, step := range path[1:] {
		steps = append(steps, stepName(step))
	}
	return strings.Join(steps, ".")
}

// fullNames are the full names of receivers, as far as their blocks can be
// told from one another.
func fullNames(blocks []*block) []string {
	set := map[string]bool{}
	for _, b := range blocks {
		set[b.labels[0]+"."+b.label()] = true
	}
	return slices.Sorted(maps.Keys(set))
}
