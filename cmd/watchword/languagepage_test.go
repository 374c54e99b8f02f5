package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"watchword/certs/certstest"
	"watchword/checks"
	"watchword/cmd/internal/config"
)

// What the secrets of the page hold.
const (
	pagePassword   = "hunter2-hunter2"
	pagePassphrase = "opens-acme.key"
	pageBundle     = "opens-partner.p12"
	pageToken      = "tok-3n-of-the-page"
)

// acme is the API that the page asks: orders, for whoever has logged in.
func acme(w http.ResponseWriter, r *http.Request) {
	var got map[string]string
	_ = json.NewDecoder(r.Body).Decode(&got)
	authorized := r.Header.Get("Authorization") == "Bearer "+pageToken
	status, answer := http.StatusNotFound, map[string]string{}
	switch r.Method + " " + r.Host + r.URL.Path {
	case "GET api.prod.acme.com/orders/health":
		status, answer = http.StatusOK, map[string]string{"database": "up"}
	case "POST api.prod.acme.com/login":
		status = http.StatusUnauthorized
		if got["user"] == "probe" && got["password"] == pagePassword {
			status, answer = http.StatusOK, map[string]string{"token": pageToken}
		}
	case "POST api.prod.acme.com/orders":
		status = http.StatusForbidden
		if authorized && got["sku"] == "probe-1" && len(got["reference"]) == 36 {
			status, answer = http.StatusCreated, map[string]string{"id": "ord_17"}
		}
	case "DELETE api.prod.acme.com/orders/ord_17":
		status = http.StatusForbidden
		if authorized {
			status = http.StatusNoContent
		}
	case "GET fra.acme.com/ping", "GET nyc.acme.com/ping", "GET orders.acme.com/":
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if status != http.StatusNoContent {
		_ = json.NewEncoder(w).Encode(answer)
	}
}

// servePage writes the page of the language into a folder, with all files that
// it names, and serves the hosts in it. Nothing in the page is changed but
// where it finds them: the address behind every host, and a folder of secrets.
func servePage(t *testing.T, auth tls.ClientAuthType) (dir string, api *certstest.Server) {
	t.Helper()
	dir = t.TempDir()
	must := func(data []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	ca := certstest.NewCA(t)
	api = certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("*.acme.com", "api.prod.acme.com"), ClientAuth: auth, Handler: http.HandlerFunc(acme),
	})
	page := must(os.ReadFile("../internal/config/testdata/page.hcl"))
	for from, to := range map[string]string{
		"/run/secrets/":         dir + "/",
		"  alert { after = 2 }": fmt.Sprintf("  alert { after = 2 }\n  request { connect_to = %q }", api.Addr()),
	} {
		if strings.Count(page, from) != 1 {
			t.Fatalf("the page lacks %q", from)
		}
		page = strings.Replace(page, from, to, 1)
	}
	write(t, dir, "page.hcl", "%s", page)

	write(t, dir, "acme-ca.pem", "%s", ca.PEM())
	if _, _, _, err := ca.Client("probe").Save(dir, "acme"); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "acme.key")
	must(exec.CommandContext(t.Context(), need(t, "openssl"), "pkcs8", "-topk8", "-in", key, "-out", key+".new", "-passout", "pass:"+pagePassphrase).CombinedOutput())
	if err := os.Rename(key+".new", key); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := ca.Client("company").Save(dir, "company"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "partner.p12", "%s", must(ca.Client("partner").PKCS12(pageBundle)))

	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "identity.txt", "%s", id)
	write(t, dir, "partner_key.age", "%s", must(config.Seal([]byte(pageBundle), config.Recipients{Keys: []string{id.Recipient().String()}})))
	write(t, dir, "acme_key", "%s\n", pagePassphrase)
	vault := write(t, dir, "vault", "%s", "#!/bin/sh\n[ \"$*\" = 'kv get -field=token kv/slack' ] && echo xoxb-of-the-page\n")
	if err := os.Chmod(vault, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("PROBE_PASSWORD", pagePassword)
	t.Setenv("WATCHWORD_AGE_IDENTITY", filepath.Join(dir, "identity.txt"))
	return dir, api
}

