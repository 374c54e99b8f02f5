package checks_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/andybalholm/brotli"

	"watchword/checks"
)

// packer returns what compresses as servers do. Raw is deflate without zlib
// around it.
func packer(how string, w io.Writer) io.WriteCloser {
	switch how {
	case "gzip":
		return gzip.NewWriter(w)
	case "zlib":
		return zlib.NewWriter(w)
	case "raw":
		z, _ := flate.NewWriter(w, flate.BestCompression)
		return z
	default:
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: 5, LGWin: 24})
	}
}

func packed(how, s string) string {
	var b bytes.Buffer
	z := packer(how, &b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

// bodyIs expects a body.
func bodyIs(want string) checks.Condition {
	return condition(func(x *checks.Exchange) (string, error) {
		if string(x.Body) != want {
			return fmt.Sprintf("body has %d bytes %.30q, want %d bytes %.30q", len(x.Body), x.Body, len(want), want), nil
		}
		return "", nil
	})
}

func TestCodings(t *testing.T) {
	random := make([]byte, 60<<10)
	for i := range random {
		random[i] = byte(rand.IntN(7))
	}
	bodies := map[string]string{"short": "hello, hello, hello", "empty": "", "long": string(random), "repeated": strings.Repeat(string(random[:30<<10]), 10)}
	for how, name := range map[string]string{"gzip": "gzip", "zlib": "deflate", "raw": "Deflate", "br": "br", "unknown": "zstd", "none": "identity"} {
		for kind, body := range bodies {
			var accepts string
			url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
				accepts = r.Header.Get("Accept-Encoding")
				w.Header().Set("Content-Encoding", name)
				sent := body
				if how != "unknown" && how != "none" {
					sent = packed(how, body)
				}
				_, _ = io.WriteString(w, sent)
			})
			c := single(checks.Request{Template: get(t, url)})
			c.Steps[0].Expect = []checks.Condition{bodyIs(body)}
			r := new(checks.Runner)
			for range 2 { // what decodes is used again
				if res := r.Run(t.Context(), c); res.Outcome != checks.Passed {
					t.Errorf("%s, %s: %s", how, kind, res.Message)
				}
			}
			if accepts != "gzip, deflate, br" {
				t.Errorf("accepts %q", accepts)
			}
		}
	}
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Join(r.Header["Accept-Encoding"], "|"))
	})
	c := single(checks.Request{Template: &static{URL: parse(t, url), Header: http.Header{"Accept-Encoding": {"identity"}}}})
	c.Steps[0].Expect = []checks.Condition{bodyIs("identity")}
	wantReason(t, new(checks.Runner).Run(t.Context(), c), "")
}

// Whatever window a body was made for, up to max_body it comes out whole, and
// beyond that it is too large.
func TestBrotliWindows(t *testing.T) {
	const limit = 600 << 10
	text := make([]byte, limit+1)
	for i := range text {
		text[i] = byte(rand.IntN(256))
	}
	copy(text[limit-5000:], text[:5001]) // as far back as can be
	for window := 10; window <= 24; window++ {
		for _, size := range []int{limit - 1, limit, limit + 1} {
			var b bytes.Buffer
			z := brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: 6, LGWin: window})
			_, _ = z.Write(text[:size])
			_ = z.Close()
			url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "br")
				_, _ = w.Write(b.Bytes())
			})
			c := single(checks.Request{Template: get(t, url), MaxBody: limit})
			c.Steps[0].Expect = []checks.Condition{bodyIs(string(text[:size]))}
			want := checks.Reason("")
			if size > limit {
				want = checks.ReasonBodyTooLarge
			}
			if res := new(checks.Runner).Run(t.Context(), c); res.Reason != want {
				t.Errorf("window %d, %d bytes: reason is %q (%s), want %q", window, size, res.Reason, res.Message, want)
			}
		}
	}
}

// Fifty bombs at once are told as what they are, within bounded memory.
func TestBombs(t *testing.T) {
	const bombs = 50
	zeros := make([]byte, 1<<20)
	tests := map[string]func(w http.ResponseWriter, wait func()){
		"endless": func(w http.ResponseWriter, wait func()) {
			_, _ = w.Write(zeros[:1000<<10])
			_ = http.NewResponseController(w).Flush()
			wait() // all of them hold nearly as much as they may
			flood(w, "", strings.Repeat("0123456789", 1000))
		},
	}
	for how, name := range map[string]string{"gzip": "gzip", "zlib": "deflate", "raw": "deflate", "br": "br"} {
		var packed bytes.Buffer
		z := packer(how, &packed)
		for range 8 {
			_, _ = z.Write(zeros)
		}
		_ = z.Close()
		tests[how] = func(w http.ResponseWriter, wait func()) {
			wait()
			w.Header().Set("Content-Encoding", name)
			_, _ = w.Write(packed.Bytes())
		}
	}
	for name, bomb := range tests {
		t.Run(name, func(t *testing.T) {
			var arrived sync.WaitGroup
			arrived.Add(bombs)
			url := serveHTTP(t, func(w http.ResponseWriter, _ *http.Request) {
				bomb(w, func() { arrived.Done(); arrived.Wait() })
			})
			r := new(checks.Runner)
			c := single(checks.Request{Template: get(t, url)})
			c.Timeout = time.Minute // the race detector makes decoding a hundred times slower
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var wg sync.WaitGroup
			for range bombs {
				wg.Go(func() {
					if res := r.Run(t.Context(), c); res.Reason != checks.ReasonBodyTooLarge {
						t.Errorf("reason is %q (%s), want body_too_large", res.Reason, res.Message)
					}
				})
			}
			wg.Wait()
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			if allocated >= 64 { // all that was ever allocated, so a bound of what was held
				t.Errorf("%d MiB were allocated, want under 64", allocated)
			}
			t.Logf("%d MiB were allocated", allocated)
		})
	}
}
