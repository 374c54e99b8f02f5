package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchword/certs/certstest"
)

// Each row of the table of equivalents passes for an answer that it is meant
// for, and fails for another one.
func TestEquivalents(t *testing.T) {
	t.Parallel()
	ca, err := certstest.New(certstest.Options{Name: "equivalents"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := certstest.New(certstest.Options{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, c := range map[string]*certstest.CA{"ca": ca, "other": other} {
		if _, err := c.Save(dir, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, _, err := ca.Client("probe").Save(dir, "probe"); err != nil {
		t.Fatal(err)
	}
	soon, err := other.Issue(certstest.Leaf{CommonName: "soon", Names: []string{"*.acme.test"}, Usages: certstest.ServerLeaf("a").Usages, NotAfter: time.Now().AddDate(0, 0, 3)})
	if err != nil {
		t.Fatal(err)
	}
	good := certstest.NewServer(t, &certstest.Server{
		Pair: ca.Server("api.acme.test"), ClientAuth: tls.RequireAndVerifyClientCert, Handler: http.HandlerFunc(goodAnswer),
	})
	bad := certstest.NewServer(t, &certstest.Server{
		Pair: soon, Listen: "127.0.0.2:0", MaxVersion: tls.VersionTLS12, Protocols: []string{"http/1.1"}, Handler: http.HandlerFunc(badAnswer),
	})
	plain := httptest.NewServer(http.HandlerFunc(noAnswer))
	defer plain.Close()

	var rows strings.Builder
	for i, e := range equivalents() {
		if e.path == "" {
			e.path = "json"
		}
		fmt.Fprintf(&rows, "check \"row-%d\" {\n  schedule = \"@every 1m\"\n  request {\n    url = \"${var.scheme}://api.acme.test/go/%s\"\n    %s\n  }\n", i, e.path, e.request)
		if e.check != "" {
			fmt.Fprintf(&rows, "  %s\n", e.check)
		}
		if e.condition != "" {
			fmt.Fprintf(&rows, "  expect = [%s]\n", e.condition)
		}
		rows.WriteString("}\n")
	}
	path := write(t, dir, "rows.hcl", `
variable "address" { type = string }
variable "scheme" { default = "https" }
certificate "probe" {
  host = "*.acme.test"
  pem  = "probe.pem"
  ca   = "cas.pem"
}
defaults {
  request { connect_to = var.address }
}
`+rows.String())
	var cas []byte
	for _, name := range []string{"ca.pem", "other.pem"} {
		pem, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		cas = append(cas, pem...)
	}
	write(t, dir, "cas.pem", string(cas))

	passed := outcomes(t, path, good.Addr(), "https")
	failed := outcomes(t, path, bad.Addr(), "https")
	unencrypted := outcomes(t, path, plain.Listener.Addr().String(), "http")
	for i, e := range equivalents() {
		name := fmt.Sprintf("row-%d", i)
		if got := passed[name]; !strings.HasPrefix(got, "passed") {
			t.Errorf("%s (%s): %s, want passed", e.what, e.written(), got)
		}
		if strings.HasPrefix(failed[name], "passed") && strings.HasPrefix(unencrypted[name], "passed") {
			t.Errorf("%s (%s) passes whatever the answer is", e.what, e.written())
		}
	}
}

// outcomes runs all checks and returns what became of each.
func outcomes(t *testing.T, path, address, scheme string) map[string]string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"test", "-c", path, "-o", "json", "--var", "address=" + address, "--var", "scheme=" + scheme}, nil, &stdout, &stderr); code == exitInvalid {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	out := make(map[string]string)
	for line := range strings.Lines(stdout.String()) {
		var r struct{ Check, Outcome, Reason, Message string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		out[r.Check] = strings.TrimSpace(strings.Join([]string{r.Outcome, r.Reason, r.Message}, " "))
	}
	return out
}

func goodAnswer(w http.ResponseWriter, r *http.Request) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/go/"); ok {
		http.Redirect(w, r, "/"+rest+"/there", http.StatusFound)
		return
	}
	w.Header().Set("X-Node", "a1")
	w.Header().Set("Set-Cookie", "theme=dark; Secure")
	switch kind := strings.Split(r.URL.Path, "/")[1]; kind {
	case "text":
		fmt.Fprint(w, "up")
	case "large":
		fmt.Fprint(w, strings.Repeat("x", 1000))
	case "larger":
		fmt.Fprint(w, strings.Repeat("x", 5000))
	case "xml":
		fmt.Fprint(w, `<feed><status>up</status><item id="1"/><item id="2"/></feed>`)
	case "html":
		fmt.Fprint(w, `<!DOCTYPE html><html><head><title> Shop </title></head><body><p>one<br></body></html>`)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"database": "up", "build":7, "items": [{"id": 1, "price": 9.5}, {"id": 2, "price": 12}], "tags": ["a"], "errors": [],
			"parent": null, "id": "ord_42", "owner": {"name": "ada", "id": 7}, "nested": "{\"a\": 1}", "ready": true, "updated": %q, "count": "3",
			"trace_id": "0b5c5ad0-1111-4222-8333-444455556666", "node": "10.0.0.1", "token": "dXA=", "next": "%%2Fa+b",
			"jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwcm9iZSJ9."}`, time.Now().UTC().Format(time.RFC3339))
	}
}

// noAnswer has nothing of what is asked for.
func noAnswer(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "json") {
		fmt.Fprint(w, "{}")
	}
}

// badAnswer is wrong in every respect.
func badAnswer(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "slow") {
		select {
		case <-time.After(2200 * time.Millisecond):
		case <-r.Context().Done():
		}
		fmt.Fprint(w, "late")
		return
	}
	w.Header().Set("X-Powered-By", "luck")
	w.Header().Set("Server", "apache")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusInternalServerError)
	switch kind := strings.Split(r.URL.Path, "/")[2]; kind {
	case "text":
		fmt.Fprint(w, "an error, and up it is not")
	case "large":
		fmt.Fprint(w, strings.Repeat("x", 3000))
	case "larger":
		fmt.Fprint(w, "small")
	case "xml":
		fmt.Fprint(w, `<feed/>`)
	case "html":
		fmt.Fprint(w, `<!DOCTYPE html><html><head><title>Sorry</title></head></html>`)
	default:
		fmt.Fprint(w, `{"database": "down", "build": "1.5", "items": {}, "tags": [], "errors": ["e"], "parent": 1, "id": 0, "owner": {}, "nested": "{}",
			"ready": "no", "updated": "2020-01-01", "count": "1", "trace_id": "x", "node": "x", "token": "", "next": "", "jwt": "", "trace": 1}`)
	}
}
