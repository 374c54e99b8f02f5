package control_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"watchword/alerts"
	"watchword/cmd/internal/control"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server and returns a function that ends it.
func serve(t *testing.T, s *control.Server) (end func()) {
	t.Helper()
	if s.Status == nil {
		s.Status = func(context.Context) control.Status { return control.Status{Version: "1.2"} }
	}
	if err := s.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return end
}

func answers(t *testing.T, path string) {
	t.Helper()
	s, err := (&control.Client{Path: path}).Status(t.Context())
	if err != nil || s.Version != "1.2" {
		t.Errorf("status %+v, %v", s, err)
	}
}

func TestServer(t *testing.T) {
	var asked control.MuteRequest
	var by string
	until := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "s.db.sock")
	end := serve(t, &control.Server{
		Path: path,
		Mute: func(_ context.Context, ask control.MuteRequest, who string) (control.MuteAnswer, error) {
			asked, by = ask, who
			if ask.Pattern == "[" {
				return control.MuteAnswer{}, &alerts.MuteError{Text: "that is no pattern"}
			}
			if ask.Pattern == "disk" {
				return control.MuteAnswer{}, errors.New("the disk is gone")
			}
			return control.MuteAnswer{Checks: []string{"a", "b"}}, nil
		},
		Unmute: func(_ context.Context, ask control.UnmuteRequest) (control.UnmuteAnswer, error) {
			return control.UnmuteAnswer{Ended: ask.Pattern == "x"}, nil
		},
	})
	if info, err := os.Lstat(path); err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	answers(t, path)
	c := &control.Client{Path: path}
	a, err := c.Mute(t.Context(), control.MuteRequest{Pattern: "x", Until: until, Why: "w"})
	if err != nil || len(a.Checks) != 2 || asked.Pattern != "x" || asked.Why != "w" || !asked.Until.Equal(until) {
		t.Errorf("mute %+v %v, asked %+v", a, err, asked)
	}
	if me, err := user.Current(); err == nil && runtime.GOOS == "linux" && by != me.Username {
		t.Errorf("asked by %q, want %q", by, me.Username)
	}
	if a, err := c.Unmute(t.Context(), control.UnmuteRequest{Pattern: "x"}); err != nil || !a.Ended {
		t.Errorf("unmute %+v %v", a, err)
	}
	for pattern, want := range map[string]string{"[": "that is no pattern", "disk": "the disk is gone"} {
		_, err := c.Mute(t.Context(), control.MuteRequest{Pattern: pattern})
		if refused, ok := errors.AsType[*control.RefusedError](err); !ok || refused.Text != want {
			t.Errorf("mute %s: %v", pattern, err)
		}
	}
	end()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays: %v", err)
	}
}

// TestMode: the mask of the process does not matter, and is as before.
func TestMode(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "s.sock")
	serve(t, &control.Server{Path: path})
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if mask := syscall.Umask(0); mask != 0 {
		t.Errorf("the mask is %o", mask)
	}
}

func TestStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = (&control.Client{Path: path}).Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "left by a daemon that no longer runs") {
		t.Errorf("a stale socket: %v", err)
	}
	serve(t, &control.Server{Path: path})
	answers(t, path)
}

func TestSomethingElseStandsThere(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "precious")
	for name, plant := range map[string]func(path string) error{
		"file":   func(path string) error { return os.WriteFile(path, []byte("precious"), 0o600) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"link": func(path string) error {
			return errors.Join(os.WriteFile(target, []byte("precious"), 0o600), os.Symlink(target, path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := plant(path); err != nil {
				t.Fatal(err)
			}
			err := (&control.Server{Path: path}).Bind(t.Context())
			if err == nil || !strings.Contains(err.Error(), "making socket "+path) || !strings.Contains(err.Error(), "not a socket") {
				t.Errorf("got %v", err)
			}
			if _, err := os.Lstat(path); err != nil {
				t.Errorf("it is gone: %v", err)
			}
		})
	}
}

// TestLongPath: a path that is too long for a Unix socket is reached by way
// of its folder, where the system can do that.
func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a", 60), strings.Repeat("b", 60))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "watchword.db.sock")
	if runtime.GOOS == "linux" {
		end := serve(t, &control.Server{Path: path})
		answers(t, path)
		end()
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket stays: %v", err)
		}
		path = filepath.Join(dir, strings.Repeat("c", 100)) // the name alone is too long
	}
	err := (&control.Server{Path: path}).Bind(t.Context())
	if err == nil || !strings.Contains(err.Error(), "choose a shorter path for settings.state") {
		t.Errorf("got %v", err)
	}
}

