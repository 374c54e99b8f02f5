package metrics_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/proto"

	"watchword/alerts"
	"watchword/checks"
	"watchword/cmd/internal/metrics"
)

// ours returns the families of watchword, as client_golang has them.
func ours(tb testing.TB, m *metrics.Metrics) []*dto.MetricFamily {
	tb.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		tb.Fatal(err)
	}
	return slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return !strings.HasPrefix(f.GetName(), "watchword_") })
}

func names(families []*dto.MetricFamily) []string {
	var list []string
	for _, f := range families {
		list = append(list, f.GetName())
	}
	return list
}

// encoded is what client_golang makes of the families.
func encoded(tb testing.TB, families []*dto.MetricFamily) string {
	tb.Helper()
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			tb.Fatal(err)
		}
	}
	return b.String()
}

func TestTextIsThatOfClientGolang(t *testing.T) {
	for name, m := range map[string]*metrics.Metrics{"full": full(t), "many": fill(1000), "empty": metrics.New(metrics.Build{})} {
		families := ours(t, m)
		got, want := get(t, m, names(families)...), encoded(t, families)
		if got != want {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Errorf("%s: text differs from byte %d on: got %q, want %q", name, at, line(got, at), line(want, at))
		}
	}
}

// line is the beginning of what follows a place in a text.
func line(s string, at int) string { return s[max(0, at-40):min(len(s), at+80)] }

func FuzzText(f *testing.F) {
	f.Add("orders/health", "orders", "team", "orders", "fra1", "api.acme.com", 1.5)
	f.Add("a\"b\\c\nd", "\x00\xff", "é", "\u2028", `\"`, "{}", -1e300)
	f.Fuzz(func(t *testing.T, name, group, key, value, location, host string, seconds float64) {
		m := metrics.New(metrics.Build{Version: value})
		m.SetLocation(location)
		m.SetChecks([]metrics.Check{{Name: name, Group: group, Labels: map[string]string{key: value}, Steps: []string{host}}})
		r := met(checks.Passed, checks.ServerCertificate{Host: host, Fingerprint: value})
		r.Steps[0].Step = host
		r.Steps[0].Status = int(seconds)
		m.Record(name, r)
		m.Outbox = func() []alerts.QueueStats { return []alerts.QueueStats{{Receiver: group, Sent: uint64(len(name))}} }
		families := ours(t, m)
		text := get(t, m, names(families)...)
		if want := encoded(t, families); text != want {
			t.Errorf("got\n%s\nwant\n%s", text, want)
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		parsed, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(parsed) != len(families) {
			t.Errorf("%d families after parsing, want %d", len(parsed), len(families))
		}
	})
}

func TestFormats(t *testing.T) {
	m := full(t)
	for _, c := range []struct{ name, accept, encoding, contentType, contentEncoding string }{
		{"curl", "*/*", "", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", ""},
		{"prometheus", prometheusAccept, "gzip", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "gzip"},
		{"browser", "text/html", "br, gzip;q=0.8, *;q=0.1", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "gzip"},
		{"no gzip", "", "gzip;q=0.0, deflate", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", ""},
		{"protobuf", protobufAccept, "identity", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := http.Header{"Accept": {c.accept}, "Accept-Encoding": {c.encoding}}
			w := scrape(t, m, http.MethodGet, "/metrics", header)
			if got := w.Header().Get("Content-Type"); got != c.contentType {
				t.Errorf("content type is %q, want %q", got, c.contentType)
			}
			if got := w.Header().Get("Content-Encoding"); got != c.contentEncoding {
				t.Errorf("content encoding is %q, want %q", got, c.contentEncoding)
			}
			var body io.Reader = w.Body
			if c.contentEncoding == "gzip" {
				z, err := gzip.NewReader(body)
				if err != nil {
					t.Fatal(err)
				}
				body = z
			}
			got := decode(t, body, w.Header())
			for _, want := range ours(t, m) {
				if !proto.Equal(got[want.GetName()], want) {
					t.Errorf("%s is\n%v\nwant\n%v", want.GetName(), got[want.GetName()], want)
				}
			}
			if got["go_goroutines"] == nil {
				t.Error("there is no go_goroutines")
			}
			if head := scrape(t, m, http.MethodHead, "/metrics", header); head.Body.Len() != 0 || head.Header().Get("Content-Type") != c.contentType {
				t.Errorf("HEAD: %d bytes of %q, want none", head.Body.Len(), head.Header().Get("Content-Type"))
			}
		})
	}
}

// decode reads an answer as Prometheus does.
func decode(t *testing.T, body io.Reader, header http.Header) map[string]*dto.MetricFamily {
	t.Helper()
	decoder := expfmt.NewDecoder(body, expfmt.ResponseFormat(header))
	families := make(map[string]*dto.MetricFamily)
	for {
		mf := new(dto.MetricFamily)
		if err := decoder.Decode(mf); errors.Is(err, io.EOF) {
			return families
		} else if err != nil {
			t.Fatal(err)
		}
		if families[mf.GetName()] != nil {
			t.Errorf("%s comes twice", mf.GetName())
		}
		families[mf.GetName()] = bare(mf)
	}
}

// bare drops the buckets for infinity, which text has and messages have not.
func bare(mf *dto.MetricFamily) *dto.MetricFamily {
	for _, m := range mf.GetMetric() {
		if h := m.GetHistogram(); h != nil {
			h.Bucket = h.Bucket[:len(h.GetBucket()):len(h.GetBucket())]
			if n := len(h.GetBucket()); n > 0 && fmt.Sprint(h.GetBucket()[n-1].GetUpperBound()) == "+Inf" {
				h.Bucket = h.GetBucket()[:n-1]
			}
		}
	}
	return mf
}

func TestName(t *testing.T) {
	text := get(t, full(t), "watchword_checks", "go_goroutines", "watchword_nonsense")
	if !strings.Contains(text, "watchword_checks{") || !strings.Contains(text, "go_goroutines ") || strings.Count(text, "# TYPE") != 2 {
		t.Errorf("got\n%swant two metrics", text)
	}
}

// A broken writer is whoever reads no further.
type brokenWriter struct {
	http.ResponseWriter
	room int
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestBrokenScrapeIsNoShortAnswer(t *testing.T) {
	m := fill(200)
	for _, accept := range []string{"text/plain", protobufAccept} {
		for _, encoding := range []string{"", "gzip"} {
			var logged bytes.Buffer
			h := m.Handler(slog.New(slog.NewTextHandler(&logged, nil)))
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", accept)
			r.Header.Set("Accept-Encoding", encoding)
			got := func() (got error) {
				defer func() { got, _ = recover().(error) }()
				h.ServeHTTP(&brokenWriter{httptest.NewRecorder(), 20_000}, r)
				return nil
			}()
			if !errors.Is(got, http.ErrAbortHandler) || !strings.Contains(logged.String(), "no space left") {
				t.Errorf("accept %q, encoding %q: panicked with %v and logged %q, want the connection broken and the cause", accept, encoding, got, logged.String())
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusOK || w.Body.Len() < 10_000 {
				t.Errorf("the next scrape has status %d and %d bytes, want all of it", w.Code, w.Body.Len())
			}
		}
	}
}

// blockedWriter holds a scrape until it is released.
type blockedWriter struct {
	http.ResponseWriter
	entered, release chan struct{}
	once             sync.Once
}

func (w *blockedWriter) Write(p []byte) (int, error) {
	w.once.Do(func() { close(w.entered); <-w.release })
	return len(p), nil
}

func TestSlowReaders(t *testing.T) {
	m := fill(200)
	h := m.Handler(discard())
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		w := &blockedWriter{ResponseWriter: httptest.NewRecorder(), entered: make(chan struct{}), release: release}
		wg.Go(func() { h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)) })
		<-w.entered
	}
	// Nothing else waits for them.
	m.Record("team-1/service-1-health", failed())
	m.SetChecks(nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status of the ninth is %d, want 503", w.Code)
	}
	close(release)
	wg.Wait()
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Errorf("status after they are done is %d, want 200", w.Code)
	}
}

