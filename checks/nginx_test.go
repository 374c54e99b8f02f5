package checks_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// nginxWays are the ways to speak TLS and HTTP for which [nginx] listens.
func nginxWays() []string {
	return []string{"TLS 1.2, HTTP/1.1", "TLS 1.2, HTTP/2", "TLS 1.3, HTTP/1.1", "TLS 1.3, HTTP/2"}
}

// nginx runs a real nginx that demands client certificates of an authority,
// and returns its addresses by the way to speak.
func nginx(t *testing.T, ca *certstest.CA) map[string]string {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	binary, err := exec.LookPath("nginx")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
	dir := t.TempDir()
	addrs := make(map[string]string)
	var servers strings.Builder
	for _, way := range nginxWays() {
		addrs[way] = freeAddr(t)
		option := map[bool]string{true: "http2"}[strings.HasSuffix(way, "HTTP/2")]
		fmt.Fprintf(&servers, "server { listen %s ssl %s; ssl_protocols TLSv%s; return 200 ok; }\n", addrs[way], option, way[4:7])
	}
	cert, key := ca.Server().WriteCertKey(dir)
	config := fmt.Sprintf(`daemon off; master_process off; pid nginx.pid; error_log stderr crit;
events {}
http {
access_log off;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
ssl_certificate %s; ssl_certificate_key %s; ssl_client_certificate %s; ssl_verify_client on;
%s}
`, cert, key, ca.WriteFile(dir), &servers)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(binary, "-p", dir, "-c", file)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx says: %s", &log)
		}
	})
	for _, addr := range addrs {
		await(t, addr)
	}
	return addrs
}

// freeAddr returns an address of loopback on which nothing listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until something listens on addr.
func await(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("nothing listens on %s", addr)
}

// nginx ends the handshake well whatever the client presents, and then says
// what it thinks of it by a page.
func TestNginx(t *testing.T) {
	ca := certstest.NewCA(t, certstest.Options{Name: "Acme CA"})
	other := certstest.NewCA(t, certstest.Options{Name: "Other CA"})
	good := identity(t, "good", ca.Client("probe"), "127.0.0.1")
	stranger := identity(t, "stranger", other.Client("probe"), "127.0.0.1")
	expired := identity(t, "expired", ca.Client("probe", certstest.Expired), "127.0.0.1")
	early := identity(t, "early", ca.Client("probe", certstest.NotYetValid), "127.0.0.1")
	date := func(at time.Time) string { return at.UTC().Format(time.DateOnly) }
	tests := map[string]struct {
		ids  []*certs.Identity
		want checks.Reason
		text string
	}{
		"accepted": {ids: []*certs.Identity{good}},
		"none":     {want: checks.ReasonClientCertRequired, text: `127.0.0.1 demands a client certificate, and none was sent: none is configured. It accepts: "Acme CA". No certificate of yours is issued by that.`},
		"wrong CA": {
			[]*certs.Identity{stranger},
			checks.ReasonClientCertUnknownCA,
			`127.0.0.1 accepted the connection, then refused certificate stranger (CN=probe, issued by "Other CA", expires ` + date(stranger.Leaf().NotAfter) +
				`). It accepts: "Acme CA". No certificate of yours is issued by that.`,
		},
		"expired": {
			[]*certs.Identity{expired},
			checks.ReasonClientCertExpired,
			`127.0.0.1 accepted the connection, then refused certificate expired (CN=probe, issued by "Acme CA", expired ` + date(expired.Leaf().NotAfter) +
				`) with status 400, "The SSL certificate error". That is the cause: the certificate has expired. It accepts: "Acme CA".`,
		},
		"not yet valid": {
			[]*certs.Identity{early},
			checks.ReasonClientCertRejected,
			`valid from ` + date(early.Leaf().NotBefore) + ` on) with status 400, "The SSL certificate error". That is the likely cause: the certificate is not valid yet. It accepts: "Acme CA".`,
		},
	}
	addrs := nginx(t, ca)
	for name, tt := range tests {
		for way, addr := range addrs {
			t.Run(name+"/"+way, func(t *testing.T) {
				var got *checks.Exchange
				c := single(checks.Request{Roots: roots(t, ca), Template: &static{
					Method: http.MethodPost, URL: parse(t, "https://"+addr), Body: make([]byte, 4<<20), // it is not read before the answer
				}})
				c.Steps[0].Expect = append(c.Steps[0].Expect, condition(func(x *checks.Exchange) (string, error) { got = x; return "", nil }))
				res := (&checks.Runner{Certs: set(t, tt.ids...)}).Run(t.Context(), c)
				wantReason(t, res, tt.want)
				if !strings.HasSuffix(res.Message, tt.text) {
					t.Errorf("message is\n%q, want the end\n%q", res.Message, tt.text)
				}
				step := res.Steps[0]
				if accepted := tt.want == ""; len(step.Handshakes) != len(tt.ids) || len(tt.ids) > 0 && step.Handshakes[0].Accepted != accepted {
					t.Errorf("handshakes are %v, want %d, accepted: %v", step.Handshakes, len(tt.ids), accepted)
				}
				if tt.want == "" {
					if spoken := "TLS " + got.TLS.Version + ", HTTP/" + got.HTTPVersion; spoken != way {
						t.Errorf("spoke %s, want %s", spoken, way)
					}
				} else if step.Status != http.StatusBadRequest {
					t.Errorf("status is %d, want 400", step.Status)
				}
			})
		}
	}
}
