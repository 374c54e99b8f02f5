package checks_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"watchword/certs/certstest"
	"watchword/checks"
)

// serveHTTP serves plain HTTP.
func serveHTTP(t *testing.T, h http.HandlerFunc) (rawURL string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAnswersOverAWire(t *testing.T) {
	until := func(t *testing.T) func(net.Conn) { // waits for the client to go
		t.Helper()
		return func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }
	}
	write := func(s string) func(net.Conn) { return func(c net.Conn) { _, _ = io.WriteString(c, s) } }
	tests := map[string]struct {
		answer  func(net.Conn)
		timeout time.Duration
		want    checks.Reason
		text    string
	}{
		"fine":                  {answer: write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")},
		"until closed":          {answer: write("HTTP/1.0 200 OK\r\n\r\nok")},
		"after early hints":     {answer: write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")},
		"closes":                {answer: func(net.Conn) {}, want: checks.ReasonConnectionClosed, text: "before it answered"},
		"closes in headers":     {answer: write("HTTP/1.1 200 OK\r\nX: "), want: checks.ReasonConnectionClosed, text: "in the middle of the headers"},
		"closes in body":        {answer: write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), want: checks.ReasonConnectionClosed, text: "in the middle of the body"},
		"closes in chunks":      {answer: write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), want: checks.ReasonConnectionClosed, text: "in the middle of the body"},
		"another protocol":      {answer: write("SSH-2.0-OpenSSH_9.2\r\n"), want: checks.ReasonHTTPProtocol, text: "is not HTTP"},
		"bad chunks":            {answer: write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n"), want: checks.ReasonHTTPProtocol, text: "cannot be read"},
		"two lengths":           {answer: write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok"), want: checks.ReasonHTTPProtocol},
		"silent":                {answer: until(t), timeout: 100 * time.Millisecond, want: checks.ReasonTimeoutHeaders, text: "did not answer within"},
		"stops in headers":      {answer: func(c net.Conn) { write("HTTP/1.1 200 OK\r\nX: ")(c); until(t)(c) }, timeout: 100 * time.Millisecond, want: checks.ReasonTimeoutHeaders, text: "headers"},
		"a header now and then": {answer: func(c net.Conn) { trickle(c, "HTTP/1.1 200 OK\r\n", "X: y\r\n") }, timeout: 100 * time.Millisecond, want: checks.ReasonTimeoutHeaders},
		"stops in body":         {answer: func(c net.Conn) { write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")(c); until(t)(c) }, timeout: 100 * time.Millisecond, want: checks.ReasonTimeoutBody, text: "body"},
		"a byte now and then":   {answer: func(c net.Conn) { trickle(c, "HTTP/1.1 200 OK\r\n\r\n", "x") }, timeout: 100 * time.Millisecond, want: checks.ReasonTimeoutBody},
		"endless headers":       {answer: func(c net.Conn) { flood(c, "HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("y", 1000)+"\r\n") }, want: checks.ReasonHeadersTooLarge},
		"one endless header":    {answer: func(c net.Conn) { flood(c, "HTTP/1.1 200 OK\r\nX: ", strings.Repeat("y", 1000)) }, want: checks.ReasonHeadersTooLarge},
		"endless interim ones":  {answer: func(c net.Conn) { flood(c, "", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 100)) }, want: checks.ReasonHeadersTooLarge},
		"63 KiB of headers":     {answer: write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1019)+"\r\n", 63) + "\r\n")},
		"endless body":          {answer: func(c net.Conn) { flood(c, "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("y", 1000)) }, want: checks.ReasonBodyTooLarge, text: "more than 1048576 bytes"},
		"endless chunks": {answer: func(c net.Conn) {
			flood(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("10\r\n0123456789abcdef\r\n", 1000))
		}, want: checks.ReasonBodyTooLarge},
		"long by its own word": {answer: write("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"), want: checks.ReasonBodyTooLarge, text: "99999999 bytes"},
		"no deflate":           {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 2\r\n\r\nok"), want: checks.ReasonDecode, text: "not valid deflate"},
		"no brotli":            {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nok"), want: checks.ReasonDecode, text: "not valid brotli"},
		"deflate cut off":      {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 20\r\n\r\n" + packed("zlib", "hello, world")[:20]), want: checks.ReasonDecode},
		"deflate damaged":      {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + packed("zlib", "hello, world")[:12] + "xxxxxxxxxx"), want: checks.ReasonDecode},
		"brotli cut off":       {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 10\r\n\r\n" + packed("br", "hello, world")[:10]), want: checks.ReasonDecode},
		"brotli, more":         {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n" + packed("br", "hello, world") + "x"), want: checks.ReasonDecode},
		"brotli, closed":       {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 99\r\n\r\n" + packed("br", "hello, world")[:10]), want: checks.ReasonConnectionClosed},
		"deflate, closed":      {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 99\r\n\r\n" + packed("raw", "hello, world")[:10]), want: checks.ReasonConnectionClosed},
		"endless brotli": {answer: func(c net.Conn) {
			flood(c, "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", strings.Repeat("y", 1000))
		}, want: checks.ReasonBodyTooLarge},
		"brotli of nothing":   {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n")},
		"deflate of nothing":  {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 0\r\n\r\n")},
		"no gzip":             {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok"), want: checks.ReasonDecode, text: "gzip"},
		"gzip cut off":        {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + zipped("hello, world")[:20]), want: checks.ReasonDecode},
		"gzip, closed":        {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + zipped("hello, world")[:20]), want: checks.ReasonConnectionClosed},
		"gzip of nothing":     {answer: write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n")},
		"switching protocols": {answer: write("HTTP/1.1 101 Switching Protocols\r\n\r\n"), want: checks.ReasonExpectation, text: "status is 101"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := single(checks.Request{Template: get(t, script(t, tt.answer))})
			c.Timeout = 10 * time.Second
			if tt.timeout != 0 {
				c.Timeout = tt.timeout
			}
			wantReason(t, new(checks.Runner).Run(t.Context(), c), tt.want, tt.text)
		})
	}
}

// flood writes first and then again and again more, until the client has gone.
func flood(w io.Writer, first, more string) {
	_, err := io.WriteString(w, first)
	for err == nil {
		_, err = io.WriteString(w, more)
	}
}

// trickle is flood at the pace of a slow server.
func trickle(c net.Conn, first, more string) {
	_, err := io.WriteString(c, first)
	for err == nil {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, _ = c.Read(make([]byte, 1))
		_, err = io.WriteString(c, more)
	}
}

func zipped(s string) string { return packed("gzip", s) }

func TestHTTP2Answers(t *testing.T) {
	ca := certstest.NewCA(t)
	tests := map[string]struct {
		handler http.HandlerFunc
		timeout time.Duration
		want    checks.Reason
	}{
		"fine":   {handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }},
		"aborts": {handler: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: checks.ReasonConnectionClosed},
		"aborts in body": {handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, want: checks.ReasonConnectionClosed},
		"silent": {handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, timeout: 500 * time.Millisecond, want: checks.ReasonTimeoutHeaders},
		"stops in body": {handler: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "ok")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, timeout: 500 * time.Millisecond, want: checks.ReasonTimeoutBody},
		"headers": {handler: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 70 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("y", 1000))
			}
		}, want: checks.ReasonHeadersTooLarge},
		"megabytes of headers": {handler: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 10_000 {
				w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("y", 1000))
			}
		}, want: checks.ReasonHeadersTooLarge},
		"endless body":               {handler: func(w http.ResponseWriter, _ *http.Request) { flood(w, "", strings.Repeat("y", 1000)) }, want: checks.ReasonBodyTooLarge},
		"answers before it has read": {handler: func(http.ResponseWriter, *http.Request) {}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Protocols: []string{"h2"}, Handler: tt.handler})
			c := single(checks.Request{Template: get(t, s.URL()), Roots: roots(t, ca)})
			if tt.timeout != 0 {
				c.Timeout = tt.timeout
			}
			wantReason(t, new(checks.Runner).Run(t.Context(), c), tt.want)
		})
	}
}

func TestServerAnswersBeforeTheBodyIsSent(t *testing.T) {
	ca := certstest.NewCA(t)
	for name, names := range protocols() {
		t.Run(name, func(t *testing.T) {
			s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Protocols: names, Handler: http.HandlerFunc(
				func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })})
			c := single(checks.Request{Roots: roots(t, ca), Template: &static{
				Method: http.MethodPost, URL: parse(t, s.URL()), Body: make([]byte, 8<<20),
			}})
			c.Steps[0].Expect = []checks.Condition{statusIs(http.StatusRequestEntityTooLarge)}
			wantReason(t, new(checks.Runner).Run(t.Context(), c), "")
		})
	}
}