// testPage runs the checks of the page, and returns the steps of each with
// outcome and certificate.
func testPage(t *testing.T, dir string, wantCode int) (steps, messages map[string]string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"test", "-c", dir, "-o", "json"}, nil, &stdout, &stderr); code != wantCode {
		t.Errorf("exit code %d, want %d\n%s%s", code, wantCode, stdout.String(), stderr.String())
	}
	for _, secret := range []string{pagePassword, pagePassphrase, pageBundle, pageToken, "xoxb-of-the-page"} {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("the output shows %s", secret)
		}
	}
	steps, messages = map[string]string{}, map[string]string{}
	for line := range strings.Lines(stdout.String()) {
		var r checks.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Steps {
			if s.Outcome == checks.Degraded { // on a slow machine
				s.Outcome = checks.Passed
			}
			steps[strings.TrimSuffix(r.Check+" "+s.Step, " ")] = fmt.Sprintf("%s with %s", s.Outcome, orNone(s.Certificate))
		}
		if r.Outcome != checks.Degraded {
			messages[r.Check] = r.Message
		}
	}
	return steps, messages
}

// The page of the language runs as it stands.
func TestPageRuns(t *testing.T) {
	want := map[string]string{
		"orders/health":            "passed with acme-wildcard",
		"orders/checkout login":    "passed with acme-wildcard",
		"orders/checkout order":    "passed with acme-wildcard",
		"orders/checkout cancel":   "passed with acme-wildcard",
		"edge[fra]":                "passed with acme-wildcard",
		"edge[nyc]":                "passed with acme-wildcard",
		"orders-refuses-strangers": "passed with no certificate",
	}
	t.Run("strict API", func(t *testing.T) {
		dir, api := servePage(t, tls.RequireAndVerifyClientCert)
		got, _ := testPage(t, dir, exitOK)
		if !maps.Equal(got, want) {
			t.Errorf("steps are %v, want %v", got, want)
		}
		for _, r := range api.Requests() {
			if r.Peer == nil || r.Peer.Subject.CommonName != "probe" {
				t.Errorf("%s %s%s came with %v, want the certificate of probe", r.Method, r.Host, r.Path, r.Peer)
			}
		}
		if n := len(api.Requests()); n != 6 {
			t.Errorf("the API has answered %d requests, want 6: health, login, order, cancel and two pings", n)
		}
	})
	t.Run("API that lets strangers in", func(t *testing.T) {
		dir, _ := servePage(t, tls.VerifyClientCertIfGiven)
		got, messages := testPage(t, dir, exitFailed)
		lax := maps.Clone(want)
		lax["orders-refuses-strangers"] = "failed with no certificate"
		if !maps.Equal(got, lax) {
			t.Errorf("steps are %v, want %v", got, lax)
		}
		if got, want := messages["orders-refuses-strangers"], "the request succeeded (status is 200), want it to fail with client_cert_required"; got != want {
			t.Errorf("message is %q, want %q", got, want)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		dir, _ := servePage(t, tls.RequireAndVerifyClientCert)
		t.Setenv("PROBE_PASSWORD", "wrong-password")
		got, messages := testPage(t, dir, exitFailed)
		refused := maps.Clone(want)
		refused["orders/checkout login"] = "failed with acme-wildcard"
		refused["orders/checkout cancel"] = "skipped with no certificate"
		delete(refused, "orders/checkout order")
		if !maps.Equal(got, refused) {
			t.Errorf("steps are %v, want %v", got, refused)
		}
		if got, want := messages["orders/checkout"], `step "login": status is 401, want 200`; got != want {
			t.Errorf("message is %q, want %q", got, want)
		}
	})
}
