package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchword/certs/certstest"
)

// A mount is a folder with the files of a certificate that one check uses. All
// mounts of a test are of one daemon.
type mount struct {
	*site
	name string // of the certificate and of the check
	dir  string
}

// mountAll makes a folder and a check for each name, and a configuration of
// all of them.
func mountAll(t *testing.T, names ...string) (path string, mounts map[string]*mount) {
	t.Helper()
	s := newSite(t)
	write(t, s.dir, "token", siteToken)
	var text strings.Builder
	text.WriteString(`
settings {
  listen   = "127.0.0.1:0"
  location = "fra1"
}
secret "slack" { file = "token" }
receiver "slack" "oncall" {
  token   = secret.slack
  channel = "#oncall"
  api_url = "` + s.slack.APIURL() + `"
}
defaults {
  schedule = "@every 1s"
  request { connect_to = "` + s.api.Addr() + `" }
}
`)
	mounts = make(map[string]*mount)
	for _, name := range names {
		mounts[name] = &mount{site: s, name: name, dir: filepath.Join(s.dir, name)}
		if err := os.Mkdir(mounts[name].dir, 0o700); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, `
certificate %[1]q {
  host = "%[1]s.acme.test"
  cert = "%[1]s/tls.crt"
  key  = "%[1]s/tls.key"
  ca   = "%[1]s/ca.crt"
}
check %[1]q {
  request { url = "https://%[1]s.acme.test/" }
}
`, name)
	}
	return write(t, s.dir, "main.hcl", "%s", text.String()), mounts
}

// files are those that a certificate is mounted with.
func (m *mount) files(p *certstest.Pair) map[string]string {
	m.t.Helper()
	key, err := p.KeyPEM(certstest.PKCS8)
	if err != nil {
		m.t.Fatal(err)
	}
	return map[string]string{"tls.crt": string(p.CertPEM()), "tls.key": string(key), "ca.crt": string(m.ca.PEM())}
}

// put writes the files of that pair with these names.
func (m *mount) put(p *certstest.Pair, names ...string) {
	m.t.Helper()
	for _, name := range names {
		write(m.t, m.dir, name, "%s", m.files(p)[name])
	}
}

// rename puts all files of a pair in the place of others.
func (m *mount) rename(p *certstest.Pair) {
	m.t.Helper()
	for name, text := range m.files(p) {
		if err := os.Rename(write(m.t, m.dir, "."+name+".tmp", "%s", text), filepath.Join(m.dir, name)); err != nil {
			m.t.Fatal(err)
		}
	}
}

// swap replaces all files at once through the link ..data.
func (m *mount) swap(p *certstest.Pair) {
	m.t.Helper()
	folder, err := os.MkdirTemp(m.dir, "..2026_")
	if err != nil {
		m.t.Fatal(err)
	}
	for name, text := range m.files(p) {
		write(m.t, folder, name, "%s", text)
	}
	old, _ := os.Readlink(filepath.Join(m.dir, "..data"))
	if err := os.Symlink(filepath.Base(folder), filepath.Join(m.dir, "..data_tmp")); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")); err != nil {
		m.t.Fatal(err)
	}
	if old != "" {
		if err := os.RemoveAll(filepath.Join(m.dir, old)); err != nil {
			m.t.Fatal(err)
		}
		return
	}
	for name := range m.files(p) {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); err != nil {
			m.t.Fatal(err)
		}
	}
}

// met tells whether the server has lately met that certificate.
func (m *mount) met(p *certstest.Pair) func() bool {
	since := len(m.api.Peers())
	return func() bool {
		for _, peer := range m.api.Peers()[since:] {
			if p.Leaf.Equal(peer.Certificate) {
				return true
			}
		}
		return false
	}
}

// wellUsed wants the daemon to use that certificate, and to say so.
func (m *mount) wellUsed(p *process, pair *certstest.Pair) {
	m.t.Helper()
	eventually(m.t, "the server meets "+pair.Leaf.Subject.CommonName, m.met(pair))
	m.metric(p, "load_failed", "", "0")
	m.dated(p, pair)
	m.metric(p, "handshakes_total", `,result="rejected"`, "0")
	m.metric(p, "checks", "", "1")
}

// metric wants a metric of the certificate, with more labels, to have a value.
func (m *mount) metric(p *process, name, labels, want string) {
	m.t.Helper()
	series := fmt.Sprintf(`watchword_client_certificate_%s{certificate=%q,location="fra1"%s}`, name, m.name, labels)
	if got := p.metric(series); got != want {
		m.t.Errorf("%s is %q, want %q", series, got, want)
	}
}

