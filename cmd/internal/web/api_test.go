package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"watchword/alerts"
	"watchword/checks"
)

var update = flag.Bool("update", false, "write the golden files of the API")

// golden is a board on which every field of the API has a value.
func golden(now time.Time) *Board {
	began := now.Add(-90 * time.Second)
	b := &Board{
		State: func(check string) alerts.State {
			if check != "orders/checkout" {
				return alerts.State{}
			}
			return alerts.State{
				Phase: alerts.Firing, Level: alerts.LevelFailed, Seen: alerts.LevelFailed, Since: began, Incident: 3,
				Reason: checks.ReasonExpectation, Message: `step "order": status is 422, want 201`,
			}
		},
		Next: func(string) (time.Time, bool) { return now.Add(time.Minute), true },
		Closed: func(check string) []alerts.ClosedIncident {
			if check != "orders/checkout" {
				return nil
			}
			return []alerts.ClosedIncident{{
				Check: check, Incident: 2, Level: alerts.LevelDegraded, Since: began.Add(-2 * time.Hour), Until: began.Add(-time.Hour),
				Reason: checks.ReasonExpectation, Message: "timing.total is 1.2",
			}}
		},
		Silences: func(check string) []alerts.Silence {
			if check != "orders/checkout" {
				return nil
			}
			return []alerts.Silence{
				{By: alerts.ByMute, Name: "orders/*", Until: now.Add(time.Hour), Why: "deploy", Who: "anna"}, {By: alerts.ByDependency, Name: "edge"},
			}
		},
	}
	b.Load(Setup{
		Location: "fra1",
		Checks: []Check{
			{
				Name: "orders/checkout", Group: "orders", Description: "Orders can be placed", Schedule: "@every 30s", Severity: "critical",
				Labels: map[string]string{"team": "orders"}, Runbook: "https://runbooks.example/checkout", Source: checks.Source{File: "orders.hcl", Line: 12},
			},
			{Name: "new", Schedule: "@hourly", Severity: "warning", Source: checks.Source{File: "main.hcl", Line: 3}},
		},
		Certificates: []Certificate{
			{
				Name: "acme", Hosts: []string{"*.acme.com"}, Subject: "CN=probe", Issuer: "CN=Acme CA", NotAfter: now.Add(6 * 24 * time.Hour),
				Primary: true, Checks: []string{"orders/checkout"},
			},
			{Name: "broken", Error: "key.pem is empty"},
		},
	})
	for i, outcome := range []checks.Outcome{checks.Passed, checks.Failed} {
		if i > 0 { // it is another start that ran the second
			restart(b)
		}
		r := checks.Result{
			Check: "orders/checkout", Outcome: outcome, Started: began.Add(time.Duration(i) * time.Minute), Duration: 128 * time.Millisecond,
			Steps: []checks.StepResult{{Servers: []checks.ServerCertificate{{
				Host: "api.acme.com", Subject: "*.acme.com", Fingerprint: "ab12", NotAfter: now.Add(40 * 24 * time.Hour),
			}}}},
		}
		if outcome == checks.Failed {
			r.Reason, r.Message = checks.ReasonExpectation, `step "order": status is 422, want 201`
		}
		b.Record(r)
	}
	return b
}

// restart makes a board what the next start knows of it.
func restart(b *Board) {
	setup := b.view().setup
	var saved bytes.Buffer
	if err := b.Save(&saved); err != nil {
		panic(err)
	}
	b.loaded.Store(nil)
	b.Load(setup)
	if err := b.Restore(saved.Bytes()); err != nil {
		panic(err)
	}
}

// TestShapesOfTheAPI holds every field of every answer: others read them.
// Fields are added, never renamed.
func TestShapesOfTheAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Board: golden(time.Now())}
		for _, name := range []string{"checks", "incidents", "certificates"} {
			w := httptest.NewRecorder()
			s.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/"+name, nil))
			var got bytes.Buffer
			if err := json.Indent(&got, w.Body.Bytes(), "", "  "); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", "api", name+".json")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("/api/v1/%s answers\n%s\nwant\n%s\n(go test ./cmd/internal/web -run ShapesOfTheAPI -update, if a field was added)", name, got.String(), want)
			}
		}
	})
}
