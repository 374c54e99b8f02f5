package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptProxy starts an HTTP proxy: `proxy VARIABLE USER PASSWORD TARGET` puts
// its host:port into VARIABLE. It connects everyone who knows the password to
// TARGET.
func scriptProxy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: proxy VARIABLE USER PASSWORD TARGET")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if user, password, _ := given.BasicAuth(); user != args[1] || password != args[2] {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		target, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", args[3])
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer target.Close()
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(target, client); _ = target.Close() }()
		_, _ = io.Copy(client, target)
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.Listener.Addr().String())
}
