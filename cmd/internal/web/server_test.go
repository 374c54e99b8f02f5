package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"watchword/cmd/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server on loopback until the test ends, and checks that it ends well.
func start(tb testing.TB, s *web.Server) {
	tb.Helper()
	if s.Listen == "" {
		s.Listen = "127.0.0.1:0"
	}
	if err := s.Bind(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("running: %v", err)
		}
	})
}

func metrics(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// client makes a connection a request, so that none is left open.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

type answer struct {
	status int
	body   string
	header http.Header
}

func ask(tb testing.TB, c *http.Client, req *http.Request) answer {
	tb.Helper()
	res, err := c.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Header}
}

func request(tb testing.TB, method, url string) *http.Request {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPages(t *testing.T) {
	s := &web.Server{Metrics: metrics("metrics 1\n"), Version: "1.2.3 <b>"}
	start(t, s)
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{http.MethodGet, "/metrics", 200, "metrics 1\n"},
		{http.MethodHead, "/metrics", 200, ""},
		{http.MethodPost, "/metrics", 405, "Method Not Allowed\n"},
		{http.MethodGet, "/-/healthy", 200, "watchword is healthy.\n"},
		{http.MethodGet, "/-/ready", 200, "watchword is ready.\n"},
		{http.MethodPut, "/-/ready", 405, "Method Not Allowed\n"},
		{http.MethodGet, "/-/reload", 405, "Method Not Allowed\n"},
		{http.MethodPost, "/-/reload", 403, "reloading over HTTP is not enabled: start with --web.enable-lifecycle\n"},
		{http.MethodPost, "/", 405, "Method Not Allowed\n"},
		{http.MethodGet, "/-/", 404, "404 page not found\n"},
		{http.MethodGet, "/checks/nothing", 404, "404 page not found\n"},
		{http.MethodGet, "/api/v1/checks", 200, "[]\n"},
		{http.MethodGet, "/api/v1/incidents", 200, "[]\n"},
		{http.MethodGet, "/api/v1/certificates", 200, `{"client":[],"server":[]}` + "\n"},
		{http.MethodPost, "/api/v1/checks", 405, "Method Not Allowed\n"},
		{http.MethodGet, "/nothing", 404, "404 page not found\n"},
		{http.MethodGet, "/../etc/passwd", 404, "404 page not found\n"},
		{http.MethodGet, "/debug/pprof/", 404, "404 page not found\n"},
	} {
		got := ask(t, client(), request(t, c.method, "http://"+s.Addr().String()+c.path))
		if got.status != c.status || got.body != c.body {
			t.Errorf("%s %s: status %d and %q, want %d and %q", c.method, c.path, got.status, got.body, c.status, c.body)
		}
		if got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: no X-Content-Type-Options", c.method, c.path)
		}
	}

	page := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/"))
	for _, want := range []string{`<html lang="en">`, "<h1>No checks are configured</h1>", "version 1.2.3 &lt;b&gt;", `href="/metrics"`, "color-scheme: light dark"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page has no %q:\n%s", want, page.body)
		}
	}
	for name, want := range map[string]string{
		"Content-Type":    "text/html; charset=utf-8",
		"X-Frame-Options": "DENY",
		"Referrer-Policy": "no-referrer",
		"Cache-Control":   "no-store",
	} {
		if got := page.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "unsafe") {
		t.Errorf("the page's policy is %q", policy)
	}
}

func TestReady(t *testing.T) {
	ready := make(chan bool, 2)
	s := &web.Server{Ready: func() bool { return <-ready }, HealthListen: "127.0.0.1:0"}
	start(t, s)
	for _, addr := range []net.Addr{s.Addr(), s.HealthAddr()} {
		for want, is := range map[int]bool{200: true, 503: false} {
			ready <- is
			if got := ask(t, client(), request(t, http.MethodGet, "http://"+addr.String()+"/-/ready")); got.status != want {
				t.Errorf("ready is %t: status is %d, want %d", is, got.status, want)
			}
		}
	}
}

func TestHealthListenerAnswersNothingElse(t *testing.T) {
	s := &web.Server{Metrics: metrics("metrics 1\n"), HealthListen: "127.0.0.1:0", Reload: func(context.Context) error { return nil }}
	start(t, s)
	base := "http://" + s.HealthAddr().String()
	for path, want := range map[string]int{"/-/healthy": 200, "/-/ready": 200, "/": 404, "/metrics": 404, "/-/reload": 404} {
		if got := ask(t, client(), request(t, http.MethodGet, base+path)); got.status != want {
			t.Errorf("%s: status is %d, want %d", path, got.status, want)
		}
	}
	if got := ask(t, client(), request(t, http.MethodPost, base+"/-/reload")); got.status != 404 {
		t.Errorf("POST /-/reload: status is %d, want 404", got.status)
	}
}

