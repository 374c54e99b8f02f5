package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
	"watchword/cmd/internal/config"
)

// agreements is how many random configurations are tried; with -full many more.
const agreements = 60

// What `cert which` says of a check and of a URL is what a server meets when
// the daemon's runner runs the check, for random certificates, patterns and
// hosts.
func TestWhichAgreesWithTheRunner(t *testing.T) {
	t.Parallel()
	w := newAgreement(t)
	rules := map[string]int{}
	most := agreements
	if *full {
		most = 2000
	}
	for n := range most {
		seed := [2]uint64{2026, uint64(n)}
		w.rand = rand.New(rand.NewPCG(seed[0], seed[1]))
		w.configure(t)
		for _, m := range w.cfg.Monitors {
			answer := w.which(t, m.Check.Name)
			rules[string(answer.Rule)]++
			met := w.meet(t, m.Check)
			if told := orNone(deref(answer.Certificate)); told != met {
				t.Errorf("seed %d: cert which %s says %s by %s, the server met %s\n%s", seed, m.Check.Name, told, answer.Rule, met, w.text)
			}
			request := m.Check.Steps[0].Request
			if request.Certificate != nil || request.MTLS == certs.ModeNone {
				continue // which a URL does not say
			}
			args := []string{w.urls[m.Check.Name]}
			if request.MTLS == certs.ModeRequired {
				args = append(args, "--mtls")
			}
			if told := orNone(deref(w.which(t, args...).Certificate)); told != met {
				t.Errorf("seed %d: cert which %s says %s, the server met %s\n%s", seed, strings.Join(args, " "), told, met, w.text)
			}
		}
	}
	for _, rule := range []certs.Rule{certs.RuleExplicit, certs.RuleExact, certs.RulePattern, certs.RulePrimary, certs.RuleNone} {
		if rules[string(rule)] < 15 {
			t.Errorf("rule %s decided %d times only: the test shows too little", rule, rules[string(rule)])
		}
	}
	t.Logf("seeds [2026 0] to [2026 %d]: %v", most-1, rules)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// An agreement is a server that knows its peers, and a configuration whose
// checks all ask it.
type agreement struct {
	dir, addr string
	met       chan string
	rand      *rand.Rand

	text   string
	urls   map[string]string // by check
	cfg    *config.Config
	runner *checks.Runner
}

// certificateCount is how many certificates there are to configure; their
// blocks have the names of their subjects.
const certificateCount = 7

func newAgreement(t *testing.T) *agreement {
	t.Helper()
	ca := certstest.NewCA(t)
	w := &agreement{dir: t.TempDir(), met: make(chan string, 1)}
	if _, err := ca.Save(w.dir, "ca"); err != nil {
		t.Fatal(err)
	}
	for i := range certificateCount {
		name := fmt.Sprintf("c%d", i)
		if _, _, _, err := ca.Client(name).Save(w.dir, name); err != nil {
			t.Fatal(err)
		}
	}
	server := certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server(serverHosts()...), ClientAuth: tls.RequestClientCert,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			met := ""
			if peers := r.TLS.PeerCertificates; len(peers) > 0 {
				met = peers[0].Subject.CommonName
			}
			w.met <- met
		}),
	})
	w.addr = server.Addr()
	return w
}

// serverHosts are the hosts of checks, normalized.
func serverHosts() []string {
	return []string{
		"acme.test", "a.acme.test", "b.acme.test", "a.b.acme.test", "deep.a.b.acme.test", "a1.acme.test", "a2.acme.test",
		"evilacme.test", "xn--mnchen-3ya.test", "other.example", "127.0.0.1", "::1",
	}
}

// spelling is a host as people write it in a URL.
func (w *agreement) spelling(host string) string {
	switch {
	case host == "::1":
		return "[::1]"
	case host == "127.0.0.1":
		return host
	case host == "xn--mnchen-3ya.test" && w.rand.IntN(2) == 0:
		return "MÜNCHEN.test"
	}
	switch w.rand.IntN(4) {
	case 0:
		return strings.ToUpper(host)
	case 1:
		return host + "."
	}
	return host
}

// pattern is a host or pattern of a certificate.
func (w *agreement) pattern() string {
	patterns := []string{
		"*.acme.test", "*.test", "?.acme.test", "{a,b}.acme.test", "{,*.}acme.test", "a{1..2}.acme.test", "[a-b].acme.test",
		"[!a].acme.test", "*.b.acme.test", "a*.acme.test", "*acme.test", "*", "MÜNCHEN.test", "A.ACME.test.", "other.*", "[::1]",
	}
	if w.rand.IntN(3) == 0 {
		hosts := serverHosts()
		return hosts[w.rand.IntN(len(hosts))]
	}
	return patterns[w.rand.IntN(len(patterns))]
}

