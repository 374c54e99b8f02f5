package web_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/cmd/internal/web"
)

func TestEach(t *testing.T) {
	b := board()
	got := make(map[string]string)
	b.Each(func(check, status string) { got[check] = status })
	want := map[string]string{"health": "passing", "orders/checkout": "failing", "edge[fra 1]": "unknown"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if b.Location() != "fra1" {
		t.Errorf("location %q", b.Location())
	}
	new(web.Board).Each(func(string, string) { t.Error("an empty board has a check") })
}
