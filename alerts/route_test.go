package alerts_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
)

func TestRoutes(t *testing.T) {
	route := func(goOn bool, receiver string, match ...string) alerts.Route {
		m := map[string]string{}
		for i := 0; i < len(match); i += 2 {
			m[match[i]] = match[i+1]
		}
		r, err := alerts.CompileRoute(m, []string{receiver}, goOn)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	labels := map[string]string{"severity": "critical", "team": "orders", "check": "orders/checkout"}
	for _, tc := range []struct {
		name   string
		routes alerts.Routes
		want   []string
	}{
		{"no route: everyone", nil, []string{"a", "b"}},
		{"none matches: nobody", alerts.Routes{route(false, "a", "team", "pay")}, nil},
		{"first match wins", alerts.Routes{route(false, "a", "severity", "critical"), route(false, "b")}, []string{"a"}},
		{"continue", alerts.Routes{route(true, "a", "severity", "critical"), route(false, "b"), route(false, "c")}, []string{"a", "b"}},
		{"continue, each once", alerts.Routes{route(true, "a"), route(true, "a", "team", "orders")}, []string{"a"}},
		{"all labels must match", alerts.Routes{route(false, "a", "severity", "critical", "team", "pay"), route(false, "b")}, []string{"b"}},
		{"glob", alerts.Routes{route(false, "a", "team", "{pay,ord*}")}, []string{"a"}},
		{"glob over slashes", alerts.Routes{route(false, "a", "check", "*out")}, []string{"a"}},
		{"a missing label is empty", alerts.Routes{route(false, "a", "zone", "?*"), route(false, "b", "zone", "")}, []string{"b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.routes.Receivers(labels, []string{"a", "b"}); !cmp.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestPatternsAreBounded(t *testing.T) {
	for _, bad := range []string{strings.Repeat("x", 300), "*a*a*a*a*a*a*a*a*a*", "[a", "{a"} {
		if _, err := alerts.CompileRoute(map[string]string{"team": bad}, nil, false); err == nil || !strings.Contains(err.Error(), "label team") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	p, err := alerts.ParsePattern("*a*a*a*a*a*a*a*b")
	if err != nil {
		t.Fatal(err)
	}
	if !p.Match(strings.Repeat("a", 500) + "b") {
		t.Error("a long value does not match")
	}
	if p.Match(strings.Repeat("a", 5000) + "b") {
		t.Error("a value beyond all bounds was looked at")
	}
}
