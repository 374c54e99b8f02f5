package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"watchword/certs/certstest"
)

// hooks is a receiver of webhooks behind mutual TLS.
type hooks struct {
	t      *testing.T
	server *certstest.Server

	mu   sync.Mutex
	took []hooked
}

// hooked is a webhook that has arrived.
type hooked struct {
	header http.Header
	raw    []byte

	ID, Kind, Incident, Check, Message string
	Version                            int
	Open                               bool
	PossibleRepeat                     bool `json:"possible_repeat"`
	Failures                           []struct {
		Status      int
		Certificate string
		Failed      []struct {
			Expression string
			Values     map[string]any
		}
	}
}

// listen starts the receiver; at says where, empty means anywhere.
func (h *hooks) listen(s *site, at string) {
	h.t.Helper()
	h.server = certstest.NewServer(h.t, &certstest.Server{
		Pair: s.ca.Server("127.0.0.1"), ClientAuth: tls.RequireAndVerifyClientCert, Listen: at,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			raw, err := io.ReadAll(r.Body)
			body := hooked{header: r.Header, raw: raw}
			if err == nil {
				err = json.Unmarshal(raw, &body)
			}
			if err != nil || r.TLS.PeerCertificates[0].Subject.CommonName != "probe" {
				h.t.Errorf("error %v, body %q", err, raw)
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			h.took = append(h.took, body)
		}),
	})
}

func (h *hooks) taken() []hooked {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.took)
}

const (
	hookToken   = "canary-token-77"
	hookSigning = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"
	hookFormer  = "former-canary-of-more-than-24-bytes"
)

// hookConfiguration watches names, whose transitions go to url.
func (s *site) hookConfiguration(url string, names ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `
settings { listen = "127.0.0.1:0" }
secret "token" { env = "HOOK_TOKEN" }
secret "signing" { env = "HOOK_SIGNING" }
secret "former" { env = "HOOK_FORMER" }
receiver "webhook" "tickets" {
  url            = "%s/in/${secret.token}"
  headers        = { Authorization = "Bearer ${secret.token}" }
  signing_secret = [secret.signing, secret.former]
}
route {
  receivers  = [receiver.webhook.tickets]
  group_wait = "0s"
}
certificate "probe" {
  hosts = ["*.acme.test", "127.0.0.1"]
  pem   = "probe.pem"
  ca    = "ca.pem"
}
defaults {
  schedule = "@every 1s"
  request { connect_to = "%s" }
}
`, url, s.api.Addr())
	for _, n := range names {
		fmt.Fprintf(&b, "check %q {\n  request { url = \"https://orders.acme.test/\" }\n}\n", n)
	}
	return b.String()
}

// A failure arrives behind mutual TLS, with a signature that the script of
// examples/webhook verifies, and so does the recovery.
func TestWebhookArrives(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := &hooks{t: t}
	h.listen(s, "")
	s.broken.Store(true)
	p := startDaemon(t, write(t, s.dir, "main.hcl", "%s", s.hookConfiguration(h.server.URL(), "orders")))
	eventually(t, "the failure arrives", func() bool { return len(h.taken()) == 1 })
	s.broken.Store(false)
	eventually(t, "the recovery arrives", func() bool { return len(h.taken()) == 2 })
	fired, recovered := h.taken()[0], h.taken()[1]
	if fired.Version != 1 || fired.Kind != "fired" || !fired.Open || fired.Check != "orders" || fired.ID != fired.header.Get("webhook-id") || fired.PossibleRepeat {
		t.Errorf("the failure is\n%s", fired.raw)
	}
	if f := fired.Failures; len(f) != 1 || f[0].Status != 503 || f[0].Certificate != "probe" || f[0].Failed[0].Values["status"] != 503.0 {
		t.Errorf("the failure is\n%s", fired.raw)
	}
	if recovered.Kind != "recovered" || recovered.Open || recovered.Incident != fired.Incident || recovered.ID == fired.ID {
		t.Errorf("the recovery is\n%s", recovered.raw)
	}
	if got := fired.header.Get("Authorization"); got != "Bearer "+hookToken {
		t.Errorf("Authorization is %q", got)
	}
	verifyWithOpenSSL(t, fired)

	eventually(t, "both count as sent", func() bool {
		return p.metric(`watchword_notifications_total{location="",receiver="webhook.tickets",result="sent"}`) == "2"
	})
	_, metrics := p.get("/metrics")
	_, page := p.get("/")
	p.signal(syscall.SIGTERM)
	p.wait()
	state, err := os.ReadFile(filepath.Join(s.dir, "watchword.db"))
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{
		"metrics": metrics, "page": page, "log": p.log(), "state file": string(state), "body": string(fired.raw) + string(recovered.raw),
	} {
		for _, secret := range []string{hookToken, hookSigning, hookFormer, "canary-canary"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: holds %q", where, secret)
			}
		}
	}
}

