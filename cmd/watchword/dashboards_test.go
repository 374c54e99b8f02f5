package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"

	"watchword/cmd/internal/dashboards"
)

// TestEveryQueryHasData has a real Prometheus scrape a running demo and
// evaluate the rules, and asks it every query of every dashboard and rule:
// each must have data, but for what a healthy watchword does not have.
func TestEveryQueryHasData(t *testing.T) {
	t.Parallel()
	program := need(t, "prometheus")
	queries := dashboardQueries(t)
	rulesFile := filepath.Join(t.TempDir(), "rules.yml")
	maps.Copy(queries, ruleQueries(t, rulesFile))
	api := startPrometheus(t, program, startDemo(t), rulesFile)

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	asked := len(queries)
	for tick := time.NewTicker(time.Second); len(queries) > 0 && ctx.Err() == nil; <-tick.C {
		for _, where := range slices.Sorted(maps.Keys(queries)) {
			found, err := answered(ctx, api, queries[where])
			if err != nil {
				t.Fatalf("%s: %v in\n%s", where, err, queries[where])
			}
			if found {
				delete(queries, where)
			}
		}
	}
	for where, query := range queries {
		t.Errorf("%s has no data:\n%s", where, query)
	}
	t.Logf("%d queries of dashboards and rules have data", asked-len(queries))
}

// startDemo runs the demo until the test ends and returns the address of its metrics.
func startDemo(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		a := &app{stdout: in, stderr: io.Discard, environ: os.LookupEnv}
		ended <- a.demo(ctx, "")
		in.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demo: %v", err)
		}
	})
	lines := bufio.NewReader(out)
	address := regexp.MustCompile(`metrics +http://([0-9.:]+)/metrics`)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the demo does not say where its metrics are: %v", err)
		}
		if m := address.FindStringSubmatch(line); m != nil {
			go func() { _, _ = io.Copy(io.Discard, lines) }()
			return m[1]
		}
	}
}

// startPrometheus scrapes target each second until the test ends, and returns
// the URL of its API.
func startPrometheus(t *testing.T, program, target, rulesFile string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\n"+
		"scrape_configs:\n- job_name: watchword\n  static_configs: [{targets: [%q]}]\n", rulesFile, target)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	output := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("Prometheus says:\n%s", output)
		}
	})
	return "http://" + address + "/api/v1/query"
}

// answered asks a query, and reports whether it has data. A Prometheus that
// does not answer yet is no error; a query that it cannot read is one.
func answered(ctx context.Context, api, query string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"?query="+url.QueryEscape(query), nil)
	if err != nil {
		return false, err
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false, nil // it starts
	}
	defer res.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return false, nil // it starts
	}
	if answer.Status == "error" {
		return false, fmt.Errorf("prometheus says %s", answer.Error)
	}
	return len(answer.Data.Result) > 0, nil
}

// dashboardQueries are the queries of all panels, annotations and variables,
// as Grafana would ask them.
func dashboardQueries(t *testing.T) map[string]string {
	t.Helper()
	chosen := strings.NewReplacer(
		"$__rate_interval", "15s", "$location", ".*", "$group", ".*", "$check", "payments", "$objective", "0.999",
	)
	labelValues := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	out := make(map[string]string)
	for _, d := range dashboards.All() {
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ RefID, Expr string }
			}
			Annotations struct{ List []struct{ Name, Expr string } }
			Templating  struct {
				List []struct {
					Name  string
					Query any
				}
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatal(err)
		}
		for _, p := range board.Panels {
			for _, q := range p.Targets {
				out[fmt.Sprintf("%s: %q %s", d.UID, p.Title, q.RefID)] = chosen.Replace(q.Expr)
			}
		}
		for _, a := range board.Annotations.List {
			out[fmt.Sprintf("%s: annotation %q", d.UID, a.Name)] = chosen.Replace(a.Expr)
		}
		for _, v := range board.Templating.List {
			q, ok := v.Query.(map[string]any)
			if !ok {
				continue
			}
			m := labelValues.FindStringSubmatch(fmt.Sprint(q["query"]))
			if m == nil {
				t.Fatalf("%s: variable %s asks %v", d.UID, v.Name, q["query"])
			}
			if v.Name == "group" { // the demo has no groups
				continue
			}
			series, label := m[1], m[2]
			out[fmt.Sprintf("%s: variable %q", d.UID, v.Name)] = fmt.Sprintf("count by (%s) (%s) and on (%s) %s", label, chosen.Replace(series), label, chosen.Replace(series))
		}
	}
	if len(out) < 40 {
		t.Fatalf("%d queries were found in the dashboards", len(out))
	}
	return out
}

// ruleQueries writes the rules for the demo into a file, and returns what must
// have data: the recordings, and the alerts that fire in the demo.
func ruleQueries(t *testing.T, file string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	world, err := startWorld(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	config := filepath.Join(dir, "demo.hcl")
	if err := os.WriteFile(config, []byte(demoConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	var text, stderr strings.Builder
	a := &app{stdout: &text, stderr: &stderr, environ: environ(map[string]string{"DEMO_SLACK_TOKEN": "xoxb-demo"})}
	root := a.command()
	root.SetArgs([]string{
		"rules", "-c", config, "--var", "listen=127.0.0.1:0", "--var", "api=" + world.api.Addr(),
		"--var", "partner=" + world.partner.Addr(), "--var", "slack_api=http://127.0.0.1:1",
	})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("watchword rules: %v\n%s", err, stderr.String())
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct{ Record, Expr string }
		}
	}
	if err := yaml.Unmarshal([]byte(text.String()), &rules); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]string)
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Record != "" {
				out["rules: expression of "+r.Record] = r.Expr
			}
		}
	}
	for _, alert := range []string{"WatchwordCheckFailing", "WatchwordCheckDegraded", "WatchwordClientCertificateExpires", "WatchwordAlive"} {
		out["rules: "+alert] = fmt.Sprintf(`ALERTS{alertname=%q, alertstate="firing"}`, alert)
	}
	return out
}
