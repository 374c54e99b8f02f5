package control

import "net/http"

// Handler is what Run serves.
func (s *Server) Handler() http.Handler { return s.handler() }

// MaxConnections is how many are accepted at once.
const MaxConnections = maxConnections
