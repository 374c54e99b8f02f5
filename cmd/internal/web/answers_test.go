package web_test

import (
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/web"
)

// everyPath is what the server answers, and how.
func everyPath() []string {
	return []string{"/", "/checks/orders/checkout", "/icon.svg", "/api/v1/checks", "/api/v1/incidents", "/api/v1/certificates", "/metrics", "/-/healthy", "/-/ready"}
}

// TestMethodsAndPaths asks for every path in every way: HEAD is GET without a
// body, nothing can be changed, and what does not exist is not found.
func TestMethodsAndPaths(t *testing.T) {
	s := &web.Server{Board: board(), Metrics: metrics("metrics 1\n")}
	start(t, s)
	base := "http://" + s.Addr().String()
	for _, path := range everyPath() {
		get, head := ask(t, client(), request(t, http.MethodGet, base+path)), ask(t, client(), request(t, http.MethodHead, base+path))
		if get.status != 200 || head.status != 200 || get.body == "" || head.body != "" || get.header.Get("Content-Type") != head.header.Get("Content-Type") {
			t.Errorf("%s: GET %d %s with %d bytes, HEAD %d %s with %d bytes", path, get.status, get.header.Get("Content-Type"), len(get.body),
				head.status, head.header.Get("Content-Type"), len(head.body))
		}
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "PROPFIND"} {
			got := ask(t, client(), request(t, method, base+path))
			if allow := got.header.Get("Allow"); got.status != http.StatusMethodNotAllowed || allow != "GET, HEAD" {
				t.Errorf("%s %s: status is %d, allowed is %q", method, path, got.status, allow)
			}
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if got := get.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if got := get.header.Get("Cache-Control"); got != "no-store" && path != "/metrics" && !strings.HasPrefix(path, "/-/") {
			t.Errorf("%s: Cache-Control is %q, want no-store", path, got)
		}
	}
	for _, path := range []string{"/checks/nobody", "/checks/", "/checks", "/api", "/api/v1/", "/api/v1/checks/orders", "/index.html", "/favicon.ico", "/debug/pprof/", "/-/quit", "/checks/..%2f..%2fetc%2fpasswd"} {
		if got := ask(t, client(), request(t, http.MethodGet, base+path)); got.status != http.StatusNotFound || strings.Contains(got.body, "orders") {
			t.Errorf("%s: status is %d and body %q, want 404", path, got.status, got.body)
		}
	}
}

// TestNothingLeaksWithoutPassword asks for every path without one.
func TestNothingLeaksWithoutPassword(t *testing.T) {
	s := &web.Server{ConfigFile: write(t, "web.yml", withUser), Board: board(), Metrics: metrics("watchword_check_info{check=\"orders\"} 1\n")}
	start(t, s)
	for _, path := range append(everyPath(), "/nothing") {
		got := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+path))
		if got.status != http.StatusUnauthorized || strings.TrimSpace(got.body) != "Unauthorized" || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: status is %d and body %q, want 401 and nothing else", path, got.status, got.body)
		}
	}
}

func TestCompressed(t *testing.T) {
	s := &web.Server{Board: board()}
	start(t, s)
	for accepted, want := range map[string]string{
		"gzip": "gzip", "br, gzip;q=0.5": "gzip", "deflate, gzip ; q=1.0": "gzip", "": "", "br": "", "gzip;q=0": "", "gzipped": "",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			req := request(t, method, "http://"+s.Addr().String()+"/")
			req.Header.Set("Accept-Encoding", accepted) // and so the client does not open it
			got := ask(t, client(), req)
			if got.header.Get("Content-Encoding") != want || got.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s with %q: encoding is %q, Vary %q, want %q", method, accepted, got.header.Get("Content-Encoding"), got.header.Get("Vary"), want)
			}
			text := io.Reader(strings.NewReader(got.body))
			if want == "gzip" && method == http.MethodGet {
				var err error
				if text, err = gzip.NewReader(text); err != nil {
					t.Fatal(err)
				}
			}
			page, err := io.ReadAll(text)
			if err != nil || method == http.MethodGet && !strings.Contains(string(page), "</html>") {
				t.Errorf("%s with %q: the page is broken off (%v)", method, accepted, err)
			}
		}
	}
}

