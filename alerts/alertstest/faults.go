package alertstest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Call is a request that has arrived.
type Call struct {
	Method  string // chat.postMessage, chat.update or webhook
	Channel string
	Text    string
	Number  int // from 1
	At      time.Time
	Result  string // "ok", Slack's error code, a status, or "dropped"; empty in what Fault gets
}

// Fault is what goes wrong with a request. The zero value is nothing.
type Fault struct {
	Code       string // an error code instead of an answer, such as "is_archived"
	Status     int    // a status instead of an answer
	RetryAfter int    // seconds, with Status
	Dropped    bool   // the message is taken, but the connection breaks before the answer
	Refused    bool   // the connection breaks before anything was taken
}

var errDropped = errors.New("connection reset by the fake Slack")

func result(f Fault, code string) string {
	switch {
	case f.Dropped || f.Refused:
		return "dropped"
	case f.Status != 0:
		return strconv.Itoa(f.Status)
	case code != "":
		return code
	default:
		return "ok"
	}
}

func answer(w http.ResponseWriter, req request, f Fault, code string, m Message) {
	switch {
	case f.Dropped || f.Refused:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		w.WriteHeader(f.Status)
	case req.method == "webhook" && code != "":
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, code) //nolint:gosec // one of the codes above, or of a test
	case req.method == "webhook":
		_, _ = io.WriteString(w, "ok")
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": code == "", "error": code, "channel": m.Channel, "ts": m.ID})
	}
}

// SetFault replaces Fault while the fake is in use.
func (s *Slack) SetFault(fault func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Fault = fault
}
