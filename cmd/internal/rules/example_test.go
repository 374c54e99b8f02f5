package rules_test

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"watchword/cmd/internal/rules"
)

func ExampleWrite() {
	var file bytes.Buffer
	err := rules.Write(&file, rules.Options{
		Location:  "fra1",
		Schedules: []rules.Schedule{{Spec: "@every 1m", Gap: time.Minute}},
		Expiry:    []time.Duration{7 * 24 * time.Hour},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(file.String()) {
		if strings.Contains(line, "alert: WatchwordCheck") {
			fmt.Print(line)
		}
	}
	// Output:
	//   - alert: WatchwordCheckFailing
	//   - alert: WatchwordCheckDegraded
	//   - alert: WatchwordCheckNotRunning
}
