package metrics_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/certs"
	"watchword/certs/certstest"
	"watchword/checks"
	"watchword/cmd/internal/metrics"
)

func TestClientCertificates(t *testing.T) {
	m := one()
	ids := identities(t)
	m.SetCertificates(append(ids, ids[0]), map[string]int{"acme": 14})
	for _, accepted := range []bool{true, true, false} {
		r := passed()
		r.Steps = []checks.StepResult{{Handshakes: []checks.Handshake{{Certificate: "acme", Accepted: accepted}, {Certificate: "gone"}}}}
		m.Record("orders/health", r)
	}
	leaf := ids[0].Leaf()
	dated := fmt.Sprintf(`{certificate="acme",fingerprint="%s",location="fra1"}`, ids[0].Fingerprint())
	want := []string{
		`checks{certificate="acme",location="fra1"} 14`,
		`checks{certificate="broken",location="fra1"} 0`,
		`handshakes_total{certificate="acme",location="fra1",result="accepted"} 2`,
		`handshakes_total{certificate="acme",location="fra1",result="rejected"} 1`,
		`handshakes_total{certificate="broken",location="fra1",result="accepted"} 0`,
		`handshakes_total{certificate="broken",location="fra1",result="rejected"} 0`,
		fmt.Sprintf(`info{certificate="acme",issuer="%s",location="fra1",primary="true",serial="%x",subject="%s"} 1`, leaf.Issuer, leaf.SerialNumber, leaf.Subject),
		`load_failed{certificate="acme",location="fra1"} 0`,
		`load_failed{certificate="broken",location="fra1"} 1`,
		`load_failed{certificate="roots",location="fra1"} 0`,
		fmt.Sprintf("not_after_timestamp_seconds%s %g", dated, float64(leaf.NotAfter.Unix())),
		fmt.Sprintf("not_before_timestamp_seconds%s %g", dated, float64(leaf.NotBefore.Unix())),
	}
	if diff := cmp.Diff(want, certificateSeries(t, m)); diff != "" {
		t.Errorf("client certificates (-want +got):\n%s", diff)
	}

	// A reload keeps the counters of a name that stays.
	m.SetCertificates([]*certs.Identity{ids[0]}, nil)
	got := strings.Join(certificateSeries(t, m), "\n")
	if !strings.Contains(got, `handshakes_total{certificate="acme",location="fra1",result="accepted"} 2`) || strings.Contains(got, "broken") {
		t.Errorf("after a reload: got\n%s\nwant the counters of acme, and nothing of broken", got)
	}
}

func certificateSeries(t *testing.T, m *metrics.Metrics) []string {
	t.Helper()
	var list []string
	for _, line := range series(get(t, m)) {
		if line, ok := strings.CutPrefix(line, "client_certificate_"); ok {
			list = append(list, line)
		}
	}
	return list
}

// What goes on in place of broken files, and what has ended, keeps its series.
func TestClientCertificateOfBrokenRotation(t *testing.T) {
	ca, dir := certstest.NewCA(t), t.TempDir()
	pair := ca.Client("probe.acme.com")
	src := certs.Source{Name: "acme", Hosts: []string{"*.acme.com"}, PEM: pair.WritePEM(dir), CA: ca.WriteFile(dir)}
	caOnly := certs.Source{Name: "roots", Hosts: []string{"partner.example"}, CA: src.CA}
	var memory certs.Memory
	load := func(now time.Time) []*certs.Identity {
		loader := certs.Loader{Memory: &memory, Now: now}
		ids := []*certs.Identity{loader.Load(src), loader.Load(caOnly)}
		loader.Remember()
		return ids
	}
	m := one()
	m.SetCertificates(load(time.Now()), nil)
	want := certificateSeries(t, m)
	for _, file := range []string{src.PEM, src.CA} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, line := range want {
		if name, ok := strings.CutSuffix(line, " 0"); ok && strings.HasPrefix(line, "load_failed{") {
			want[i] = name + " 1"
		}
	}
	for what, now := range map[string]time.Time{"while it goes on": time.Now(), "after its end": pair.Leaf.NotAfter.Add(time.Hour)} {
		m.SetCertificates(load(now), nil)
		if diff := cmp.Diff(want, certificateSeries(t, m)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}
