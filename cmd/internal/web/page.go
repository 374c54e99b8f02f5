package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"watchword/alerts"
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
		policy: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src 'self'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
	mux.HandleFunc("GET /{$}", p.overview)
	mux.HandleFunc("GET /checks/{name...}", p.check)
	mux.HandleFunc("GET /icon.svg", icon)
}

// A page is what the template shows.
type page struct {
	Title    string
	Style    template.CSS
	Version  string
	Location string
	Now      time.Time
	Refresh  bool       // the page loads itself again
	Query    url.Values // of this page, without refresh
	Path     string     // of this page
	Problems []string

	Counts       []statusCount
	Muted        int // checks
	Total        int
	Attention    int           // checks that fail or are degraded
	Worst        string        // status of all
	Only         string        // the status that the lists are confined to; empty: all
	Wrong        []checkStatus // failing and degraded, each the worst first, then the longest
	Detailed     int           // of them are explained
	Groups       []groupStatus
	Certificates []certificateStatus
	Servers      []presented

	Check *checkStatus // on the page of one check
}

// A statusCount is how many checks have a status.
type statusCount struct {
	Status string
	Checks int
}

// explained is how many checks the overview explains in full. When more fail
// at once it is for one reason, and the others are a line each.
const explained = 10

func (p *pages) overview(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	list := p.server.board().allChecks(now)
	g := p.page(r, now)
	g.Title, g.Total = "watchword", len(list)
	g.count(list)
	g.Servers = presentedBy(serverCertificates(list))
	g.Certificates = p.server.board().clientCertificates(now)
	if only := r.URL.Query().Get("status"); slices.Contains(statuses(), only) {
		g.Only = only
		other := func(c checkStatus) bool { return c.Status != g.Only }
		list, g.Wrong = slices.DeleteFunc(list, other), slices.DeleteFunc(g.Wrong, other)
		g.Query.Set("status", g.Only)
	}
	g.Groups = grouped(list)
	g.Detailed = min(len(g.Wrong), explained)
	if g.Attention > 0 {
		g.Title = fmt.Sprintf("(%d) watchword", g.Attention) // seen on the tab
	}
	p.write(w, r, g)
}

// count counts checks, and collects those that fail or are degraded.
func (g *page) count(list []checkStatus) {
	n := make(map[string]int)
	for _, c := range list {
		n[c.Status]++
		if len(c.Silences) > 0 {
			g.Muted++
		}
		if c.Status == failing || c.Status == degraded {
			g.Wrong = append(g.Wrong, c)
		}
	}
	for _, status := range statuses() {
		if n[status] > 0 {
			g.Worst = cmp.Or(g.Worst, status)
			g.Counts = append(g.Counts, statusCount{status, n[status]})
		}
	}
	g.Attention = len(g.Wrong)
	slices.SortStableFunc(g.Wrong, func(a, b checkStatus) int {
		return cmp.Or(strings.Compare(b.Status, a.Status), // failing before degraded
			alerts.CompareSeverity(a.Severity, b.Severity), g.since(a).Compare(g.since(b)), strings.Compare(a.Check, b.Check))
	})
}

// since is when a check began to fail; now for one whose state says nothing.
func (g *page) since(c checkStatus) time.Time {
	if c.Since == nil {
		return g.Now
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
	g.Title, g.Check, g.Servers, g.Worst = c.Check+" · watchword", &c, presentedBy(c.servers), c.Status
	slices.Reverse(c.incidents)
	p.write(w, r, g)
}

// page is what every page shows.
func (p *pages) page(r *http.Request, now time.Time) *page {
	b := p.server.board()
	g := &page{
		Style:   template.CSS(pageCSS), //nolint:gosec // our own file
		Version: p.server.Version, Location: b.view().setup.Location, Now: now.UTC(),
		Refresh: r.URL.Query().Get("refresh") != "off", Path: r.URL.EscapedPath(), Query: make(url.Values),
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
	w.Header().Set("Content-Security-Policy", p.policy)
	if g.Refresh {
		w.Header().Set("Refresh", fmt.Sprintf("%.0f", refreshEvery.Seconds()))
	}
	send(w, r, "text/html; charset=utf-8", text.Bytes())
}

// Other is this page as one that loads itself again, or does not.
func (g *page) Other() string {
	query := make(url.Values, len(g.Query)+1)
	maps.Copy(query, g.Query)
	if g.Refresh {
		query.Set("refresh", "off")
	}
	if len(query) == 0 {
		return g.Path
	}
	return g.Path + "?" + query.Encode()
}

// Showing is the overview of checks of one status.
func (g *page) Showing(status string) string {
	query := make(url.Values)
	if status != "" {
		query.Set("status", status)
	}
	if !g.Refresh {
		query.Set("refresh", "off")
	}
	if len(query) == 0 {
		return "/"
	}
	return "/?" + query.Encode()
}

// icon is what a tab shows: a disc in the colour of the worst status.
func icon(w http.ResponseWriter, r *http.Request) {
	colour := map[string]string{passing: "#2e9e62", degraded: "#e09a2b", failing: "#d6362c"}[r.URL.Query().Get("status")]
	send(w, r, "image/svg+xml", fmt.Appendf(nil,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="3.5" fill="%s"/></svg>`, cmp.Or(colour, "#7a848f")))
}
