package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

// A pager is a real Alertmanager, and whom it tells.
type pager struct {
	t       *testing.T
	program string
	dir     string
	args    []string
	addr    string // the same after a restart
	cmd     *exec.Cmd
	drained chan struct{}
	user    string      // for basic authentication; may be empty
	trust   *tls.Config // nil: it speaks no TLS

	mu   sync.Mutex
	told []pagerAlert // by notifications, in their order
}

type pagerAlert struct {
	Status       json.RawMessage   `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	UpdatedAt    time.Time         `json:"updatedAt"`
}

const (
	pagerPassword = "canary-8c1"
	pagerHash     = "$2a$04$a4hqqyyJmQsX78ObTT1c0.C.XWVfVlxLZolihL8EOuR5HaKq/lKeS" // of the password, by bcrypt
)

func newPager(t *testing.T, args ...string) *pager {
	t.Helper()
	p := &pager{t: t, program: need(t, "prometheus-alertmanager"), dir: t.TempDir(), args: args, addr: "127.0.0.1:0"}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n struct{ Alerts []pagerAlert }
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.told = append(p.told, n.Alerts...)
	}))
	t.Cleanup(hook.Close)
	write(t, p.dir, "alertmanager.yml", `
route: { receiver: hook, group_by: [alertname, check], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: hook
    webhook_configs: [{ url: "`+hook.URL+`", send_resolved: true }]
`)
	p.start()
	return p
}

func (p *pager) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.program, append([]string{
		"--config.file=alertmanager.yml", "--storage.path=data", "--web.listen-address=" + p.addr, "--cluster.listen-address=",
	}, p.args...)...)
	p.cmd.Dir = p.dir
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	listening := regexp.MustCompile(`msg="?Listening on"? address=([0-9.:]+)`)
	found := make(chan string, 1)
	p.drained = make(chan struct{})
	go func() {
		defer close(p.drained)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	p.t.Cleanup(func() { p.end(syscall.SIGKILL) })
	select {
	case p.addr = <-found:
	case <-p.drained:
		p.t.Fatal("Alertmanager does not start")
	case <-time.After(patience):
		p.t.Fatal("Alertmanager does not say where it listens")
	}
}

// end ends Alertmanager, unless it has ended.
func (p *pager) end(s syscall.Signal) {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Signal(s)
		<-p.drained
		_ = p.cmd.Wait()
	}
}

func (p *pager) url() string {
	if p.trust != nil {
		return "https://" + p.addr
	}
	return "http://" + p.addr
}

// alerts are those that Alertmanager has as active.
func (p *pager) alerts() []pagerAlert {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url()+"/api/v2/alerts", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if p.user != "" {
		req.SetBasicAuth(p.user, pagerPassword)
	}
	resp, err := newClient(p.trust).Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var list []pagerAlert
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		p.t.Fatal(err)
	}
	return list
}

// heard are the notifications about a check, as "firing NAME".
func (p *pager) heard(check string) []string {
	var out []string
	for _, a := range p.notifications(check) {
		out = append(out, strings.Trim(string(a.Status), `"`)+" "+a.Labels["alertname"])
	}
	return out
}

func (p *pager) notifications(check string) []pagerAlert {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.told), func(a pagerAlert) bool { return a.Labels["check"] != check })
}

func (p *pager) hears(check string, want ...string) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("Alertmanager tells %q", want), func() bool { return len(p.heard(check)) >= len(want) })
	if diff := cmp.Diff(want, p.heard(check)); diff != "" {
		p.t.Errorf("Alertmanager has told: -want +got\n%s", diff)
	}
}

