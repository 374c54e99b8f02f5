package checks_test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// curlOf returns the command of a run that fails because nothing listens.
func curlOf(t *testing.T, c *checks.Check, r *checks.Runner) string {
	t.Helper()
	res := r.Run(t.Context(), c)
	if res.Outcome == checks.Passed {
		t.Fatal("the run passed")
	}
	return res.Steps[0].Curl
}

func TestCurl(t *testing.T) {
	ca := certstest.NewCA(t)
	dir := t.TempDir()
	pair := ca.Client("probe")
	certFile, keyFile := pair.WriteCertKey(dir)
	split := certs.Load(certs.Source{Name: "split", Hosts: []string{"127.0.0.1"}, Cert: certFile, Key: keyFile, CA: ca.WriteFile(dir)})
	joint := identity(t, "joint", pair, "127.0.0.1")
	bundle := certs.Load(certs.Source{
		Name: "bundle", Hosts: []string{"127.0.0.1"}, PKCS12: "/certs/probe.p12",
		Passphrase: certs.NewPassphrase(func() (string, error) { return "hunter22", nil }),
	})
	tests := map[string]struct {
		req    static
		url    string
		ids    []*certs.Identity
		change func(*checks.Request)
		want   string
	}{
		"get":  {url: "http://127.0.0.1:1/a?b=c&d='e'", want: `curl -sS -i 'http://127.0.0.1:1/a?b=c&d='\''e'\'''`},
		"head": {req: static{Method: http.MethodHead}, url: "http://127.0.0.1:1/", want: `curl -sS -i --head 'http://127.0.0.1:1/'`},
		"post": {
			req: static{Method: http.MethodPost, Header: http.Header{"X-B": {"2"}, "X-A": {"it's"}}, Body: []byte(`{"a": "$HOME"}`)},
			url: "http://127.0.0.1:1/", want: `curl -sS -i --request 'POST' --header 'X-A: it'\''s' --header 'X-B: 2' --data-binary '{"a": "$HOME"}' 'http://127.0.0.1:1/'`,
		},
		"secrets": {
			req: static{Header: http.Header{"X-Key": {"hunter2"}, "Authorization": {"Bearer swordfish"}}, Secrets: []string{"swordfish"}},
			url: "http://127.0.0.1:1/?k=hunter2&x=1", want: `curl -sS -i --header 'Authorization: '"$SECRET" --header 'X-Key: '"$PROBE_KEY" 'http://127.0.0.1:1/?k='"$PROBE_KEY"'&x=1'`,
		},
		"certificate": {url: "https://127.0.0.1:1/", ids: []*certs.Identity{split}, want: `curl -sS -i --cert 'probe.crt' --key 'probe.key' --cacert 'Test-CA.pem' 'https://127.0.0.1:1/'`},
		"one file":    {url: "https://127.0.0.1:1/", ids: []*certs.Identity{joint}, want: `curl -sS -i --cert 'probe.pem' 'https://127.0.0.1:1/'`},
		"bundle":      {url: "https://127.0.0.1:1/", ids: []*certs.Identity{bundle}, want: `curl -sS -i --cert-type P12 --cert 'probe.p12' --pass "$PASSPHRASE" 'https://127.0.0.1:1/'`},
		"connect_to":  {url: "https://api.example/", change: connectTo("127.0.0.1:1"), want: `curl -sS -i --connect-to 'api.example:443:127.0.0.1:1' 'https://api.example/'`},
		"server_name": {url: "https://127.0.0.1:1/x", change: func(r *checks.Request) { r.ServerName = "in.example" }, want: `curl -sS -i --connect-to 'in.example:1:127.0.0.1:1' --header 'Host: 127.0.0.1:1' 'https://in.example:1/x'`},
		"insecure":    {url: "https://127.0.0.1:1/", change: func(r *checks.Request) { r.InsecureSkipVerify = true }, want: `curl -sS -i --insecure 'https://127.0.0.1:1/'`},
		"versions":    {url: "https://127.0.0.1:1/", change: func(r *checks.Request) { r.HTTPVersion, r.IPVersion = "2", 4 }, want: `curl -sS -i --http2 --ipv4 'https://127.0.0.1:1/'`},
		"others":      {url: "https://[::1]:1/", change: func(r *checks.Request) { r.HTTPVersion, r.IPVersion = "1.1", 6 }, want: `curl -sS -i --http1.1 --ipv6 'https://[::1]:1/'`},
		"ca":          {url: "https://127.0.0.1:1/", change: func(r *checks.Request) { r.Roots, r.RootsFile = roots(t, ca), "/etc/acme/ca.pem" }, ids: []*certs.Identity{split}, want: `curl -sS -i --cert 'probe.crt' --key 'probe.key' --cacert 'ca.pem' 'https://127.0.0.1:1/'`},
		"proxy":       {url: "http://a.example/", change: proxied(t, "http://127.0.0.1:1", "me:hunter2"), want: `curl -sS -i --proxy 'http://127.0.0.1:1' --proxy-user 'me:'"$PROBE_KEY" 'http://a.example/'`},
		"socks":       {url: "https://a.example/", change: proxied(t, "socks5://127.0.0.1:1", ""), want: `curl -sS -i --proxy 'socks5h://127.0.0.1:1' 'https://a.example/'`},
		"form": {
			req: static{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte("a=1&password=hunter2")},
			url: "http://127.0.0.1:1/", want: `curl -sS -i --request 'POST' --header 'Content-Type: application/x-www-form-urlencoded' --data-binary 'a=1&password='"$PROBE_KEY" 'http://127.0.0.1:1/'`,
		},
		"file":    {req: static{Method: http.MethodPut, Body: []byte("x"), File: "/etc/watchword/order.xml"}, url: "http://127.0.0.1:1/", want: `curl -sS -i --request 'PUT' --data-binary '@order.xml' 'http://127.0.0.1:1/'`},
		"at sign": {req: static{Method: http.MethodPut, Body: []byte("@x")}, url: "http://127.0.0.1:1/", want: `curl -sS -i --request 'PUT' --data-raw '@x' 'http://127.0.0.1:1/'`},
		"binary":  {req: static{Method: http.MethodPut, Body: []byte{0xff}}, url: "http://127.0.0.1:1/", want: `curl -sS -i --request 'PUT' --data-binary @body 'http://127.0.0.1:1/'`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.req.URL = parse(t, tt.url)
			c := single(checks.Request{Template: &tt.req})
			c.Redactor = checks.NewNamedRedactor(checks.Secret{Name: "probe-key", Value: "hunter2"})
			if tt.change != nil {
				tt.change(&c.Steps[0].Request)
			}
			if got := curlOf(t, c, &checks.Runner{Certs: set(t, tt.ids...)}); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// A shell takes the words of the command as they were meant.
func TestCurlSurvivesTheShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	const body = "a 'b' \"c\" $(touch x) `d` \\ e\n*"
	c := single(checks.Request{Template: &static{Method: http.MethodPost, URL: parse(t, "http://127.0.0.1:1/"), Body: []byte(body)}})
	command := curlOf(t, c, new(checks.Runner))
	cmd := exec.CommandContext(t.Context(), sh, "-c", "curl() { printf '%s|' \"$@\"; }; "+command)
	cmd.Dir = t.TempDir()
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{"-sS", "-i", "--request", "POST", "--data-binary", body, "http://127.0.0.1:1/", ""}, "|")
	if string(got) != want {
		t.Errorf("the shell sees %q, want %q", got, want)
	}
}
