package certs_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

func TestVerify(t *testing.T) {
	ca := certstest.NewCA(t, certstest.Options{Intermediate: true})
	dir := t.TempDir()
	names := []string{"api.acme.com", "*.eu.acme.com", "10.0.0.1", "::1", "my_host"}
	good := ca.ServerWith(names)
	oldDeep := certstest.NewCA(t, certstest.Options{Intermediate: true, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)})
	for _, system := range []bool{false, true} {
		roots, err := certs.LoadRoots(ca.WriteFile(dir), system)
		if err != nil {
			t.Fatal(err)
		}
		oldRoots, err := certs.LoadRoots(oldDeep.WriteFile(dir), system)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"api.acme.com", "x.eu.acme.com", "10.0.0.1", "::1", "::1%lo"} {
			if err := roots.Verify(good.Chain, host, time.Now()); err != nil {
				t.Errorf("%s: %v", host, err)
			}
		}
		unknown := func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok }
		hostname := func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok }
		invalid := func(reason x509.InvalidReason) func(error) bool {
			return func(err error) bool {
				e, ok := errors.AsType[x509.CertificateInvalidError](err)
				return ok && e.Reason == reason
			}
		}
		for _, test := range []struct {
			name  string
			roots *certs.Roots
			chain []*x509.Certificate
			host  string
			now   time.Time
			want  func(error) bool
		}{
			{"other CA", roots, certstest.NewCA(t).ServerWith(names).Chain, "api.acme.com", time.Now(), unknown},
			{"other CA and other host", roots, certstest.NewCA(t).Server("x.org").Chain, "api.acme.com", time.Now(), unknown},
			{"intermediate not sent", roots, good.Chain[:1], "api.acme.com", time.Now(), unknown},
			{"other host", roots, good.Chain, "acme.com", time.Now(), hostname},
			{"two labels below", roots, good.Chain, "a.b.eu.acme.com", time.Now(), hostname},
			{"other address", roots, good.Chain, "10.0.0.2", time.Now(), hostname},
			{"expired", roots, ca.ServerWith(names, certstest.Expired).Chain, "api.acme.com", time.Now(), invalid(x509.Expired)},
			{"not yet valid", roots, ca.ServerWith(names, certstest.NotYetValid).Chain, "api.acme.com", time.Now(), invalid(x509.Expired)},
			{"expired by now", roots, good.Chain, "api.acme.com", good.Leaf.NotAfter.Add(time.Second), invalid(x509.Expired)},
			{"client certificate", roots, ca.Client("api.acme.com").Chain, "api.acme.com", time.Now(), invalid(x509.IncompatibleUsage)},
			{"expired issuer", oldRoots, oldDeep.ServerWith(names).Chain, "api.acme.com", time.Now(), invalid(x509.Expired)},
			{"no chain", roots, nil, "api.acme.com", time.Now(), func(err error) bool { return err != nil }},
		} {
			if err := test.roots.Verify(test.chain, test.host, test.now); !test.want(err) {
				t.Errorf("%s (system roots: %v): error is %v (%T)", test.name, system, err, errors.Unwrap(err))
			}
		}
	}
	var none *certs.Roots
	for _, roots := range []*certs.Roots{none, certs.SystemRoots()} {
		if err := roots.Verify(good.Chain, "api.acme.com", time.Now()); err == nil {
			t.Error("the system's roots know the test's authority")
		}
		if len(roots.Certificates()) != 0 {
			t.Error("the system's roots have certificates of a file")
		}
	}
}

// A private authority stands beside the system's roots, unless it is to stand
// instead of them. A process loads the system's roots once, so another one
// with roots of our own does the work.
func TestVerifyBesideTheSystemsRoots(t *testing.T) {
	const variable = "WATCHWORD_TEST_ROOTS"
	dir := os.Getenv(variable)
	if dir == "" {
		dir = t.TempDir()
		public, private := certstest.NewCA(t), certstest.NewCA(t)
		for name, save := range map[string]func() error{
			"public":  func() error { _, err := public.Save(dir, "public"); return err },
			"private": func() error { _, err := private.Save(dir, "private"); return err },
			"server":  func() error { _, _, _, err := public.Server("api.acme.com").Save(dir, "server"); return err },
		} {
			if err := save(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVerifyBesideTheSystemsRoots$", "-test.v")
		cmd.Env = append(os.Environ(), variable+"="+dir, "SSL_CERT_FILE="+filepath.Join(dir, "public.pem"), "SSL_CERT_DIR="+filepath.Join(dir, "nothing"))
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	chain := certs.Load(certs.Source{Name: "x", PEM: filepath.Join(dir, "server.pem")}).Chain()
	file := filepath.Join(dir, "private.pem")
	beside, err := certs.LoadRoots(file, true)
	if err != nil {
		t.Fatal(err)
	}
	instead, err := certs.LoadRoots(file, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, roots := range map[string]*certs.Roots{"system": certs.SystemRoots(), "beside": beside} {
		if err := roots.Verify(chain, "api.acme.com", time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		err := roots.Verify(chain, "acme.com", time.Now())
		if _, ok := errors.AsType[x509.HostnameError](err); !ok {
			t.Errorf("%s, other host: error is %v, want a HostnameError", name, err)
		}
		err = roots.Verify(chain, "api.acme.com", chain[0].NotAfter.Add(time.Second))
		if e, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || e.Reason != x509.Expired {
			t.Errorf("%s, expired: error is %v, want a CertificateInvalidError", name, err)
		}
	}
	err = instead.Verify(chain, "api.acme.com", time.Now())
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("instead: error is %v, want an UnknownAuthorityError", err)
	}
}

func TestLoaderSharesMemory(t *testing.T) {
	ca := certstest.NewCA(t)
	dir := t.TempDir()
	first, second := ca.WriteFile(dir), ca.WriteFile(dir)
	var l certs.Loader
	a := l.Load(certs.Source{Name: "a", CA: first})
	b := l.Load(certs.Source{Name: "b", CA: second})
	c := l.Load(certs.Source{Name: "c", CA: second, ExcludeSystemRoots: true})
	if a.Err() != nil || a.Roots() == nil || a.Roots() != b.Roots() {
		t.Errorf("roots of equal files are not shared: %v", a.Err())
	}
	if a.Roots() == c.Roots() {
		t.Error("roots beside and instead of the system's are the same")
	}
	if a.CACerts()[0] != c.CACerts()[0] {
		t.Error("equal certificates are not shared")
	}
	if err := os.WriteFile(second, certstest.NewCA(t).PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := l.Load(certs.Source{Name: "b", CA: second}); again.Roots() == b.Roots() {
		t.Error("a file with other contents gives the same roots")
	}
}

// Verifying costs what crypto/x509 takes for it.
func BenchmarkVerify(b *testing.B) {
	ca := certstest.NewCA(b)
	roots, err := certs.LoadRoots(ca.WriteFile(b.TempDir()), true)
	if err != nil {
		b.Fatal(err)
	}
	chain, pool, now := ca.Server("api.acme.com").Chain, ca.Pool(), time.Now()
	b.Run("Roots", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := roots.Verify(chain, "api.acme.com", now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("x509", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := chain[0].Verify(x509.VerifyOptions{Roots: pool, DNSName: "api.acme.com", CurrentTime: now}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
