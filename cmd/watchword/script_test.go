package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"watchword/certs/certstest"
)

// authority is what `authority NAME` made, under its name in Env.Values.
type authority struct{ *certstest.CA }

// scriptAuthority makes a CA: `authority NAME` writes NAME-ca.pem.
func scriptAuthority(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: authority NAME")
	}
	ca, err := certstest.New(certstest.Options{Name: args[0]})
	ts.Check(err)
	_, err = ca.Save(ts.MkAbs("."), args[0]+"-ca")
	ts.Check(err)
	authorities(ts)[args[0]] = authority{ca}
}

// scriptIssue makes a client certificate: `issue CA FILE DAYS` writes
// FILE.pem with chain and key, FILE.crt and FILE.key, valid for DAYS from now;
// negative: expired that long ago.
func scriptIssue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: issue CA FILE DAYS")
	}
	var days int
	_, err := fmt.Sscan(args[2], &days)
	ts.Check(err)
	now := time.Now()
	pair, err := authorities(ts)[args[0]].Issue(certstest.Leaf{
		CommonName: args[1], NotBefore: now.AddDate(0, 0, -400), NotAfter: now.AddDate(0, 0, days).Add(time.Hour),
	})
	ts.Check(err)
	_, _, _, err = pair.Save(ts.MkAbs("."), args[1])
	ts.Check(err)
}

// scriptServe starts an API that demands certificates: `serve CA VARIABLE
// HOST…` puts its address into VARIABLE. It answers {"database":"up"}, and
// 503 under /broken.
func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: serve CA VARIABLE HOST…")
	}
	ca := authorities(ts)[args[0]]
	pair, err := ca.Issue(certstest.ServerLeaf(args[2:]...))
	ts.Check(err)
	server := &certstest.Server{
		Pair: pair, ClientAuth: tls.RequireAndVerifyClientCert,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/broken" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			fmt.Fprint(w, `{"database":"up"}`)
		}),
	}
	ts.Check(server.Start())
	ts.Defer(func() { ts.Check(server.Close()) })
	ts.Setenv(args[1], server.Addr())
}

func authorities(ts *testscript.TestScript) map[string]authority {
	return ts.Value(authoritiesKey{}).(map[string]authority)
}

type authoritiesKey struct{}
