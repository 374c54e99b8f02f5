package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExamples(t *testing.T) {
	examples, err := filepath.Glob("../../../examples/*/*.hcl")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var folders []string
	for _, file := range examples {
		folders = append(folders, filepath.Dir(file))
	}
	for _, dir := range slices.Compact(folders) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			c := load(t, dir, Options{Validate: true, Offline: true})
			if len(c.Warnings) > 0 {
				t.Errorf("warnings: %v", c.Warnings)
			}
			if len(c.Monitors) == 0 {
				t.Error("no checks")
			}
			if _, err := os.Stat(filepath.Join(dir, "README.md")); err != nil {
				t.Error(err)
			}
			files, err := Find(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range files {
				src, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if out, err := Format(name, src); err != nil || string(out) != string(src) {
					t.Errorf("%s is not laid out by watchword fmt (%v)", name, err)
				}
			}
		})
	}
}

func TestPaymentsExample(t *testing.T) {
	c := load(t, "../../../examples/payments-mtls", Options{Offline: true, Vars: map[string]string{"env": "test"}})
	using := map[string][]string{}
	for _, s := range c.Sources {
		using[s.Identity.Name()] = s.Checks
	}
	want := map[string][]string{
		"clearing":  {"clearing-window"},
		"payments":  nil, // its one check is disabled in this environment
		"cards":     {"cards-health", "cards-authorize"},
		"company":   {"settlement"},
		"ledger-ca": nil,
	}
	if diff := cmp.Diff(want, using); diff != "" {
		t.Errorf("certificates in use (-want +got):\n%s", diff)
	}
	for _, m := range c.Monitors {
		if m.Check.Name == "cards-authorize" && !slices.Equal(m.Receivers, []string{"slack.oncall", "slack.cards"}) {
			t.Errorf("%s goes to %q", m.Check.Name, m.Receivers)
		}
	}
}

func TestFormat(t *testing.T) {
	const src = "# about it\ncheck \"a\" {\nschedule=\"@every 1m\" # often\n  request{\n url = \"https://a.example/\"\n      headers={A=1}\n}\n}"
	const want = "# about it\ncheck \"a\" {\n  schedule = \"@every 1m\" # often\n  request {\n    url     = \"https://a.example/\"\n    headers = { A = 1 }\n  }\n}\n"
	out, err := Format("a.hcl", []byte(src))
	if err != nil || string(out) != want {
		t.Errorf("Format: %v\n%s", err, cmp.Diff(want, string(out)))
	}
	again, err := Format("a.hcl", out)
	if err != nil || !bytes.Equal(again, out) {
		t.Errorf("not idempotent: %v\n%s", err, again)
	}
	_, err = Format("a.hcl", []byte("check {"))
	if err == nil || !strings.Contains(err.Error(), "a.hcl:1") {
		t.Errorf("Format of what does not parse: %v", err)
	}
}