// What is known of a check from before a start shows until its first run.
func TestBoardAfterRestart(t *testing.T) {
	began := time.Now().Add(-26 * time.Hour).UTC()
	states := map[string]alerts.State{
		"firing":     {Phase: alerts.Firing, Level: alerts.LevelFailed, Seen: alerts.LevelFailed, Since: began, Incident: 7, Reason: checks.ReasonTLSExpired, Message: "the certificate <b> expired"},
		"degraded":   {Phase: alerts.Pending, Level: alerts.LevelDegraded, Seen: alerts.LevelDegraded, Since: began, Message: "timing.total is 2"},
		"recovering": {Phase: alerts.Recovering, Level: alerts.LevelFailed, Seen: alerts.LevelFailed, Since: began, Incident: 2, Passing: 1, Message: "was bad"},
		"well":       {Incident: 4, Message: "long ago"},
	}
	over := map[string][]alerts.ClosedIncident{
		"firing": {{Check: "firing", Incident: 6, Level: alerts.LevelDegraded, Since: began.Add(-2 * time.Hour), Until: began.Add(-time.Hour), Message: "timing.total is <3>"}},
	}
	b := &web.Board{
		State:  func(check string) alerts.State { return states[check] },
		Closed: func(check string) []alerts.ClosedIncident { return over[check] },
	}
	b.Load(web.Setup{Checks: []web.Check{{Name: "firing"}, {Name: "degraded"}, {Name: "recovering"}, {Name: "well"}}})
	s := &web.Server{Board: b}
	start(t, s)
	get := func(path string) string {
		return ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+path)).body
	}
	want := func(path string, texts ...string) {
		t.Helper()
		page := get(path)
		for _, text := range texts {
			if !strings.Contains(page, text) {
				t.Errorf("%s has no %q:\n%s", path, text, page)
			}
		}
	}
	want("/", "2 checks of 4 need attention", "1 failing", "1 degraded", "1 unknown", "1 passing", "for 1d2h", "the certificate &lt;b&gt; expired", "tls_expired", "it has not run since")
	want("/checks/firing", "failing since", "the certificate &lt;b&gt; expired", "It has not run yet.", "to now: the certificate &lt;b&gt; expired",
		began.Add(-time.Hour).Format("2006-01-02 15:04:05 UTC")+"</time>: timing.total is &lt;3&gt;")
	want("/checks/recovering", "passing", "to now: was bad")
	want("/checks/well", "None are remembered.")
	stamp := began.Format(time.RFC3339Nano)
	want("/api/v1/checks", fmt.Sprintf(`"check":"firing","group":"","description":"","schedule":"","severity":"","labels":{},"status":"failing","alert_state":"firing","since":%q,"silences":[],"reason":"tls_expired"`, stamp))
	want("/api/v1/incidents", fmt.Sprintf(`{"check":"firing","incident":7,"level":"failed","since":%q,"until":null,"reason":"tls_expired"`, stamp), `"check":"recovering","incident":2`,
		fmt.Sprintf(`{"check":"firing","incident":6,"level":"degraded","since":%q,"until":%q,"reason":"","message":"timing.total is \u003c3\u003e"}`,
			began.Add(-2*time.Hour).Format(time.RFC3339Nano), began.Add(-time.Hour).Format(time.RFC3339Nano)))

	// The incident ends with the alert, although it began before the start.
	over["firing"] = append(over["firing"], alerts.ClosedIncident{Check: "firing", Incident: 7, Level: alerts.LevelFailed, Since: began, Until: began.Add(time.Hour)})
	for _, state := range []alerts.State{states["firing"], {Incident: 7}} { // it is kept a moment before the state changes
		states["firing"] = state
		if got := get("/api/v1/incidents"); strings.Contains(got, `"since":"`+stamp+`","until":null,"reason":"tls_expired"`) || strings.Count(got, `"incident":7`) != 1 {
			t.Errorf("incident 7 is not over: %s", got)
		}
	}
}

// The page says why nothing is told of a check, and until when.
func TestMutedChecks(t *testing.T) {
	until := time.Date(2026, 5, 4, 14, 0, 0, 0, time.FixedZone("", 2*60*60))
	b := &web.Board{Silences: func(check string) []alerts.Silence {
		return map[string][]alerts.Silence{
			"a": {{By: alerts.ByMute, Name: "a*", Until: until, Why: "deploy <42>"}, {By: alerts.ByDependency, Name: "edge"}},
			"b": {{By: alerts.ByMaintenance, Name: "backup", Until: until}},
		}[check]
	}}
	b.Load(web.Setup{Checks: []web.Check{{Name: "a"}, {Name: "b"}, {Name: "c"}}})
	b.Record(checks.Result{Check: "a", Outcome: checks.Failed, Started: time.Now(), Message: "bad"})
	s := &web.Server{Board: b}
	start(t, s)
	const muted = "muted until 2026-05-04 12:00 UTC (a*): deploy &lt;42&gt;; it depends on edge, which fails or has not run since"
	for path, want := range map[string][]string{
		"/":         {"2 silenced", muted, "maintenance backup until"},
		"/checks/a": {"<dt>messages</dt><dd>" + muted},
		"/checks/b": {"<dt>messages</dt><dd>maintenance backup until"},
	} {
		page := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+path)).body
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s has no %q:\n%s", path, text, page)
			}
		}
	}
	if page := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/checks/c")).body; strings.Contains(page, "messages") {
		t.Error("the page of c says that it is muted")
	}
}

