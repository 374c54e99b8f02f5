package lang

import (
	"testing"

	"watchword/checks"
)

// TestComparisonsAgree holds the quick way to what the language says.
func TestComparisonsAgree(t *testing.T) {
	t.Parallel()
	for x, quick := range map[string]int{
		`status == 200`: 1, `status != 200`: 1, `status < 200`: 1, `200 < status`: 1, `status <= 200`: 1, `200 <= status`: 1, `status > 200`: 1, `status >= 200`: 1,
		`status >= 200 && (status < 400) && redirects == 1`: 3, `status == var.max + 197`: 1, `status == 200.0`: 1,
		`status == 200.5`: 0, `status == 1e30`: 0, `status == 200 || redirects == 1`: 0, `status + 1 == 201`: 0, `json == 200`: 0, `redirects == status`: 0,
	} {
		for _, kind := range []Kind{Expect, DegradedIf} {
			expr, s := attribute(t, "x = "+x)
			compiled, diags := CompileCondition(expr, s, kind)
			c, ok := compiled.(*condition)
			if diags.HasErrors() || !ok || len(c.quick) != quick {
				t.Fatalf("%s: %s, %d comparisons, want %d", x, write(diags), len(c.quick), quick)
			}
			slower := *c.compiled
			slower.quick = nil
			slow := condition{&slower, c.file, c.line}
			for _, status := range []int{0, 199, 200, 201, 399, 400} {
				vars := &checks.Vars{Exchange: exchange(status, "", "1")}
				a, b := c.Judge(vars), slow.Judge(vars)
				if a.Holds != b.Holds || a.Explanation.Message != b.Explanation.Message || a.Explanation.Expression != x {
					t.Errorf("%s with %d: %v %q, want %v %q", x, status, a.Holds, a.Explanation.Message, b.Holds, b.Explanation.Message)
				}
			}
		}
	}
}
