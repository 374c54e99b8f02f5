package checks_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"watchword/checks"
)

// healthTemplate asks for one URL.
type healthTemplate struct{ url *url.URL }

func (h healthTemplate) Render(context.Context, *checks.Vars) (*checks.Rendered, error) {
	return &checks.Rendered{Method: http.MethodGet, URL: h.url}, nil
}

// databaseUp expects a member of the answer's JSON.
type databaseUp struct{}

func (databaseUp) Judge(vars *checks.Vars) checks.Verdict {
	said := checks.Explanation{Expression: `json.database == "up"`, File: "orders.hcl", Line: 12}
	value, err := vars.Exchange.JSON()
	if err != nil {
		return checks.Verdict{Err: err, Explanation: said}
	}
	object, _ := value.(map[string]any)
	said.Values = []checks.Value{{Name: "json.database", Value: object["database"]}}
	said.Message = fmt.Sprintf("json.database is %q, want %q", object["database"], "up")
	return checks.Verdict{Holds: object["database"] == "up", Explanation: said}
}

func Example() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"database": "down"}`)
	}))
	defer api.Close()
	target, err := url.Parse(api.URL + "/health")
	if err != nil {
		fmt.Println(err)
		return
	}
	check := &checks.Check{
		Name: "orders/health",
		Steps: []*checks.Step{{
			Request: checks.Request{Template: healthTemplate{target}},
			Expect:  []checks.Condition{databaseUp{}},
		}},
	}
	result := new(checks.Runner).Run(context.Background(), check)
	fmt.Println(result.Outcome, result.Reason)
	fmt.Println(result.Message)
	// Output:
	// failed expectation
	// json.database is "down", want "up"
}

func ExampleRedactor() {
	r := checks.NewRedactor("hunter2/")
	fmt.Println(r.Redact("asking https://api.example/?key=hunter2%2F: hunter2/ is wrong"))
	// Output: asking https://api.example/?key=***: *** is wrong
}
