package checks_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
)

func sampleResult() checks.Result {
	return checks.Result{
		Check: "orders/checkout", Outcome: checks.Failed, Reason: checks.ReasonExpectation,
		Message: `step "order": status is 422, want 201`, Attempts: 1,
		Started:  time.Date(2026, 3, 1, 9, 0, 0, 500_000_000, time.UTC),
		Duration: 1500 * time.Millisecond,
		Steps: []checks.StepResult{
			{Step: "login", Outcome: checks.Passed, Method: "POST", URL: "https://api/login", Status: 200, Rule: "none"},
			{
				Step: "order", Outcome: checks.Failed, Reason: checks.ReasonExpectation,
				Message: "status is 422, want 201", Method: "POST", URL: "https://api/orders", Status: 422,
				Certificate: "acme", Rule: "pattern", RemoteIP: "127.0.0.1",
				Timing: checks.Timing{DNS: time.Millisecond, Total: 250 * time.Millisecond},
				Failed: []checks.Explanation{{
					Expression: "status == 201", File: "orders.hcl", Line: 58, Message: "status is 422, want 201",
					Values: []checks.Value{{Name: "status", Value: 422.0}, {Name: "json.a", Value: []any{"x", nil}}},
				}},
				Servers:    []checks.ServerCertificate{{Host: "api", Fingerprint: "ab", NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}},
				Handshakes: []checks.Handshake{{Certificate: "acme", Accepted: true}},
				Curl:       "curl 'https://api/orders'",
			},
		},
	}
}

func TestResultShape(t *testing.T) {
	got, err := json.Marshal(sampleResult())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"check":"orders/checkout","outcome":"failed","reason":"expectation",` +
		`"message":"step \"order\": status is 422, want 201","started":"2026-03-01T09:00:00.5Z","duration":1.5,"attempts":1,` +
		`"steps":[{"step":"login","outcome":"passed","reason":"","message":"","url":"https://api/login","status":200,` +
		`"certificate":null,"rule":"none","remote_ip":"",` +
		`"timing":{"dns":0,"connect":0,"tls":0,"wait":0,"transfer":0,"total":0},"failed":[],"method":"POST"},` +
		`{"step":"order","outcome":"failed","reason":"expectation","message":"status is 422, want 201",` +
		`"url":"https://api/orders","status":422,"certificate":"acme","rule":"pattern","remote_ip":"127.0.0.1",` +
		`"timing":{"dns":0.001,"connect":0,"tls":0,"wait":0,"transfer":0,"total":0.25},` +
		`"failed":[{"expression":"status == 201","file":"orders.hcl","line":58,` +
		`"values":{"status":422,"json.a":["x",null]},"message":"status is 422, want 201"}],` +
		`"method":"POST","curl":"curl 'https://api/orders'",` +
		`"servers":[{"host":"api","fingerprint":"ab","subject":"","not_before":"0001-01-01T00:00:00Z","not_after":"2027-01-01T00:00:00Z"}],` +
		`"handshakes":[{"certificate":"acme","accepted":true}]}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("shape (-want +got):\n%s", diff)
	}
}

func TestResultReadsBack(t *testing.T) {
	want := sampleResult()
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got checks.Result
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestEmptyResultHasLists(t *testing.T) {
	got, err := json.Marshal(checks.Result{Steps: []checks.StepResult{{}}})
	if err != nil {
		t.Fatal(err)
	}
	var shape struct {
		Steps []struct {
			Failed      []any   `json:"failed"`
			Certificate *string `json:"certificate"`
		} `json:"steps"`
	}
	if err := json.Unmarshal(got, &shape); err != nil {
		t.Fatal(err)
	}
	if shape.Steps[0].Failed == nil || shape.Steps[0].Certificate != nil {
		t.Errorf("got %s, want failed [] and certificate null", got)
	}
}

func TestExplanationWithoutJSONValue(t *testing.T) {
	got, err := json.Marshal(checks.Explanation{Values: []checks.Value{{Name: "x", Value: math.Inf(1)}, {Name: "y", Value: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"expression":"","file":"","line":0,"values":{"x":"+Inf","y":1}}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
