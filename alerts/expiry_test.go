package alerts_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/alerts/alertstest"
	"watchword/checks"
)

const day = 24 * time.Hour

// watch is an engine whose clock runs inside a synctest bubble, with an
// offset that a test may change.
type watch struct {
	t      *testing.T
	store  *alertstest.Memory
	engine *alerts.Engine
	offset atomic.Int64 // of the clock, in nanoseconds
	cancel context.CancelFunc
	done   chan error
	seen   int
}

func startWatch(t *testing.T, setup alerts.Setup) *watch {
	t.Helper()
	w := &watch{t: t, store: &alertstest.Memory{Twice: true}}
	w.start(setup)
	return w
}

func (w *watch) start(setup alerts.Setup) {
	w.engine = &alerts.Engine{Store: w.store, Now: func() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }}
	w.load(setup)
	ctx, cancel := context.WithCancel(w.t.Context())
	w.cancel, w.done = cancel, make(chan error, 1)
	go func() { w.done <- w.engine.Run(ctx) }()
}

func (w *watch) stop() {
	w.cancel()
	if err := <-w.done; err != nil {
		w.t.Error(err)
	}
}

// skip stops the engine and starts another one later.
func (w *watch) skip(setup alerts.Setup, d time.Duration) {
	w.stop()
	w.offset.Add(int64(d))
	w.start(setup)
}

func (w *watch) load(setup alerts.Setup) {
	w.t.Helper()
	if err := w.engine.Load(w.t.Context(), setup); err != nil {
		w.t.Fatal(err)
	}
}

// after lets time go by and compares what was told.
func (w *watch) after(d time.Duration, want ...string) {
	w.t.Helper()
	wait(d)
	var got []string
	all := w.store.Queued()
	for _, n := range all[w.seen:] {
		got = append(got, string(n.Message.Kind)+" "+n.Message.Headline)
	}
	w.seen = len(all)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("told: -want +got\n%s", diff)
	}
}

func checkNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("orders/%02d", i)
	}
	return names
}

func client(fingerprint string, left time.Duration) alerts.Certificate {
	now := time.Now()
	return alerts.Certificate{
		Kind: alerts.ClientCertificate, Name: "acme-wildcard", Fingerprint: fingerprint,
		NotBefore: now.Add(left - 365*day), NotAfter: now.Add(left), Checks: checkNames(14),
	}
}

func TestExpiryByThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{client("f1", 8*day)}}
		w := startWatch(t, setup)
		w.after(2*time.Minute, "fired 🟠 certificate acme-wildcard expires in 8 days: 14 checks use it")
		w.after(time.Hour)
		w.skip(setup, 23*time.Hour)
		w.after(time.Minute, "escalated 🟠 certificate acme-wildcard expires in 7 days: 14 checks use it")
		w.load(setup)
		w.after(time.Hour)
		w.skip(setup, 4*day-2*time.Hour)
		w.after(30 * time.Minute)
		w.after(time.Hour, "escalated 🟠 certificate acme-wildcard expires in 3 days: 14 checks use it")
		w.skip(setup, 60*time.Hour) // the threshold of one day is crossed while nobody looks
		w.after(time.Minute, "escalated 🟠 certificate acme-wildcard expires in 11 hours: 14 checks use it")
		w.after(13*time.Hour, "escalated 🔴 certificate acme-wildcard has expired: 14 checks use it")
		w.skip(setup, 40*day)
		w.after(time.Hour)
		w.stop()
	})
}

func TestExpiryTightestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWatch(t, alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{client("f1", 40*time.Hour)}})
		w.after(time.Minute, "fired 🟠 certificate acme-wildcard expires in 2 days: 14 checks use it")
		w.stop()
	})
}

// Receivers that present a certificate are at stake as checks are.
func TestExpiryOfReceivers(t *testing.T) {
	for _, tc := range []struct {
		checks, receivers int
		want              string
	}{{0, 0, "no check uses it"}, {0, 1, "1 receiver uses it"}, {0, 2, "2 receivers use it"}, {14, 1, "14 checks and 1 receiver use it"}} {
		synctest.Test(t, func(t *testing.T) {
			c := client("f1", 40*time.Hour)
			c.Checks = checkNames(tc.checks)
			for i := range tc.receivers {
				c.Receivers = append(c.Receivers, fmt.Sprintf("webhook.%d", i))
			}
			w := startWatch(t, alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{c}})
			w.after(time.Minute, "fired 🟠 certificate acme-wildcard expires in 2 days: "+tc.want)
			w.stop()
		})
	}
}