func TestReload(t *testing.T) {
	var mistake error
	calls := 0
	s := &web.Server{Reload: func(context.Context) error { calls++; return mistake }}
	start(t, s)
	post := func() *http.Request {
		return request(t, http.MethodPost, "http://"+s.Addr().String()+"/-/reload")
	}
	if got := ask(t, client(), post()); got.status != 200 || calls != 1 {
		t.Errorf("status is %d after %d calls, want 200 after 1", got.status, calls)
	}
	mistake = errors.New("orders.hcl:3: unknown block")
	if got := ask(t, client(), post()); got.status != 500 || got.body != "the old configuration goes on: orders.hcl:3: unknown block\n" {
		t.Errorf("status is %d and body %q, want 500 and the mistake", got.status, got.body)
	}
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		req := post()
		req.Header.Set(name, value)
		if got := ask(t, client(), req); got.status != 403 || calls != 2 {
			t.Errorf("%s %s: status is %d after %d calls, want 403 after 2", name, value, got.status, calls)
		}
	}
}

// TestReloadIsNotCutShort leaves while a reload is under way.
func TestReloadIsNotCutShort(t *testing.T) {
	entered, left, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	s := &web.Server{Reload: func(ctx context.Context) error {
		close(entered)
		<-left
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
		done <- ctx.Err()
		return nil
	}}
	start(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		resp, err := client().Do(request(t, http.MethodPost, "http://"+s.Addr().String()+"/-/reload").WithContext(ctx))
		if err == nil {
			_ = resp.Body.Close()
		}
		close(left)
	}()
	<-entered
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the reload ends with whoever asked for it: %v", err)
	}
}

func TestShutdownLetsAnswersFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := &web.Server{Listen: "127.0.0.1:0", Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "late")
	})}
	if err := s.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	got := make(chan answer)
	go func() { got <- ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/metrics")) }()
	<-entered
	cancel()
	refuses(t, s.Addr().String())
	close(release)
	if a := <-got; a.status != 200 || a.body != "late" {
		t.Errorf("status is %d and body %q, want the whole answer", a.status, a.body)
	}
	if err := <-done; err != nil {
		t.Errorf("running: %v", err)
	}
}

// TestShutdownIsOfBothListeners closes the second listener while the first one
// waits for an answer that takes too long, and not after that.
func TestShutdownIsOfBothListeners(t *testing.T) {
	entered, cut := make(chan struct{}), make(chan struct{})
	s := &web.Server{Listen: "127.0.0.1:0", HealthListen: "127.0.0.1:0", Metrics: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(cut)
	})}
	if err := s.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	asking, leave := context.WithCancel(t.Context())
	left := make(chan struct{})
	go func() {
		resp, err := client().Do(request(t, http.MethodGet, "http://"+s.Addr().String()+"/metrics").WithContext(asking))
		if err == nil {
			_ = resp.Body.Close()
		}
		close(left)
	}()
	<-entered
	cancel()
	refuses(t, s.HealthAddr().String())
	select {
	case <-cut:
		t.Error("the second listener was closed only after the first one had ended")
	default:
	}
	leave()
	<-left
	<-cut
	if err := <-done; err != nil {
		t.Errorf("running: %v", err)
	}
}

// TestConnectionsAreBounded lets those wait who come when there are too many,
// so that the checks keep the file descriptors that they need.
func TestConnectionsAreBounded(t *testing.T) {
	s := &web.Server{HealthListen: "127.0.0.1:0"}
	start(t, s)
	for _, addr := range []net.Addr{s.Addr(), s.HealthAddr()} {
		var open []net.Conn
		for range web.MaxConnections + 1 {
			conn, err := net.Dial("tcp", addr.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			open = append(open, conn)
		}
		last := open[web.MaxConnections]
		if _, err := io.WriteString(last, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len("HTTP/1.1 200"))
		if err := last.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := last.Read(answer); err == nil {
			t.Errorf("one connection too many is answered: %q", answer[:n])
		}
		if err := errors.Join(open[0].Close(), last.SetReadDeadline(time.Time{})); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(last, answer); err != nil || string(answer) != "HTTP/1.1 200" {
			t.Errorf("once there is room the answer is %q, %v", answer, err)
		}
	}
}

// refuses waits until nothing listens at an address any more.
func refuses(t *testing.T, address string) {
	t.Helper()
	var dialer net.Dialer
	for t.Context().Err() == nil {
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			return
		}
		conn.Close()
	}
}

func TestRunBindsAndReportsWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for _, s := range []*web.Server{
		{Listen: address},
		{Listen: "127.0.0.1:0", HealthListen: address},
	} {
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listening on "+address) {
			t.Errorf("error is %v, want one about %s", err, address)
		}
		if s.Addr() != nil {
			t.Errorf("it still listens on %s", s.Addr())
		}
	}
}

func TestCloseWithoutRun(t *testing.T) {
	s := &web.Server{Listen: "127.0.0.1:0", HealthListen: "127.0.0.1:0"}
	if err := s.Bind(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	refuses(t, s.Addr().String())
	refuses(t, s.HealthAddr().String())
}
