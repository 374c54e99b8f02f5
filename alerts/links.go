package alerts

import (
	"net/url"
	"strconv"
	"strings"
)

// Links are the addresses of a configuration from which links in messages
// are made. Each may be empty.
type Links struct {
	External string // of this daemon: its status page
	Grafana  string // Grafana, which has the dashboard of checks
	Source   string // where the configuration's files can be read: a file's path and #L and the line follow
}

// checkDashboard is the uid of the dashboard about one check.
const checkDashboard = "watchword-check"

// statusLink names the link to the status page.
const statusLink = "status"

// of returns the links of a check.
func (l Links) of(s *Subject) []Link {
	var out []Link
	if l.Grafana != "" {
		out = append(out, Link{"dashboard", strings.TrimRight(l.Grafana, "/") + "/d/" + checkDashboard + "?var-check=" + url.QueryEscape(s.Name)})
	}
	if l.External != "" {
		out = append(out, Link{statusLink, strings.TrimRight(l.External, "/") + "/checks/" + escapePath(s.Name)})
	}
	if l.Source != "" && s.Source.File != "" && !strings.HasPrefix(s.Source.File, "/") && !strings.HasPrefix(s.Source.File, "..") {
		out = append(out, Link{"source", strings.TrimRight(l.Source, "/") + "/" + escapePath(s.Source.File) + "#L" + strconv.Itoa(s.Source.Line)})
	}
	return out
}

// overview returns the link of what is about no single check: the status page.
func (l Links) overview() []Link {
	if l.External == "" {
		return nil
	}
	return []Link{{statusLink, strings.TrimRight(l.External, "/") + "/"}}
}

// escapePath escapes all but the slashes.
func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
