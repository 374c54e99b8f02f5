package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The commands of examples/private-ca make what its configuration names, and
// the server that its README starts accepts each of the certificates.
func TestPrivateCA(t *testing.T) {
	need(t, "openssl")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/private-ca")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir + "/pki"); err != nil { // of someone who followed the README
		t.Fatal(err)
	}
	t.Chdir(dir)
	readme, script := contents(t, "README.md"), contents(t, "make.sh")
	steps := blocks(readme, "sh")
	if len(steps) != 6 || !strings.HasSuffix(script, "\n\n"+strings.Join(steps, "\n")) {
		t.Fatalf("README.md shows %d steps, want 6, and make.sh the same commands", len(steps))
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu")
	cmd.Stdin = strings.NewReader(strings.Join(steps, ""))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	var serve string
	said := map[string]string{}
	for line := range strings.SplitSeq(strings.Join(blocks(readme, "console"), ""), "\n") {
		words := strings.Fields(strings.TrimPrefix(line, "$ "))
		switch {
		case len(words) == 0:
		case words[0] == "openssl":
			serve = strings.Replace(strings.Join(words, " "), "-accept 8443", "-accept 127.0.0.1:0", 1)
		case words[1] == "test":
			words = append(words, "--var", "port="+openSSLServer(t, serve), "-o", "json")
			fallthrough
		default:
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), words[1:], nil, &stdout, &stderr); code != exitOK {
				t.Errorf("%s: exit code %d\n%s%s", line, code, &stdout, &stderr)
			}
			said[words[1]] += stdout.String()
		}
	}
	for _, want := range []string{"CN=orders probe", "CN=billing probe", "CN=partner probe", "chosen by pattern"} {
		if !strings.Contains(said["cert"], want) {
			t.Errorf("cert list and cert which say\n%s\nwant %q in it", said["cert"], want)
		}
	}
	presented := map[string]string{}
	for line := range strings.Lines(said["test"]) {
		var result struct {
			Check string
			Steps []struct{ Certificate string }
		}
		if err := json.Unmarshal([]byte(line), &result); err != nil || len(result.Steps) != 1 {
			t.Fatalf("%v: %s", err, line)
		}
		presented[result.Check] = result.Steps[0].Certificate
	}
	for check, want := range map[string]string{"orders": "orders", "billing": "billing", "partner": "partner", "refuses-strangers": ""} {
		if got, ok := presented[check]; !ok || got != want {
			t.Errorf("check %s presented %q, want %q", check, got, want)
		}
	}
}

// openSSLServer starts a server by a command of openssl, and returns its port.
func openSSLServer(t *testing.T, command string) string {
	t.Helper()
	words := strings.Fields(command)
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Stderr = cmd.Stdout
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "ACCEPT"); ok {
			go func() { _, _ = io.Copy(io.Discard, lines) }() // until the server is gone
			return at[strings.LastIndexByte(at, ':')+1:]
		}
	}
}

// blocks returns the fenced blocks of a language in a Markdown text.
func blocks(text, language string) []string {
	var found []string
	for _, block := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		found = append(found, block[1])
	}
	return found
}

func contents(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
