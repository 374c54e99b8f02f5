package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"watchword/alerts/alertstest"
	"watchword/certs/certstest"
	"watchword/cmd/internal/config"
	"watchword/cmd/internal/web"
)

// A site is an API that demands certificates, a Slack, and the files of a
// configuration that watches the one and tells the other.
type site struct {
	t      *testing.T
	dir    string
	ca     *certstest.CA
	api    *certstest.Server
	broken atomic.Bool
	slack  *alertstest.Slack
}

// Secrets, which must never be seen outside of requests. The last two read
// differently in a URL, in JSON and in base64.
const (
	siteToken    = "xoxb-canary-5d1f"
	sitePassword = "canary/9f&3 77"
	siteCanary   = "canary/9f&3-"
)

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), ca: certstest.NewCA(t)}
	if _, _, _, err := s.ca.Client("probe").Save(s.dir, "probe"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ca.Save(s.dir, "ca"); err != nil {
		t.Fatal(err)
	}
	s.api = certstest.NewServer(t, &certstest.Server{
		Pair: s.ca.Server("*.acme.test"), ClientAuth: tls.RequireAndVerifyClientCert,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if s.broken.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}),
	})
	s.slack = &alertstest.Slack{Token: siteToken}
	if err := s.slack.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.slack.Close)
	return s
}

// base is what every configuration of a site begins with.
func (s *site) base() string {
	return `
settings {
  listen   = "127.0.0.1:0"
  location = "fra1"
}
secret "slack" { env = "SITE_TOKEN" }
receiver "slack" "oncall" {
  token   = secret.slack
  channel = "#oncall"
  api_url = "` + s.slack.APIURL() + `"
}
certificate "probe" {
  host = "*.acme.test"
  pem  = "probe.pem"
  ca   = "ca.pem"
}
defaults {
  schedule = "@every 1s"
  request { connect_to = "` + s.api.Addr() + `" }
}
`
}

func (s *site) texts() []string {
	var out []string
	for _, m := range s.slack.Messages() {
		out = append(out, m.Text)
	}
	return out
}

func (s *site) told(text string) func() bool {
	return func() bool {
		for _, t := range s.texts() {
			if strings.Contains(t, text) {
				return true
			}
		}
		return false
	}
}

// outputs ends the daemon and returns everything that it has given away.
func (s *site) outputs(p *process) map[string]string {
	s.t.Helper()
	out := make(map[string]string)
	for name, path := range map[string]string{"metrics": "/metrics", "status page": "/", "API": "/api/v1/checks"} {
		_, out[name] = p.get(path)
	}
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		s.t.Errorf("exit code is %d, want 0", code)
	}
	state, err := os.ReadFile(filepath.Join(s.dir, "watchword.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	runs, err := os.ReadFile(filepath.Join(s.dir, "watchword.db.runs"))
	if err != nil {
		s.t.Fatal(err)
	}
	out["state file"], out["latest runs"], out["log"] = string(state), string(runs), p.log()
	for _, m := range s.slack.Messages() {
		out["messages"] += m.Text + m.Reader
	}
	return out
}

const ordersCheck = `
check "orders" { 
  request { url = "https://orders.acme.test/" }
}
`

func TestDaemonTellsOfFailureAndRecovery(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	p := startDaemon(t, path)

	eventually(t, "the check passes", func() bool {
		return p.metric(`watchword_check_status{check="orders",group="",location="fra1",status="passing"}`) == "1"
	})
	s.broken.Store(true)
	eventually(t, "Slack is told of the failure", s.told("🔴 orders is failing: status is 503"))
	s.broken.Store(false)
	eventually(t, "Slack is told of the recovery", s.told("🟢 orders recovered after "))

	_, metrics := p.get("/metrics")
	promtoolIsSilent(t, metrics)
	if status, _ := p.get("/-/ready"); status != http.StatusOK {
		t.Errorf("/-/ready answers %d, want 200", status)
	}
	began := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code is %d, want 0", code)
	}
	t.Logf("ended after %s", time.Since(began))
}

// promtoolIsSilent asks the real promtool what it has to say of metrics.
func promtoolIsSilent(t *testing.T, metrics string) {
	t.Helper()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Log("promtool is missing: not asked")
		return
	}
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(metrics)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

func TestDaemonReloads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	p := startDaemon(t, path)

	// A bad configuration changes nothing, and is told.
	write(t, s.dir, "main.hcl", s.base()+`check "orders" { schedul = "x" }`)
	p.signal(syscall.SIGHUP)
	p.await("configuration not reloaded")
	if got := p.metric(`watchword_config_last_reload_successful{location="fra1"}`); got != "0" {
		t.Errorf("reload_successful is %q, want 0", got)
	}
	runs := func() string {
		return p.metric(`watchword_check_runs_total{check="orders",group="",location="fra1",outcome="passed"}`)
	}
	before := runs()
	eventually(t, "the old configuration goes on", func() bool { return runs() != before })

	// Files that changed and have been quiet are read by themselves.
	write(t, s.dir, "main.hcl", s.base()+ordersCheck+`
check "search" {
  request { url = "https://search.acme.test/" }
}
`)
	p.await("configuration reloaded")
	eventually(t, "the new check passes", func() bool {
		return p.metric(`watchword_check_status{check="search",group="",location="fra1",status="passing"}`) == "1"
	})
	if got := s.texts(); len(got) > 0 {
		t.Errorf("the reloads told %q, want nothing", got)
	}
}

