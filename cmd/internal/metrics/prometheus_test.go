package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestLint(t *testing.T) {
	m := full(t)
	problems, err := testutil.GatherAndLint(m.Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	// Gatherers apply client_golang's own rules: unique series, sorted labels, valid names and values.
	if _, err := (prometheus.Gatherers{m.Gatherer()}).Gather(); err != nil {
		t.Error(err)
	}
}

// tool returns the path of a program that this system may have and CI must have.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

func TestPromtoolHasNothingToSay(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), tool(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(get(t, full(t)))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v, and says:\n%s", err, out)
	}
}

func TestPrometheusScrapes(t *testing.T) {
	program := tool(t, "prometheus")
	m := full(t)
	server := httptest.NewServer(m.Handler(discard()))
	defer server.Close()
	api := startPrometheus(t, program, strings.TrimPrefix(server.URL, "http://"))
	for _, c := range []struct {
		query string
		want  float64
	}{
		{`up{job="watchword"}`, 1},
		{`watchword_checks`, 2},
		{`watchword_check_http_status_code{check="orders/health",group="orders",location="fra1"}`, 503},
		{`sum(watchword_check_status{check="orders/health"})`, 1},
		{`watchword_check_failures_total{reason="expectation"}`, 1},
		{`watchword_check_failing_since_timestamp_seconds > 0 and on (check) watchword_check_info{label_team="orders"}`, float64(noon.Unix() - 60)},
		{`histogram_quantile(1, sum by (le) (watchword_check_duration_seconds_bucket))`, 0.3},
		{`watchword_client_certificate_checks{certificate="acme"}`, 14},
		{`watchword_server_certificate_not_after_timestamp_seconds{host="api.acme.com"} - watchword_check_last_run_timestamp_seconds{check="orders/health"} or on() vector(3600)`, 3600},
		{`count(watchword_build_info{version="1.2.3"})`, 1},
	} {
		if got := await(t, api, c.query); got != c.want {
			t.Errorf("%s is %v, want %v", c.query, got, c.want)
		}
	}
}

// startPrometheus has a Prometheus scrape the target each second until the
// test ends, and returns the URL of its API.
func startPrometheus(t *testing.T, program, target string) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: watchword\n  static_configs: [{targets: [%q]}]\n", target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	var output bytes.Buffer
	cmd := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("Prometheus says:\n%s", output.String())
		}
	})
	return "http://" + address + "/api/v1/query"
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await asks until the query has a result.
func await(t *testing.T, api, query string) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if v, ok := ask(ctx, client, api, query); ok {
			return v
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s has no result", query)
		case <-tick.C:
		}
	}
}

func ask(ctx context.Context, client *http.Client, api, query string) (float64, bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"?query="+url.QueryEscape(query), nil)
	if err != nil {
		return 0, false
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || len(answer.Data.Result) != 1 {
		return 0, false
	}
	var v float64
	_, err = fmt.Sscan(fmt.Sprint(answer.Data.Result[0].Value[1]), &v)
	return v, err == nil
}