// A check that fails is an alert of a real Alertmanager until it recovers,
// also when the daemon is killed in between.
func TestAlertmanagerFollowsADaemon(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	s := newSite(t)
	s.broken.Store(true)
	config := strings.Replace(s.base(), `location = "fra1"`, `location = "fra1"
  external_url = "https://watch.example/"`, 1)
	path := write(t, s.dir, "main.hcl", config+`
receiver "alertmanager" "main" { url = "`+p.url()+`/" }
check "orders" {
  labels  = { team = "orders" }
  runbook = "https://wiki.example/orders"
  alert { severity = "critical" }
  request { url = "https://orders.acme.test/" }
}
`)
	d := startDaemon(t, path)
	eventually(t, "the alert is active", func() bool { return len(p.alerts()) == 1 })
	first := p.alerts()[0]
	want := map[string]string{"alertname": "WatchwordCheckFailing", "check": "orders", "location": "fra1", "severity": "critical", "label_team": "orders"}
	if diff := cmp.Diff(want, first.Labels); diff != "" {
		t.Errorf("labels: -want +got\n%s", diff)
	}
	if a := first.Annotations; !strings.HasPrefix(a["summary"], "orders is failing: status is 503") || a["runbook_url"] != "https://wiki.example/orders" ||
		!strings.Contains(a["description"], "client certificate: probe") {
		t.Errorf("annotations: %q", a)
	}
	if first.GeneratorURL != "https://watch.example/checks/orders" {
		t.Errorf("generatorURL is %q", first.GeneratorURL)
	}
	p.hears("orders", "firing WatchwordCheckFailing")
	sent := func() string {
		return d.metric(`watchword_notifications_total{location="fra1",receiver="alertmanager.main",result="sent"}`)
	}
	eventually(t, "it is counted", func() bool { return sent() == "1" })

	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	d.wait()
	d = startDaemon(t, path)
	eventually(t, "the alert is sent again", func() bool {
		list := p.alerts()
		return len(list) == 0 || list[0].UpdatedAt.After(first.UpdatedAt)
	})
	if got := p.alerts(); len(got) != 1 || !got[0].StartsAt.Equal(first.StartsAt) {
		t.Errorf("after the restart it has %+v, want the alert that began at %v", got, first.StartsAt)
	}
	s.broken.Store(false)
	p.hears("orders", "firing WatchwordCheckFailing", "resolved WatchwordCheckFailing")
	over := p.notifications("orders")[1]
	if !over.StartsAt.Truncate(time.Millisecond).Equal(first.StartsAt) || !over.EndsAt.After(over.StartsAt) || time.Until(over.EndsAt) > 0 {
		t.Errorf("resolved: from %v to %v", over.StartsAt, over.EndsAt)
	}
	if got := p.alerts(); len(got) != 0 {
		t.Errorf("still active: %+v", got)
	}
	if n := d.metric(`watchword_outbox_pending{location="fra1",receiver="alertmanager.main"}`); n != "0" {
		t.Errorf("%q alerts are pending", n)
	}
}