// When hundreds fail at once, ten are explained and the others are a line each.
func TestManyFailures(t *testing.T) {
	const n = 300
	b := new(web.Board)
	var setup web.Setup
	for i := range n {
		setup.Checks = append(setup.Checks, web.Check{Name: fmt.Sprintf("g%d/c%d", i%5, i), Group: fmt.Sprintf("g%d", i%5)})
	}
	b.Load(setup)
	for i, c := range setup.Checks {
		outcome := checks.Failed
		if i%3 == 0 {
			outcome = checks.Degraded
		}
		b.Record(ran(c.Name, outcome))
	}
	s := &web.Server{Board: b}
	start(t, s)
	page := func(query string) string {
		return ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/"+query)).body
	}
	all := page("")
	for text, want := range map[string]int{
		"300 checks of 300 need attention": 1, `<section class="wrong failing"`: 10, `<section class="wrong`: 10, "290 more checks": 1,
		`<td>status is 503, want 200</td>`: 290, `href="#group-4"`: 1, "(300) watchword": 1, `href="/icon.svg?status=failing"`: 1, "/?status=degraded": 1,
	} {
		if got := strings.Count(all, text); got != want {
			t.Errorf("%q stands %d times on the page, want %d", text, got, want)
		}
	}
	degraded := page("?status=degraded&refresh=off")
	for text, want := range map[string]int{
		`class="state failing">failing<`: 0, "90 more checks": 1, `class="wrong degraded"`: 10, "Only checks that are degraded.": 1,
		`href="/?refresh=off"`: 1, `href="/?status=degraded"`: 1, "300 checks of 300 need attention": 1,
	} {
		if got := strings.Count(degraded, text); got != want {
			t.Errorf("%q stands %d times on the page of degraded checks, want %d", text, got, want)
		}
	}
}

// What fails comes first, by severity, then by since when, then by name, in
// whatever order the checks are declared.
func TestOrderOfWhatIsWrong(t *testing.T) {
	since := map[string]int{"b": 5, "a": 5, "long": 70, "page-new": 1, "page-old": 2, "slow": 80} // minutes
	severity := map[string]string{"page-new": "critical", "page-old": "critical", "slow": "critical"}
	now := time.Now()
	b := &web.Board{State: func(check string) alerts.State {
		return alerts.State{Since: now.Add(-time.Duration(since[check]) * time.Minute)}
	}}
	want := []string{"page-old", "page-new", "long", "a", "b", "slow"}
	s := &web.Server{Board: b}
	start(t, s)
	for _, declared := range [][]string{{"slow", "b", "a", "long", "page-new", "page-old"}, want} {
		var setup web.Setup
		for _, name := range declared {
			setup.Checks = append(setup.Checks, web.Check{Name: name, Severity: cmp.Or(severity[name], "warning")})
		}
		b.Load(setup)
		for _, name := range declared {
			outcome := checks.Failed
			if name == "slow" {
				outcome = checks.Degraded
			}
			b.Record(ran(name, outcome))
		}
		page := ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/")).body
		var got []string
		for _, found := range regexp.MustCompile(`<section class="wrong \w+" aria-label="([^"]+)">`).FindAllStringSubmatch(page, -1) {
			got = append(got, found[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("declared as %q, the page shows %q, want %q", declared, got, want)
		}
	}
}

// A server that presents another host name in each run fills no memory.
func TestServersAreBounded(t *testing.T) {
	b := new(web.Board)
	b.Load(web.Setup{Checks: []web.Check{{Name: "a"}}})
	for i := range 100 {
		r := ran("a", checks.Failed)
		r.Steps[0].Servers[0].Host = fmt.Sprintf("h%d.evil.example", i)
		b.Record(r)
	}
	s := &web.Server{Board: b}
	start(t, s)
	get := func() int {
		return strings.Count(ask(t, client(), request(t, http.MethodGet, "http://"+s.Addr().String()+"/api/v1/certificates")).body, `"host":`)
	}
	if n := get(); n != 16 {
		t.Errorf("%d hosts are remembered, want 16", n)
	}
	b.Record(ran("a", checks.Passed)) // it has met its only host
	if n := get(); n != 1 {
		t.Errorf("%d hosts are remembered after a run that passed, want 1", n)
	}
}
