package web

import (
	"encoding/json"
	"net/http"
	"time"
)

// addAPI adds the read-only API.
func (s *Server) addAPI(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/checks", func(w http.ResponseWriter, r *http.Request) {
		s.answerJSON(w, r, s.board().allChecks(time.Now()))
	})
	mux.HandleFunc("GET /api/v1/incidents", func(w http.ResponseWriter, r *http.Request) {
		s.answerJSON(w, r, s.board().allIncidents(time.Now()))
	})
	mux.HandleFunc("GET /api/v1/certificates", func(w http.ResponseWriter, r *http.Request) {
		now := time.Now()
		s.answerJSON(w, r, map[string]any{
			"client": s.board().clientCertificates(now),
			"server": serverCertificates(s.board().allChecks(now)),
		})
	})
}

// board is what the pages show; an empty one if there is none.
func (s *Server) board() *Board {
	if s.Board == nil {
		return new(Board)
	}
	return s.Board
}

func (s *Server) answerJSON(w http.ResponseWriter, r *http.Request, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		s.log().ErrorContext(r.Context(), "answering "+r.URL.Path, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	send(w, r, "application/json", append(text, '\n'))
}
