package web_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"watchword/certs/certstest"
	"watchword/cmd/internal/web"
)

// withUser is a web configuration with the user prometheus, whose password is
// "correct horse".
const withUser = "basic_auth_users:\n  prometheus: '$2a$04$uwzJGTmipsJFdSd1iYeFxu2nvqodv1QZNRZD4EO1UuzF/WZ08b9py'\n"

func TestBasicAuth(t *testing.T) {
	s := &web.Server{
		ConfigFile: write(t, "web.yml", withUser),
		Metrics:    metrics("metrics 1\n"), HealthListen: "127.0.0.1:0",
	}
	start(t, s)
	for _, c := range []struct {
		path, user, password string
		want                 int
	}{
		{"/metrics", "prometheus", "correct horse", 200},
		{"/metrics", "prometheus", "wrong", 401},
		{"/metrics", "nobody", "correct horse", 401},
		{"/metrics", "", "", 401},
		{"/", "", "", 401},
		{"/-/healthy", "", "", 401},
		{"/-/ready", "prometheus", "correct horse", 200},
	} {
		req := request(t, http.MethodGet, "http://"+s.Addr().String()+c.path)
		if c.user != "" {
			req.SetBasicAuth(c.user, c.password)
		}
		if got := ask(t, client(), req); got.status != c.want {
			t.Errorf("%s as %q: status is %d, want %d", c.path, c.user, got.status, c.want)
		}
	}
	if got := ask(t, client(), request(t, http.MethodGet, "http://"+s.HealthAddr().String()+"/-/healthy")); got.status != 200 {
		t.Errorf("health listener: status is %d, want 200", got.status)
	}
}

func TestTLS(t *testing.T) {
	ca := certstest.NewCA(t)
	dir := t.TempDir()
	cert, key := ca.Server().WriteCertKey(dir)
	text := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n", cert, key)
	mutual := text + fmt.Sprintf("  client_ca_file: %s\n  client_auth_type: RequireAndVerifyClientCert\n", ca.WriteFile(dir))
	for _, c := range []struct {
		name, config string
		present      bool
		ok           bool
	}{
		{"server certificate", text, false, true},
		{"client certificate", mutual, true, true},
		{"no client certificate", mutual, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &web.Server{ConfigFile: write(t, "web.yml", c.config), Metrics: metrics("metrics 1\n")}
			start(t, s)
			config := &tls.Config{RootCAs: ca.Pool()}
			if c.present {
				config.Certificates = []tls.Certificate{ca.Client("prometheus").TLS()}
			}
			https := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config, ForceAttemptHTTP2: true}}
			defer https.CloseIdleConnections()
			res, err := https.Do(request(t, http.MethodGet, "https://"+s.Addr().String()+"/metrics"))
			if err == nil {
				res.Body.Close()
			}
			if ok := err == nil && res.StatusCode == http.StatusOK; ok != c.ok {
				t.Errorf("answered is %t (%v), want %t", ok, err, c.ok)
			}
			if got := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/metrics")); got.status != 400 {
				t.Errorf("without TLS: status is %d, want 400", got.status)
			}
		})
	}
}

func TestAddressesThatOthersReach(t *testing.T) {
	ca := certstest.NewCA(t)
	dir := t.TempDir()
	cert, key := ca.Server().WriteCertKey(dir)
	serverTLS := fmt.Sprintf("tls_server_config:\n  cert_file: %s\n  key_file: %s\n", cert, key)
	clientCA := fmt.Sprintf("  client_ca_file: %s\n", ca.WriteFile(dir))
	for _, c := range []struct {
		name, listen, config string
		allow, refused       bool
	}{
		{"loopback", "127.0.0.1:0", "", false, false},
		{"loopback by name", "localhost:0", "", false, false},
		{"every address", ":0", "", false, true},
		{"every IPv4 address", "0.0.0.0:0", "", false, true},
		{"waived", "0.0.0.0:0", "", true, false},
		{"password", "0.0.0.0:0", withUser, false, false},
		{"empty configuration", "0.0.0.0:0", "{}", false, true},
		{"TLS alone", "0.0.0.0:0", serverTLS, false, true},
		{"verified client certificate", "0.0.0.0:0", serverTLS + clientCA + "  client_auth_type: RequireAndVerifyClientCert\n", false, false},
		{"optional client certificate", "0.0.0.0:0", serverTLS + clientCA + "  client_auth_type: VerifyClientCertIfGiven\n", false, true},
		{"any client certificate", "0.0.0.0:0", serverTLS + clientCA + "  client_auth_type: RequireAnyClientCert\n", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &web.Server{Listen: c.listen, AllowUnauthenticated: c.allow}
			if c.config != "" {
				s.ConfigFile = write(t, "web.yml", c.config)
			}
			err := s.Bind(t.Context())
			defer s.Close()
			var refusal *web.UnauthenticatedError
			if refused := errors.As(err, &refusal); refused != c.refused || !refused && err != nil {
				t.Fatalf("error is %v, want refused to be %t", err, c.refused)
			}
			if !c.refused {
				return
			}
			if text := err.Error(); !strings.Contains(text, "refusing to listen on "+c.listen+" without authentication") ||
				!strings.Contains(text, "--web.allow-unauthenticated") || !strings.Contains(text, s.ConfigFile) {
				t.Errorf("the error does not say what to do: %s", text)
			}
		})
	}
}

// The file is read again for each request, so what protects an address may go.
func TestAuthenticationThatGoes(t *testing.T) {
	s := &web.Server{Listen: "0.0.0.0:0", ConfigFile: write(t, "web.yml", withUser), Metrics: metrics("metrics 1\n")}
	start(t, s)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.Addr().String(), "[::]"), ":")
	target := "http://127.0.0.1:" + port + "/metrics"
	if got := ask(t, client(), request(t, http.MethodGet, target)); got.status != 401 {
		t.Errorf("status is %d, want 401", got.status)
	}
	if err := os.WriteFile(s.ConfigFile, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, client(), request(t, http.MethodGet, target)); got.status != 503 || strings.Contains(got.body, "metrics") {
		t.Errorf("without users: status is %d and body %q, want 503 and no metrics", got.status, got.body)
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "basic_auth: {}", "basic_auth"},
		{"not YAML", "\t", "yaml"},
		{"not a hash", "basic_auth_users: {prometheus: secret}", "hash"},
		{"key is missing", "tls_server_config: {cert_file: server.crt}", "key"},
		{"file is missing", "tls_server_config: {cert_file: server.crt, key_file: server.key}", "server.crt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &web.Server{Listen: "127.0.0.1:0", ConfigFile: write(t, "web.yml", c.text)}
			err := s.Bind(t.Context())
			if err == nil || !strings.Contains(err.Error(), s.ConfigFile) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one that names the file and %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
	s := &web.Server{Listen: "127.0.0.1:0", ConfigFile: "/nonexistent/web.yml"}
	if err := s.Bind(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want that the file does not exist", err)
	}
}
