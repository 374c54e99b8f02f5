package config

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// spread is a configuration whose certificate is named in several files.
func spread() map[string]string {
	const check = `check "%s" {
  schedule = "@every 1m"
  request {
    url         = "https://x.test/"
    certificate = certificate.old
  }
}
`
	return map[string]string{
		"a.hcl": fmt.Sprintf(check, "a"),
		"m.hcl": "# main\ncertificate \"old\" {\n  host = \"x.test\"\n  pem = \"x.pem\" # as it was\n  primary = true\n}\n" + fmt.Sprintf(check, "m"),
		"x.hcl": fmt.Sprintf(check, "x"),
		"z.hcl.json": `{"check": {"z": {"schedule": "@every 1m",
  "request": {"url": "https://x.test/", "certificate": "certificate.old"}}}}
`,
	}
}

func writeAll(t *testing.T, files map[string]string) string {
	t.Helper()
	var pairs []string
	for name, text := range files {
		pairs = append(pairs, name, text)
	}
	return write(t, pairs...)
}

// whole fails the test unless every file holds one of its three contents, and
// the configuration is valid.
func whole(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, text := range contents(t, dir) {
		if strings.HasPrefix(name, ".") {
			continue
		}
		copied := "certificate \"old\" {\n  host = \"x.test\"\n  pem = \"x.pem\" # as it was\n  primary = true\n}\ncertificate \"new\" {"
		if text != spread()[name] && text != want[name] && (name != "m.hcl" || !strings.Contains(text, copied)) {
			t.Errorf("%s is neither old nor new:\n%s", name, text)
		}
	}
	load(t, dir, Options{})
}

func renamed(dir string, step func(what, path string) error) error {
	e, err := OpenEdit(context.Background(), dir, Options{})
	if err != nil {
		return err
	}
	if _, err := e.RenameCertificate("old", "new"); err != nil {
		return err
	}
	e.replace.step = step
	return e.Commit()
}

// A process that is killed before any step of a change leaves each file whole
// and a valid configuration, and the same command does what is left.
func TestKilledEdit(t *testing.T) {
	if at := os.Getenv("WATCHWORD_TEST_KILL_AT"); at != "" {
		victim(at)
	}
	want := uninterrupted(t)
	kills := 0
	for n := 1; ; n++ {
		dir := writeAll(t, spread())
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledEdit$")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "WATCHWORD_TEST_KILL_AT="+strconv.Itoa(n))
		out, err := cmd.CombinedOutput()
		if err == nil {
			break // it has done all its steps
		}
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() {
			t.Fatalf("step %d: %v\n%s", n, err, out)
		}
		kills++
		whole(t, dir, want)
		again(t, dir, want)
	}
	if kills < 20 { // five replacements of five steps
		t.Errorf("killed %d times only: the test shows too little", kills)
	}
}

