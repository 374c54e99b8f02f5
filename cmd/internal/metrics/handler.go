package metrics

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// maxScrapes is how many scrapes are answered at once. Prometheus asks one at
// a time; a pair of them that watch each other's back makes two.
const maxScrapes = 8

// Gatherer returns everything at once, as values of client_golang.
// [Metrics.Handler] serves the same at a fraction of the cost.
func (m *Metrics) Gatherer() prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := m.runtime.Gather()
		if err != nil {
			return nil, err
		}
		s := newScrape(m)
		s.message = &messageSink{keep: true, emit: func(mf *dto.MetricFamily) error {
			families = append(families, mf)
			return nil
		}}
		err = s.collect(anyName)
		return families, err
	})
}

func anyName(string) bool { return true }

// Handler serves the metrics in the formats of client_golang: text, or
// protocol buffers for who asks for them, compressed with gzip where that is
// accepted. With the query parameter name[], given once or more, it answers
// with the metrics of these names alone. More than eight scrapes at a time are
// answered with status 503.
//
// A scrape that fails half-way breaks the connection, so that nobody takes a
// part for the whole; the cause goes to the log.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	h := &handler{m: m, log: log, slots: make(chan struct{}, maxScrapes)}
	h.gzip.New = func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // fails for an unknown level alone
		return w
	}
	h.text.New = func() any { return &textSink{buf: make([]byte, 0, textBuffer+textBuffer/4)} }
	return h
}

type handler struct {
	m     *Metrics
	log   *slog.Logger
	slots chan struct{}
	gzip  sync.Pool // of *gzip.Writer
	text  sync.Pool // of *textSink
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		http.Error(w, "too many scrapes at once", http.StatusServiceUnavailable)
		return
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultAcceptedFormats()...)
	compress := acceptsGzip(r.Header)
	header := w.Header()
	header.Set("Content-Type", string(format))
	header.Set("Vary", "Accept, Accept-Encoding")
	if compress {
		header.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	if err := h.serve(w, r, format, compress); err != nil {
		if r.Context().Err() == nil {
			h.log.WarnContext(r.Context(), "scrape failed", "remote", r.RemoteAddr, "err", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// serve writes the metrics that a request names to w.
func (h *handler) serve(w io.Writer, r *http.Request, format expfmt.Format, compress bool) error {
	want := anyName
	if names := r.URL.Query()["name[]"]; len(names) > 0 {
		want = func(name string) bool { return slices.Contains(names, name) }
	}
	if !compress {
		return h.write(w, format, want)
	}
	z := h.gzip.Get().(*gzip.Writer) // the pool holds nothing else
	defer h.gzip.Put(z)
	z.Reset(w)
	defer z.Reset(nil)
	if err := h.write(z, format, want); err != nil {
		return err
	}
	return z.Close()
}

// write writes the metrics that want names to w.
func (h *handler) write(w io.Writer, format expfmt.Format, want func(string) bool) error {
	families, err := h.m.runtime.Gather()
	if err != nil {
		return err
	}
	// None of the names needs escaping; saying so saves a copy of each family.
	encoder := expfmt.NewEncoder(w, format.WithEscapingScheme(model.NoEscaping))
	for _, mf := range families {
		if !want(mf.GetName()) {
			continue
		}
		if err := encoder.Encode(mf); err != nil {
			return err
		}
	}
	s := newScrape(h.m)
	if format.FormatType() != expfmt.TypeTextPlain {
		s.message = &messageSink{emit: encoder.Encode}
		return s.collect(want)
	}
	s.text = h.text.Get().(*textSink) // the pool holds nothing else
	defer h.text.Put(s.text)
	return s.text.write(w, func() error { return s.collect(want) })
}

// write has collect write to w.
func (t *textSink) write(w io.Writer, collect func() error) error {
	t.out, t.buf, t.err = w, t.buf[:0], nil
	defer func() { t.out, t.family = nil, nil }()
	if err := collect(); err != nil {
		return err
	}
	return t.flush(0)
}

// acceptsGzip says whether a request takes an answer that is compressed with
// gzip (RFC 9110, section 12.5.3: a coding of weight 0 is refused).
func acceptsGzip(h http.Header) bool {
	for _, line := range h.Values("Accept-Encoding") {
		for part := range strings.SplitSeq(line, ",") {
			coding, params, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			_, weight, weighted := strings.Cut(params, "=")
			q, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
			return !weighted || err != nil || q > 0
		}
	}
	return false
}
