package dashboards_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"watchword/cmd/internal/dashboards"
)

// A board is what these tests read of a dashboard.
type board struct {
	UID, Title, Description string
	SchemaVersion           int
	Tags                    []string
	Links                   []struct {
		Tags                  []string
		KeepTime, IncludeVars bool
	}
	Templating struct {
		List []struct{ Name, Type, Description string }
	}
	Annotations struct {
		List []struct {
			Name       string
			Datasource source
		}
	}
	Panels []struct {
		ID                       int
		Type, Title, Description string
		Datasource               source
		GridPos                  struct{ X, Y, W, H int }
		FieldConfig              struct {
			Defaults struct{ Unit string }
		}
		Targets []struct {
			RefID      string
			Datasource source
			Expr       string
		}
	}
}

type source struct{ Type, UID string }

func boards(t *testing.T) []board {
	t.Helper()
	var list []board
	for _, d := range dashboards.All() {
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var b board
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

func TestFourDashboardsWithStableNames(t *testing.T) {
	var got []string
	for _, b := range boards(t) {
		got = append(got, b.UID)
		if b.Description == "" || b.SchemaVersion != 42 || len(b.Tags) != 1 || b.Tags[0] != "watchword" {
			t.Errorf("%s: description %q, schema %d, tags %q", b.UID, b.Description, b.SchemaVersion, b.Tags)
		}
		if len(b.Links) != 1 || !b.Links[0].KeepTime || !b.Links[0].IncludeVars || b.Links[0].Tags[0] != "watchword" {
			t.Errorf("%s: links are %+v, want one to all dashboards that keeps time and variables", b.UID, b.Links)
		}
	}
	if want := "watchword-overview watchword-check watchword-certificates watchword-itself"; strings.Join(got, " ") != want {
		t.Errorf("the dashboards are %v, want %s", got, want)
	}
}

func TestNoPanelsOverlapAndIDsAreUnique(t *testing.T) {
	for _, b := range boards(t) {
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range b.Panels {
			if ids[p.ID] || p.ID < 1 {
				t.Errorf("%s: %q has the id %d, want one of its own", b.UID, p.Title, p.ID)
			}
			ids[p.ID] = true
			g := p.GridPos
			if g.W < 1 || g.H < 3 || g.X < 0 || g.X+g.W > 24 {
				t.Errorf("%s: %q stands at %+v, outside the grid or too small to read", b.UID, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %q overlaps %q", b.UID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// Each line of panels is as wide as the page.
func TestRowsAreFull(t *testing.T) {
	for _, b := range boards(t) {
		width := map[int]int{}
		for _, p := range b.Panels {
			width[p.GridPos.Y] += p.GridPos.W
		}
		for y, w := range width {
			if w != 24 {
				t.Errorf("%s: the panels at %d are %d columns wide, want 24", b.UID, y, w)
			}
		}
	}
}

func TestPanelsAreDescribed(t *testing.T) {
	want := source{"prometheus", "${datasource}"}
	for _, b := range boards(t) {
		titles := map[string]bool{}
		for _, p := range b.Panels {
			where := fmt.Sprintf("%s: %q", b.UID, p.Title)
			if p.Title == "" || titles[p.Title] {
				t.Errorf("%s is no title of its own", where)
			}
			titles[p.Title] = true
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s has the description %q, want a sentence", where, p.Description)
			}
			if p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s has no unit", where)
			}
			if len(p.Targets) == 0 || p.Datasource != want {
				t.Errorf("%s asks %d queries of %v, want one at least, of %v", where, len(p.Targets), p.Datasource, want)
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				if refs[q.RefID] || q.Datasource != want {
					t.Errorf("%s: query %q of %v, want ids of their own, of %v", where, q.RefID, q.Datasource, want)
				}
				refs[q.RefID] = true
				if !strings.Contains(q.Expr, `location=~"$location"`) && q.Expr != "vector($objective)" {
					t.Errorf("%s: %s does not follow the location that is chosen", where, q.Expr)
				}
			}
		}
	}
}

func TestVariablesAndAnnotations(t *testing.T) {
	for _, b := range boards(t) {
		if v := b.Templating.List; len(v) < 2 || v[0].Name != "datasource" || v[0].Type != "datasource" || v[1].Name != "location" {
			t.Errorf("%s: the variables are %+v, want datasource and location first", b.UID, v)
		}
		for _, v := range b.Templating.List {
			if v.Description == "" {
				t.Errorf("%s: variable %s has no description", b.UID, v.Name)
			}
		}
		if len(b.Annotations.List) == 0 {
			t.Errorf("%s has no annotations", b.UID)
		}
		for _, a := range b.Annotations.List {
			if a.Datasource.UID != "${datasource}" {
				t.Errorf("%s: annotation %s asks %v", b.UID, a.Name, a.Datasource)
			}
		}
	}
}
