package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGeneratedFiles holds what the commands generate against the committed files.
func TestGeneratedFiles(t *testing.T) {
	for file, args := range map[string][]string{
		"prometheus/watchword.rules.yml": {"rules", "-c", filepath.Join("..", "..", "examples", "quickstart")},
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

// TestDashboardFiles holds the dashboards against the committed files.
func TestDashboardFiles(t *testing.T) {
	committed := filepath.Join("..", "..", "examples", "grafana", "dashboards")
	dir := t.TempDir()
	if *update {
		dir = committed
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"dashboards", dir}, strings.NewReader(""), &stdout, &stderr); code != exitOK {
		t.Fatalf("watchword dashboards exits with %d:\n%s", code, stderr.String())
	}
	want, err := os.ReadDir(dir)
	if err != nil || len(want) == 0 {
		t.Fatalf("%d dashboards were written, error %v", len(want), err)
	}
	got, err := os.ReadDir(committed)
	if err != nil || len(got) != len(want) {
		t.Errorf("examples/grafana/dashboards holds %d files, want %d (error %v)", len(got), len(want), err)
	}
	for _, entry := range want {
		written, newErr := os.ReadFile(filepath.Join(dir, entry.Name()))
		old, oldErr := os.ReadFile(filepath.Join(committed, entry.Name()))
		if newErr != nil || oldErr != nil || !bytes.Equal(written, old) {
			t.Errorf("examples/grafana/dashboards/%s is not what `watchword dashboards` writes: go test ./cmd/watchword -run DashboardFiles -update", entry.Name())
		}
	}
}
