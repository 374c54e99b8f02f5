package checks_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
)

// protocols are the ways to speak HTTP that tests cover.
func protocols() map[string][]string {
	return map[string][]string{"HTTP/1.1": {"http/1.1"}, "HTTP/2": {"h2"}}
}

// everyWay returns a server for each version of TLS and HTTP.
func everyWay() map[string]*certstest.Server {
	ways := make(map[string]*certstest.Server)
	for version, number := range versions() {
		for protocol, names := range protocols() {
			ways[version+", "+protocol] = &certstest.Server{MinVersion: number, MaxVersion: number, Protocols: names}
		}
	}
	return ways
}

func TestClientCertificateAccepted(t *testing.T) {
	ca := certstest.NewCA(t)
	pair := ca.Client("probe")
	for way, s := range everyWay() {
		t.Run(way, func(t *testing.T) {
			s.Pair, s.ClientAuth = ca.Server(), tls.RequireAndVerifyClientCert
			certstest.NewServer(t, s)
			r := &checks.Runner{Certs: set(t, identity(t, "acme", pair, "127.0.0.1"))}
			res := fetch(t, r, s.URL(), trust(t, ca))
			wantReason(t, res, "")
			step := res.Steps[0]
			if step.Certificate != "acme" || step.Rule != "exact" {
				t.Errorf("certificate is %q by rule %q, want acme by exact", step.Certificate, step.Rule)
			}
			if len(step.Handshakes) != 1 || step.Handshakes[0] != (checks.Handshake{Certificate: "acme", Accepted: true}) {
				t.Errorf("handshakes are %v, want one of acme, accepted", step.Handshakes)
			}
			if got := s.Requests()[0].Peer; !got.Equal(pair.Leaf) {
				t.Errorf("the server met %v, want %v", got, pair.Leaf.Subject)
			}
		})
	}
}

func TestClientCertificateNotAskedFor(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server()})
	r := &checks.Runner{Certs: set(t, identity(t, "acme", ca.Client("probe"), "127.0.0.1"))}
	res := fetch(t, r, s.URL(), trust(t, ca))
	wantReason(t, res, "")
	if step := res.Steps[0]; step.Certificate != "" || step.Rule != "none" || len(step.Handshakes) != 0 {
		t.Errorf("certificate is %q by rule %q, handshakes %v; want none to be presented", step.Certificate, step.Rule, step.Handshakes)
	}
}

func TestClientCertificateRequired(t *testing.T) {
	ca := certstest.NewCA(t, certstest.Options{Name: "Acme CA"})
	pair := ca.Client("probe")
	tests := map[string]struct {
		mode certs.Mode
		ids  []*certs.Identity
		auth tls.ClientAuthType
		text string
	}{
		"none configured":      {auth: tls.RequireAndVerifyClientCert, text: "none is configured"},
		"none for this host":   {auth: tls.RequireAndVerifyClientCert, ids: []*certs.Identity{identity(t, "acme", pair, "x.example")}, text: "Your certificate acme is issued by that."},
		"mtls = false":         {auth: tls.RequireAndVerifyClientCert, mode: certs.ModeNone, ids: []*certs.Identity{identity(t, "acme", pair, "127.0.0.1")}, text: "the request says mtls = false"},
		"demanded, unverified": {auth: tls.RequireAnyClientCert, text: "none is configured"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for way, s := range everyWay() {
				t.Run(way, func(t *testing.T) {
					s.Pair, s.ClientAuth = ca.Server(), tt.auth
					certstest.NewServer(t, s)
					r := &checks.Runner{Certs: set(t, tt.ids...)}
					res := fetch(t, r, s.URL(), trust(t, ca), func(r *checks.Request) { r.MTLS = tt.mode })
					wantReason(t, res, checks.ReasonClientCertRequired, "demands a client certificate, and none was sent", tt.text, `It accepts: "Acme CA".`)
					if res.Steps[0].Handshakes != nil {
						t.Errorf("handshakes are %v, want none", res.Steps[0].Handshakes)
					}
				})
			}
		})
	}
}

// refusals are the alerts and what they mean.
func refusals() map[certstest.Alert]checks.Reason {
	return map[certstest.Alert]checks.Reason{
		certstest.HandshakeFailure:       checks.ReasonClientCertRejected,
		certstest.BadCertificate:         checks.ReasonClientCertBad,
		certstest.UnsupportedCertificate: checks.ReasonClientCertBad,
		certstest.CertificateRevoked:     checks.ReasonClientCertRevoked,
		certstest.CertificateExpired:     checks.ReasonClientCertExpired,
		certstest.CertificateUnknown:     checks.ReasonClientCertRejected,
		certstest.UnknownCA:              checks.ReasonClientCertUnknownCA,
		certstest.AccessDenied:           checks.ReasonClientCertDenied,
		certstest.InternalError:          checks.ReasonClientCertRejected,
	}
}