func TestExpiryShortLived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		c := alerts.Certificate{Kind: alerts.ClientCertificate, Name: "short", Fingerprint: "f", NotBefore: now, NotAfter: now.Add(12 * day), Checks: checkNames(1)}
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{c}}
		w := startWatch(t, setup)
		w.skip(setup, 8*day-time.Hour)
		w.after(30 * time.Minute)
		w.after(time.Hour, "fired 🟠 certificate short expires in 4 days: 1 check uses it")
		w.skip(setup, 2*day)
		w.after(time.Hour, "escalated 🟠 certificate short expires in 2 days: 1 check uses it")
		w.skip(setup, day)
		w.after(time.Hour, "escalated 🟠 certificate short expires in 22 hours: 1 check uses it")
		w.stop()
	})
}

func TestExpiryRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{client("f1", 2*day)}}
		w := startWatch(t, setup)
		w.after(time.Minute, "fired 🟠 certificate acme-wildcard expires in 2 days: 14 checks use it")
		old := setup
		setup.Certificates = []alerts.Certificate{client("f2", 365*day)}
		w.load(setup)
		w.after(2*time.Second, "recovered 🟢 certificate acme-wildcard was replaced: the new one expires in 365 days")
		w.load(old) // rolled back: told once for this threshold, and not again
		w.after(time.Hour)
		setup.Certificates = nil
		w.load(setup)
		w.after(time.Hour)
		w.stop()
	})
}

func TestExpiryOneNoticeForOneCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := client("f1", 2*day)
		b := a
		b.Name, b.Checks = "other", []string{"orders/00", "x", "y", "z"}
		ca := alerts.Certificate{Kind: alerts.CACertificate, Name: "acme-wildcard", Fingerprint: "f2", NotAfter: time.Now().Add(6 * day), Checks: checkNames(14)}
		w := startWatch(t, alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{a, b, ca}})
		w.after(time.Minute,
			"fired 🟠 certificate acme-wildcard (and 1 other) expires in 2 days: 17 checks use it",
			"fired 🟠 ca of certificate acme-wildcard expires in 6 days: 14 checks use it")
		w.stop()
	})
}

func TestExpiryClockStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client("f1", 30*time.Minute)
		c.NotBefore = time.Time{}
		w := startWatch(t, alerts.Setup{Receivers: []string{"slack.a"}, Expiry: []time.Duration{}, Certificates: []alerts.Certificate{c}})
		w.after(time.Minute)
		w.offset.Store(int64(time.Hour)) // the clock is wrong for two minutes
		w.after(2 * time.Minute)
		w.offset.Store(0)
		w.after(20 * time.Minute)
		w.after(8*time.Minute, "fired 🔴 certificate acme-wildcard has expired: 14 checks use it")
		w.stop()
	})
}

func TestExpiryOfServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Subjects: []alerts.Subject{{Name: "x"}, {Name: "y"}}}
		w := startWatch(t, setup)
		begin := time.Now()
		meet := func(check, host, fingerprint string, left time.Duration) {
			t.Helper()
			err := w.engine.Handle(t.Context(), checks.Result{Check: check, Outcome: checks.Passed, Started: time.Now(), Steps: []checks.StepResult{{
				Servers: []checks.ServerCertificate{{Host: host, Fingerprint: fingerprint, NotBefore: begin.Add(-300 * day), NotAfter: begin.Add(left)}},
			}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		meet("x", "a.acme.com", "s1", 6*day)
		meet("y", "b.acme.com", "s1", 6*day)
		w.after(30 * time.Second) // not all checks may have run yet
		w.after(2*time.Minute, "fired 🟠 server certificate of a.acme.com (and 1 other) expires in 6 days: 2 checks use it")
		if detail := w.store.Queued()[0].Message.Detail; !strings.HasSuffix(detail, "\nused by x, y") {
			t.Errorf("detail %q", detail)
		}
		w.stop()
		w.start(setup)
		meet("x", "a.acme.com", "s2", 365*day) // one of two hosts has a new one
		meet("y", "b.acme.com", "s1", 6*day)
		w.after(time.Hour)
		meet("y", "b.acme.com", "s2", 365*day)
		w.after(time.Hour, "recovered 🟢 server certificate of a.acme.com was replaced: the new one expires in 365 days")
		w.stop()
	})
}

func TestExpiryRouting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := alerts.CompileRoute(map[string]string{"alertname": "CertificateExpiry", "certificate": "acme-*", "severity": "warning"}, []string{"slack.certs"}, false)
		if err != nil {
			t.Fatal(err)
		}
		w := startWatch(t, alerts.Setup{Receivers: []string{"slack.a", "slack.certs"}, Routes: alerts.Routes{r}, Certificates: []alerts.Certificate{client("f1", 2*day)}})
		w.after(time.Minute, "fired 🟠 certificate acme-wildcard expires in 2 days: 14 checks use it")
		names := "\nused by orders/00, orders/01, orders/02, orders/03, orders/04, orders/05, orders/06, orders/07, orders/08, orders/09 and 4 more"
		if detail := w.store.Queued()[0].Message.Detail; !strings.HasSuffix(detail, names) {
			t.Errorf("detail %q, want %q at its end", detail, names)
		}
		if to := w.store.Queued()[0].Receiver; to != "slack.certs" {
			t.Errorf("told %s", to)
		}
		w.stop()
	})
}