// dated wants the metrics to have the end of that certificate.
func (m *mount) dated(p *process, pair *certstest.Pair) {
	m.t.Helper()
	series := fmt.Sprintf(`watchword_client_certificate_not_after_timestamp_seconds{certificate=%q,fingerprint=%q,location="fra1"}`, m.name, pair.Fingerprint())
	if got, want := p.metric(series), fmt.Sprintf("%g", float64(pair.Leaf.NotAfter.Unix())); got != want {
		m.t.Errorf("%s is %q, want %q", series, got, want)
	}
}

// undisturbed wants that the check has never failed.
func (m *mount) undisturbed(p *process) {
	m.t.Helper()
	series := fmt.Sprintf(`watchword_check_runs_total{check=%q,group="",location="fra1",outcome="failed"}`, m.name)
	if got := p.metric(series); got != "0" {
		m.t.Errorf("%s is %q, want 0", series, got)
	}
}

// Certificates are replaced under the running daemon in the ways of the field:
// each new one is used, no check fails meanwhile, and nobody is told.
func TestDaemonRotates(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*mount, *certstest.Pair){
		"written":    func(m *mount, p *certstest.Pair) { m.put(p, "tls.crt", "tls.key", "ca.crt") },
		"renamed":    (*mount).rename,
		"kubernetes": (*mount).swap,
	}
	path, mounts := mountAll(t, slices.Sorted(maps.Keys(ways))...)
	pairs := make(map[string]*certstest.Pair)
	var p *process
	for generation := range 3 {
		for name, m := range mounts {
			pairs[name] = m.ca.Client(fmt.Sprintf("%s %d", name, generation))
			ways[name](m, pairs[name])
		}
		if p == nil {
			p = startDaemon(t, path)
		}
		for name, m := range mounts {
			m.wellUsed(p, pairs[name])
		}
	}
	for _, m := range mounts {
		m.undisturbed(p)
		if got := m.texts(); len(got) > 0 {
			t.Errorf("told %q, want nothing", got)
		}
	}
}

// While only one of the two files is there, the pair before goes on; once the
// other one follows, nobody has heard of it.
func TestDaemonWaitsForTheOtherFile(t *testing.T) {
	t.Parallel()
	first, second := map[string]string{"cert": "tls.crt", "key": "tls.key"}, map[string]string{"cert": "tls.key", "key": "tls.crt"}
	path, mounts := mountAll(t, "cert", "key")
	old, next := make(map[string]*certstest.Pair), make(map[string]*certstest.Pair)
	for name, m := range mounts {
		old[name], next[name] = m.ca.Client("old "+name), m.ca.Client("next "+name)
		m.put(old[name], "tls.crt", "tls.key", "ca.crt")
	}
	p := startDaemon(t, path)
	for name, m := range mounts {
		m.wellUsed(p, old[name])
		m.put(next[name], first[name])
	}
	for range mounts {
		if line := p.await("cannot be used yet"); !strings.Contains(line, "tls.key holds the private key of another certificate") {
			t.Errorf("the log says %s", line)
		}
	}
	for name, m := range mounts {
		eventually(t, "the pair before goes on", m.met(old[name]))
		m.metric(p, "load_failed", "", "1")
		m.dated(p, old[name])
	}
	p.await("reloading: files of certificates could not be used")
	for name, m := range mounts {
		m.put(next[name], second[name])
	}
	for name, m := range mounts {
		m.wellUsed(p, next[name])
		m.undisturbed(p)
		if got := m.texts(); len(got) > 0 {
			t.Errorf("told %q, want nothing", got)
		}
	}
}

// A pair and a ca that stay broken are told, and told to be mended; the check
// passes all the time.
func TestDaemonTellsOfBrokenRotation(t *testing.T) {
	t.Parallel()
	path, mounts := mountAll(t, "probe")
	m := mounts["probe"]
	old, next := m.ca.Client("old"), m.ca.Client("next")
	m.put(old, "tls.crt", "tls.key", "ca.crt")
	p := startDaemon(t, path)
	m.wellUsed(p, old)

	m.put(next, "tls.crt")
	write(t, m.dir, "ca.crt", "")
	eventually(t, "Slack is told", m.told("⚠️ watchword at fra1: certificate probe was replaced by files that cannot be used, and those before go on until "+
		old.Leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST")+": "))
	eventually(t, "the pair and the ca before go on", m.met(old))
	text := strings.Join(m.texts(), "\n")
	for _, want := range []string{"tls.key holds the private key of another certificate", "; ", "ca.crt is empty"} {
		if !strings.Contains(text, want) {
			t.Errorf("told %q, want it to say %q", text, want)
		}
	}
	if n := len(m.texts()); n != 1 {
		t.Errorf("told %d times, want once: %q", n, m.texts())
	}
	m.metric(p, "load_failed", "", "1")
	m.dated(p, old)

	m.put(next, "tls.key", "ca.crt")
	eventually(t, "Slack is told that it is over", m.told("🟢 watchword at fra1: no longer so: certificate probe"))
	m.wellUsed(p, next)
	m.undisturbed(p)
}
