package dashboards_test

import (
	"fmt"

	"watchword/cmd/internal/dashboards"
)

func ExampleAll() {
	for _, d := range dashboards.All() {
		fmt.Printf("%s.json: %s\n", d.UID, d.Title)
	}
	// Output:
	// watchword-overview.json: watchword / Overview
	// watchword-check.json: watchword / Check
	// watchword-certificates.json: watchword / Certificates
	// watchword-itself.json: watchword / watchword itself
}
