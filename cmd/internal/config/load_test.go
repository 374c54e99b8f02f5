package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
)

// write puts files, named in pairs of name and text, below a new folder.
func write(t *testing.T, pairs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		path := filepath.Join(dir, pairs[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(pairs[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load loads what must be free of mistakes.
func load(t *testing.T, path string, o Options) *Config {
	t.Helper()
	c, err := Load(t.Context(), path, o)
	if e, ok := errors.AsType[*Error](err); ok {
		var b strings.Builder
		_ = e.Diagnostics.WriteText(&b, 0, false)
		t.Fatalf("Load:\n%s", b.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// environ is an Options.Environ of pairs of name and value.
func environ(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// rendered is what the check's first step sends.
func rendered(t *testing.T, c *checks.Check) *checks.Rendered {
	t.Helper()
	r, err := c.Steps[0].Request.Template.Render(t.Context(), &checks.Vars{})
	if err != nil {
		t.Fatalf("Render: %v", err)
	}
	return r
}

func TestEmptySettings(t *testing.T) {
	dir := write(t, "a.hcl", "")
	c := load(t, dir, Options{WorkDir: "/srv"})
	const day = 24 * time.Hour
	want := Settings{
		Listen:            "127.0.0.1:9780",
		State:             "/srv/watchword.db",
		Timezone:          time.UTC,
		MaxConcurrent:     1000,
		CertificateExpiry: []time.Duration{30 * day, 14 * day, 7 * day, 3 * day, day},
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, c.Settings, sameZone); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestStatePath(t *testing.T) {
	tests := []struct {
		name, state, env, want string
	}{
		{"working directory", `"w.db"`, "", "/srv/w.db"},
		{"state directory", `"w.db"`, "/var/lib/watchword", "/var/lib/watchword/w.db"},
		{"first of several", `"w.db"`, "/a:/b", "/a/w.db"},
		{"absolute", `"/srv/w.db"`, "/var/lib/watchword", "/srv/w.db"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, "sub/a.hcl", "settings {\n  state = "+tt.state+"\n}\n")
			c := load(t, dir, Options{WorkDir: "/srv", Environ: environ("STATE_DIRECTORY", tt.env)})
			if c.Settings.State != tt.want {
				t.Errorf("state is %s, want %s", c.Settings.State, tt.want)
			}
		})
	}
}

const plainCheck = `
check "NAME" {
  schedule = "@every 1m"
  request { url = "https://a.example/" }
}
`

func named(name string) string { return strings.ReplaceAll(plainCheck, "NAME", name) }

func TestFolderOrder(t *testing.T) {
	dir := write(t,
		"b.hcl", named("b"),
		"a/z.hcl", named("az"),
		"a-b.hcl", named("a-b"),
		"a.hcl", named("a"),
		"B.hcl", named("B"),
		".hidden.hcl", "this is not HCL",
		"..data/x.hcl", "this is not HCL",
		"notes.txt", "this is not HCL",
		"c.hcl.json", `{"check": {"json": {"schedule": "@every 1m", "request": {"url": "https://a.example/"}}}}`,
	)
	c := load(t, dir, Options{})
	var got []string
	for _, m := range c.Monitors {
		got = append(got, m.Check.Name)
	}
	want := []string{"B", "a-b", "a", "az", "b", "json"} // bytewise: B < a-b.hcl < a.hcl < a/z.hcl
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if src := c.Monitors[3].Check.Source; src != (checks.Source{File: "a/z.hcl", Line: 2}) {
		t.Errorf("source is %+v", src)
	}
	found, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "a", "z.hcl"); len(found) != 6 || found[3] != want {
		t.Errorf("Find: %q, want %s as fourth of six", found, want)
	}
}

// Kubernetes mounts a ConfigMap as links into a folder that is swapped.
func TestSymbolicLinks(t *testing.T) {
	dir := write(t, "..2026/a.hcl", named("a"), "elsewhere/b.hcl", named("b"))
	conf := filepath.Join(dir, "conf")
	if err := os.Mkdir(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{
		"..data": "../..2026", "a.hcl": "..data/a.hcl", "teams": "../elsewhere", "loop": ".", "again": "../elsewhere",
	} {
		if err := os.Symlink(from, filepath.Join(conf, to)); err != nil {
			t.Fatal(err)
		}
	}
	c := load(t, conf, Options{})
	if len(c.Monitors) != 2 {
		t.Errorf("%d checks, want 2", len(c.Monitors))
	}
}

func TestOnlyPlainFiles(t *testing.T) {
	dir := write(t, "a.hcl", named("a"))
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.hcl"), 0o600); err != nil {
		t.Skip(err)
	}
	_, err := Load(t.Context(), dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "not a plain file") {
		t.Errorf("Load: %v, want a refusal", err)
	}
}

func TestNothingToLoad(t *testing.T) {
	empty := t.TempDir()
	for _, path := range []string{empty, filepath.Join(empty, "gone")} {
		_, err := Load(t.Context(), path, Options{})
		var e *Error
		if !errors.As(err, &e) || e.Diagnostics.Errors() != 1 || !strings.Contains(err.Error(), path) {
			t.Errorf("Load(%s): %v", path, err)
		}
		if _, err := Find(path); !errors.As(err, &e) {
			t.Errorf("Find(%s): %v", path, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Load(ctx, write(t, "a.hcl", ""), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v, want context.Canceled", err)
	}
}
