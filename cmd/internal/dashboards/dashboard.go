package dashboards

import (
	"encoding/json"
	"fmt"
	"maps"
)

// columns is the width of Grafana's grid.
const columns = 24

// A Dashboard is one page in Grafana.
type Dashboard struct {
	UID         string // stable: links and bookmarks name it
	Title       string
	Description string

	variables   []variable
	annotations []annotation
	rows        []row
}

// A row is a line of panels of one height, left to right.
type row struct {
	height int
	panels []panel
}

// A panel is one picture.
type panel struct {
	title, doc string
	kind       string // of Grafana: stat, table, timeseries, state-timeline, bargauge
	unit       string // of Grafana: s, percentunit, short, …
	width      int    // columns
	queries    []query
	options    object   // of the kind
	defaults   object   // of all fields, beside unit
	overrides  []object // of some fields
	transform  []object
}

// A query is PromQL with Grafana's variables in it.
type query struct {
	expr    string
	legend  string // {{label}}; empty for a table
	instant bool   // now, rather than over the range
}

// A variable is a choice at the top of the page.
type variable struct {
	name, label, doc string
	query            string // PromQL's label_values; empty for a text
	text             string // default of a text
	multi            bool   // several values, or all
}

// An annotation is a mark at a time.
type annotation struct {
	name, color, expr string
	title             string
	at                bool // the value is the time, in milliseconds
}

// object is a part of the format that has no meaning here.
type object = map[string]any

// All returns the dashboards, the one to begin with first.
func All() []Dashboard {
	return []Dashboard{overview(), oneCheck(), certificates(), itself()}
}

// JSON returns the dashboard in the classic format.
func (d Dashboard) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(d.object(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing dashboard %s: %w", d.UID, err)
	}
	return append(text, '\n'), nil
}

func (d Dashboard) object() object {
	return object{
		"uid": d.UID, "title": d.Title, "description": d.Description, "tags": []string{"watchword"},
		"schemaVersion": 42, "version": 1, "editable": true, "graphTooltip": 1, "timezone": "browser",
		"refresh": "30s", "time": object{"from": "now-6h", "to": "now"},
		"links": []object{{
			"type": "dashboards", "tags": []string{"watchword"}, "title": "watchword", "icon": "external link", "tooltip": "", "url": "",
			"asDropdown": false, "targetBlank": false, "includeVars": true, "keepTime": true,
		}},
		"templating":  object{"list": d.variableList()},
		"annotations": object{"list": d.annotationList()},
		"panels":      d.panelList(),
	}
}

// datasource is the one that is chosen at the top of the page.
func datasource() object { return object{"type": "prometheus", "uid": "${datasource}"} }

func (d Dashboard) variableList() []object {
	list := []object{{
		"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
		"description": "The Prometheus that scrapes watchword.", "refresh": 1, "hide": 0, "multi": false, "includeAll": false,
	}}
	for _, v := range d.variables {
		if v.query == "" {
			list = append(list, object{
				"name": v.name, "label": v.label, "description": v.doc, "type": "textbox", "query": v.text, "hide": 0,
				"current": object{"text": v.text, "value": v.text},
			})
			continue
		}
		o := object{
			"name": v.name, "label": v.label, "description": v.doc, "type": "query", "datasource": datasource(),
			"query":   object{"query": v.query, "refId": "variable"},
			"refresh": 2, "sort": 1, "hide": 0, "multi": v.multi, "includeAll": v.multi,
		}
		if v.multi {
			o["allValue"] = ".*"
			o["current"] = object{"text": "All", "value": "$__all"}
		}
		list = append(list, o)
	}
	return list
}

func (d Dashboard) annotationList() []object {
	list := []object{}
	for _, a := range d.annotations {
		o := object{
			"name": a.name, "enable": true, "hide": false, "iconColor": a.color, "datasource": datasource(),
			"expr": a.expr, "titleFormat": a.title, "step": "30s",
		}
		if a.at {
			o["useValueForTime"] = "on"
		}
		list = append(list, o)
	}
	return list
}

// panelList gives each panel its place.
func (d Dashboard) panelList() []object {
	list := []object{}
	y := 0
	for _, r := range d.rows {
		x := 0
		for _, p := range r.panels {
			o := p.object()
			o["id"] = len(list) + 1
			o["gridPos"] = object{"x": x, "y": y, "w": p.width, "h": r.height}
			x += p.width
			list = append(list, o)
		}
		y += r.height
	}
	return list
}

func (p panel) object() object {
	defaults := object{"unit": p.unit}
	maps.Copy(defaults, p.defaults)
	overrides := p.overrides
	if overrides == nil {
		overrides = []object{}
	}
	o := object{
		"type": p.kind, "title": p.title, "description": p.doc, "datasource": datasource(),
		"fieldConfig": object{"defaults": defaults, "overrides": overrides},
		"options":     p.options, "targets": p.targets(),
	}
	if p.transform != nil {
		o["transformations"] = p.transform
	}
	return o
}

func (p panel) targets() []object {
	list := make([]object, 0, len(p.queries))
	for i, q := range p.queries {
		o := object{
			"refId": string(rune('A' + i)), "datasource": datasource(), "editorMode": "code",
			"expr": q.expr, "instant": q.instant, "range": !q.instant,
		}
		if p.kind == "table" {
			o["format"] = "table"
		} else {
			o["legendFormat"] = q.legend
		}
		list = append(list, o)
	}
	return list
}
