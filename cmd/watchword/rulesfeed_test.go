package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v2"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/certs/certstest"
	"watchword/checks"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/metrics"
	"watchword/cmd/internal/rules"
)

// A situation is what is wrong with a configuration at one moment.
type situation struct {
	rules   string                         // of the configuration
	metrics string                         // as they are scraped
	posted  map[string][]map[string]string // labels of the alerts that an Alertmanager has as firing, by name
	now     time.Time
}

// everythingWrong is a situation in which all is wrong that both an
// Alertmanager is told of and the rules have an alert for. It is to be called
// in a bubble.
func everythingWrong(t *testing.T, dir string) *situation {
	t.Helper()
	var text strings.Builder
	text.WriteString(`
settings { location = "fra1" }
receiver "alertmanager" "main" { url = "http://am.test" }
receiver "webhook" "gone" { url = "http://gone.test" }
defaults { schedule = "@every 1m" }
group "orders" {
  labels = { team = "orders" }
  check "health" {
    alert { severity = "critical" }
    request { url = "https://probe.acme.test/" }
  }
}
check "slow" {
  labels = { tier = "1" }
  request { url = "https://probe.acme.test/" }
}
`)
	ca := certstest.NewCA(t)
	day := func(n int) time.Time { return time.Now().AddDate(0, 0, n).Add(time.Hour) }
	for name, life := range map[string]struct{ begin, end int }{
		"probe": {-1, 364}, "broken": {-1, 364}, "soon": {-300, 6}, "urgent": {-300, 2}, "expired": {-300, -2},
		"third": {-40, 19}, "sixth": {-50, 9}, "twelfth": {-55, 4},
	} {
		pair, err := ca.Issue(certstest.Leaf{CommonName: name, NotBefore: day(life.begin), NotAfter: day(life.end)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := pair.Save(dir, name); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "certificate %[1]q {\n  host = \"%[1]s.acme.test\"\n  pem  = \"%[1]s.pem\"\n}\n"+
			"check %[1]q {\n  request { url = \"https://%[1]s.acme.test/\" }\n}\n", name)
	}
	write(t, dir, "broken.pem", "nothing")
	cfg, err := config.Load(t.Context(), write(t, dir, "main.hcl", "%s", text.String()), config.Options{})
	if err != nil {
		t.Fatal(err)
	}

	var am receiving
	var outbox alerts.Outbox
	store := &alertstest.Memory{}
	engine := &alerts.Engine{Store: store, Wake: outbox.Wake}
	feed := &alerts.Feed{Engine: engine}
	engine.Changed = feed.Wake
	outbox.Store = store
	outbox.Blocked = func(ctx context.Context, receiver string, err error) {
		if err := engine.Notice(ctx, alerts.Problem{Cause: "receiver " + receiver, Receiver: receiver, Text: err.Error()}); err != nil {
			t.Error(err)
		}
	}
	m := metrics.New(metrics.Build{Version: "1"})
	m.AlertState, m.Muted, m.Outbox = engine.State, engine.Muted, outbox.Stats
	if err := engine.Load(t.Context(), setup(cfg)); err != nil {
		t.Fatal(err)
	}
	m.SetLocation(cfg.Settings.Location)
	m.SetChecks(measured(cfg))
	m.SetCertificates(cfg.Certificates.Identities(), uses(cfg))
	to := alertmanagers(cfg)
	to["alertmanager.main"].Client = &http.Client{Transport: &am}
	feed.SetReceivers(to)
	outbox.SetReceivers(map[string]alerts.Receiver{"webhook.gone": &alerts.Webhook{URL: "http://gone.test", Client: &http.Client{Transport: gone{}}}})

	ctx, cancel := context.WithCancel(t.Context())
	var parts sync.WaitGroup
	parts.Go(func() { _ = engine.Run(ctx) })
	parts.Go(func() { _ = feed.Run(ctx) })
	parts.Go(func() { _ = outbox.Run(ctx) })
	for range 4 { // the certificates of servers are told after a minute
		for _, check := range cfg.Monitors {
			r := checks.Result{Check: check.Check.Name, Outcome: checks.Passed, Started: time.Now()}
			step := checks.StepResult{Outcome: checks.Passed}
			switch r.Check {
			case "orders/health":
				r.Outcome, r.Reason, r.Message = checks.Failed, checks.ReasonExpectation, "status is 503"
				step.Servers = []checks.ServerCertificate{{Host: "soon.test", Fingerprint: "ab", NotBefore: day(-300), NotAfter: day(6)}}
			case "slow":
				r.Outcome, r.Message = checks.Degraded, "timing.total is 1.2"
				step.Servers = []checks.ServerCertificate{{Host: "late.test", Fingerprint: "cd", NotBefore: day(-300), NotAfter: day(-2)}}
			}
			r.Steps = []checks.StepResult{step}
			m.Record(r.Check, r)
			if err := engine.Handle(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Minute)
	}
	m.SetReload(false, time.Now())
	if err := engine.Notice(ctx, alerts.Problem{Cause: alerts.ConfigurationCause, Text: notLoaded}); err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Second)
	var rulesFile bytes.Buffer
	if err := rules.Write(&rulesFile, ruled(cfg)); err != nil {
		t.Fatal(err)
	}
	page := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	out := &situation{rules: rulesFile.String(), metrics: page.Body.String(), posted: am.alerts(), now: time.Now()}
	cancel()
	parts.Wait()
	return out
}

// gone answers that there is nothing any more.
type gone struct{}

// RoundTrip implements [http.RoundTripper].
func (gone) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusGone, Body: http.NoBody}, nil
}

