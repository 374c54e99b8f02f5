package web

import (
	"fmt"
	"net"
	"net/http"
	"os"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
)

// checkConfig reports what is wrong with the web configuration file.
func (s *Server) checkConfig() error {
	if err := toolkit.Validate(s.ConfigFile); err != nil {
		return fmt.Errorf("reading web configuration %s: %w", s.ConfigFile, err)
	}
	return nil
}

// An UnauthenticatedError says that an address which others can reach would
// answer whoever asks.
type UnauthenticatedError struct {
	Address    string
	ConfigFile string // the web configuration file, which demands nothing; may be empty
}

func (e *UnauthenticatedError) Error() string {
	if e.ConfigFile == "" {
		return fmt.Sprintf("refusing to listen on %s without authentication: listen on 127.0.0.1, "+
			"name a file with basic_auth_users in --web.config.file, or say --web.allow-unauthenticated", e.Address)
	}
	return fmt.Sprintf("refusing to listen on %s without authentication: %s has neither basic_auth_users "+
		"nor client_auth_type RequireAndVerifyClientCert; add one, listen on 127.0.0.1, or say --web.allow-unauthenticated",
		e.Address, e.ConfigFile)
}

// checkAuthentication returns an [*UnauthenticatedError] if others than this
// host can reach the address and nothing keeps them out.
func (s *Server) checkAuthentication(addr net.Addr) error {
	if s.AllowUnauthenticated || isLoopback(addr) {
		return nil
	}
	ok, err := authenticates(s.ConfigFile)
	if err != nil {
		return fmt.Errorf("reading web configuration %s: %w", s.ConfigFile, err)
	}
	if !ok {
		return &UnauthenticatedError{Address: s.Listen, ConfigFile: s.ConfigFile}
	}
	return nil
}

// isLoopback says whether only this host can reach an address that a socket is
// bound to. A host name has become an address by then.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// authenticates says whether a web configuration file makes a client prove who
// it is: by a password, or by a certificate that is verified.
func authenticates(path string) (bool, error) {
	if path == "" {
		return false, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	var c toolkit.Config
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return false, err
	}
	return len(c.Users) > 0 || c.TLSConfig.ClientAuth == "RequireAndVerifyClientCert", nil
}

// guard answers 503 once the web configuration file, which is read again for
// each request, stops demanding the authentication that the address needs.
func (s *Server) guard(h http.Handler) http.Handler {
	if s.AllowUnauthenticated || isLoopback(s.listener.Addr()) {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ok, err := authenticates(s.ConfigFile); !ok || err != nil {
			s.log().ErrorContext(r.Context(), "refusing a request: the web configuration demands no authentication any more",
				"file", s.ConfigFile, "err", err)
			http.Error(w, "authentication is not configured", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}
