package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"net/http"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// handler serves every page.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	s.addHealth(mux)
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	mux.Handle("POST /-/reload", s.reloadHandler())
	mux.Handle("GET /{$}", s.pageHandler())
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

// pageHandler serves the page at /.
func (s *Server) pageHandler() http.Handler {
	sum := sha256.Sum256([]byte(pageCSS))
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
	var page bytes.Buffer
	err := template.Must(template.New("page").Parse(pageHTML)).Execute(&page, struct {
		Version string
		Style   template.CSS
	}{s.Version, template.CSS(pageCSS)}) //nolint:gosec // our own file
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err != nil {
			s.log().ErrorContext(r.Context(), "rendering the page", "err", err)
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		_, _ = w.Write(page.Bytes()) // whoever asked is gone
	})
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
