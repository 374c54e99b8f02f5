package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/net/netutil"
)

// Limits on whoever talks to the server.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 30 * time.Second
	writeTimeout    = 2 * time.Minute // a scrape over a slow line, or a reload
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 64 << 10
	maxConnections  = 256             // of each listener; who comes then waits, and checks keep their file descriptors
	shutdownTimeout = 5 * time.Second // for answers under way when the context ends
)

// Server serves the daemon's pages. Its fields are set before [Server.Bind] or
// [Server.Run] and not changed after that.
type Server struct {
	Listen               string // host:port; port 0 lets the system choose
	HealthListen         string // host:port of a second listener for the health paths alone; empty for none
	ConfigFile           string // web configuration file; empty for neither TLS nor authentication
	AllowUnauthenticated bool   // an address that is not loopback needs no authentication

	Metrics http.Handler                // serves /metrics
	Board   *Board                      // what the pages and the API show; nil shows nothing
	Ready   func() bool                 // whether checks run; nil means always
	Reload  func(context.Context) error // loads the configuration again; nil forbids it
	Version string                      // shown on the page
	Logger  *slog.Logger                // nil logs nothing

	listener net.Listener
	health   net.Listener
}

// Bind opens the sockets. An error says which address or file is at fault: one
// that is in use, one that is not loopback and has no authentication, a web
// configuration file that cannot be used. After an error none is open.
func (s *Server) Bind(ctx context.Context) error {
	if err := s.checkConfig(); err != nil {
		return err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", s.Listen, err)
	}
	if err := s.checkAuthentication(listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	if s.HealthListen != "" {
		s.health, err = lc.Listen(ctx, "tcp", s.HealthListen)
		if err != nil {
			return errors.Join(fmt.Errorf("listening on %s for health checks: %w", s.HealthListen, err), listener.Close())
		}
	}
	s.listener = listener
	return nil
}

// Addr is the address that the server listens on; nil before [Server.Bind].
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// HealthAddr is the address of the second listener; nil if there is none.
func (s *Server) HealthAddr() net.Addr {
	if s.health == nil {
		return nil
	}
	return s.health.Addr()
}

// Close closes the sockets of a server that was bound and does not run. One
// that runs is ended by its context.
func (s *Server) Close() error {
	var errs []error
	for _, l := range []net.Listener{s.listener, s.health} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Run serves until ctx ends, binds first if that has not been done, and gives
// answers under way a few seconds to finish. Its error is nil if it was ctx
// that ended it.
func (s *Server) Run(ctx context.Context) error {
	if s.listener == nil {
		if err := s.Bind(ctx); err != nil {
			return err
		}
	}
	servers := []*http.Server{s.newServer(s.guard(s.handler()))}
	serve := []func() error{func() error { return s.serve(servers[0]) }}
	if s.health != nil {
		servers = append(servers, s.newServer(s.healthHandler()))
		serve = append(serve, func() error { return servers[1].Serve(netutil.LimitListener(s.health, maxConnections)) })
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(serve))
	var wg sync.WaitGroup
	for i, f := range serve {
		wg.Go(func() {
			defer cancel() // one that fails ends the other
			if err := f(); !errors.Is(err, http.ErrServerClosed) {
				errs[i] = fmt.Errorf("serving HTTP: %w", err)
			}
		})
	}
	<-ctx.Done()
	for _, server := range servers {
		wg.Go(func() { s.shutdown(ctx, server) })
	}
	wg.Wait()
	return errors.Join(append(errs, s.Close())...)
}

// serve serves on the first listener, with what the web configuration file
// demands around the server's handler.
func (s *Server) serve(server *http.Server) error {
	flags := &toolkit.FlagConfig{
		WebListenAddresses: &[]string{s.Listen},
		WebConfigFile:      &s.ConfigFile,
	}
	return toolkit.Serve(netutil.LimitListener(s.listener, maxConnections), server, flags, s.log())
}

// shutdown ends a server, with answers under way cut off after a few seconds.
func (s *Server) shutdown(ctx context.Context, server *http.Server) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), shutdownTimeout, errors.New("answers took too long to finish"))
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.log().WarnContext(ctx, "cutting off requests", "err", context.Cause(ctx))
		_ = server.Close() // nothing is left to be told of it
	}
}

func (s *Server) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
}

func (s *Server) log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}
