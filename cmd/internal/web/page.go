package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"watchword/checks"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// refreshEvery is how often a page loads itself again, unless the reader has
// stopped that. A reader of the screen is not torn away: the place is kept.
const refreshEvery = 30 * time.Second

// pages renders the status pages.
type pages struct {
	server   *Server
	template *template.Template
	policy   string
}

// addPages adds the status pages.
func (s *Server) addPages(mux *http.ServeMux) {
	sum := sha256.Sum256([]byte(pageCSS))
	p := &pages{
		server:   s,
		template: template.Must(template.New("page").Funcs(functions()).Parse(pageHTML)),
		policy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
	mux.HandleFunc("GET /{$}", p.overview)
	mux.HandleFunc("GET /checks/{name...}", p.check)
}

// A page is what the template shows.
type page struct {
	Title    string
	Style    template.CSS
	Version  string
	Location string
	Now      time.Time
	Refresh  bool   // the page loads itself again
	Path     string // of this page
	Problems []string

	Counts       map[string]int // of checks by status
	Total        int
	Wrong        []checkStatus // failing and degraded, longest first
	Groups       []groupStatus
	Certificates []certificateStatus
	Servers      []serverStatus

	Check *checkStatus // on the page of one check
}

func (p *pages) overview(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	list := p.server.board().allChecks(now)
	g := p.page(r, now)
	g.Title, g.Total, g.Counts = "watchword", len(list), make(map[string]int)
	for _, c := range list {
		g.Counts[c.Status]++
		if c.Status == "failing" || c.Status == "degraded" {
			g.Wrong = append(g.Wrong, c)
		}
	}
	slices.SortStableFunc(g.Wrong, func(a, b checkStatus) int {
		if a.Status != b.Status {
			return strings.Compare(b.Status, a.Status) // failing before degraded
		}
		return since(a).Compare(since(b))
	})
	g.Groups, g.Servers = grouped(list), serverCertificates(list)
	g.Certificates = p.server.board().clientCertificates(now)
	p.write(w, r, g)
}

// since is when a check began to fail; now for one whose state says nothing.
func since(c checkStatus) time.Time {
	if c.Since == nil {
		return time.Now()
	}
	return *c.Since
}

func (p *pages) check(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	c, ok := p.server.board().one(r.PathValue("name"), now)
	if !ok {
		http.NotFound(w, r)
		return
	}
	g := p.page(r, now)
	g.Title, g.Check, g.Servers = c.Check+" · watchword", &c, c.servers
	slices.Reverse(c.incidents)
	p.write(w, r, g)
}

// page is what every page shows.
func (p *pages) page(r *http.Request, now time.Time) *page {
	b := p.server.board()
	g := &page{
		Style:   template.CSS(pageCSS), //nolint:gosec // our own file
		Version: p.server.Version, Location: b.view().setup.Location, Now: now.UTC(),
		Refresh: r.URL.Query().Get("refresh") != "off", Path: r.URL.EscapedPath(),
	}
	if b.Problems != nil {
		g.Problems = b.Problems()
	}
	return g
}

func (p *pages) write(w http.ResponseWriter, r *http.Request, g *page) {
	var text bytes.Buffer
	if err := p.template.Execute(&text, g); err != nil {
		p.server.log().ErrorContext(r.Context(), "rendering "+r.URL.Path, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Cache-Control", "no-store")
	if g.Refresh {
		h.Set("Refresh", fmt.Sprintf("%.0f", refreshEvery.Seconds()))
	}
	_, _ = w.Write(text.Bytes()) // whoever asked is gone
}

// functions are those that the template calls.
func functions() template.FuncMap {
	return template.FuncMap{
		"checkURL": func(name string) string { return (&url.URL{Path: "/checks/" + name}).EscapedPath() },
		"moment":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"machine":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"ago":      func(now, t time.Time) string { return short(now.Sub(t)) },
		"seconds":  func(s float64) string { return short(time.Duration(s * float64(time.Second))) },
		"strip":    strip,
		"days":     days,
		"left":     left,
		"urgency":  urgency,
		"join":     strings.Join,
		"phases":   phases,
		"plural":   plural,
		"reverse": func(runs []runStatus) []runStatus {
			runs = slices.Clone(runs)
			slices.Reverse(runs)
			return runs
		},
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// short is a duration in its two largest units.
func short(d time.Duration) string {
	d = max(d, 0)
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < day:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	default:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	}
}

// days says how much time is left of a certificate.
func days(left float64) string {
	switch {
	case left < 0:
		return "expired"
	case left < 2: //nolint:mnd // from two days on, whole ones are enough
		return fmt.Sprintf("%.1f days", left)
	default:
		return fmt.Sprintf("%d days", int(left))
	}
}

// urgency is the class of a time that is left.
func urgency(left float64) string {
	const soon, later = 7, 30
	switch {
	case left < soon:
		return "failing"
	case left < later:
		return "degraded"
	default:
		return "passing"
	}
}

// strip says in words what the strip of runs shows.
func strip(runs []runStatus) string {
	n := make(map[checks.Outcome]int)
	for _, r := range runs {
		n[r.Outcome]++
	}
	var parts []string
	for _, o := range []checks.Outcome{checks.Passed, checks.Degraded, checks.Failed, checks.Unknown} {
		if n[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[o], o))
		}
	}
	if len(parts) == 0 {
		return "no runs yet"
	}
	return "last " + plural(len(runs), "run") + ": " + strings.Join(parts, ", ")
}

// A phase is a part of an exchange, with its share of the whole in percent.
type phase struct {
	Name  string
	Took  string
	Share int
}

// phases are those of a step that took time.
func phases(t checks.Timing) []phase {
	const whole = 100
	var list []phase
	for _, p := range []struct {
		name string
		took time.Duration
	}{{"dns", t.DNS}, {"connect", t.Connect}, {"tls", t.TLS}, {"wait", t.Wait}, {"transfer", t.Transfer}} {
		if p.took > 0 {
			list = append(list, phase{p.name, p.took.Round(10 * time.Microsecond).String(), int(whole * p.took / max(t.Total, p.took))})
		}
	}
	return list
}
