package lang

import (
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
)

// TestExpressionsOverLines compiles expressions whose text is more than what
// stands between two places on a line.
func TestExpressionsOverLines(t *testing.T) {
	t.Parallel()
	tests := []struct{ src, want string }{
		{"x = (status\n  == 200)", "status is 500, want 200"},
		{"x = (\r\n  status\r\n  == 200 # as always\r\n)\r\n", "status is 500, want 200"},
		{"\ufeffx = status == 200", "status is 500, want 200"},
		{"# é ü\nx = json.é == \"é\"", `json.é is "ü", want "é"`},
		{"x = body == <<E\ntext\nE\n", `body is 12 bytes, want "text\n"`},
		{"x = \"${status == 200}\"", `status is 500, want "${status == 200}"`},
	}
	for _, tt := range tests {
		expr, s := attribute(t, tt.src)
		c, diags := CompileCondition(expr, s, Expect)
		if diags.HasErrors() {
			t.Errorf("%q: %s", tt.src, write(diags))
			continue
		}
		if got := c.Judge(&checks.Vars{Exchange: exchange(500, "", `{"é": "ü"}`)}).Explanation.Message; got != tt.want {
			t.Errorf("%q\n got %s\nwant %s", tt.src, got, tt.want)
		}
	}
}

// TestConditionsOfOneText share all but their place.
func TestConditionsOfOneText(t *testing.T) {
	t.Parallel()
	list, s := attribute(t, "x = [\n  status == 200,\n  status == 200,\n]")
	conditions, diags := CompileConditions(list, s, Expect)
	if len(conditions) != 2 || diags.HasErrors() {
		t.Fatalf("%d conditions: %s", len(conditions), write(diags))
	}
	vars := &checks.Vars{Exchange: exchange(500, "", "")}
	for i, c := range conditions {
		if got := c.Judge(vars).Explanation; got.Line != i+2 || got.Message != "status is 500, want 200" {
			t.Errorf("explained at line %d: %s", got.Line, got.Message)
		}
	}
	one, _ := conditions[0].(*condition)
	two, _ := conditions[1].(*condition)
	if one.compiled != two.compiled {
		t.Error("one text is compiled twice")
	}
	degraded, diags := CompileConditions(list, s, DegradedIf)
	if diags.HasErrors() || degraded[0].Judge(vars).Holds {
		t.Errorf("a degraded_if is taken for an expectation: %s", write(diags))
	}
	other := s.With(map[string]cty.Value{"status": cty.StringVal("a name of the scope")})
	if _, diags := CompileConditions(list, other, Expect); !diags.HasErrors() {
		t.Error("a condition of another scope is taken")
	}
}

// TestOneConditionForManyRuns is for the race detector.
func TestOneConditionForManyRuns(t *testing.T) {
	t.Parallel()
	expr, s := attribute(t, `x = length(json.items[*].id) == 2 && matches(json.id, "^x") && alltrue([for i in json.items : i.id > 0])`)
	c, diags := CompileCondition(expr, s, Expect)
	if diags.HasErrors() {
		t.Fatal(write(diags))
	}
	shared := exchange(200, "", orders)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				for _, x := range []*checks.Exchange{shared, exchange(200, "", orders)} {
					if v := c.Judge(&checks.Vars{Exchange: x}); !v.Holds {
						t.Error(v.Explanation.Message)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
