package alerts_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"watchword/alerts"
	"watchword/certs"
	"watchword/certs/certstest"
)

// hookIdentity loads a client certificate of ca, and roots that know the
// servers of trusted.
func hookIdentity(t *testing.T, ca, trusted *certstest.CA) (*certs.Identity, *certs.Roots) {
	t.Helper()
	dir := t.TempDir()
	id := certs.Load(certs.Source{Name: "probe", PEM: ca.Client("probe").WritePEM(dir)})
	if err := id.Err(); err != nil {
		t.Fatal(err)
	}
	roots, err := certs.LoadRoots(trusted.WriteFile(dir), false)
	if err != nil {
		t.Fatal(err)
	}
	return id, roots
}

// TestWebhookBehindMutualTLS posts to real servers on loopback, over both
// versions of TLS and of HTTP.
func TestWebhookBehindMutualTLS(t *testing.T) {
	t.Parallel()
	ca, other := certstest.NewCA(t), certstest.NewCA(t)
	id, roots := hookIdentity(t, ca, ca)
	stranger, strangeRoots := hookIdentity(t, other, other)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, protocol := range []string{"h2", "http/1.1"} {
			name := tls.VersionName(version) + " " + protocol
			server := certstest.NewServer(t, &certstest.Server{
				Pair: ca.Server("127.0.0.1"), ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: version, MaxVersion: version, Protocols: []string{protocol},
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					raw, err := io.ReadAll(r.Body)
					if err != nil || !json.Valid(raw) {
						t.Errorf("%s: error %v, body %q", name, err, raw)
					}
					w.WriteHeader(http.StatusAccepted)
				}),
			})
			w := &alerts.Webhook{URL: server.URL() + "/in", TLS: alerts.TLS{Identity: id, Roots: roots}}
			for range 2 {
				if _, err := w.Send(t.Context(), delivery(alerts.Fired)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			got := server.Requests()
			if len(got) != 2 || got[0].Peer == nil || got[0].Peer.Subject.CommonName != "probe" || len(server.Peers()) != 2 {
				t.Errorf("%s: requests %+v of %d connections, want 2 of 2 by probe", name, got, len(server.Peers()))
			}
			for want, w := range map[string]*alerts.Webhook{
				`the server asks for a client certificate; "probe" was presented`:   {URL: server.URL(), TLS: alerts.TLS{Identity: stranger, Roots: roots}},
				"the server asks for a client certificate; none is for its host":    {URL: server.URL(), TLS: alerts.TLS{Roots: roots}},
				"verifying the server: x509: certificate signed by unknown":         {URL: server.URL(), TLS: alerts.TLS{Identity: id, Roots: strangeRoots}},
				"wanted to match localhost":                                         {URL: strings.Replace(server.URL(), "127.0.0.1", "localhost", 1), TLS: alerts.TLS{Identity: id, Roots: roots}},
				"verifying the server: x509: certificate signed by unknown authori": {URL: server.URL(), TLS: alerts.TLS{Identity: id}},
			} {
				_, err := w.Send(t.Context(), delivery(alerts.Fired))
				send, ok := errors.AsType[*alerts.SendError](err)
				if !ok || !strings.Contains(err.Error(), want) || send.Permanent {
					t.Errorf("%s: got %v, want %s", name, err, want)
					continue
				}
				// Where a refusal comes as a broken connection nobody can be sure.
				if send.Unsure && !strings.Contains(want, "client certificate") {
					t.Errorf("%s: unsure of %v", name, err)
				}
			}
			if n := len(server.Requests()); n != 2 {
				t.Errorf("%s: %d requests, want 2", name, n)
			}
		}
	}
}

// An Alertmanager behind mutual TLS is posted to as a webhook is, each time over
// a connection of its own, and each instance with what is for its host.
func TestAlertmanagerBehindMutualTLS(t *testing.T) {
	t.Parallel()
	ca, other := certstest.NewCA(t), certstest.NewCA(t)
	id, roots := hookIdentity(t, ca, ca)
	stranger, strangeRoots := hookIdentity(t, other, other)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, protocol := range []string{"h2", "http/1.1"} {
			name := tls.VersionName(version) + " " + protocol
			start := func(ca *certstest.CA) *certstest.Server {
				return certstest.NewServer(t, &certstest.Server{
					Pair: ca.Server("127.0.0.1"), ClientAuth: tls.RequireAndVerifyClientCert,
					MinVersion: version, MaxVersion: version, Protocols: []string{protocol},
				})
			}
			server, second := start(ca), start(other)
			url, secondURL := server.URL()+"/prefix", second.URL()
			a := &alerts.Alertmanager{URLs: []string{url, secondURL}, TLS: map[string]alerts.TLS{
				url: {Identity: id, Roots: roots}, secondURL: {Identity: stranger, Roots: strangeRoots},
			}}
			for range 2 {
				if err := a.Sample(t.Context(), ""); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for s, path := range map[*certstest.Server]string{server: "/prefix/api/v2/alerts", second: "/api/v2/alerts"} {
				got := s.Requests()
				if len(got) != 2 || got[0].Path != path || got[0].Peer == nil || got[0].Peer.Subject.CommonName != "probe" || len(s.Peers()) != 2 {
					t.Errorf("%s: requests %+v of %d connections, want 2 of 2 by probe", name, got, len(s.Peers()))
				}
			}
			for want, way := range map[string]alerts.TLS{
				`the server asks for a client certificate; "probe" was presented`:   {Identity: stranger, Roots: roots},
				"the server asks for a client certificate; none is for its host":    {Roots: roots},
				"verifying the server: x509: certificate signed by unknown":         {Identity: id, Roots: strangeRoots},
				"verifying the server: x509: certificate signed by unknown authori": {Identity: id},
				"no such file": {Identity: id, Roots: roots, Err: errors.New("no such file")},
			} {
				a := &alerts.Alertmanager{URLs: []string{url}, TLS: map[string]alerts.TLS{url: way}}
				err := a.Sample(t.Context(), "")
				send, ok := errors.AsType[*alerts.SendError](err)
				if !ok || !strings.HasPrefix(err.Error(), "posting to "+url+": ") || !strings.Contains(err.Error(), want) || send.Permanent {
					t.Errorf("%s: got %v, want %s", name, err, want)
					continue
				}
				if send.Unsure && !strings.Contains(want, "client certificate") {
					t.Errorf("%s: unsure of %v", name, err)
				}
			}
			if n := len(server.Requests()); n != 2 {
				t.Errorf("%s: %d requests, want 2", name, n)
			}
		}
	}
}

