package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"watchword/checks"
	"watchword/cmd/internal/config"
)

// A junitReport collects results for `test -o junit`, in the form that CI
// servers agree on.
type junitReport struct {
	began  time.Time
	config string // path of the configuration
	cases  []junitCase
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr"`
	Failure *junitProblem `xml:"failure"`
	Error   *junitProblem `xml:"error"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// add takes one result.
func (j *junitReport) add(m *config.Monitor, r checks.Result) {
	class := "watchword"
	if m.Check.Group != "" {
		class += "." + strings.ReplaceAll(m.Check.Group, "/", ".")
	}
	c := junitCase{
		Name: r.Check, Class: class, Time: junitSeconds(r.Duration),
		File: openable(j.config, m.Check.Source.File), Line: m.Check.Source.Line,
	}
	problem := &junitProblem{Message: reasoned(r.Reason, r.Message), Type: string(r.Reason), Text: details(r)}
	switch r.Outcome {
	case checks.Failed:
		c.Failure = problem
	case checks.Unknown:
		c.Error = problem
	case checks.Degraded:
		c.Output = "degraded: " + problem.Message + "\n" + problem.Text
	case checks.Passed, checks.Skipped:
	}
	j.cases = append(j.cases, c)
}

// write writes the report.
func (j *junitReport) write(w io.Writer, took time.Duration) error {
	s := junitSuite{
		Name: "watchword", Tests: len(j.cases), Time: junitSeconds(took),
		Timestamp: j.began.UTC().Format("2006-01-02T15:04:05"), Cases: j.cases,
	}
	for i := range j.cases {
		if j.cases[i].Failure != nil {
			s.Failures++
		}
		if j.cases[i].Error != nil {
			s.Errors++
		}
	}
	all := junitSuites{Name: s.Name, Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Time: s.Time, Suites: []junitSuite{s}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// details are what a failure needs to be understood, one a line.
func details(r checks.Result) string {
	var b strings.Builder
	for _, step := range r.Steps {
		if step.Outcome == checks.Passed {
			continue
		}
		if step.Step != "" {
			fmt.Fprintf(&b, "step %q %s\n", step.Step, step.Outcome)
		}
		for _, f := range step.Failed {
			fmt.Fprintf(&b, "%s:%d: %s\n  %s\n", f.File, f.Line, f.Expression, f.Message)
		}
		for _, line := range [][2]string{
			{"request", strings.TrimSpace(step.Method + " " + step.URL)},
			{"address", step.RemoteIP},
			{"certificate", step.Certificate},
			{"phases", step.Timing.String()},
			{"repeat", step.Curl},
		} {
			if line[1] != "" {
				fmt.Fprintf(&b, "%s: %s\n", line[0], line[1])
			}
		}
	}
	return b.String()
}

// openable is the path of a file of the configuration as whoever runs the
// command can open it: results name it as seen from the configuration.
func openable(config, file string) string {
	if info, err := os.Stat(config); err == nil && info.IsDir() {
		return filepath.Join(config, file)
	}
	return filepath.Join(filepath.Dir(config), file)
}

// annotate writes a result as annotations of a GitHub workflow: one for each
// expression at its place, or one at the check's.
func (a *app) annotate(m *config.Monitor, r checks.Result) {
	level := "error"
	switch r.Outcome {
	case checks.Passed:
		return
	case checks.Degraded:
		level = "warning"
	case checks.Failed, checks.Unknown, checks.Skipped:
	}
	title := fmt.Sprintf("%s %s", r.Check, r.Outcome)
	told := false
	for _, step := range r.Steps {
		for _, f := range step.Failed {
			a.annotation(level, f.File, f.Line, title, f.Expression+"\n"+f.Message+"\n"+step.Curl)
			told = true
		}
	}
	if !told {
		a.annotation(level, m.Check.Source.File, m.Check.Source.Line, title, reasoned(r.Reason, r.Message)+"\n"+details(r))
	}
}

// annotation writes one workflow command. Whatever a target answers stays
// inside it.
func (a *app) annotation(level, file string, line int, title, text string) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	fmt.Fprintf(a.stdout, "::%s file=%s,line=%d,title=%s::%s\n",
		level, property.Replace(openable(a.configPath, file)), line, property.Replace(title), data.Replace(strings.TrimSpace(text)))
}
