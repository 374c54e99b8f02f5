package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
	"watchword/cmd/internal/config"
)

// Two notices about one thing are one problem: else each would be news after
// the other, at every reload.
func TestProblemsOfOneThingAreOne(t *testing.T) {
	got := problems([]config.Notice{
		{Kind: "certificate", Name: "acme", Err: errors.New("a.crt does not exist")},
		{Kind: "secret", Name: "acme", Err: errors.New("ACME is not set")},
		{Kind: "certificate", Name: "acme", Err: errors.New("a.key does not exist")},
	})
	want := []alerts.Problem{
		{Cause: "certificate acme", Text: "certificate acme cannot be used, and the checks that need it fail: a.crt does not exist; a.key does not exist"},
		{Cause: "secret acme", Text: "secret acme cannot be used, and the checks that need it fail: ACME is not set"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
