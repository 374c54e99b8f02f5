package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"

	"watchword/checks"
	"watchword/cmd/internal/config"
)

// A table that is wider than the screen leaves out the columns that can be
// spared, and says which.
func TestTableFitsTheScreen(t *testing.T) {
	t.Parallel()
	header := table.Row{"check", "host", "told", "labels"}
	rows := []table.Row{{"orders/health", "api.acme.example", "slack.oncall", "team=orders"}, {"a", "-", "-", "-"}}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, "CHECK           HOST               TOLD           LABELS\norders/health   api.acme.example   slack.oncall   team=orders\na               -                  -              -\n"},
		{61, "CHECK           HOST               TOLD           LABELS\norders/health   api.acme.example   slack.oncall   team=orders\na               -                  -              -\n"},
		{60, "CHECK           HOST               TOLD\norders/health   api.acme.example   slack.oncall\na               -                  -\nNo room for: labels.\n"},
		{40, "CHECK           HOST\norders/health   api.acme.example\na               -\nNo room for: told, labels.\n"},
		{10, "CHECK           HOST\norders/health   api.acme.example\na               -\nNo room for: told, labels.\n"},
	} {
		var out strings.Builder
		screen{width: tt.width}.writeTable(&out, header, rows, []string{"labels", "told"})
		if out.String() != tt.want {
			t.Errorf("at %d columns:\n%s\nwant\n%s", tt.width, out.String(), tt.want)
		}
	}
	var out strings.Builder
	screen{width: 10}.writeTable(&out, table.Row{"check", ""}, []table.Row{{"a", "a remark that is longer than the screen"}}, []string{"check"})
	if want := "CHECK\na       a remark that is longer than the screen\n"; out.String() != want {
		t.Errorf("with a remark:\n%s\nwant\n%s", out.String(), want)
	}
}

func TestSome(t *testing.T) {
	t.Parallel()
	names := []string{"one", "two", "three", "four", "five", "six", "seven"}
	for columns, want := range map[int]string{
		-1: "one, two, three, four, five and 2 more", 38: "one, two, three, four, five and 2 more",
		37: "one, two, three, four and 3 more", 20: "one, two and 5 more", 3: "one and 6 more",
	} {
		if got := some(names, columns); got != want {
			t.Errorf("in %d columns: %q, want %q", columns, got, want)
		}
	}
	if got := some([]string{"one"}, 2); got != "one" {
		t.Errorf("a single name is %q", got)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	var all []*config.Monitor
	for _, name := range []string{"edge[fra]", "edge[nyc]", "orders/health", "orders/eu/checkout"} {
		all = append(all, &config.Monitor{Check: &checks.Check{Name: name, Labels: map[string]string{"first": name[:1]}}})
	}
	for patterns, want := range map[string]string{
		"":                      "edge[fra] edge[nyc] orders/health orders/eu/checkout",
		"edge":                  "edge[fra] edge[nyc]",
		"edge[nyc]":             "edge[nyc]",
		"edge[*]":               "edge[fra] edge[nyc]",
		"edge[f*]":              "edge[fra]",
		"orders/*":              "orders/health orders/eu/checkout",
		"*[hk]*":                "orders/health orders/eu/checkout",
		"first=e edge[fra]":     "edge[fra] edge[nyc]",
		"first=[o] *checkout":   "orders/health orders/eu/checkout",
		"edge[lon]":             `no check matches "edge[lon]"; there are edge[fra], edge[nyc], orders/health, orders/eu/checkout`,
		"orders/health missing": `no check matches "missing"; there are edge[fra], edge[nyc], orders/health, orders/eu/checkout`,
	} {
		picked, err := match(all, strings.Fields(patterns))
		var names []string
		for _, m := range picked {
			names = append(names, m.Check.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", patterns, got, want)
		}
	}
}

// broken is a writer to a disk that is full.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Output that is lost is no success, whoever prints it.
func TestLostOutput(t *testing.T) {
	path := write(t, t.TempDir(), "a.hcl", "check \"a\" {\n  schedule = \"@every 1m\"\n  request { url = \"https://a.example/\" }\n}\n")
	for _, args := range [][]string{{"validate"}, {"list"}, {"list", "-o", "json"}, {"schedule"}, {"docs"}, {"rules"}, {"version"}, {"help"}} {
		var stderr strings.Builder
		if code := run(t.Context(), append(args, "-c", path), strings.NewReader(""), broken{}, &stderr); code != exitInvalid {
			t.Errorf("%q: exit code %d, want %d", args, code, exitInvalid)
		}
		if got := strings.Count(stderr.String(), "no space left on device"); got != 1 {
			t.Errorf("%q: stderr tells %d times of the full disk, want once:\n%s", args, got, stderr.String())
		}
	}
}