// TestWebhookWithoutAnswer says where the message may have arrived.
func TestWebhookWithoutAnswer(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	defer close(hang)
	silent := serve(t, func(c net.Conn) { <-hang; _ = c.Close() })
	closing := serve(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); _ = c.Close() })
	endless := serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16))
		for {
			if _, err := c.Write([]byte(strings.Repeat("HTTP/1.1 100 Continue\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 100))); err != nil {
				return
			}
		}
	})
	slowBody := serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16)) // an answer before the question is none
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx"))
		<-hang
	})
	redirect := serve(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16))
		_, _ = c.Write([]byte("HTTP/1.1 308 Permanent Redirect\r\nLocation: http://" + closing + "/\r\nContent-Length: 0\r\n\r\n"))
		_ = c.Close()
	})
	for _, tc := range []struct {
		name, url, want   string
		permanent, unsure bool
	}{
		{"silent in the handshake", "https://" + silent + "/canary", "no answer within 300ms", false, false},
		{"closes", "http://" + closing + "/canary", "", false, true},
		{"no TLS", "https://" + redirect + "/canary", "", false, false},
		{"endless", "http://" + endless + "/canary", "", false, true},
		{"redirect", "http://" + redirect + "/canary", "the answer is 308 Permanent Redirect: redirects are not followed", true, false},
		{"refused", "http://" + unused + "/canary", "connection refused", false, false},
		{"no URL", "http://bad host/canary", "the URL is not valid", true, false},
		{"takes it and goes on", "http://" + slowBody + "/canary", "", false, false},
	} {
		w := &alerts.Webhook{URL: tc.url, Timeout: time.Minute}
		if strings.HasPrefix(tc.name, "silent") {
			w.Timeout = 300 * time.Millisecond
		}
		_, err := w.Send(t.Context(), delivery(alerts.Fired))
		if tc.name == "takes it and goes on" {
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
			}
			continue
		}
		send, ok := errors.AsType[*alerts.SendError](err)
		if !ok || !strings.Contains(err.Error(), tc.want) || send.Permanent != tc.permanent || send.Unsure != tc.unsure || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %+v, want %q, permanent %v, unsure %v", tc.name, err, tc.want, tc.permanent, tc.unsure)
		}
	}
}

// TestWebhookGivesUp waits for an answer as long as it is told to.
func TestWebhookGivesUp(t *testing.T) {
	for _, limit := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
				near, far := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, far) }()
				return near, nil
			}}
			began := time.Now()
			w := &alerts.Webhook{URL: "http://hooks.test/canary", Timeout: limit, Client: &http.Client{Transport: transport}}
			_, err := w.Send(t.Context(), delivery(alerts.Fired))
			limit := cmp.Or(limit, alerts.DefaultWebhookTimeout)
			send, ok := errors.AsType[*alerts.SendError](err)
			if took := time.Since(began); !ok || err.Error() != "posting to the webhook: no answer within "+limit.String() || send.Permanent || !send.Unsure || took != limit {
				t.Errorf("got %+v after %v, want no answer within %v", err, took, limit)
			}
		})
	}
}

// unused is an address where nothing listens, and that is given to nobody.
const unused = "127.0.0.1:1"

// serve hands every connection to a loopback port to do, and returns the
// port's address.
func serve(t *testing.T, do func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go do(c)
		}
	}()
	return l.Addr().String()
}

// A proxy of the environment is asked, but never one that itself speaks TLS:
// it would see the client certificate.
func TestWebhookProxy(t *testing.T) {
	asked := make(chan string, 10)
	proxy := serve(t, func(c net.Conn) {
		buf := make([]byte, 1<<12)
		n, _ := c.Read(buf)
		line, _, _ := strings.Cut(string(buf[:n]), "\r\n")
		asked <- line
		_, _ = c.Write([]byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
		_ = c.Close()
	})
	for env, want := range map[string]string{
		"http://" + proxy:  "Forbidden",
		"https://" + proxy: "an https:// proxy of the environment cannot be used",
	} {
		t.Setenv("HTTPS_PROXY", env)
		w := &alerts.Webhook{URL: "https://hooks.example.com/canary"}
		_, err := w.Send(t.Context(), delivery(alerts.Fired))
		send, ok := errors.AsType[*alerts.SendError](err)
		if !ok || send.Unsure || send.Permanent || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %s", env, err, want)
		}
	}
	if line := <-asked; line != "CONNECT hooks.example.com:443 HTTP/1.1" || len(asked) > 0 {
		t.Errorf("the proxy is asked %q, and %d times more", line, len(asked))
	}
}
