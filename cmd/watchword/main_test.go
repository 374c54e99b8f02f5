package main

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the command watchword for scripts and for
// tests that start it as a process of its own. Those that are parallel wait for
// daemons more than they work, so that more of them run at once than there are
// processors; those that keep a processor busy run alone.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil { // unless the command line says otherwise
		panic(err)
	}
	for name, value := range map[string]string{
		"SITE_TOKEN": siteToken, "SITE_PASSWORD": sitePassword, "SITE_ENV": siteCanary + "env",
		"HOOK_TOKEN": hookToken, "HOOK_SIGNING": hookSigning, "HOOK_FORMER": hookFormer,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
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