// met is the result of a run that has met a server's certificate.
func met(check, host, fingerprint string, notBefore, notAfter time.Time) checks.Result {
	return checks.Result{Check: check, Outcome: checks.Passed, Started: time.Now(), Steps: []checks.StepResult{{
		Servers: []checks.ServerCertificate{{Host: host, Fingerprint: fingerprint, NotBefore: notBefore, NotAfter: notAfter}},
	}}}
}

func (w *watch) handle(r checks.Result) {
	w.t.Helper()
	if err := w.engine.Handle(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

func TestExpiryOfServersWithoutRemovedChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Subjects: []alerts.Subject{{Name: "old"}, {Name: "new"}}}
		w := startWatch(t, setup)
		end := time.Now().Add(31 * day)
		w.handle(met("old", "a.acme.com", "s1", end.Add(-365*day), end))
		setup.Subjects = setup.Subjects[1:]
		w.load(setup)
		w.handle(met("new", "a.acme.com", "s1", end.Add(-365*day), end))
		w.after(25*time.Hour, "fired 🟠 server certificate of a.acme.com expires in 30 days: 1 check uses it")
		w.stop()
	})
}

// TestExpiryOfServersAfterRestart knows of a certificate that it was told,
// and not yet who uses it.
func TestExpiryOfServersAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Subjects: []alerts.Subject{{Name: "x"}}}
		w := startWatch(t, setup)
		begin := time.Now().Add(-8 * day)
		w.handle(met("x", "a.acme.com", "s1", begin, begin.Add(12*day)))
		w.after(2*time.Minute, "fired 🟠 server certificate of a.acme.com expires in 4 days: 1 check uses it")
		w.skip(setup, 30*time.Hour) // 3 days left are a threshold of others, not of one that lives 12 days
		w.after(time.Hour)
		w.skip(setup, 18*time.Hour)
		w.after(time.Hour, "escalated 🟠 server certificate of a.acme.com expires in 2 days")
		w.stop()
	})
}

// TestExpiryForgets meets a server that shows another certificate each time.
func TestExpiryForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Subjects: []alerts.Subject{{Name: "x"}}}
		w := startWatch(t, setup)
		for i := range 3000 {
			now := time.Now()
			w.handle(met("x", "a.acme.com", fmt.Sprintf("s%d", i), now.Add(-60*day), now.Add(31*day)))
			wait(time.Second)
		}
		if n := w.engine.Servers(); n > 700 {
			t.Errorf("%d certificates are remembered of one host", n)
		}
		w.stop()
	})
}

func TestExpiryForgetsWhatIsLongOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{client("f1", 2*day)}}
		w := startWatch(t, setup)
		w.after(time.Minute, "fired 🟠 certificate acme-wildcard expires in 2 days: 14 checks use it")
		setup.Certificates = nil
		w.load(setup)
		w.after(time.Minute, "recovered 🟢 certificate acme-wildcard is no longer in use")
		states := func() int {
			snap, err := w.store.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(snap.States)
		}
		w.skip(setup, 20*day)
		w.after(time.Hour)
		if n := states(); n != 1 {
			t.Errorf("%d states, want 1: the certificate may come back", n)
		}
		w.skip(setup, 13*day)
		w.after(time.Hour)
		if n := states(); n != 0 {
			t.Errorf("%d states of a certificate that ended a month ago", n)
		}
		w.stop()
	})
}

// TestExpiryOfWhatCannotBeRead knows nothing new of a certificate whose files
// cannot be read: it is neither replaced nor out of use.
func TestExpiryOfWhatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{client("f1", 2*day)}}
		w := startWatch(t, setup)
		w.after(time.Minute, "fired 🟠 certificate acme-wildcard expires in 2 days: 14 checks use it")
		setup.Certificates, setup.Unread = nil, []string{"acme-wildcard"}
		w.skip(setup, time.Minute) // a restart: nothing goes on from before
		w.after(time.Hour)
		setup.Certificates, setup.Unread = []alerts.Certificate{client("f2", 365*day)}, nil
		w.load(setup)
		w.after(time.Minute, "recovered 🟢 certificate acme-wildcard was replaced: the new one expires in 365 days")
		w.stop()
	})
}

