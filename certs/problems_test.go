package certs_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"watchword/certs"
	"watchword/certs/certstest"
)

func TestProblems(t *testing.T) {
	ca := certstest.NewCA(t)
	rsaCA := certstest.NewCA(t, certstest.Options{Key: certstest.RSA2048, Name: "RSA CA"})
	deep := certstest.NewCA(t, certstest.Options{Intermediate: true, Name: "Deep CA"})
	oldCA := certstest.NewCA(t, certstest.Options{Name: "Old CA", NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	oldDeep := certstest.NewCA(t, certstest.Options{Intermediate: true, Name: "Old Deep CA", NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)})
	probe, deepProbe := ca.Client("probe"), deep.Client("probe")
	dir := t.TempDir()
	pemOf := func(p *certstest.Pair) certs.Source { return certs.Source{PEM: p.WritePEM(dir)} }
	ownerOnly := func(p *certstest.Pair, mode os.FileMode) certs.Source {
		src := pemOf(p)
		if err := os.Chmod(src.PEM, mode); err != nil {
			t.Fatal(err)
		}
		return src
	}
	for _, test := range []struct {
		name string
		src  certs.Source
		want []string // attribute, severity and summary
	}{
		{"none", pemOf(probe), nil},
		{"expired", pemOf(ca.Client("probe", certstest.Expired)), []string{`pem warning: certificate CN="probe" has expired on `}},
		{"not yet valid", pemOf(ca.Client("probe", certstest.NotYetValid)), []string{`pem warning: certificate CN="probe" is not valid before `}},
		{"expires soon", pemOf(ca.Client("probe", certstest.ExpiresSoon)), nil},
		{"no client certificate", pemOf(ca.Client("probe", certstest.ServerAuthOnly)), []string{`pem warning: certificate CN="probe" is no client certificate`}},
		{"any usage", pemOf(ca.Client("probe", certstest.AnyUsage)), nil},
		{"weak key", pemOf(ca.Client("probe", certstest.WithRSA1024)), []string{`pem warning: certificate CN="probe" has an RSA key of 1024 bits, want at least 2048`}},
		{"SHA-1", pemOf(rsaCA.Client("probe", certstest.WithSHA1)), []string{`pem warning: certificate CN="probe" is signed with SHA-1, want SHA-256 or better`}},
		{"SHA-1 with ECDSA", pemOf(ca.Client("probe", certstest.WithSHA1)), []string{`pem warning: certificate CN="probe" is signed with SHA-1, want SHA-256 or better`}},
		{"readable by all", ownerOnly(probe, 0o644), []string{`pem warning: every user of this machine may read the private key in ` + dir}},
		{"readable by the group", ownerOnly(probe, 0o640), nil},
		{"issuer expired", pemOf(oldDeep.Client("probe")), []string{`pem warning: issuing certificate CN="Old Deep CA Intermediate" has expired on `}},
		{"intermediate in ca", certs.Source{
			PEM: write(t, "leaf.pem", block("CERTIFICATE", deepProbe.Leaf.Raw), keyPEM(t, deepProbe, certstest.PKCS8)),
			CA:  write(t, "ca.pem", deep.PEM(), block("CERTIFICATE", deep.Issuer().Raw)),
		}, []string{`pem warning: the chain of certificate CN="probe" lacks its issuer CN="Deep CA Intermediate"`}},
		{"a root beside the leaf", certs.Source{PEM: write(t, "x.pem", probe.CertPEM(), ca.PEM(), keyPEM(t, probe, ""))}, nil},
		{"a gap in the chain", certs.Source{
			PEM: write(t, "gap.pem", block("CERTIFICATE", deepProbe.Leaf.Raw), deep.PEM(), keyPEM(t, deepProbe, "")),
		}, []string{`pem warning: the chain of certificate CN="probe" does not lead to CN="Deep CA"`}},
		{"another chain", certs.Source{PEM: write(t, "x.pem", probe.CertPEM(), ca.PEM(), rsaCA.PEM(), keyPEM(t, probe, ""))}, []string{
			`pem warning: the chain of certificate CN="probe" does not lead to CN="RSA CA"`,
		}},
		{"only a ca", certs.Source{CA: ca.WriteFile(dir)}, nil},
		{"expired ca", certs.Source{CA: write(t, "ca.pem", oldCA.PEM(), ca.PEM())}, []string{`ca warning: 1 of 2 authorities are not valid now: CN="Old CA" (valid from `}},
		{"ca with a key", certs.Source{CA: write(t, "ca.pem", ca.PEM(), keyPEM(t, probe, ""))}, []string{`ca warning: `}},
		{"primary without a certificate", certs.Source{CA: ca.WriteFile(dir), Primary: true}, []string{`primary error: certificate "x" is primary and has no certificate`}},
		{"no roots at all", func() certs.Source { s := pemOf(probe); s.ExcludeSystemRoots = true; return s }(), []string{
			`ca warning: certificate "x" has system_roots = false and no ca`,
		}},
		{"unreadable", certs.Source{Cert: "/nonexistent.crt", Key: "/nonexistent.key", CA: "/nonexistent.ca"}, []string{
			"cert error: /nonexistent.crt does not exist", "key error: /nonexistent.key does not exist", "ca error: /nonexistent.ca does not exist",
		}},
		{"nothing", certs.Source{}, []string{` error: certificate "x" has neither a certificate nor a ca`}},
	} {
		test.src.Name = "x"
		id := certs.Load(test.src)
		problems := id.Problems(time.Now())
		var got []string
		for _, p := range problems {
			got = append(got, p.Attribute+" "+string(p.Severity)+": "+p.Summary)
		}
		if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
			t.Errorf("%s: problems are\n\t%s\nwant\n\t%s", test.name, strings.Join(got, "\n\t"), strings.Join(test.want, "\n\t"))
		}
		failed := slices.ContainsFunc(problems, func(p certs.Problem) bool { return p.Severity == certs.Error && p.Attribute != "primary" })
		if (id.Err() != nil) != failed {
			t.Errorf("%s: error is %v, and problems are %v", test.name, id.Err(), got)
		}
	}
}

