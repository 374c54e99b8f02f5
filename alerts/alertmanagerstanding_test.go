package alerts_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/checks"
)

// Certificates and problems of watchword itself are alerts, too.
func TestFeedTellsOfItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := subjects("a")
		setup.Receivers = []string{"slack.a"}
		setup.Certificates = []alerts.Certificate{
			{Kind: alerts.ClientCertificate, Name: "acme", Fingerprint: "f1", NotBefore: time.Now().Add(-720 * time.Hour), NotAfter: time.Now().Add(6*24*time.Hour + 365*24*time.Hour), Checks: []string{"a"}},
			{Kind: alerts.ClientCertificate, Name: "soon", Fingerprint: "f2", NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: time.Now().Add(6 * 24 * time.Hour), Checks: []string{"a"}},
			{Kind: alerts.CAFile, Name: "/etc/ca.pem", Fingerprint: "f3", NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: time.Now().Add(-time.Hour)},
		}
		setup.Problems = []alerts.Problem{
			{Cause: "secret token", Text: "secret token cannot be read"},
			{Cause: "certificate acme", Text: "certificate acme cannot be loaded"},
		}
		w := startWire(t, setup)
		defer w.stop()
		if err := w.engine.Notice(t.Context(), alerts.Problem{Cause: "receiver slack.a", Receiver: "slack.a", Text: "receiver slack.a refuses messages: x"}); err != nil {
			t.Fatal(err)
		}
		wait(3 * time.Second)
		got := make(map[string]posted)
		for _, p := range w.am.take(amURL) {
			got[strings.Join(lines([]posted{p}), "")] = p
		}
		want := []string{
			"+CACertificateExpired critical",
			"+ClientCertificateExpires soon 7d warning",
			"+ClientCertificateLoadFailed acme critical",
			"+Problem secret token warning",
			"+ReceiverBlocked slack.a critical",
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Fatalf("posted: -want +got\n%s", diff)
		}
		p := got[want[1]]
		if p.Annotations["summary"] != "certificate soon expires in 6 days: 1 check uses it" || !strings.Contains(p.Annotations["description"], "used by a") {
			t.Errorf("annotations %q", p.Annotations)
		}
		if text := got[want[4]].Annotations["summary"]; text != "watchword at fra1: receiver slack.a refuses messages: x" {
			t.Errorf("summary %q", text)
		}
		w.setup.Certificates, w.setup.Problems = w.setup.Certificates[:1], nil
		w.load()
		if err := w.engine.Notice(t.Context(), alerts.Problem{Cause: "receiver slack.a", Receiver: "slack.a"}); err != nil {
			t.Fatal(err)
		}
		wait(5 * time.Second)
		over := make(map[string]bool)
		for _, p := range w.am.take(amURL) {
			if !p.firing() {
				over["+"+strings.TrimPrefix(lines([]posted{p})[0], "-")] = true
			}
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(over))); diff != "" {
			t.Errorf("resolved: -want +got\n%s", diff)
		}
	})
}

// Who tells of what another receiver refuses: those that remain, even where
// the routes name none of them.
func TestBlockedReceiverIsToldToTheOthers(t *testing.T) {
	route, err := alerts.CompileRoute(nil, []string{"alertmanager.main"}, false)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, alerts.Setup{Receivers: []string{"slack.a"}, Fed: []string{"alertmanager.main"}, Routes: alerts.Routes{route}})
	if err := r.engine.Notice(t.Context(), alerts.Problem{Cause: "receiver alertmanager.main", Receiver: "alertmanager.main", Text: "x"}); err != nil {
		t.Fatal(err)
	}
	r.want("slack.a: ⚠️ watchword: x")
	if err := r.engine.Notice(t.Context(), alerts.Problem{Cause: "other", Text: "y"}); err != nil {
		t.Fatal(err)
	}
	r.want()
}

// What a target says reaches whoever Alertmanager tells, but not as markup.
func TestFeedDisarmsTexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWire(t, subjects("a"))
		defer w.stop()
		err := w.engine.Handle(t.Context(), checks.Result{
			Check: "a", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Started: time.Now(), Message: "<!channel> \u202e\x1b[31m @here",
			Steps: []checks.StepResult{{
				Step: "order", Outcome: checks.Failed, Reason: checks.ReasonExpectation, Method: "GET", URL: "https://a.test/", Status: 422, Certificate: "acme",
				Body:   "<!everyone>" + strings.Repeat("ü", 5000),
				Failed: []checks.Explanation{{Expression: "status == 201", File: "main.hcl", Line: 7, Message: "status is 422, want 201"}},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		got := w.want(failingA)[0].Annotations
		for _, want := range []string{`step "order": GET https://a.test/ → 422: expectation`, "main.hcl:7: status == 201\n  status is 422, want 201", "client certificate: acme"} {
			if !strings.Contains(got["description"], want) {
				t.Errorf("the description lacks %q:\n%s", want, got["description"])
			}
		}
		for name, text := range got {
			if strings.Contains(text, "<!") || strings.ContainsAny(text, "\u202e\x1b") || strings.Contains(text, "@here") || len(text) > 9000 {
				t.Errorf("%s is %q", name, text)
			}
		}
	})
}

// While watchword may be cut off itself, that is the alert, and not each check
// that it cannot reach; everyone who would be told of the checks gets it.
func TestFeedTellsOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setup := alerts.Setup{Receivers: []string{"slack.a"}}
		nobody, err := alerts.CompileRoute(map[string]string{"alertname": "Watchword"}, []string{"slack.a"}, false)
		if err != nil {
			t.Fatal(err)
		}
		setup.Routes = alerts.Routes{nobody}
		for i := range 12 {
			setup.Subjects = append(setup.Subjects, alerts.Subject{
				Name: fmt.Sprintf("c%02d", i), Hosts: []string{fmt.Sprintf("h%02d.test", i)}, Interval: time.Minute,
				Receivers: []string{"alertmanager.main"}, Policy: alerts.Policy{After: 2},
			})
		}
		w := startWire(t, setup)
		defer w.stop()
		for range 2 {
			for i := range 10 {
				err := w.engine.Handle(t.Context(), checks.Result{
					Check: fmt.Sprintf("c%02d", i), Outcome: checks.Failed, Reason: checks.ReasonDNSTimeout, Message: "m", Started: time.Now(),
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			wait(2 * time.Second)
		}
		if got := w.want("+CutOff critical"); len(got) > 0 && !strings.HasPrefix(got[0].Annotations["summary"], "watchword may be cut off itself: 10 of 12 hosts") {
			t.Errorf("annotations %q", got[0].Annotations)
		}
		for i := range 10 {
			w.run(fmt.Sprintf("c%02d", i), checks.Passed)
		}
		wait(2 * time.Second)
		w.want("-CutOff critical")
		if n := len(w.store.Queued()); n != 0 {
			t.Errorf("%d messages were queued for someone who was told of none of the checks", n)
		}
	})
}

// And where an Alertmanager is all that remains, it is told, unless it is the
// one that refuses.
func TestBlockedReceiverIsToldToAnAlertmanager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		route, err := alerts.CompileRoute(nil, []string{"slack.a"}, false)
		if err != nil {
			t.Fatal(err)
		}
		w := startWire(t, alerts.Setup{Receivers: []string{"slack.a"}, Routes: alerts.Routes{route}})
		defer w.stop()
		for _, name := range []string{"slack.a", "alertmanager.main"} {
			if err := w.engine.Notice(t.Context(), alerts.Problem{Cause: "receiver " + name, Receiver: name, Text: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		wait(2 * time.Second)
		w.want("+ReceiverBlocked slack.a critical")
	})
}
