package checks_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// A rehearsed certificate goes along instead of another one, and nowhere else.
func TestRehearse(t *testing.T) {
	ca := certstest.NewCA(t)
	var met string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		met = "-"
		if peers := r.TLS.PeerCertificates; len(peers) > 0 {
			met = peers[0].Subject.CommonName
		}
		if to := r.FormValue("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	})
	server := certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("127.0.0.1", "localhost"), ClientAuth: tls.RequestClientCert, Handler: handler, Listen: "127.0.0.1:0",
	})
	_, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	byHost := identity(t, "by-host", ca.Client("by-host"), "127.0.0.1")
	named := identity(t, "named", ca.Client("named"))
	fresh := identity(t, "fresh", ca.Client("fresh"))
	here, there := "https://127.0.0.1:"+port+"/", "https://localhost:"+port+"/"
	onPrimary := set(t, byHost, named, fresh, primary(t, ca))
	for _, test := range []struct {
		name, url, want string
		set             *certs.Set
		request         checks.Request
	}{
		{"by host", here, "fresh", set(t, byHost, named, fresh), checks.Request{}},
		{"named", there, "fresh", set(t, byHost, named, fresh), checks.Request{Certificate: named}},
		{"primary", there, "fresh", onPrimary, checks.Request{MTLS: certs.ModeRequired}},
		{"refused", here, "-", onPrimary, checks.Request{MTLS: certs.ModeNone}},
		{"refused though named", here, "-", onPrimary, checks.Request{MTLS: certs.ModeNone, Certificate: named}},
		{"no certificate for the host", there, "-", onPrimary, checks.Request{}},
		{"redirect to a host without", here + "?to=" + there, "-", set(t, byHost, named, fresh), checks.Request{}},
		{"redirect back to a host with", there + "?to=" + here, "by-host", set(t, byHost, named, fresh), checks.Request{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			runner := &checks.Runner{Certs: test.set, Rehearse: fresh}
			test.request.Template, test.request.Roots, test.request.MaxRedirects = get(t, test.url), roots(t, ca), 1
			res := runner.Run(t.Context(), single(test.request))
			wantReason(t, res, "")
			if met != test.want {
				t.Errorf("the server met %s, want %s", met, test.want)
			}
			if test.want == "fresh" && res.Steps[0].Rule != string(certs.RuleExplicit) {
				t.Errorf("rule is %s, want explicit", res.Steps[0].Rule)
			}
		})
	}
	res := (&checks.Runner{Certs: set(t, byHost), Rehearse: fresh}).Run(t.Context(), single(checks.Request{
		Template: get(t, there), Roots: roots(t, ca), MTLS: certs.ModeRequired,
	}))
	wantReason(t, res, checks.ReasonClientCertLocal, "no certificate is for localhost")
}
