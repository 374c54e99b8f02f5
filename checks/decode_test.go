package checks_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchword/checks"
)

func TestJSON(t *testing.T) {
	n := func(s string) json.Number { return json.Number(s) }
	tests := map[string]struct {
		body   string
		want   any
		err    string // part of the message; empty for none
		beyond bool   // the error is ErrLimit
	}{
		"object":            {body: `{"a": [1, true, null, "x"], "b": {"c": 1.50}}`, want: map[string]any{"a": []any{n("1"), true, nil, "x"}, "b": map[string]any{"c": n("1.50")}}},
		"byte order mark":   {body: "\xef\xbb\xbf[1]", want: []any{n("1")}},
		"scalar":            {body: ` "x" `, want: "x"},
		"empty":             {body: " \n", err: "the body is empty"},
		"cut off":           {body: `{"a": 1`, err: "ends too early"},
		"not JSON":          {body: "<html>", err: "invalid character '<'"},
		"two values":        {body: "1 2", err: "more follows"},
		"deep":              {body: strings.Repeat("[", 65) + strings.Repeat("]", 65), err: "nested deeper than 64", beyond: true},
		"deep, not closed":  {body: strings.Repeat("[", 1<<20), err: "nested deeper than 64", beyond: true},
		"many values":       {body: "[" + strings.Repeat("1,", 50_000) + "1]", err: "more than 50000 values", beyond: true},
		"many empty arrays": {body: "[" + strings.Repeat("[],", 50_000) + "1]", err: "more than 50000 values", beyond: true},
		"many strings":      {body: "[" + strings.Repeat(`"",`, 50_000) + "1]", err: "more than 50000 values", beyond: true},
		"digits":            {body: strings.Repeat("1", 65), err: "more than 64 digits", beyond: true},
		"digits, fraction":  {body: "0." + strings.Repeat("1", 64), err: "more than 64 digits", beyond: true},
		"exponent":          {body: "1e9999999", err: "exponent beyond 308", beyond: true},
		"negative exponent": {body: "1E-309", err: "exponent beyond 308", beyond: true},
		"huge exponent":     {body: "1e" + strings.Repeat("9", 100), err: "exponent beyond 308", beyond: true},
		"within":            {body: `[1e308, -1E-308, ` + strings.Repeat("9", 64) + `]`, want: []any{n("1e308"), n("-1E-308"), n(strings.Repeat("9", 64))}},
		"limits in strings": {body: `["` + strings.Repeat("[", 100) + `", "1e9999999", "\"[[["]`, want: []any{strings.Repeat("[", 100), "1e9999999", `"[[[`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			x := &checks.Exchange{Body: []byte(tt.body)}
			got, err := x.JSON()
			switch {
			case tt.err == "" && err != nil:
				t.Fatalf("JSON: %v, want no error", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Fatalf("JSON: error is %v, want %q in it", err, tt.err)
			case errors.Is(err, checks.ErrLimit) != tt.beyond:
				t.Fatalf("JSON: error is %v, want ErrLimit in it: %v", err, tt.beyond)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e3,"x\"y"]}`, "[[[[", "1e99999", `"\u`, "-", "1e", "{\"a\":", "tru", "[1,1,1]", "1 2"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := (&checks.Exchange{Body: body}).JSON()
		if err != nil {
			return
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatalf("writing what was read: %v", err)
		}
		if !json.Valid(again) {
			t.Errorf("%q became %q, which is not JSON", body, again)
		}
		if depth, values := measure(got); depth > checks.MaxJSONDepth || values > checks.MaxJSONValues {
			t.Errorf("%q has depth %d and %d values", body, depth, values)
		}
	})
}

// measure returns how deep a value is nested and how many there are in it.
func measure(v any) (depth, values int) {
	values = 1
	each := func(e any) {
		d, n := measure(e)
		depth, values = max(depth, d), values+n
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			each(e)
		}
	case map[string]any:
		for _, e := range v {
			each(e)
		}
	default:
		return 0, 1
	}
	return depth + 1, values
}
