package rules_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchword/cmd/internal/rules"
)

const day = 24 * time.Hour

// options are those that the tests of promtool in testdata are written for.
func options() rules.Options {
	return rules.Options{
		Location:  "fra1",
		Labels:    []string{"team", "team"},
		Schedules: []rules.Schedule{{Spec: "@every 1m", Gap: time.Minute}, {Spec: "*/5 * * * *", Gap: 5 * time.Minute}, {Spec: "* * * * *", Gap: time.Minute}},
		Expiry:    []time.Duration{30 * day, 7 * day, day},
	}
}

func write(t *testing.T, o rules.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := rules.Write(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// promtool runs it in a folder with the rules of o and the tests of testdata.
func promtool(t *testing.T, o rules.Options, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("promtool is not installed")
		}
		t.Skip("promtool is not installed")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(write(t, o)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestPromtoolChecksRules(t *testing.T) {
	for name, o := range map[string]rules.Options{"zero": {}, "all": options()} {
		if out, err := promtool(t, o, "check", "rules", "rules.yml"); err != nil || strings.Contains(out, "FAILED") {
			t.Errorf("%s: promtool check rules: %v, and says:\n%s", name, err, out)
		}
	}
}

func TestEachAlertFiresAndResolves(t *testing.T) {
	if out, err := promtool(t, options(), "test", "rules", "rules.test.yml", "certificates.test.yml"); err != nil {
		t.Errorf("promtool test rules: %v, and says:\n%s", err, out)
	}
}

// Each alert is in the tests of promtool, where it fires and where it does not.
func TestNoAlertIsUntested(t *testing.T) {
	var tests strings.Builder
	for _, name := range []string{"rules.test.yml", "certificates.test.yml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  - alert: (\w+)$`).FindAllStringSubmatch(write(t, options()), -1) {
		names = append(names, m[1])
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) < 10 {
		t.Fatalf("%d alerts were found in the rules: %v", len(names), names)
	}
	for _, name := range names {
		fires, quiet := 0, 0
		for _, block := range regexp.MustCompile(`alertname: `+name+`\n((?:    .*\n)*)`).FindAllStringSubmatch(tests.String(), -1) {
			if strings.Contains(block[1], "exp_labels") {
				fires++
			} else {
				quiet++
			}
		}
		if fires == 0 || quiet == 0 {
			t.Errorf("%s: %d tests in which it fires and %d in which it does not, want both", name, fires, quiet)
		}
	}
}

func TestLabelsOfChecksReachAlerts(t *testing.T) {
	text := write(t, options())
	if want := "group_left (severity, label_team) watchword_check_info"; !strings.Contains(text, want) {
		t.Errorf("%q does not stand in\n%s", want, text)
	}
	if strings.Contains(write(t, rules.Options{}), "label_") {
		t.Error("rules name labels, want none without labels")
	}
}

func TestSchedulesAreSortedByTheirGaps(t *testing.T) {
	text := write(t, options())
	first, second := strings.Index(text, `schedule=~"\\* \\* \\* \\* \\*|@every 1m"`), strings.Index(text, `schedule=~"\\*/5 \\* \\* \\* \\*"`)
	if first < 0 || second < first {
		t.Errorf("schedules stand at %d and %d, want both, in this order, in\n%s", first, second, text)
	}
}
