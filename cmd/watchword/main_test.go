package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the command watchword for scripts and for
// tests that start it as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"watchword": main})
}

// TestScripts runs the scripts in testdata/script, which double as examples
// of the command line.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Values[authoritiesKey{}] = make(map[string]authority)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"authority": scriptAuthority,
			"issue":     scriptIssue,
			"serve":     scriptServe,
			"proxy":     scriptProxy,
		},
		Condition: func(name string) (bool, error) {
			if name != "ci" { // where no tool may be missing
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return os.Getenv("CI") == "true", nil
		},
	})
}
