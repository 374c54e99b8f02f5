package checks_test

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// Requests and redirects of all kinds, directly and through proxies, at the
// same time and under two configurations that follow one another again and
// again: servers compare whom they meet with whom they are to meet, and
// proxies are to meet nobody.
func TestNeverTheWrongCertificate(t *testing.T) {
	ca := certstest.NewCA(t)
	hosts := []string{"127.0.0.1", "localhost", "127.0.0.2"}
	var asked atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		met := "-"
		if peers := r.TLS.PeerCertificates; len(peers) > 0 {
			met = peers[0].Subject.CommonName
		}
		if want := r.FormValue("want"); met != want {
			t.Errorf("%s met %s, want %s", r.Host, met, want)
		}
		if to := r.FormValue("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	})
	var ports []string
	for _, s := range everyWay() {
		s.Pair, s.ClientAuth, s.Handler, s.Listen = ca.Server(hosts...), tls.RequestClientCert, handler, "0.0.0.0:0"
		_, port, err := net.SplitHostPort(certstest.NewServer(t, s).Addr())
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	named, anywhere := identity(t, "named", ca.Client("named")), primary(t, ca)
	type configuration struct {
		runner *checks.Runner
		at     map[string]string // host to whom it is to meet
	}
	caFile := ca.WriteFile(t.TempDir())
	pems := map[string]string{"a": ca.Client("a").WritePEM(t.TempDir()), "b": ca.Client("b").WritePEM(t.TempDir())}
	under := func(at map[string]string) func() *configuration {
		return func() *configuration { // loaded anew each time
			ids := []*certs.Identity{named, anywhere}
			for host, name := range at {
				if host == "localhost" {
					host = "local*"
				}
				ids = append(ids, certs.Load(certs.Source{Name: name, Hosts: []string{host}, PEM: pems[name], CA: caFile}))
			}
			return &configuration{&checks.Runner{Certs: set(t, ids...)}, at}
		}
	}
	loads := []func() *configuration{
		under(map[string]string{hosts[0]: "a", hosts[1]: "b"}), under(map[string]string{hosts[0]: "b", hosts[1]: "a"}),
	}
	var current atomic.Pointer[configuration]
	current.Store(loads[0]())
	var proxies []*proxyServer
	var ways []func(*checks.Request)
	for _, kind := range kinds() {
		p := new(proxyServer)
		proxies = append(proxies, p)
		ways = append(ways, proxied(t, p.start(t, kind, ca), ""), func(*checks.Request) {})
	}
	trusted := roots(t, ca)
	run := func() {
		configuration := current.Load()
		req := checks.Request{Roots: trusted, MTLS: certs.Mode(rand.IntN(3)), MaxRedirects: 3}
		if rand.IntN(4) == 0 {
			req.Certificate = named
		}
		ways[rand.IntN(len(ways))](&req)
		way := make([]string, 1+rand.IntN(4))
		for i := range way {
			way[i] = hosts[rand.IntN(len(hosts))]
		}
		to := ""
		for _, host := range slices.Backward(way) {
			want := configuration.at[host]
			switch first := host == way[0]; {
			case req.MTLS == certs.ModeNone:
				want = "-"
			case first && req.Certificate != nil:
				want = "named"
			case want == "" && first && req.MTLS == certs.ModeRequired:
				want = "primary"
			case want == "":
				want = "-"
			}
			to = fmt.Sprintf("https://%s:%s/?want=%s&to=%s", host, ports[rand.IntN(len(ports))], want, url.QueryEscape(to))
		}
		req.Template = &static{URL: parse(t, to)}
		if res := configuration.runner.Run(t.Context(), single(req)); res.Outcome != checks.Passed {
			t.Errorf("outcome is %s, message %q, want it to pass", res.Outcome, res.Message)
		}
	}
	requests := int64(200)
	if *full {
		requests = 100_000
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1; asked.Load() < requests && !t.Failed(); i++ {
			current.Store(loads[i%len(loads)]())
			<-time.After(5 * time.Millisecond)
		}
	})
	for range 4 {
		wg.Go(func() {
			for asked.Load() < requests && !t.Failed() {
				run()
			}
		})
	}
	wg.Wait()
	through := 0
	for _, p := range proxies {
		p.wantNoCertificate(t)
		n := len(p.seen())
		if n == 0 {
			t.Error("a proxy was asked nothing")
		}
		through += n
	}
	t.Logf("%d requests, %d of them through proxies", asked.Load(), through)
}