// verifyWithOpenSSL runs the script of examples/webhook: on what has arrived,
// and on what was tampered with.
func verifyWithOpenSSL(t *testing.T, got hooked) {
	t.Helper()
	need(t, "openssl")
	script, err := filepath.Abs("../../examples/webhook/verify.sh")
	if err != nil {
		t.Fatal(err)
	}
	id, stamp, signature := got.header.Get("webhook-id"), got.header.Get("webhook-timestamp"), got.header.Get("webhook-signature")
	seconds, err := strconv.Atoi(stamp)
	if err != nil {
		t.Fatal(err)
	}
	older := strconv.Itoa(seconds - 1)
	tampered := bytes.Replace(got.raw, []byte("orders"), []byte("orderz"), 1)
	for _, tc := range []struct {
		name, secret         string
		id, stamp, signature string
		body                 []byte
		ok                   bool
	}{
		{"as it came", hookSigning, id, stamp, signature, got.raw, true},
		{"the key before", hookFormer, id, stamp, signature, got.raw, true},
		{"the key before, first signature", hookFormer, id, stamp, signature[:strings.IndexByte(signature, ' ')], got.raw, false},
		{"among others", hookSigning, id, stamp, "v1,AAAA " + signature + " v2,x", got.raw, true},
		{"another key", hookSigning + "Y2Fu", id, stamp, signature, got.raw, false},
		{"the key as text", "canary-canary-canary-canary", id, stamp, signature, got.raw, true},
		{"another text", "whsec-canary-canary-canary", id, stamp, signature, got.raw, false},
		{"another id", hookSigning, id + "0", stamp, signature, got.raw, false},
		{"another time", hookSigning, id, older, signature, got.raw, false},
		{"another body", hookSigning, id, stamp, signature, tampered, false},
		{"no signature", hookSigning, id, stamp, "", got.raw, false},
		{"half of it", hookSigning, id, stamp, signature[:20], got.raw, false},
	} {
		cmd := exec.CommandContext(t.Context(), "bash", script, tc.id, tc.stamp, tc.signature)
		cmd.Env = append(os.Environ(), "SIGNING_SECRET="+tc.secret)
		cmd.Stdin = bytes.NewReader(tc.body)
		if out, err := cmd.CombinedOutput(); (err == nil) != tc.ok {
			t.Errorf("%s: verify.sh says %v, %s", tc.name, err, out)
		}
	}
}

// What cannot be delivered outlives SIGKILL, and arrives in order when the
// receiver is back.
func TestWebhookQueueSurvivesKill(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := &hooks{t: t}
	h.listen(s, "")
	addr, url := h.server.Addr(), h.server.URL()
	if err := h.server.Close(); err != nil {
		t.Fatal(err)
	}
	s.broken.Store(true)
	names := []string{"a", "b", "c"}
	path := write(t, s.dir, "main.hcl", "%s", s.hookConfiguration(url, names...))
	p := startDaemon(t, path)
	const pending = `watchword_outbox_pending{location="",receiver="webhook.tickets"}`
	eventually(t, "all failures are queued", func() bool { return p.metric(pending) == "3" })
	eventually(t, "an attempt has failed", func() bool {
		n := p.metric(`watchword_notifications_total{location="",receiver="webhook.tickets",result="failed"}`)
		return n != "" && n != "0"
	})
	queued := p.metric(`watchword_outbox_oldest_timestamp_seconds{location="",receiver="webhook.tickets"}`)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.wait()
	p = startDaemon(t, path)
	if got := p.metric(`watchword_outbox_oldest_timestamp_seconds{location="",receiver="webhook.tickets"}`); got != queued || p.metric(pending) != "3" {
		t.Errorf("after the restart %s are queued since %s, want 3 since %s", p.metric(pending), got, queued)
	}
	h.listen(s, addr)
	eventually(t, "all failures arrive", func() bool { return len(h.taken()) == 3 })
	s.broken.Store(false)
	eventually(t, "all recoveries arrive", func() bool { return len(h.taken()) == 6 })
	eventually(t, "nothing is queued", func() bool { return p.metric(pending) == "0" })
	told := map[string][]string{}
	ids := map[string]bool{}
	for _, m := range h.taken() {
		told[m.Check] = append(told[m.Check], m.Kind+" "+m.Incident)
		ids[m.ID] = true
		if m.PossibleRepeat { // nothing was ever sent to a port that nobody listens on
			t.Errorf("a possible repeat: %s", m.raw)
		}
	}
	for _, n := range names {
		if want := []string{"fired check:" + n + "#1", "recovered check:" + n + "#1"}; !slices.Equal(told[n], want) {
			t.Errorf("%s is told by %q, want %q", n, told[n], want)
		}
	}
	if len(ids) != 6 {
		t.Errorf("%d ids, want 6", len(ids))
	}
}

// Every kind of sample is taken, and those of one incident name the same.
func TestAlertsTestOfAWebhook(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	h := &hooks{t: t}
	h.listen(s, "")
	path := write(t, s.dir, "main.hcl", s.hookConfiguration("https://"+h.server.Addr()))
	var out bytes.Buffer
	if code := run(t.Context(), []string{"alerts", "test", "-c", path, "tickets"}, strings.NewReader(""), &out, &out); code != exitOK {
		t.Fatalf("it exits with %d:\n%s", code, out.String())
	}
	incidents := map[string]map[string]bool{}
	for _, got := range h.taken() {
		if incidents[got.Incident] == nil {
			incidents[got.Incident] = map[string]bool{}
		}
		incidents[got.Incident][got.Kind] = true
	}
	if got := incidents["sample:failure"]; !got["fired"] || !got["reminded"] || !got["recovered"] {
		t.Errorf("of the failure arrived %v", got)
	}
	if len(incidents) != 7 || strings.Contains(out.String(), hookToken) {
		t.Errorf("%d incidents, printed\n%s", len(incidents), out.String())
	}
}