// TestHostileRequests: whatever is said to the socket, it goes on answering
// those who ask properly, and nothing reaches the daemon.
func TestHostileRequests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	serve(t, &control.Server{
		Path: path,
		Mute: func(context.Context, control.MuteRequest, string) (control.MuteAnswer, error) {
			t.Error("garbage has muted something")
			return control.MuteAnswer{}, nil
		},
	})
	huge := `{"pattern":"` + strings.Repeat("x", 1<<20) + `"}`
	for name, text := range map[string]string{
		"garbage":      "\x00\x16\x03\x01\xff\r\n\r\n",
		"no HTTP":      "mute everything\n",
		"unknown path": "GET /v1/nothing HTTP/1.1\r\nHost: w\r\n\r\n",
		"wrong method": "GET /v1/mute HTTP/1.1\r\nHost: w\r\n\r\n",
		"no JSON":      "POST /v1/mute HTTP/1.1\r\nHost: w\r\nContent-Length: 3\r\n\r\n{{{",
		"huge body":    "POST /v1/mute HTTP/1.1\r\nHost: w\r\nContent-Length: 1048591\r\n\r\n" + huge,
		"huge header":  "GET /v1/status HTTP/1.1\r\nHost: w\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"wrong types":  "POST /v1/mute HTTP/1.1\r\nHost: w\r\nContent-Length: 13\r\n\r\n{\"pattern\":1}",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, text) // the server may hang up amid it
			status, _, _ := strings.Cut(readAll(c), "\r\n")
			if strings.Contains(status, " 200 ") {
				t.Errorf("answered %q", status)
			}
			answers(t, path)
		})
	}
}

func readAll(c net.Conn) string {
	text, _ := io.ReadAll(c) // up to where the server hung up
	return string(text)
}

// TestSlowClients: those who say nothing do not keep others out, up to the
// bound; and beyond it the others wait until the slow ones are hung up on.
func TestSlowClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	serve(t, &control.Server{Path: path})
	slow := make([]net.Conn, control.MaxConnections+5)
	for i := range slow {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /v1/sta"); err != nil {
			t.Fatal(err)
		}
		slow[i] = c
		if i == control.MaxConnections-2 {
			answers(t, path)
		}
	}
	answers(t, path)
	if text := readAll(slow[0]); strings.Contains(text, " 200 ") {
		t.Errorf("half a request got %q", text)
	}
}

// TestHangingDaemon: who asks a daemon whose disk hangs is told so after a
// while, and a few such questions are all that wait.
func TestHangingDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := (&control.Server{Status: func(context.Context) control.Status {
			<-release
			return control.Status{}
		}}).Handler()
		ask := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/status", bytes.NewReader(nil)))
			return w
		}
		for i := range 6 {
			want := "too busy to answer"
			if i >= 4 {
				want = "busy with other commands"
			}
			began := time.Now()
			if w := ask(); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), want) || time.Since(began) > time.Minute {
				t.Errorf("%d: %d %s after %v", i, w.Code, w.Body, time.Since(began))
			}
		}
		close(release)
		synctest.Wait()
		if w := ask(); w.Code != http.StatusOK {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}

func TestNoDaemon(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	babble := filepath.Join(dir, "babble")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", babble)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "\x1b[31mgo away\n")
			_ = c.Close()
		}
	}()
	for path, want := range map[string]string{
		filepath.Join(dir, "none"):      "there is no such socket",
		filepath.Join(dir, "no", "dir"): "there is no such socket",
		file:                            "it is not a socket",
		babble:                          "no daemon answers at " + babble + ": ",
	} {
		_, err := (&control.Client{Path: path}).Status(t.Context())
		none, ok := errors.AsType[*control.NoDaemonError](err)
		if !ok || none.Path != path || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}