func TestClientCertificateRefused(t *testing.T) {
	ca := certstest.NewCA(t)
	id := identity(t, "acme", ca.Client("probe"), "127.0.0.1")
	bodies := map[string][]byte{"no body": nil, "body": bytes.Repeat([]byte("x"), 1000), "large body": bytes.Repeat([]byte("x"), 4<<20)}
	for alert, want := range refusals() {
		for size, body := range bodies {
			t.Run(fmt.Sprintf("alert %d/%s", alert, size), func(t *testing.T) {
				for way, s := range everyWay() {
					t.Run(way, func(t *testing.T) {
						s.Pair, s.ClientAuth, s.Alert = ca.Server(), tls.RequireAnyClientCert, alert
						certstest.NewServer(t, s)
						r := &checks.Runner{Certs: set(t, id)}
						res := fetch(t, r, s.URL(), trust(t, ca), func(r *checks.Request) {
							r.Template = &static{Method: http.MethodPost, URL: parse(t, s.URL()), Body: body}
						})
						wantReason(t, res, want, `refused certificate acme (CN=probe, issued by "Test CA", expires 20`)
						step := res.Steps[0]
						if step.Certificate != "acme" || len(step.Servers) != 1 ||
							len(step.Handshakes) != 1 || step.Handshakes[0].Accepted {
							t.Errorf("certificate %q, servers %v, handshakes %v; want acme, one and one rejected",
								step.Certificate, step.Servers, step.Handshakes)
						}
					})
				}
			})
		}
	}
}

func TestClientCertificateOfUnknownCA(t *testing.T) {
	staging := certstest.NewCA(t, certstest.Options{Name: "Acme Staging CA"})
	production := certstest.NewCA(t, certstest.Options{Name: "Acme Production CA"})
	wildcard := identity(t, "acme-wildcard", staging.Client("probe.acme.com"), "*.example")
	right := identity(t, "acme-production", production.Client("probe.acme.com"), "other.test")
	server := staging.Server("partner.example")
	tests := map[string]struct {
		ids  []*certs.Identity
		text string
	}{
		"no other": {[]*certs.Identity{wildcard}, `No certificate of yours is issued by that.`},
		"another":  {[]*certs.Identity{wildcard, right}, `Your certificate acme-production is issued by that.`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for way, s := range everyWay() {
				t.Run(way, func(t *testing.T) {
					s.Pair, s.ClientCA, s.ClientAuth = server, production, tls.RequireAndVerifyClientCert
					certstest.NewServer(t, s)
					r := &checks.Runner{Certs: set(t, tt.ids...)}
					res := fetch(t, r, "https://partner.example/", trust(t, staging), connectTo(s.Addr()))
					wantReason(t, res, checks.ReasonClientCertUnknownCA,
						`partner.example accepted the connection, then refused certificate acme-wildcard `+
							`(CN=probe.acme.com, issued by "Acme Staging CA", expires `+wildcard.Leaf().NotAfter.UTC().Format(time.DateOnly)+`). `+
							`It accepts: "Acme Production CA". `+tt.text)
				})
			}
		})
	}
}

func TestExpiredClientCertificateIsNamedAsTheCause(t *testing.T) {
	ca := certstest.NewCA(t)
	id := identity(t, "acme", ca.Client("probe", certstest.Expired), "127.0.0.1")
	for _, alert := range []certstest.Alert{0, certstest.BadCertificate, certstest.CertificateUnknown} {
		t.Run(fmt.Sprintf("alert %d", alert), func(t *testing.T) {
			for way, s := range everyWay() {
				t.Run(way, func(t *testing.T) {
					s.Pair, s.ClientAuth, s.Alert = ca.Server(), tls.RequireAndVerifyClientCert, alert
					if alert != 0 {
						s.ClientAuth = tls.RequireAnyClientCert
					}
					certstest.NewServer(t, s)
					res := fetch(t, &checks.Runner{Certs: set(t, id)}, s.URL(), trust(t, ca))
					wantReason(t, res, checks.ReasonClientCertExpired, "expired 20", "That is the cause")
				})
			}
		})
	}
}

// Servers say by which signatures a client may prove that it has the key.
func TestClientCertificateWithoutASignatureForTheServer(t *testing.T) {
	ca := certstest.NewCA(t)
	pair, err := ca.Issue(certstest.Leaf{Names: []string{"probe.acme.com"}, Key: certstest.P224})
	if err != nil {
		t.Fatal(err)
	}
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13})
	res := fetch(t, &checks.Runner{Certs: set(t, identity(t, "acme", pair, "127.0.0.1"))}, s.URL(), trust(t, ca))
	wantReason(t, res, checks.ReasonClientCertBad, "refused certificate acme (probe.acme.com, ", "signatures of which its key can make none")
}

