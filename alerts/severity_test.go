package alerts_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/alerts"
)

func TestCompareSeverity(t *testing.T) {
	list := []string{"info", "warning", "gold", "critical", "P2", "Critical", "page", "low", ""}
	slices.SortStableFunc(list, alerts.CompareSeverity)
	want := []string{"page", "critical", "Critical", "P2", "warning", "gold", "", "low", "info"}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
