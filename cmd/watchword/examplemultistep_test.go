package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"watchword/certs/certstest"
	"watchword/checks"
)

const probeToken = "tok-3n-of-the-probe"

// shop is the API of the example: what is asked of it, and how it fails.
type shop struct {
	asked   chan string
	problem string // what goes wrong with the order
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who := "nobody"
	if len(r.TLS.PeerCertificates) > 0 {
		who = r.TLS.PeerCertificates[0].Subject.CommonName
	}
	s.asked <- r.Method + " " + r.Host + r.URL.Path + " by " + who
	answer := func(status int, v any) {
		w.WriteHeader(status)
		if v != nil {
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	var got map[string]string
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &got)
	switch {
	case r.URL.Path == "/health":
		answer(http.StatusOK, map[string]string{"database": "up"})
	case r.URL.Path == "/login" && got["password"] == "hunter2-hunter2":
		answer(http.StatusOK, map[string]string{"token": probeToken, "user": "probe", "shop": "https://shop.acme.example"})
	case r.Header.Get("Authorization") != "Bearer "+probeToken || r.Header.Get("Accept") != "application/json":
		answer(http.StatusUnauthorized, nil)
	case r.Method == http.MethodDelete:
		answer(http.StatusNoContent, nil)
	case s.problem == "refused":
		answer(http.StatusUnprocessableEntity, map[string]string{"error": "no stock for " + probeToken})
	case s.problem == "not ours":
		answer(http.StatusCreated, map[string]string{"id": "ord_1", "owner": probeToken, "reference": got["reference"]})
	default:
		answer(http.StatusCreated, map[string]string{"id": "ord_1", "owner": "probe", "reference": got["reference"]})
	}
}

// runExample runs the checkout in fra of the example against a server.
func runExample(t *testing.T, problem string) (result checks.Result, text string, asked []string) {
	t.Helper()
	dir := t.TempDir()
	example, err := os.ReadFile("../../examples/multi-step/watchword.hcl")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "watchword.hcl", "%s", example)
	ca := exampleCertificates(t, dir)
	s := &shop{asked: make(chan string, 100), problem: problem}
	api := certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("*.acme.example"), ClientAuth: tls.VerifyClientCertIfGiven, Handler: s,
	})
	write(t, dir, "here.hcl", `
certificate "ca" {
  host = "*.acme.example"
  ca   = "ca.pem"
}
defaults {
  request { connect_to = %q }
}
`, api.Addr())
	t.Setenv("PROBE_PASSWORD", "hunter2-hunter2")
	var all strings.Builder
	for _, output := range []string{"text", "json"} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), []string{"test", "-c", dir, "-o", output, "orders/checkout[fra]"}, nil, &stdout, &stderr)
		if want := map[bool]int{true: exitOK, false: exitFailed}[problem == ""]; code != want {
			t.Errorf("exit code %d, want %d\n%s", code, want, stderr.String())
		}
		all.Write(stdout.Bytes())
		if output == "json" {
			if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(s.asked)
	for line := range s.asked {
		asked = append(asked, line)
	}
	return result, all.String(), asked[len(asked)/2:]
}

func stepOutcomes(r checks.Result) string {
	var parts []string
	for _, s := range r.Steps {
		parts = append(parts, s.Step+" "+string(s.Outcome))
	}
	return strings.Join(parts, ", ")
}

func TestMultiStepExample(t *testing.T) {
	tests := []struct {
		problem, outcomes, message, text string
		asked                            []string
	}{
		{
			problem: "", outcomes: "login passed, order passed, cancel passed",
			asked: []string{
				"POST fra.acme.example/login by probe", "POST shop.acme.example/orders by probe",
				"DELETE shop.acme.example/orders/ord_1 by probe",
			},
		},
		{
			problem: "refused", outcomes: "login passed, order failed, cancel skipped",
			message: `step "order": status is 422, want 201 (and 3 more)`,
			text:    "  step \"cancel\" skipped\n    rendering the request: url: step.order.json.id is missing: the object has \"error\"\n    defined at",
			asked:   []string{"POST fra.acme.example/login by probe", "POST shop.acme.example/orders by probe"},
		},
		{
			problem: "not ours", outcomes: "login passed, order failed, cancel passed",
			message: `step "order": json.owner is *** and step.login.json.user is "probe", want json.owner == step.login.json.user`,
			text:    `step.login.json.user is "probe"`,
			asked: []string{
				"POST fra.acme.example/login by probe", "POST shop.acme.example/orders by probe",
				"DELETE shop.acme.example/orders/ord_1 by probe",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.problem, func(t *testing.T) {
			result, text, asked := runExample(t, tt.problem)
			if got := stepOutcomes(result); got != tt.outcomes {
				t.Errorf("steps: %s, want %s\n%s", got, tt.outcomes, text)
			}
			if result.Message != tt.message {
				t.Errorf("message is %q, want %q", result.Message, tt.message)
			}
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("asked for %q, want %q", asked, tt.asked)
			}
			if !strings.Contains(text, tt.text) {
				t.Errorf("the output reads\n%s\nwant in it %s", text, tt.text)
			}
			if strings.Contains(text, probeToken) || strings.Contains(text, "hunter2") {
				t.Errorf("a secret is in\n%s", text)
			}
			for _, s := range result.Steps {
				if s.Outcome != checks.Skipped && s.Certificate != "acme" {
					t.Errorf("step %s presented %q, want acme", s.Step, s.Certificate)
				}
			}
		})
	}
}
