package web

import (
	"context"
	"io"
	"net/http"
)

// handler serves every page.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	s.addHealth(mux)
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	mux.Handle("POST /-/reload", s.reloadHandler())
	s.addPages(mux)
	s.addAPI(mux)
	return secure(mux)
}

// healthHandler serves the health paths alone.
func (s *Server) healthHandler() http.Handler {
	mux := http.NewServeMux()
	s.addHealth(mux)
	return secure(mux)
}

func (s *Server) addHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "watchword is healthy.\n")
	})
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) {
		if s.Ready != nil && !s.Ready() {
			answer(w, http.StatusServiceUnavailable, "watchword is not ready.\n")
			return
		}
		answer(w, http.StatusOK, "watchword is ready.\n")
	})
}

// reloadHandler loads the configuration again, unless a page of another site
// made the browser ask for it.
func (s *Server) reloadHandler() http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Reload == nil {
			answer(w, http.StatusForbidden, "reloading over HTTP is not enabled: start with --web.enable-lifecycle\n")
			return
		}
		// Whoever asked may leave: a reload that has begun is not cut short.
		if err := s.Reload(context.WithoutCancel(r.Context())); err != nil {
			answer(w, http.StatusInternalServerError, "the old configuration goes on: "+err.Error()+"\n")
			return
		}
		answer(w, http.StatusOK, "reloaded\n")
	}))
}

// secure sets the headers that every answer carries.
func secure(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		h.ServeHTTP(w, r)
	})
}

// answer sends a short text.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // whoever asked is gone
}
