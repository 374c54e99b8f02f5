package certstest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"testing"
	"time"

	"watchword/certs/certstest"
)

// get makes one request with client's certificate, if it is not nil.
func get(t *testing.T, s *certstest.Server, ca *certstest.CA, client *certstest.Pair, maxVersion uint16) (*http.Response, error) {
	t.Helper()
	config := &tls.Config{RootCAs: ca.Pool(), MaxVersion: maxVersion}
	if client != nil {
		cert := client.TLS()
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	hc := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	res, err := hc.Get(s.URL())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { res.Body.Close() })
	_, err = io.ReadAll(res.Body)
	return res, err
}

// refusal connects with client's certificate, if it is not nil, writes nothing
// and returns the first error.
func refusal(s *certstest.Server, ca *certstest.CA, client *certstest.Pair, maxVersion uint16) error {
	config := &tls.Config{RootCAs: ca.Pool(), MaxVersion: maxVersion}
	if client != nil {
		cert := client.TLS()
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	conn, err := tls.Dial("tcp", s.Addr(), config)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Read(make([]byte, 1))
	return err
}

// alertOf returns the number of the alert in err, or 0.
func alertOf(err error) certstest.Alert {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return certstest.Alert(reflect.ValueOf(op.Err).Uint())
	}
	return 0
}

func TestServerDemandsACertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			ca := certstest.NewCA(t, certstest.Options{Intermediate: true})
			other := certstest.NewCA(t)
			s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequireAndVerifyClientCert})
			client := ca.Client("probe")

			res, err := get(t, s, ca, client, version)
			if err != nil {
				t.Fatal(err)
			}
			if res.ProtoMajor != 2 || res.TLS.Version != version {
				t.Errorf("answer came over %s and %s, want HTTP/2 and %s", res.Proto, tls.VersionName(res.TLS.Version), tls.VersionName(version))
			}
			peers, requests := s.Peers(), s.Requests()
			if len(peers) != 1 || !peers[0].Certificate.Equal(client.Leaf) || len(peers[0].Chain) != 2 {
				t.Errorf("recorded peers %+v, want the client with its intermediate", peers)
			}
			if len(requests) != 1 || !requests[0].Peer.Equal(client.Leaf) || requests[0].Path != "/" {
				t.Errorf("recorded requests %+v, want one by the client", requests)
			}

			required := certstest.CertificateRequired
			if version == tls.VersionTLS12 {
				required = certstest.HandshakeFailure
			}
			for _, refused := range []struct {
				name   string
				client *certstest.Pair
				want   certstest.Alert
			}{
				{"none", nil, required},
				{"other CA", other.Client("probe"), certstest.UnknownCA},
				{"expired", ca.Client("probe", certstest.Expired), certstest.CertificateExpired},
				{"wrong usage", ca.Client("probe", certstest.ServerAuthOnly), certstest.BadCertificate},
			} {
				err := refusal(s, ca, refused.client, version)
				if got := alertOf(err); got != refused.want {
					t.Errorf("%s: alert is %d (%v), want %d", refused.name, got, err, refused.want)
				}
			}
			if got := len(s.Requests()); got != 1 {
				t.Errorf("%d requests were answered, want 1", got)
			}
		})
	}
}

func TestServerSendsEachAlert(t *testing.T) {
	ca := certstest.NewCA(t)
	client := ca.Client("probe")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, alert := range []certstest.Alert{
			certstest.HandshakeFailure, certstest.BadCertificate, certstest.UnsupportedCertificate,
			certstest.CertificateRevoked, certstest.CertificateExpired, certstest.CertificateUnknown,
			certstest.UnknownCA, certstest.AccessDenied, certstest.InternalError, certstest.CertificateRequired,
		} {
			s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequestClientCert, Alert: alert})
			for range 5 {
				err := refusal(s, ca, client, version)
				if got := alertOf(err); got != alert {
					t.Fatalf("%s: alert is %d (%v), want %d", tls.VersionName(version), got, err, alert)
				}
			}
		}
	}
}

// In TLS 1.3, the client's handshake succeeds before the refusal comes.
func TestAlertComesAfterTheHandshake(t *testing.T) {
	ca := certstest.NewCA(t)
	s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), ClientAuth: tls.RequestClientCert, Alert: certstest.CertificateRevoked})
	conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ca.Client("probe").TLS()}})
	if err != nil {
		t.Fatalf("handshake: %v, want none", err)
	}
	defer conn.Close()
	_, err = conn.Read(make([]byte, 1))
	if got := alertOf(err); got != certstest.CertificateRevoked {
		t.Errorf("first read: alert is %d (%v), want %d", got, err, certstest.CertificateRevoked)
	}
}

func TestServerFaults(t *testing.T) {
	ca := certstest.NewCA(t)
	for _, test := range []struct {
		name  string
		fault certstest.Fault
		want  func(error) bool
	}{
		{"close", certstest.CloseAtOnce, func(err error) bool { return alertOf(err) == 0 && err != nil }},
		{"reset", certstest.ResetAtOnce, func(err error) bool { return alertOf(err) == 0 && err != nil }},
		{"plaintext", certstest.Plaintext, func(err error) bool { _, ok := errors.AsType[tls.RecordHeaderError](err); return ok }},
		{"plain HTTP", certstest.PlainHTTP, func(err error) bool { return err != nil && err.Error() != "" && alertOf(err) == 0 }},
		{"close after TLS", certstest.CloseAfterTLS, func(err error) bool { return alertOf(err) == 0 && err != nil }},
		{"reset after TLS", certstest.ResetAfterTLS, func(err error) bool { return alertOf(err) == 0 && err != nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Fault: test.fault})
			if _, err := get(t, s, ca, nil, 0); !test.want(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("close after alert", func(t *testing.T) {
		s := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Fault: certstest.CloseAfterAlert, Alert: certstest.AccessDenied})
		err := refusal(s, ca, ca.Client("probe"), 0) // writes nothing, so that nothing turns the closing into a reset
		if got := alertOf(err); got != certstest.AccessDenied {
			t.Errorf("alert is %d (%v), want %d", got, err, certstest.AccessDenied)
		}
	})
	t.Run("silent", func(t *testing.T) {
		s := certstest.NewServer(t, &certstest.Server{Fault: certstest.Silent})
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := conn.Read(make([]byte, 1)); n != 0 || !isTimeout(err) {
			t.Errorf("read %d bytes and %v, want a timeout", n, err)
		}
	})
}

func isTimeout(err error) bool {
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout()
}

func TestServerProtocols(t *testing.T) {
	ca := certstest.NewCA(t)
	h1 := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), Protocols: []string{"http/1.1"}, MaxVersion: tls.VersionTLS12})
	res, err := get(t, h1, ca, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if res.Proto != "HTTP/1.1" || res.TLS.Version != tls.VersionTLS12 {
		t.Errorf("answer came over %s and %s, want HTTP/1.1 and TLS 1.2", res.Proto, tls.VersionName(res.TLS.Version))
	}
	tls13 := certstest.NewServer(t, &certstest.Server{Pair: ca.Server(), MinVersion: tls.VersionTLS13})
	if _, err := get(t, tls13, ca, nil, tls.VersionTLS12); err == nil {
		t.Error("a client of TLS 1.2 is served, want a refusal")
	}
	var unknown x509.UnknownAuthorityError
	if _, err := get(t, h1, certstest.NewCA(t), nil, 0); !errors.As(err, &unknown) {
		t.Errorf("another CA's client gets %v, want an unknown authority", err)
	}
}