// The command that comes with a problem mends it.
func TestCommandsMend(t *testing.T) {
	deep := certstest.NewCA(t, certstest.Options{Intermediate: true, Name: "Deep CA"})
	probe := deep.Client("probe")
	readable := probe.WritePEM(t.TempDir())
	if err := os.Chmod(readable, 0o644); err != nil {
		t.Fatal(err)
	}
	leaf, key := block("CERTIFICATE", probe.Leaf.Raw), keyPEM(t, probe, certstest.PKCS8)
	ca := write(t, "the CAs.pem", deep.PEM(), deep.PEM(), []byte("and the next\n"), block("CERTIFICATE", deep.Issuer().Raw))
	for name, src := range map[string]certs.Source{
		"readable by all":       {PEM: readable},
		"no issuer in pem":      {PEM: write(t, "it's.pem", leaf, bytes.TrimSpace(key)), CA: ca},
		"no issuer in cert":     {Cert: write(t, "leaf.crt", leaf), Key: write(t, "leaf.key", key), CA: ca},
		"no newline at the end": {Cert: write(t, "leaf.crt", bytes.TrimSpace(leaf)), Key: write(t, "leaf.key", key), CA: ca},
	} {
		problems := certs.Load(src).Problems(time.Now())
		if len(problems) != 1 || problems[0].Command == "" {
			t.Errorf("%s: problems are %v, want one with a command", name, problems)
			continue
		}
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", problems[0].Command).CombinedOutput(); err != nil {
			t.Errorf("%s: %s: %v\n%s", name, problems[0].Command, err, out)
		}
		id := certs.Load(src)
		if problems := id.Problems(time.Now()); len(problems) > 0 || len(id.Chain()) != 2 {
			t.Errorf("%s: after the command, problems are %v, and the chain is %d certificates", name, problems, len(id.Chain()))
		}
	}
}

// What is wrong depends on the moment that is asked for.
func TestProblemsChangeWithTime(t *testing.T) {
	id := certs.Load(certs.Source{Name: "x", PEM: certstest.NewCA(t).Client("probe").WritePEM(t.TempDir())})
	for _, test := range []struct {
		now  time.Time
		want int
	}{
		{id.Leaf().NotBefore, 0},
		{id.Leaf().NotBefore.Add(-time.Second), 1},
		{id.Leaf().NotAfter, 0},
		{id.Leaf().NotAfter.Add(time.Second), 1},
	} {
		if got := id.Problems(test.now); len(got) != test.want {
			t.Errorf("at %s: problems are %v, want %d", test.now, got, test.want)
		}
	}
}
