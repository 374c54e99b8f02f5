package certstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A Server is an HTTPS server on loopback. Its fields are set before
// [Server.Start]; all but Pair may be left out.
type Server struct {
	Pair       *Pair              // the server's certificate; none with a Fault that needs none
	ClientAuth tls.ClientAuthType // tls.RequireAndVerifyClientCert demands a client certificate
	ClientCA   *CA                // authority of acceptable client certificates; the one of Pair if nil
	MinVersion uint16             // of TLS; 1.2 if zero
	MaxVersion uint16             // the newest if zero
	Protocols  []string           // ALPN; "h2" and "http/1.1" if nil, no ALPN if empty
	Handler    http.Handler       // answers 200 and "ok" if nil
	Listen     string             // address; a free port of 127.0.0.1 if empty
	Now        func() time.Time   // by which client certificates are valid; time.Now if nil
	Fault      Fault              // what goes wrong with every connection
	Alert      Alert              // with which every client is refused, whatever it presents; none if zero

	listener net.Listener
	http     *http.Server
	work     sync.WaitGroup
	cancel   context.CancelFunc

	mu       sync.Mutex
	closed   bool
	conns    map[net.Conn]struct{} // of faults: [http.Server] does not know them
	peers    []Peer
	requests []Request
}

// A Peer is what the server learned in the handshake with a client that it did
// not refuse.
type Peer struct {
	Certificate *x509.Certificate   // nil if none was presented
	Chain       []*x509.Certificate // as presented
	ServerName  string              // SNI; empty for an IP address
	Version     uint16              // of TLS
	Protocol    string              // ALPN
	Resumed     bool                // a session ticket was used
}

// A Request is one that the server answered.
type Request struct {
	Method, Host, Path, Proto string
	Header                    http.Header
	Peer                      *x509.Certificate // the client's certificate; nil if none was presented
}

// NewServer starts a server for a test and closes it at the end of the test.
func NewServer(tb testing.TB, s *Server) *Server {
	tb.Helper()
	if err := s.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start listens and serves until [Server.Close].
func (s *Server) Start() error {
	address := s.Listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		cancel()
		return fmt.Errorf("starting a test server: %w", err)
	}
	s.listener, s.cancel = listener, cancel
	if s.Fault.ownsConnections() {
		s.work.Go(func() { s.serveFault(ctx) })
		return nil
	}
	s.http = &http.Server{
		Handler:           s.recording(),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(discard{}, "", 0),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	var secure net.Listener = &alertListener{Listener: listener, config: s.config(), alert: s.Alert, fault: s.Fault}
	if s.Fault == PlainHTTP {
		secure = listener
	}
	s.work.Go(func() { _ = s.http.Serve(secure) })
	return nil
}

// Close closes all connections and waits for what the server started. It may
// be called more than once.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed || s.listener == nil {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.cancel()
	err := s.listener.Close()
	if s.http != nil {
		err = errors.Join(ignoreClosed(err), ignoreClosed(s.http.Close()))
	}
	s.work.Wait()
	return ignoreClosed(err)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Addr returns host and port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL returns "https://" and the address.
func (s *Server) URL() string { return "https://" + s.Addr() }

// Peers returns the clients so far, in order of their handshakes.
func (s *Server) Peers() []Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Peer(nil), s.peers...)
}

// Requests returns the requests so far, in order of their arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// config returns the server's TLS configuration.
func (s *Server) config() *tls.Config {
	c := &tls.Config{
		MinVersion: max(s.MinVersion, tls.VersionTLS12),
		MaxVersion: s.MaxVersion,
		NextProtos: s.Protocols,
		ClientAuth: s.ClientAuth,
		Time:       s.Now,
	}
	if s.MinVersion != 0 {
		c.MinVersion = s.MinVersion
	}
	if s.Protocols == nil {
		c.NextProtos = []string{"h2", "http/1.1"}
	}
	if s.Pair != nil {
		c.Certificates = []tls.Certificate{s.Pair.TLS()}
	}
	switch {
	case s.ClientCA != nil:
		c.ClientCAs = s.ClientCA.Pool()
	case s.Pair != nil:
		c.ClientCAs = s.Pair.ca.Pool()
	}
	c.VerifyConnection = s.record
	return c
}

// record notes the peer of a handshake.
func (s *Server) record(state tls.ConnectionState) error {
	p := Peer{
		Chain: state.PeerCertificates, ServerName: state.ServerName, Version: state.Version,
		Protocol: state.NegotiatedProtocol, Resumed: state.DidResume,
	}
	if len(p.Chain) > 0 {
		p.Certificate = p.Chain[0]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(s.peers, p)
	return nil
}

// recording returns the handler with a note of each request.
func (s *Server) recording() http.Handler {
	next := s.Handler
	if next == nil {
		next = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := Request{Method: r.Method, Host: r.Host, Path: r.URL.Path, Proto: r.Proto, Header: r.Header.Clone()}
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			request.Peer = r.TLS.PeerCertificates[0]
		}
		s.mu.Lock()
		s.requests = append(s.requests, request)
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// discard drops the log of handshakes that fail, as they are meant to.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
