package lang_test

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"watchword/checks"
	"watchword/cmd/internal/lang"
)

func Example() {
	src := []byte("expect = [\n  status == 200,\n  json.database == local.wanted,\n  tls.days_lef > 14,\n]\n")
	if diags := lang.Guard("orders.hcl", src); diags.HasErrors() {
		fmt.Println(diags)
		return
	}
	file, _ := hclsyntax.ParseConfig(src, "orders.hcl", hcl.InitialPos)
	attributes, _ := file.Body.JustAttributes()

	scope := lang.NewScope(
		map[string]cty.Value{"local": cty.ObjectVal(map[string]cty.Value{"wanted": cty.StringVal("up")})},
		lang.Options{Sources: map[string]lang.Source{"orders.hcl": {Text: src}}},
	)
	conditions, diags := lang.CompileConditions(attributes["expect"].Expr, scope, lang.Expect)
	for _, d := range diags {
		fmt.Printf("line %d: %s\n", d.Subject.Start.Line, d.Detail)
	}

	answer := &checks.Exchange{Status: 200, Body: []byte(`{"database": "down"}`)}
	for _, c := range conditions {
		verdict := c.Judge(&checks.Vars{Exchange: answer})
		fmt.Printf("%v: %s\n", verdict.Holds, verdict.Explanation.Expression)
		if !verdict.Holds {
			fmt.Println("  " + verdict.Explanation.Message)
		}
	}
	// Output:
	// line 4: tls has no "days_lef". Did you mean "days_left"?
	// true: status == 200
	// false: json.database == local.wanted
	//   json.database is "down", want "up"
}
