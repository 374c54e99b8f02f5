package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files under examples anew")

// TestGeneratedFiles holds what the commands generate against the committed files.
func TestGeneratedFiles(t *testing.T) {
	for file, args := range map[string][]string{
		"prometheus/watchword.rules.yml": {"rules", "-c", filepath.Join("..", "..", "examples", "payments-mtls")},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != exitOK {
			t.Fatalf("watchword %s exits with %d:\n%s", strings.Join(args, " "), code, stderr.String())
		}
		path := filepath.Join("..", "..", "examples", filepath.FromSlash(file))
		if *update {
			if err := os.WriteFile(path, stdout.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		committed, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(committed, stdout.Bytes()) {
			t.Errorf("examples/%s is not what `watchword %s` writes (error %v): go test ./cmd/watchword -run GeneratedFiles -update", file, strings.Join(args, " "), err)
		}
	}
}