// A server that never reads the request cannot hold up a run that has its answer.
func TestServerNeverReadsTheBody(t *testing.T) {
	ca := certstest.NewCA(t)
	config := &tls.Config{Certificates: []tls.Certificate{ca.Server().TLS()}, MinVersion: tls.VersionTLS12}
	addr := rawServer(t, func(c net.Conn) {
		s := tls.Server(c, config)
		_, _ = s.Read(make([]byte, 1))
		<-time.After(300 * time.Millisecond) // until all buffers on the way are full
		_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		<-time.After(1500 * time.Millisecond)
	})
	res := fetch(t, new(checks.Runner), "https://"+addr, trust(t, ca), func(r *checks.Request) {
		r.Template = &static{Method: http.MethodPost, URL: parse(t, "https://"+addr), Body: make([]byte, 16<<20)}
	})
	wantReason(t, res, "")
	if res.Duration > time.Second {
		t.Errorf("the run took %v, want the end of the answer to be its end", res.Duration)
	}
}

func TestConnectReasons(t *testing.T) {
	wantReason(t, fetch(t, new(checks.Runner), "http://"+refusing), checks.ReasonConnectRefused, "refuses connections on port")

	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	addr := netip.MustParseAddrPort(strings.TrimPrefix(url, "http://"))
	for name, own := range map[string]netip.AddrPort{
		"its address": addr,
		"everywhere":  netip.AddrPortFrom(netip.IPv6Unspecified(), addr.Port()),
	} {
		t.Run(name, func(t *testing.T) {
			r := &checks.Runner{Forbidden: []netip.AddrPort{own}}
			wantReason(t, fetch(t, r, url), checks.ReasonTargetBlocked, "watchword's own listener")
			wantReason(t, fetch(t, r, fmt.Sprintf("http://0.0.0.0:%d", addr.Port())), checks.ReasonTargetBlocked)
			wantReason(t, fetch(t, r, fmt.Sprintf("http://[::ffff:127.0.0.1]:%d", addr.Port())), checks.ReasonTargetBlocked)
		})
	}
	wantReason(t, fetch(t, new(checks.Runner), "http://x.example/", connectTo("169.254.169.254:80")), checks.ReasonTargetBlocked)
}
