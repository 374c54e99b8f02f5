package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSystemdExample has systemd itself read the unit, and judge how exposed it
// leaves the host.
func TestSystemdExample(t *testing.T) {
	t.Parallel()
	analyze := need(t, "systemd-analyze")
	unit, err := os.ReadFile("../../examples/systemd/watchword.service")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, f := range []struct {
		path, text string
		mode       os.FileMode
	}{
		{"usr/local/bin/watchword", "#!/bin/sh\n", 0o755},
		{"bin/kill", "#!/bin/sh\n", 0o755},
		{"etc/passwd", "root:x:0:0::/root:/bin/sh\nwatchword:x:998:998::/var/lib/watchword:/usr/sbin/nologin\n", 0o644},
		{"etc/systemd/system/watchword.service", string(unit), 0o644},
		{"etc/systemd/system/sysinit.target", "[Unit]\nDescription=early\n", 0o644},
		{"etc/systemd/system/basic.target", "[Unit]\nDescription=basic\n", 0o644},
		{"etc/systemd/system/network-online.target", "[Unit]\nDescription=network\n", 0o644},
		{"etc/systemd/system/shutdown.target", "[Unit]\nDescription=end\nDefaultDependencies=no\n", 0o644},
	} {
		path := filepath.Join(root, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), analyze, append(args, "--root="+root, "watchword.service")...)
		cmd.Env = append(os.Environ(), "LC_ALL=C", "SYSTEMD_LOG_LEVEL=warning")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := run("verify", "--man=no"); strings.Contains(out, "watchword.service") {
		t.Errorf("systemd says of the unit:\n%s", out)
	}
	out := run("security", "--offline=true", "--no-pager")
	level := regexp.MustCompile(`exposure level for watchword.service: ([0-9.]+)`).FindStringSubmatch(out)
	if level == nil {
		t.Fatalf("no exposure level in\n%s", out)
	}
	if got, err := strconv.ParseFloat(level[1], 64); err != nil || got > 2 {
		t.Errorf("exposure level %s, want 2 at most:\n%s", level[1], out)
	}
}
