package dashboards

import (
	"maps"
	"slices"
	"strconv"
)

// The kinds of panels in use, each with the options that all of its kind have.

// stat shows one value in words or as a number.
func stat(title, doc, unit string, width int, expr string) panel {
	return panel{
		title: title, doc: doc, kind: "stat", unit: unit, width: width, queries: []query{{expr: expr, instant: true}},
		options: object{
			"colorMode": "background", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "value",
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		},
	}
}

// table shows labels and values; [panel.field] gives columns their units.
func table(title, doc string, width int, queries ...query) panel {
	for i := range queries {
		queries[i].instant = true
	}
	return panel{
		title: title, doc: doc, kind: "table", unit: "none", width: width, queries: queries,
		options:  object{"showHeader": true, "cellHeight": "sm", "footer": object{"show": false, "reducer": []string{"sum"}, "countRows": false, "fields": ""}},
		defaults: object{"custom": object{"align": "auto", "cellOptions": object{"type": "auto"}, "inspect": false, "filterable": false}},
	}
}

// lines shows values over time.
func lines(title, doc, unit string, width int, queries ...query) panel {
	return panel{
		title: title, doc: doc, kind: "timeseries", unit: unit, width: width, queries: queries,
		options: object{
			"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		},
		defaults: object{"min": 0, "custom": object{
			"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false, "lineInterpolation": "linear",
		}},
	}
}

// stacked shows values over time, one on the other.
func stacked(title, doc, unit string, width int, queries ...query) panel {
	p := lines(title, doc, unit, width, queries...)
	custom := p.defaults["custom"].(object)
	custom["stacking"] = object{"mode": "normal", "group": "A"}
	custom["fillOpacity"] = 40
	return p
}

// states shows what state something was in over time.
func states(title, doc string, width int, q query) panel {
	p := panel{
		title: title, doc: doc, kind: "state-timeline", unit: "none", width: width, queries: []query{q},
		options: object{
			"mergeValues": true, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
			"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
			"tooltip": object{"mode": "single", "sort": "none"},
		},
		defaults: object{"custom": object{"lineWidth": 0, "fillOpacity": 80, "spanNulls": false}},
	}
	return p.mapped(checkStates())
}

// bars shows the largest of many values.
func bars(title, doc, unit string, width int, q query) panel {
	q.instant = true
	return panel{
		title: title, doc: doc, kind: "bargauge", unit: unit, width: width, queries: []query{q},
		options: object{
			"displayMode": "basic", "orientation": "horizontal", "showUnfilled": true, "valueMode": "text",
			"minVizWidth": 8, "minVizHeight": 10, "namePlacement": "auto", "sizing": "auto",
			"reduceOptions": object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
		},
		defaults: object{"min": 0},
	}
}

// A word stands for a value.
type word struct {
	value       int
	text, color string
}

// checkStates are the words for the values of [stateOf].
func checkStates() []word {
	return []word{{0, "Passing", "green"}, {1, "Degraded", "yellow"}, {2, "Failing", "red"}}
}

// mapped shows words instead of some values.
func (p panel) mapped(words []word) panel {
	options := object{}
	for i, w := range words {
		options[strconv.Itoa(w.value)] = object{"text": w.text, "color": w.color, "index": i}
	}
	return p.with("mappings", []object{{"type": "value", "options": options}})
}

// A step is the color of values from one on.
type step struct {
	from  float64
	color string
}

// colored colors values by thresholds: base below the first.
func (p panel) colored(base string, steps ...step) panel {
	list := []object{{"value": nil, "color": base}}
	for _, s := range steps {
		list = append(list, object{"value": s.from, "color": s.color})
	}
	return p.with("thresholds", object{"mode": "absolute", "steps": list}).with("color", object{"mode": "thresholds"})
}

// with sets a default of all fields.
func (p panel) with(name string, value any) panel {
	defaults := object{}
	maps.Copy(defaults, p.defaults)
	defaults[name] = value
	p.defaults = defaults
	return p
}

// field sets properties of the fields of one name.
func (p panel) field(name string, properties ...object) panel {
	p.overrides = append(slices.Clip(p.overrides), object{
		"matcher": object{"id": "byName", "options": name}, "properties": properties,
	})
	return p
}

// columns keeps these columns of a table, in this order, under the names that
// follow each. Tables of several queries are joined by the first.
func (p panel) columns(names ...string) panel {
	const pair = 2
	order, renamed, include := object{}, object{}, object{}
	for i := 0; i+1 < len(names); i += pair {
		order[names[i]], include[names[i]] = i/pair, true
		renamed[names[i]] = names[i+1]
	}
	if len(p.queries) > 1 {
		p.transform = append(p.transform, object{"id": "joinByField", "options": object{"byField": names[0], "mode": "outer"}})
	}
	p.transform = append(p.transform, object{"id": "organize", "options": object{
		"includeByName": include, "excludeByName": object{}, "indexByName": order, "renameByName": renamed,
	}})
	return p
}

// expiresIn is the column that holds the seconds until something expires.
const expiresIn = "expires in"

// timeLeft colors that column.
func timeLeft(p panel) panel {
	const day = 24 * 60 * 60
	return p.field(
		expiresIn,
		object{"id": "unit", "value": "dtdurations"},
		object{"id": "custom.cellOptions", "value": object{"type": "color-text"}},
		object{"id": "color", "value": object{"mode": "thresholds"}},
		object{"id": "thresholds", "value": object{"mode": "absolute", "steps": []object{
			{"value": nil, "color": "red"}, {"value": 7 * day, "color": "orange"}, {"value": 30 * day, "color": "green"},
		}}},
	)
}
