package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/netutil"

	"watchword/alerts"
)

// Limits on whoever talks to the server.
const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = 10 * time.Second // to read one
	answerTimeout   = 10 * time.Second // to work one out
	writeTimeout    = 25 * time.Second // both, and to write the answer
	maxHeaderBytes  = 8 << 10
	maxBody         = 16 << 10
	maxConnections  = 32
	maxAnswers      = 4 // worked out at once
	shutdownTimeout = 2 * time.Second
)

const (
	statusPath = "/v1/status"
	mutePath   = "/v1/mute"
	unmutePath = "/v1/unmute"
)

// Server answers commands. Set the fields before [Server.Bind]. The functions
// may be called concurrently, and may take their time: who asks is told after
// a while that there was no answer.
type Server struct {
	Path   string // of the socket
	Status func(context.Context) Status
	Mute   func(ctx context.Context, ask MuteRequest, who string) (MuteAnswer, error) // who is the user that asks, empty if that is not known
	Unmute func(ctx context.Context, ask UnmuteRequest) (UnmuteAnswer, error)
	Logger *slog.Logger // nil logs nothing

	listener net.Listener
}

// Bind makes the socket, in place of one that was left behind. The lock of
// the state file must be held.
func (s *Server) Bind(ctx context.Context) error {
	info, err := os.Lstat(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("making socket %s: %w", s.Path, bare(err))
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("making socket %s: something else stands there, which is not a socket: move it away", s.Path)
	default:
		if err := os.Remove(s.Path); err != nil {
			return fmt.Errorf("making socket %s: removing the one that was left behind: %w", s.Path, bare(err))
		}
	}
	var l net.Listener
	err = reach(s.Path, func(path string) error {
		var err error
		l, err = listenPrivate(ctx, path)
		return err
	})
	if err != nil {
		return fmt.Errorf("making socket %s: %w", s.Path, bare(err))
	}
	s.listener = netutil.LimitListener(listener{l}, maxConnections)
	return nil
}

// bare is the reason of an error about a file or a socket, whose name its
// reader is told anyway.
func bare(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if sys, ok := errors.AsType[*os.SyscallError](err); ok {
		return sys.Err
	}
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// Run answers until ctx ends, and removes the socket. It is to be called
// after Bind.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      writeTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
	server.SetKeepAlivesEnabled(false)
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		end, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), shutdownTimeout, errors.New("answers took too long to finish"))
		defer cancel()
		if server.Shutdown(end) != nil {
			_ = server.Close() // nothing is left to be told of it
		}
		err = <-served
	}
	removeErr := os.Remove(s.Path)
	if errors.Is(removeErr, fs.ErrNotExist) {
		removeErr = nil
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, removeErr)
}

func (s *Server) log() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// handler answers every request, a few at a time and each within a bound.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+statusPath, func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, s.Status(r.Context()), nil)
	})
	mux.HandleFunc("POST "+mutePath, func(w http.ResponseWriter, r *http.Request) {
		ask, ok := read[MuteRequest](w, r)
		if !ok {
			return
		}
		// What was asked for is done, whether its answer is waited for or not.
		a, err := s.Mute(context.WithoutCancel(r.Context()), ask, r.RemoteAddr)
		s.answer(w, r, a, err)
	})
	mux.HandleFunc("POST "+unmutePath, func(w http.ResponseWriter, r *http.Request) {
		ask, ok := read[UnmuteRequest](w, r)
		if !ok {
			return
		}
		a, err := s.Unmute(context.WithoutCancel(r.Context()), ask)
		s.answer(w, r, a, err)
	})
	slots := make(chan struct{}, maxAnswers)
	few := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			mux.ServeHTTP(w, r)
		default:
			refuse(w, http.StatusServiceUnavailable, "the daemon is busy with other commands: try again")
		}
	})
	return http.TimeoutHandler(few, answerTimeout, `{"error":"the daemon was too busy to answer: is its disk slow?"}`)
}

// read decodes what is asked.
func read[T any](w http.ResponseWriter, r *http.Request) (T, bool) {
	var ask T
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&ask); err != nil {
		refuse(w, http.StatusBadRequest, "reading the request: "+err.Error())
		return ask, false
	}
	return ask, true
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, value any, err error) {
	if wrong, ok := errors.AsType[*alerts.MuteError](err); ok {
		refuse(w, http.StatusUnprocessableEntity, wrong.Text)
		return
	}
	if err != nil {
		s.log().ErrorContext(r.Context(), "answering a command", "path", r.URL.Path, "error", err)
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	text, err := json.Marshal(value)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // whoever asked is gone
}

// refusal is the answer to what was not done.
type refusal struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, text string) {
	body, err := json.Marshal(refusal{text})
	if err != nil {
		body = nil // a text can always be encoded
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // whoever asked is gone
}