// A server that asks for a certificate and breaks the connection without a
// word is not known to have refused it.
func TestBrokenAfterHandshake(t *testing.T) {
	ca := certstest.NewCA(t)
	id := identity(t, "acme", ca.Client("probe"), "127.0.0.1")
	for name, fault := range map[string]certstest.Fault{"closes": certstest.CloseAfterTLS, "resets": certstest.ResetAfterTLS} {
		t.Run(name, func(t *testing.T) {
			for way, s := range everyWay() {
				t.Run(way, func(t *testing.T) {
					s.Pair, s.ClientAuth, s.Fault = ca.Server(), tls.RequireAnyClientCert, fault
					certstest.NewServer(t, s)
					res := fetch(t, &checks.Runner{Certs: set(t, id)}, s.URL(), trust(t, ca))
					wantReason(t, res, checks.ReasonConnectionClosed)
					if res.Steps[0].Handshakes != nil {
						t.Errorf("handshakes are %v, want nothing said", res.Steps[0].Handshakes)
					}
				})
			}
		})
	}
}

func TestClientCertificateLocal(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequestClientCert})
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	unusable := certs.Load(certs.Source{Name: "acme", Hosts: []string{"127.0.0.1"}, PEM: broken})
	bundle, err := ca.Client("probe").PKCS12("hunter22")
	if err != nil {
		t.Fatal(err)
	}
	p12 := filepath.Join(t.TempDir(), "sealed.p12")
	if err := os.WriteFile(p12, bundle, 0o600); err != nil {
		t.Fatal(err)
	}
	sealed := certs.Load(certs.Source{
		Name: "sealed", Hosts: []string{"127.0.0.1"}, PKCS12: p12,
		Passphrase: certs.NewPassphrase(func() (string, error) { return "", errors.New("no such variable") }),
	})
	noCA := certs.Load(certs.Source{Name: "authority", Hosts: []string{"127.0.0.1"}, CA: broken})
	good := identity(t, "good", ca.Client("probe"), "127.0.0.1")
	_, rootsErr := certs.LoadRoots(broken, true)
	tests := map[string]struct {
		ids    []*certs.Identity
		change func(*checks.Request)
		text   string
	}{
		"cannot be read":        {ids: []*certs.Identity{unusable}, text: "certificate acme cannot be used: "},
		"no passphrase":         {ids: []*certs.Identity{sealed}, text: "its passphrase cannot be read: no such variable"},
		"named explicitly":      {change: func(r *checks.Request) { r.Certificate = unusable }, text: "certificate acme cannot be used: "},
		"demanded and none":     {change: func(r *checks.Request) { r.MTLS = certs.ModeRequired }, text: "none is primary"},
		"ca cannot be read":     {ids: []*certs.Identity{noCA}, text: "ca"},
		"own ca cannot be read": {change: func(r *checks.Request) { r.RootsErr = rootsErr }, text: "the request's ca cannot be used"},
		"unverified server":     {ids: []*certs.Identity{good}, change: func(r *checks.Request) { r.InsecureSkipVerify = true }, text: "insecure_skip_verify"},
		"demanded without TLS": {change: func(r *checks.Request) {
			r.MTLS = certs.ModeRequired
			r.Template = get(t, "http://"+s.Addr())
		}, text: "without TLS"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := len(s.Peers())
			change := tt.change
			if change == nil {
				change = func(*checks.Request) {}
			}
			res := fetch(t, &checks.Runner{Certs: set(t, tt.ids...)}, s.URL(), change)
			wantReason(t, res, checks.ReasonClientCertLocal, tt.text)
			if got := len(s.Peers()); got != before {
				t.Errorf("the server was asked %d times, want it left alone", got-before)
			}
		})
	}
}

func TestInsecureSkipVerifyWithCertificateIfDemanded(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server("other.example"), ClientAuth: tls.RequireAndVerifyClientCert})
	r := &checks.Runner{Certs: set(t, identity(t, "acme", ca.Client("probe"), "127.0.0.1"))}
	res := fetch(t, r, s.URL(), func(r *checks.Request) { r.InsecureSkipVerify, r.MTLS = true, certs.ModeRequired })
	wantReason(t, res, "")
}

// The date is watchword's, not the machine's.
func TestDatesByNow(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server()})
	r := &checks.Runner{Now: func() time.Time { return time.Now().AddDate(2, 0, 0) }}
	res := fetch(t, r, s.URL(), trust(t, ca))
	wantReason(t, res, checks.ReasonTLSExpired)
	if res.Duration > time.Minute || res.Steps[0].Timing.Total > time.Minute || !strings.HasPrefix(res.Started.Format("2006"), "20") {
		t.Errorf("duration is %v, total %v; want them measured by the monotonic clock", res.Duration, res.Steps[0].Timing.Total)
	}
}