func TestEverythingAtOnce(t *testing.T) {
	m := full(t)
	h := m.Handler(discard())
	conf := health()
	ids := identities(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 200 {
				m.Record("orders/health", failed())
				m.Skipped("orders/health", "missed", 1)
				m.Started("orders/health", 1)
			}
		})
		wg.Go(func() {
			for j := range 20 {
				c := conf
				c.Steps = []string{"", fmt.Sprint(j)}
				m.SetChecks([]metrics.Check{c})
				m.SetCertificates(ids[:1+j%3], nil)
				m.SetLocation(fmt.Sprint(i))
				m.SetReload(true, noon)
			}
		})
		wg.Go(func() {
			for _, accept := range []string{"", protobufAccept, "", ""} {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
				r.Header.Set("Accept", accept)
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
	wg.Wait()
	if text := get(t, m, "watchword_check_runs_total"); !strings.Contains(text, `outcome="failed"} 801`) {
		t.Errorf("got\n%swant 801 failed runs: none lost in a reload", text)
	}
}

// What a scrape allocates does not depend on how many checks there are.
func TestScrapeMakesLittleGarbage(t *testing.T) {
	allocs := func(checks int) float64 {
		h := fill(checks).Handler(discard())
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
		return testing.AllocsPerRun(10, func() { h.ServeHTTP(&brokenWriter{httptest.NewRecorder(), 1 << 40}, r) })
	}
	if few, many := allocs(20), allocs(500); many > few+100 {
		t.Errorf("a scrape of 20 checks makes %g allocations, one of 500 makes %g; want about as many", few, many)
	}
}