// A key that cannot be read fails the checks that need it alone.
func TestDaemonRunsWithUnreadableCertificate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck+`
certificate "gone" {
  host = "gone.acme.test"
  pem  = "gone.pem"
  ca   = "ca.pem"
}
check "gone" {
  request { url = "https://gone.acme.test/" }
}
`)
	p := startDaemon(t, path)
	eventually(t, "the healthy check passes", func() bool {
		return p.metric(`watchword_check_status{check="orders",group="",location="fra1",status="passing"}`) == "1"
	})
	eventually(t, "the other one fails with its reason", func() bool {
		return p.metric(`watchword_check_failures_total{check="gone",group="",location="fra1",reason="client_cert_local"}`) != ""
	})
	eventually(t, "Slack is told of the certificate", s.told("⚠️ watchword at fra1: certificate gone"))
	if got := p.metric(`watchword_client_certificate_load_failed{certificate="gone",location="fra1"}`); got != "1" {
		t.Errorf("load_failed is %q, want 1", got)
	}

	// Once it is there, the next reload uses it and the problem is over.
	if _, _, _, err := s.ca.Client("gone").Save(s.dir, "gone"); err != nil {
		t.Fatal(err)
	}
	p.await("configuration reloaded")
	eventually(t, "the check passes", func() bool {
		return p.metric(`watchword_check_status{check="gone",group="",location="fra1",status="passing"}`) == "1"
	})
}

func TestDaemonRefusesToStart(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	first := startDaemon(t, path)

	second := launch(t, path)
	if code := second.wait(); code != exitInvalid {
		t.Errorf("a second daemon on one state file exits with %d, want %d", code, exitInvalid)
	}
	if log := second.log(); !strings.Contains(log, strings.TrimSpace(first.pid())) {
		t.Errorf("it does not name the first, process %s:\n%s", first.pid(), log)
	}

	public := write(t, t.TempDir(), "main.hcl", strings.Replace(s.base(), `"127.0.0.1:0"`, `"0.0.0.0:0"`, 1))
	for _, name := range []string{"probe.pem", "ca.pem"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Dir(public), name, string(text))
	}
	third := launch(t, public)
	if code := third.wait(); code != exitInvalid {
		t.Errorf("a public address without authentication: exit code %d, want %d", code, exitInvalid)
	}
	if log := third.log(); !strings.Contains(log, "authentication") {
		t.Errorf("it does not say why:\n%s", log)
	}
}

// The secret goes to Slack and nowhere else.
func TestDaemonKeepsSecrets(t *testing.T) {
	t.Parallel()
	const password = sitePassword
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+`
secret "password" { env = "SITE_PASSWORD" }
check "everywhere" {
  request {
    url        = "https://orders.acme.test/${urlencode(secret.password)}?q=${urlencode(secret.password)}"
    method     = "POST"
    headers    = { X-Key = secret.password }
    basic_auth = { username = "probe", password = secret.password }
    json       = { password = secret.password }
  }
  expect = [status == 200, header["x-echo"] == secret.password, request.body == "x", request.url == "y", request.headers["x-key"] == "z"]
}
`)
	s.broken.Store(true)
	p := startDaemon(t, path)
	eventually(t, "Slack is told", s.told("everywhere is failing"))
	for where, text := range s.outputs(p) {
		for _, form := range []string{password, "canary%2F9f%263+77", "canary%2F9f%263%2077", "canary/9f&3%2077", "canary/9f&amp;3 77", "canary/9f\\u00263 77", siteToken} {
			if strings.Contains(text, form) {
				t.Errorf("%s: holds the secret as %q", where, form)
			}
		}
		if strings.Contains(text, "Y2FuYXJ5LzlmJjMgNz") {
			t.Errorf("%s: holds the secret in base64", where)
		}
	}
}

// A daemon that is told to stop while it starts has nothing to complain of.
func TestDaemonIsStoppedWhileItStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := write(t, dir, "main.hcl", `
settings {
  listen = "127.0.0.1:0"
  state  = %q
}
certificate "gone" {
  host = "gone.acme.test"
  pem  = "gone.pem"
}
`, write(t, dir, "s.db", "no database, and longer than an empty file"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := &daemon{
		Load: func(ctx context.Context) (*config.Config, error) { return config.Load(ctx, path, config.Options{}) },
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if strings.Contains(a.Value.String(), "was damaged") {
				cancel()
			}
			return a
		}})),
		Secrets: new(redaction),
		Web:     new(web.Server),
	}
	err := d.Run(ctx)
	if ctx.Err() == nil || err != nil {
		t.Errorf("stopped: %v, error %v", ctx.Err(), err)
	}
}

// Whoever reads the log may go away: the daemon goes on without it.
func TestDaemonOutlivesTheReaderOfItsLog(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	path := write(t, s.dir, "main.hcl", s.base()+ordersCheck)
	cmd := exec.Command("watchword", "run", "-c", path, "--log-format", "json")
	cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+s.dir)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p := &process{t: t, cmd: cmd}
	for lines := bufio.NewScanner(stderr); p.addr == "" && lines.Scan(); {
		var entry struct{ Msg, Listen string }
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Msg == "watching" {
			p.addr = entry.Listen
		}
	}
	if err := stderr.Close(); err != nil {
		t.Fatal(err)
	}
	s.broken.Store(true)
	eventually(t, "Slack is told, as the log is", s.told("🔴 orders is failing"))
	p.signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