// receiving is an Alertmanager without a network that remembers what is firing.
type receiving struct {
	mu   sync.Mutex
	last map[string]pagerAlert // by what tells them apart
}

// RoundTrip implements [http.RoundTripper].
func (f *receiving) RoundTrip(r *http.Request) (*http.Response, error) {
	var list []pagerAlert
	if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		f.last = make(map[string]pagerAlert)
	}
	for _, a := range list {
		f.last[fmt.Sprint(a.Labels)] = a // maps are printed in order
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func (f *receiving) alerts() map[string][]map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string][]map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(f.last)) {
		a := f.last[key]
		if a.EndsAt.Before(time.Now()) {
			continue
		}
		labels := maps.Clone(a.Labels)
		delete(labels, "alertname")
		out[a.Labels["alertname"]] = append(out[a.Labels["alertname"]], labels)
	}
	return out
}

// The rules and the receiver "alertmanager" are alternatives: what is wrong has
// the same name and the same labels by either, so that the routes and silences
// of an Alertmanager hold for both.
func TestRulesAndAlertmanagerAreTheSame(t *testing.T) {
	t.Parallel()
	promtool := need(t, "promtool")
	dir := t.TempDir()
	var now *situation
	synctest.Test(t, func(t *testing.T) { now = everythingWrong(t, dir) })
	want := map[string]int{
		"WatchwordCheckFailing":                1,
		"WatchwordCheckDegraded":               1,
		"WatchwordClientCertificateExpires":    5, // by two thresholds and three shares of a lifetime
		"WatchwordClientCertificateExpired":    1,
		"WatchwordClientCertificateLoadFailed": 1,
		"WatchwordServerCertificateExpires":    1,
		"WatchwordServerCertificateExpired":    1,
		"WatchwordReceiverBlocked":             1,
		"WatchwordReloadFailed":                1,
	}
	got := map[string]int{}
	for name, list := range now.posted {
		got[name] = len(list)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("how many alerts were posted by their names (-want +got):\n%s", diff)
	}
	ruledAlone := []string{ // what only Prometheus can see of watchword, and each check that does not run
		"WatchwordAlive", "WatchwordCheckNotRunning", "WatchwordDown", "WatchwordOutboxGrowing",
		"WatchwordRunsLate", "WatchwordRunsSkipped", "WatchwordStateNotWritten",
	}
	text, names := withoutWords(t, now.rules)
	if diff := cmp.Diff(slices.Sorted(slices.Values(slices.Concat(ruledAlone, slices.Collect(maps.Keys(now.posted))))), names); diff != "" {
		t.Errorf("names of alerts (-posted, or of the rules alone +in the rules):\n%s", diff)
	}
	write(t, dir, "rules.yml", "%s", text)
	write(t, dir, "test.yml", "%s", now.asPromtoolTest(t))
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "test.yml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the rules fire (got) otherwise than was posted (exp): %v\n%s", err, out)
	}
}

// withoutWords are rules without the texts of alerts, and the names of all
// alerts.
func withoutWords(t *testing.T, rules string) (text string, names []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []map[string]any
		}
	}
	if err := yaml.Unmarshal([]byte(rules), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			delete(r, "annotations")
			if name, ok := r["alert"].(string); ok {
				names = append(names, name)
			}
		}
	}
	raw, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), slices.Compact(slices.Sorted(slices.Values(names)))
}

// asPromtoolTest is a test of promtool, in which all series are as they were
// scraped, and at whose tenth minute it is now. It wants the alerts that were
// posted.
func (s *situation) asPromtoolTest(t *testing.T) string {
	t.Helper()
	const at = 10 * time.Minute
	type series struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	type expected struct {
		Labels map[string]string `yaml:"exp_labels"`
	}
	type alert struct {
		Eval   string     `yaml:"eval_time"`
		Name   string     `yaml:"alertname"`
		Alerts []expected `yaml:"exp_alerts"`
	}
	type test struct {
		Interval string   `yaml:"interval"`
		Series   []series `yaml:"input_series"`
		Alerts   []alert  `yaml:"alert_rule_test"`
	}
	file := struct {
		Rules []string `yaml:"rule_files"`
		Every string   `yaml:"evaluation_interval"`
		Tests []test   `yaml:"tests"`
	}{[]string{"rules.yml"}, "1m", []test{{Interval: "1m"}}}
	one := &file.Tests[0]
	moment := regexp.MustCompile(`^\w+_timestamp_seconds(\{|$)`)
	for line := range strings.Lines(s.metrics) {
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || !strings.HasPrefix(line, "watchword_") {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[i+1:]), 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if moment.MatchString(line[:i]) && value != 0 {
			value += at.Seconds() - float64(s.now.Unix())
		}
		one.Series = append(one.Series, series{line[:i], strconv.FormatFloat(value, 'f', -1, 64) + "x20"})
	}
	for _, name := range slices.Sorted(maps.Keys(s.posted)) {
		a := alert{Eval: "10m", Name: name}
		for _, labels := range s.posted[name] {
			a.Alerts = append(a.Alerts, expected{labels})
		}
		one.Alerts = append(one.Alerts, a)
	}
	raw, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
