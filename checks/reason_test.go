package checks_test

import (
	"strings"
	"testing"

	"watchword/checks"
)

func TestEveryReasonHasASentence(t *testing.T) {
	seen := map[string]checks.Reason{}
	for _, r := range checks.Reasons() {
		s := r.Sentence()
		if !strings.HasSuffix(s, ".") || seen[s] != "" {
			t.Errorf("the sentence of %s is %q, that of %q too", r, s, seen[s])
		}
		seen[s] = r
		if got, ok := checks.ParseReason(string(r)); !ok || got != r {
			t.Errorf("ParseReason(%s) = %s, %v", r, got, ok)
		}
	}
	if len(checks.Reasons()) != 35 {
		t.Errorf("%d reasons, want 35", len(checks.Reasons()))
	}
	if _, ok := checks.ParseReason("nonsense"); ok {
		t.Error("ParseReason takes nonsense")
	}
}