// configure makes another configuration.
func (w *agreement) configure(t *testing.T) {
	t.Helper()
	var b strings.Builder
	primary := -1
	if w.rand.IntN(2) == 0 {
		primary = w.rand.IntN(certificateCount)
	}
	for _, i := range w.rand.Perm(certificateCount) {
		w.certificate(&b, i, i == primary)
	}
	fmt.Fprintf(&b, "defaults {\n  schedule = \"@every 1m\"\n  request {\n    connect_to = %q\n    ca = \"ca.pem\"\n  }\n}\n", w.addr)
	w.urls = map[string]string{}
	for i := range 8 {
		w.check(&b, fmt.Sprintf("check-%d", i), primary >= 0)
	}
	w.text = b.String()
	if err := os.WriteFile(filepath.Join(w.dir, "main.hcl"), []byte(w.text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{configPath: w.dir, environ: os.LookupEnv}
	var err error
	if w.cfg, err = a.load(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, w.text)
	}
	w.runner = &checks.Runner{Certs: w.cfg.Certificates}
}

func (w *agreement) certificate(b *strings.Builder, i int, primary bool) {
	fmt.Fprintf(b, "certificate \"c%d\" {\n", i)
	var hosts []string
	for range w.rand.IntN(3) {
		hosts = append(hosts, fmt.Sprintf("%q", w.pattern()))
	}
	if len(hosts) > 0 {
		fmt.Fprintf(b, "  hosts = [%s]\n", strings.Join(hosts, ", "))
	}
	if w.rand.IntN(2) == 0 {
		fmt.Fprintf(b, "  pem = \"c%d.pem\"\n", i)
	} else {
		fmt.Fprintf(b, "  cert = \"c%d.crt\"\n  key = \"c%[1]d.key\"\n", i)
	}
	switch w.rand.IntN(3) {
	case 0:
		fmt.Fprintf(b, "  added = \"2026-01-0%d\"\n", 1+w.rand.IntN(3))
	case 1:
		fmt.Fprintf(b, "  added = \"2026-01-0%dT0%d:00:00+02:00\"\n", 1+w.rand.IntN(3), w.rand.IntN(4))
	}
	if primary {
		b.WriteString("  primary = true\n")
	}
	b.WriteString("}\n")
}

func (w *agreement) check(b *strings.Builder, name string, primary bool) {
	hosts := serverHosts()
	url := "https://" + w.spelling(hosts[w.rand.IntN(len(hosts))]) + []string{"", ":8443"}[w.rand.IntN(2)] + "/x"
	w.urls[name] = url
	choice := ""
	switch w.rand.IntN(6) {
	case 0:
		choice = "    mtls = false\n"
	case 1:
		choice = fmt.Sprintf("    certificate = certificate.c%d\n", w.rand.IntN(certificateCount))
	case 2:
		choice = fmt.Sprintf("    mtls = true\n    certificate = certificate[\"c%d\"]\n", w.rand.IntN(certificateCount))
	case 3, 4:
		if primary { // else the configuration may be refused
			choice = "    mtls = true\n"
		}
	}
	fmt.Fprintf(b, "check %q {\n  request {\n    url = %q\n%s  }\n}\n", name, url, choice)
}

// which asks the command.
func (w *agreement) which(t *testing.T, args ...string) whichAnswer {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), slices.Concat([]string{"cert", "which", "-c", w.dir, "-o", "json"}, args), nil, &stdout, &stderr)
	var answer whichAnswer
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		t.Fatalf("cert which %q: exit code %d, %v\n%s%s", args, code, err, stdout.String(), stderr.String())
	}
	return answer
}

// meet runs the check and returns whom the server met.
func (w *agreement) meet(t *testing.T, c *checks.Check) string {
	t.Helper()
	res := w.runner.Run(context.WithoutCancel(t.Context()), c)
	if res.Outcome != checks.Passed {
		t.Fatalf("%s (%s) %s: %s\n%s", c.Name, w.urls[c.Name], res.Outcome, res.Message, w.text)
	}
	met := <-w.met
	if told := res.Steps[0].Certificate; told != met {
		t.Errorf("%s: the result tells of %s, the server met %s", c.Name, cmp.Or(told, "-"), cmp.Or(met, "-"))
	}
	return orNone(met)
}
