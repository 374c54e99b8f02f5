package main

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write examples/reference.md anew")

// The committed reference is what `watchword docs` prints.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	const path = "../../examples/reference.md"
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"docs"}, nil, &stdout, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	if *update {
		if err := os.WriteFile(path, stdout.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, got := strings.Split(string(committed), "\n"), strings.Split(stdout.String(), "\n")
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			t.Fatalf("line %d of examples/reference.md is not what is printed: run go test ./cmd/watchword -run TestReference -update", i+1)
		}
	}
}

// Every name of the reference has an entry of its own.
func TestEveryNameHasAnEntry(t *testing.T) {
	t.Parallel()
	root := new(app).command()
	r := newReference(root)
	if len(r.names()) < 150 {
		t.Errorf("only %d names", len(r.names()))
	}
	for _, name := range r.names() {
		var b strings.Builder
		if err := r.entry(&b, name); err != nil || !strings.Contains(b.String(), "\n  ") {
			t.Errorf("%s: %v %q", name, err, b.String())
		}
	}
}