// victim renames in its working directory and kills its own process before the step of that number.
func victim(at string) {
	n, _ := strconv.Atoi(at)
	err := renamed(".", func(string, string) error {
		if n--; n == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// uninterrupted is what the change makes of the files.
func uninterrupted(t *testing.T) map[string]string {
	t.Helper()
	dir := writeAll(t, spread())
	if err := renamed(dir, nil); err != nil {
		t.Fatal(err)
	}
	load(t, dir, Options{})
	return contents(t, dir)
}

// again makes the same change once more.
func again(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	if maps.Equal(contents(t, dir), want) {
		return
	}
	if err := renamed(dir, nil); err != nil {
		t.Errorf("running it again: %v", err)
	}
	if diff := cmp.Diff(want, contents(t, dir)); diff != "" {
		t.Errorf("after running it again (-want +got):\n%s", diff)
	}
}

// A step that fails ends the change: before the first rename nothing has
// changed, and nothing is left over.
func TestFailedEdit(t *testing.T) {
	want := uninterrupted(t)
	failure := errors.New("no space left on device")
	for n, failed := 1, true; failed; n++ {
		dir, renames := writeAll(t, spread()), 0
		left := n
		err := renamed(dir, func(what, _ string) error {
			if left--; left == 0 {
				return failure
			}
			if what == "rename" {
				renames++
			}
			return nil
		})
		if failed = err != nil; !failed {
			break
		}
		if !errors.Is(err, failure) || strings.Contains(err.Error(), "run the command again") != (renames > 0) {
			t.Errorf("step %d after %d renames: %v", n, renames, err)
		}
		whole(t, dir, want)
		if renames == 0 && !maps.Equal(contents(t, dir), spread()) {
			t.Errorf("step %d: files have changed without a rename", n)
		}
		for name := range contents(t, dir) {
			if strings.HasPrefix(name, ".") {
				t.Errorf("step %d left %s over", n, name)
			}
		}
		again(t, dir, want)
	}
}

func TestReplace(t *testing.T) {
	t.Run("link and mode", func(t *testing.T) {
		dir := write(t, "real/a", "old")
		file, link := filepath.Join(dir, "real/a"), filepath.Join(dir, "a")
		if err := errors.Join(os.Chmod(file, 0o640), os.Symlink("real/a", link)); err != nil {
			t.Fatal(err)
		}
		if err := Replace(Replacement{Path: link, Content: []byte("new"), Before: []byte("old")}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(file)
		if err != nil || info.Mode() != 0o640 || contents(t, dir)["real/a"] != "new" {
			t.Errorf("%v, %v: %v", info.Mode(), err, contents(t, dir))
		}
		if to, err := os.Readlink(link); err != nil || to != "real/a" {
			t.Errorf("the link leads to %q, %v", to, err)
		}
	})
	t.Run("owner", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can give files away")
		}
		path := filepath.Join(write(t, "a", "old"), "a")
		if err := os.Chown(path, 1234, 4321); err != nil {
			t.Fatal(err)
		}
		if err := Replace(Replacement{Path: path, Content: []byte("new"), Before: []byte("old")}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != 1234 || stat.Gid != 4321 {
			t.Errorf("the owner is %+v", info.Sys())
		}
	})
	t.Run("new file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a")
		for range 2 { // it is there already the second time
			if err := Replace(Replacement{Path: path, Content: []byte("new"), Mode: 0o600}); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})
}

func TestReplaceRefuses(t *testing.T) {
	mountedFile := write(t, "..2026/a", "old")
	if err := errors.Join(os.Symlink("..2026", filepath.Join(mountedFile, "..data")), os.Symlink("..data/a", filepath.Join(mountedFile, "a"))); err != nil {
		t.Fatal(err)
	}
	linked := t.TempDir()
	if err := os.Symlink(filepath.Join(mountedFile, "a"), filepath.Join(linked, "a")); err != nil {
		t.Fatal(err)
	}
	readOnly := write(t, "a", "old")
	if err := os.Chmod(filepath.Join(readOnly, "a"), 0o444); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, dir string
		one       Replacement
		step      func(what, path string) error
		want      string
	}{
		{"mounted", mountedFile, Replacement{Before: []byte("old")}, nil, "mounted by Kubernetes"},
		{"link to a mounted file", linked, Replacement{Before: []byte("old")}, nil, "mounted by Kubernetes"},
		{"read-only", readOnly, Replacement{Before: []byte("old")}, nil, "is read-only (mode 0444)"},
		{"changed before", write(t, "a", "other"), Replacement{Before: []byte("old")}, nil, "changed by somebody else"},
		{"another file", write(t, "a", "old"), Replacement{}, nil, "exists already and holds something else"},
		{"a folder", write(t, "a/b", "old"), Replacement{Before: []byte("old")}, nil, "reading"},
		{"gone", t.TempDir(), Replacement{Before: []byte("old")}, nil, "no such file"},
		{"made meanwhile", t.TempDir(), Replacement{}, func(what, path string) error {
			if what == "sync" {
				return os.WriteFile(filepath.Join(filepath.Dir(path), "a"), nil, 0o600)
			}
			return nil
		}, "changed by somebody else"},
		{"another process", write(t, "a", "old"), Replacement{Before: []byte("old")}, func(what, path string) error {
			if what != "create" {
				return nil
			}
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			t.Cleanup(func() { f.Close() })
			return lockFile(f, path)
		}, "another process is changing it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := contents(t, test.dir)
			test.one.Path, test.one.Content = filepath.Join(test.dir, "a"), []byte("new")
			err := replacer{step: test.step}.replace([]Replacement{test.one})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
			after := contents(t, test.dir)
			if test.step != nil { // what the other process has made
				delete(after, ".a.watchword-1")
				if after["a"] == "" {
					delete(after, "a")
				}
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("files changed:\n%s", diff)
			}
		})
	}
}