// TestExpiryOfChain tells of an issuing certificate and of ca files by
// themselves: they end before the leaf, and have their own fingerprints.
func TestExpiryOfChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leaf := client("leaf", 300*day)
		issuer, root, file := leaf, leaf, leaf
		issuer.Kind, issuer.Fingerprint, issuer.NotAfter = alerts.IssuerCertificate, "issuer", time.Now().Add(5*day)
		root.Kind, root.Fingerprint, root.NotAfter, root.Checks = alerts.CACertificate, "root", time.Now().Add(6*day), checkNames(2)
		file.Kind, file.Name, file.Fingerprint, file.NotAfter, file.Checks = alerts.CAFile, "/etc/ca.pem", "file", time.Now().Add(13*day), checkNames(1)
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Certificates: []alerts.Certificate{leaf, issuer, root, file}}
		w := startWatch(t, setup)
		w.after(time.Minute,
			"fired 🟠 issuer of certificate acme-wildcard expires in 5 days: 14 checks use it",
			"fired 🟠 ca of certificate acme-wildcard expires in 6 days: 2 checks use it",
			"fired 🟠 ca file /etc/ca.pem expires in 13 days: 1 check uses it")
		if detail := w.store.Queued()[0].Message.Detail; !strings.Contains(detail, "SHA-256 issuer\n") {
			t.Errorf("detail %q, want the issuer's own fingerprint", detail)
		}
		issuer.Fingerprint, issuer.NotAfter = "issuer2", time.Now().Add(400*day)
		setup.Certificates = []alerts.Certificate{leaf, issuer, root, file}
		w.load(setup)
		w.after(time.Minute, "recovered 🟢 issuer of certificate acme-wildcard was replaced: the new one expires in 400 days")
		w.stop()
	})
}

// TestExpiryOfServersChain tells of the issuing certificate that ends first,
// once for all hosts that show it, and that it was replaced although the leaf
// stays.
func TestExpiryOfServersChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}, Subjects: []alerts.Subject{{Name: "x"}, {Name: "y"}}}
		w := startWatch(t, setup)
		begin := time.Now()
		meet := func(issuing *checks.IssuingCertificate) {
			for check, host := range map[string]string{"x": "a.acme.com", "y": "b.acme.com"} {
				r := met(check, host, "leaf of "+host, begin.Add(-100*day), begin.Add(200*day))
				r.Steps[0].Servers[0].Issuing = issuing
				w.handle(r)
			}
		}
		meet(&checks.IssuingCertificate{Fingerprint: "issuer", NotBefore: begin.Add(-300 * day), NotAfter: begin.Add(6 * day)})
		wait(2 * time.Minute)
		told := w.store.Queued()
		if len(told) != 1 || !strings.HasPrefix(told[0].Message.Detail, "not after ") || !strings.Contains(told[0].Message.Detail, "SHA-256 issuer\nused by x, y") {
			t.Fatalf("told %+v, want the issuer with its own fingerprint, once", told)
		}
		if text, _, _ := strings.Cut(told[0].Message.Headline, ".acme"); !strings.HasPrefix(text, "🟠 issuer of the server certificate of ") {
			t.Errorf("told %q", told[0].Message.Headline)
		}
		w.seen = 1
		w.stop()
		w.start(setup)
		meet(&checks.IssuingCertificate{Fingerprint: "issuer", NotBefore: begin.Add(-300 * day), NotAfter: begin.Add(6 * day)})
		w.after(20 * time.Minute)
		meet(nil)
		wait(time.Hour)
		if told = w.store.Queued()[1:]; len(told) != 1 || !strings.HasSuffix(told[0].Message.Headline, " was replaced: the new one expires in 200 days") {
			t.Errorf("told %+v, want that the issuer was replaced", told)
		}
		w.stop()
	})
}

// TestExpirySeverity tells those who want what is critical once it has
// expired, and those who were told before too.
func TestExpirySeverity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var routes alerts.Routes
		for severity, receiver := range map[string]string{"warning": "slack.certs", "critical": "slack.oncall"} {
			r, err := alerts.CompileRoute(map[string]string{"alertname": "CertificateExpiry", "severity": severity}, []string{receiver}, false)
			if err != nil {
				t.Fatal(err)
			}
			routes = append(routes, r)
		}
		setup := alerts.Setup{Receivers: []string{"slack.certs", "slack.oncall"}, Routes: routes, Certificates: []alerts.Certificate{client("f1", time.Hour)}}
		w := startWatch(t, setup)
		wait(2 * time.Hour)
		setup.Certificates = []alerts.Certificate{client("f2", 365*day)}
		w.load(setup)
		wait(time.Minute)
		var got []string
		for _, n := range w.store.Queued() {
			got = append(got, string(n.Message.Kind)+" "+n.Receiver)
		}
		want := []string{"fired slack.certs", "escalated slack.certs", "escalated slack.oncall", "recovered slack.certs", "recovered slack.oncall"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		w.stop()
	})
}
