package config

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// mistakesIn are those of a configuration that cannot be used.
func mistakesIn(t *testing.T, path string) Diagnostics {
	t.Helper()
	_, err := Load(context.Background(), path, Options{Offline: true})
	mistakes, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatal(err)
	}
	return mistakes.Diagnostics
}

// However many warnings there are, every check is loaded, and a mistake among
// them is told.
func TestManyWarnings(t *testing.T) {
	t.Parallel()
	const n = 2*maxFound + 10
	var text strings.Builder
	text.WriteString("defaults {\n  schedule = \"@every 1m\"\n  timeout = \"2m\"\n}\n")
	for i := range n {
		fmt.Fprintf(&text, "check \"c%d\" {\n  timeout = \"%ds\"\n  request {\n    url = \"https://a.example/\"\n  }\n}\n", i, 61+i)
	}
	c, err := Load(context.Background(), write(t, "a.hcl", text.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Monitors) != n || len(c.Warnings) != maxFound+1 {
		t.Errorf("%d checks with %d warnings, want %d with %d", len(c.Monitors), len(c.Warnings), n, maxFound+1)
	}
	if got, want := c.Warnings[maxFound].String(), "Too many warnings; There are 1010 more."; got != want {
		t.Errorf("at the end %q, want %q", got, want)
	}
	found := mistakesIn(t, write(t, "a.hcl", text.String()+"check \"last\" {\n  request {\n    url = local.no\n  }\n}\n"))
	if shown := found.first(1); found.Errors() != 1 || shown[0].Summary != "Unknown name" {
		t.Errorf("%d mistakes, the first is %q", found.Errors(), shown[0])
	}
}

// However many credentials there are, none is shown.
func TestManyCredentials(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("defaults {\n  schedule = \"@every 1m\"\n}\n")
	for i := range maxFound + 100 {
		name := "\"x\""
		if i > maxFound {
			name = "local.no"
		}
		fmt.Fprintf(&text, "check \"c%d\" {\n  request {\n    url = \"https://a.example/\"\n    headers = { x-token = \"hunter%d\", y = %s, z-token = \"hunter%d\" }\n  }\n}\n", i, i, name, i)
	}
	var b strings.Builder
	if err := mistakesIn(t, write(t, "a.hcl", text.String())).WriteText(&b, 0, false); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.Contains(got, "hunter") || !strings.Contains(got, "headers = { x-token = ***, y = local.no, z-token = *** }") {
		t.Errorf("got %.3000s", got)
	}
}

// With more mistakes than are kept, the same are kept each time.
func TestManyMistakes(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "variable \"v%d\" {\n}\nsecret \"s\" {\n  env = \"S\"\n}\nreceiver \"slack\" \"r\" {\n}\ncertificate \"c\" {\n}\nlocals {\n  l%d = local.no%d\n}\n", i, i, i)
		fmt.Fprintf(&text, "check \"c%d\" {\n  description = 1 + local.l\n  request {\n    url = local.no\n    method = local.no\n    bearer_token = \"abc\"\n  }\n}\n", i)
	}
	path := write(t, "a.hcl", text.String())
	first := mistakesIn(t, path)
	if n := first.Errors(); n != maxFound+1 {
		t.Errorf("%d mistakes, want %d", n, maxFound+1)
	}
	for range 5 {
		if again := mistakesIn(t, path); !reflect.DeepEqual(again, first) {
			t.Fatal("others than before")
		}
	}
}

// A report that joins another one loses nothing of it.
func TestJoin(t *testing.T) {
	t.Parallel()
	r := newReport()
	for i := range maxFound {
		r.warnf(startOf("a"), "Warning", "%d", i)
	}
	for range 2 { // what is found again counts once
		other := r.another()
		other.errorf(startOf("a"), "Mistake", "")
		other.mask(startOf("a"))
		r.join(other)
	}
	if r.errors != 1 || r.warnings != maxFound || len(r.found) != maxFound+1 || len(r.masked) != 2 {
		t.Errorf("%d mistakes, %d warnings, %d found, %d masked", r.errors, r.warnings, len(r.found), len(r.masked))
	}
	other := r.another()
	for i := range maxFound + 5 {
		other.errorf(startOf("b"), "Mistake", "%d", i)
	}
	r.join(other)
	if !r.full() || r.errors != maxFound+6 || len(r.found) != 2*maxFound {
		t.Errorf("%d mistakes, %d found", r.errors, len(r.found))
	}
}