// An Alertmanager that refuses is told to Slack, until it does no more.
func TestAlertmanagerThatRefuses(t *testing.T) {
	t.Parallel()
	web := write(t, t.TempDir(), "web.yml", "basic_auth_users: { probe: %s }\n", pagerHash)
	p := newPager(t, "--web.config.file="+web)
	p.user = "probe"
	s := newSite(t)
	write(t, s.dir, "password", "canary-wrong")
	path := write(t, s.dir, "main.hcl", s.base()+`
secret "password" { file = "password" }
receiver "alertmanager" "main" {
  urls       = ["`+p.url()+`"]
  basic_auth = { username = "probe", password = secret.password }
}
`+ordersCheck)
	d := startDaemon(t, path)
	eventually(t, "Slack is told", s.told("⚠️ watchword at fra1: receiver alertmanager.main refuses messages: posting to "+p.url()+": the answer is 401 Unauthorized"))
	blocked := func() string {
		return d.metric(`watchword_receiver_blocked{location="fra1",receiver="alertmanager.main"}`)
	}
	if got := blocked(); got != "1" {
		t.Errorf("receiver_blocked is %q, want 1", got)
	}
	write(t, s.dir, "password", pagerPassword)
	eventually(t, "it is no longer blocked", func() bool { return blocked() == "0" })
	eventually(t, "Slack is told that it is over", s.told("no longer so: receiver alertmanager.main refuses messages"))
	s.broken.Store(true)
	eventually(t, "the alert is active", func() bool { return len(p.alerts()) == 1 })

	// A password that cannot be read keeps nothing else from running.
	if err := os.Remove(filepath.Join(s.dir, "password")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is blocked", func() bool { return blocked() == "1" })
	eventually(t, "Slack is told of the secret", s.told("⚠️ watchword at fra1: secret password"))
	if text := d.log(); strings.Contains(text, "canary-") {
		t.Errorf("the log shows the password:\n%s", text)
	}
}

// An Alertmanager that was restarted, or has lost all it knew, has what stands
// again, and nothing was told to be resolved.
func TestAlertmanagerBeginsAgain(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	began, stop := p.feed(&alerts.Feed{Every: 200 * time.Millisecond})
	const firing = "firing WatchwordCheckFailing"
	p.hears("orders", firing)

	p.end(syscall.SIGTERM)
	p.start()
	eventually(t, "the alert is active again", func() bool { return len(p.alerts()) == 1 })

	p.end(syscall.SIGKILL)
	if err := os.RemoveAll(filepath.Join(p.dir, "data")); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.hears("orders", firing, firing)
	if got := p.alerts(); len(got) != 1 || !got[0].StartsAt.Equal(began.UTC().Truncate(time.Millisecond)) {
		t.Errorf("it has %+v, want the alert that began at %v", got, began)
	}
	stop()
}

// What stands ends by itself when no more is said.
func TestAlertEndsByItself(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	const ahead = 4 * time.Second
	_, stop := p.feed(&alerts.Feed{Every: 200 * time.Millisecond, Ahead: ahead})
	eventually(t, "it is told", func() bool { return len(p.heard("orders")) > 0 })
	stop()
	stopped := time.Now()
	eventually(t, "it is told to be over", func() bool { // on a machine that stood still that may have been so before
		told := p.notifications("orders")
		last := told[len(told)-1]
		return string(last.Status) == `"resolved"` && len(p.alerts()) == 0 && !last.EndsAt.After(stopped.Add(ahead))
	})
}

// feed has orders fail, which began at a moment, and feed tell of it until stop.
func (p *pager) feed(feed *alerts.Feed) (began time.Time, stop func()) {
	p.t.Helper()
	engine := &alerts.Engine{Store: &alertstest.Memory{}}
	feed.Engine = engine
	engine.Changed = feed.Wake
	setup := alerts.Setup{Fed: []string{"alertmanager.main"}, Subjects: []alerts.Subject{{Name: "orders"}}}
	if err := engine.Load(p.t.Context(), setup); err != nil {
		p.t.Fatal(err)
	}
	feed.SetReceivers(map[string]*alerts.Alertmanager{"alertmanager.main": {URLs: []string{p.url()}}})
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- feed.Run(ctx) }()
	began = time.Now()
	if err := engine.Handle(p.t.Context(), checks.Result{Check: "orders", Outcome: checks.Failed, Started: began}); err != nil {
		p.t.Fatal(err)
	}
	return began, func() {
		p.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			p.t.Error(err)
		}
	}
}

// The sample reaches those whom a real Alertmanager tells, once.
func TestAlertsTestOfAnAlertmanager(t *testing.T) {
	t.Parallel()
	p := newPager(t)
	path := write(t, t.TempDir(), "main.hcl", `receiver "alertmanager" "main" { url = "`+p.url()+`" }`)
	test := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), append([]string{"alerts", "test", "-c", path, "main"}, args...), strings.NewReader(""), &out, &out); code != want {
			t.Errorf("%q exits with %d, want %d:\n%s", args, code, want, out.String())
		}
		return out.String()
	}
	test(exitInvalid, "--only", "failed")
	test(exitOK, "--dry-run")
	if out := test(exitOK); !strings.Contains(out, "✓ alert WatchwordSample") {
		t.Errorf("it says %q", out)
	}
	p.hears("sample", "firing WatchwordSample")
	p.end(syscall.SIGKILL)
	if out := test(exitFailed); !strings.Contains(out, "connection refused") {
		t.Errorf("it says %q", out)
	}
}

// At its end the daemon tells an Alertmanager how things stand, also when Slack
// takes nothing.
func TestAlertmanagerIsToldAtTheEnd(t *testing.T) {
	t.Parallel()
	var posts atomic.Int64
	api := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
	defer api.Close()
	s := newSite(t)
	s.broken.Store(true)
	path := write(t, s.dir, "main.hcl", "%s", strings.Replace(s.base(), s.slack.APIURL(), "http://127.0.0.1:1/", 1)+`
receiver "alertmanager" "main" { url = "`+api.URL+`" }
`+ordersCheck)
	d := startDaemon(t, path)
	eventually(t, "the alert is sent, and a message waits", func() bool {
		return posts.Load() > 0 && d.metric(`watchword_outbox_pending{location="fra1",receiver="slack.oncall"}`) == "1"
	})
	before := posts.Load()
	d.signal(syscall.SIGTERM)
	if code := d.wait(); code != 0 || posts.Load() == before {
		t.Errorf("exit code %d, and %d posts at the end", code, posts.Load()-before)
	}
}
