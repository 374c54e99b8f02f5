package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"watchword/cmd/internal/config"
)

func ExampleLoad() {
	c, err := config.Load(context.Background(), "../../../examples/quickstart", config.Options{Offline: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range c.Monitors {
		fmt.Println(m.Check.Name, m.Spec, m.Hosts, m.Receivers)
	}
	// Output: orders @every 1m [orders.acme.example] [slack.oncall]
}

func ExampleDiagnostics_WriteText() {
	_, err := config.Load(context.Background(), "testdata/misspelled.hcl", config.Options{})
	if mistakes, ok := errors.AsType[*config.Error](err); ok {
		_ = mistakes.Diagnostics.WriteText(os.Stdout, 78, false)
	}
	// Output:
	// Error: Unknown attribute
	//
	//   on testdata/misspelled.hcl line 2, in check "health":
	//    2:   shedule = "@every 1m"
	//         ^^^^^^^
	//
	// There is no attribute "shedule" in a check block. Did you mean "schedule"?
}
