package main

import (
	"bytes"
	"crypto/tls"
	"strings"
	"testing"

	"watchword/certs/certstest"
)

// newPagerBehindTLS is a real Alertmanager that demands client certificates of
// the site's authority.
func newPagerBehindTLS(t *testing.T, s *site) *pager {
	t.Helper()
	dir := t.TempDir()
	_, cert, key, err := s.ca.Server("127.0.0.1").Save(dir, "server")
	if err != nil {
		t.Fatal(err)
	}
	web := write(t, dir, "web.yml", `
tls_server_config:
  cert_file: %s
  key_file: %s
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: %s
`, cert, key, s.ca.WriteFile(dir))
	p := newPager(t, "--web.config.file="+web)
	p.trust = &tls.Config{RootCAs: s.ca.Pool(), Certificates: []tls.Certificate{s.ca.Client("reader").TLS()}}
	return p
}

// An Alertmanager behind mutual TLS has what fails and what is over, by the
// certificate for its host, and one that is missing or wrong is named.
func TestAlertmanagerBehindMutualTLS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p := newPagerBehindTLS(t, s)
	stranger := certstest.NewCA(t).Client("stranger")
	if _, _, _, err := stranger.Save(s.dir, "stranger"); err != nil {
		t.Fatal(err)
	}
	configuration := func(more string) string {
		return write(t, s.dir, "main.hcl", "%s", s.base()+ordersCheck+`
receiver "alertmanager" "main" {
  url = "`+p.url()+`"
  ca  = "ca.pem"
}
`+more)
	}
	const (
		none  = "(the server asks for a client certificate; none is for its host)"
		wrong = "(the server asks for a client certificate; \"alerts\" was presented)"
		right = `
certificate "alerts" {
  host = "127.0.0.1"
  pem  = "alerts.pem"
}
`
	)
	present := func(pair *certstest.Pair) {
		t.Helper()
		if _, _, _, err := pair.Save(s.dir, "alerts"); err != nil {
			t.Fatal(err)
		}
	}
	// The sample first: it needs no daemon.
	present(stranger)
	path := ""
	for _, tc := range []struct {
		name, more, want string
		code             int
	}{
		{"none", "", none, exitFailed},
		{"wrong", right, wrong, exitFailed},
		{"named", `certificate "alerts" { pem = "alerts.pem" }`, none, exitFailed},
	} {
		path = configuration(tc.more)
		if out, code := testMain(t, path); code != tc.code || !strings.Contains(out, "posting to "+p.url()+": ") || !strings.Contains(out, tc.want) {
			t.Errorf("%s: it exits with %d, and says:\n%s\nwant %d and %s", tc.name, code, out, tc.code, tc.want)
		}
	}

	configuration(right)
	d := startDaemon(t, path)
	eventually(t, "the log says which certificate was refused", func() bool { return strings.Contains(d.log(), quotedFor(wrong)) })
	s.broken.Store(true)
	eventually(t, "the alert waits", func() bool {
		return d.metric(`watchword_outbox_pending{location="fra1",receiver="alertmanager.main"}`) == "1"
	})
	present(s.ca.Client("alerts"))
	const firing, resolved = "firing WatchwordCheckFailing", "resolved WatchwordCheckFailing"
	p.hears("orders", firing)
	if got := p.alerts(); len(got) != 1 || got[0].Labels["check"] != "orders" {
		t.Errorf("active are %+v", got)
	}
	if out, code := testMain(t, path); code != exitOK {
		t.Errorf("with the right one the test exits with %d, and says:\n%s", code, out)
	}

	// No connection outlives its certificate.
	eventually(t, "nothing waits", func() bool {
		return d.metric(`watchword_outbox_pending{location="fra1",receiver="alertmanager.main"}`) == "0"
	})
	refusals := strings.Count(d.log(), quotedFor(wrong))
	present(stranger)
	eventually(t, "the next certificate is refused", func() bool { return strings.Count(d.log(), quotedFor(wrong)) > refusals })
	s.broken.Store(false)
	present(s.ca.Client("alerts"))
	p.hears("orders", firing, resolved)
}

// testMain sends a sample to the receiver main.
func testMain(t *testing.T, path string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	code = run(t.Context(), []string{"alerts", "test", "-c", path, "main"}, strings.NewReader(""), &b, &b)
	return b.String(), code
}

// quotedFor is text as it stands in a quoted string of the log.
func quotedFor(text string) string { return strings.ReplaceAll(text, `"`, `\"`) }
