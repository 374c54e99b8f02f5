package checks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"watchword/checks"
)

// Runs of one host wait for one another, those of others do not, and the wait
// is part of no time.
func TestHostLimit(t *testing.T) {
	const most, runs = 2, 12
	var now, highest, asked atomic.Int64
	release := make(chan struct{})
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		defer now.Add(-1)
		for n := now.Add(1); ; {
			if old := highest.Load(); n <= old || highest.CompareAndSwap(old, n) {
				break
			}
		}
		<-release
	})
	r := &checks.Runner{Hosts: checks.NewHostLimit(most)}
	c := single(checks.Request{Template: get(t, url)})
	var wg sync.WaitGroup
	results := make([]checks.Result, runs)
	for i := range runs {
		wg.Go(func() { results[i] = r.Run(t.Context(), c) })
	}
	for asked.Load() < most {
		<-time.After(time.Millisecond)
	}
	other := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	wantReason(t, fetch(t, r, strings.Replace(other, "127.0.0.1", "localhost", 1)), "") // another host
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	wantReason(t, r.Run(ctx, c), checks.ReasonInternal, "cut short: enough") // waits no longer
	<-time.After(100 * time.Millisecond)
	close(release)
	wg.Wait()
	slow := 0
	for _, res := range results {
		wantReason(t, res, "")
		if res.Duration >= 100*time.Millisecond {
			slow++
		}
	}
	if slow != most {
		t.Errorf("%d runs took long, want the %d that were asking", slow, most)
	}
	if got := highest.Load(); got != most {
		t.Errorf("%d runs asked at once, want %d", got, most)
	}
}

// A limit that is raised lets in who waits.
func TestHostLimitIsRaised(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(3)
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) { arrived.Done(); arrived.Wait() })
	r := &checks.Runner{Hosts: checks.NewHostLimit(1)}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { wantPassed(t, fetch(t, r, url)) })
	}
	r.Hosts.Set(3)
	wg.Wait()
	r.Hosts.Set(0)
	url = serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	wantReason(t, fetch(t, r, url), "")
}

func wantPassed(t *testing.T, res checks.Result) {
	t.Helper()
	if res.Outcome != checks.Passed {
		t.Errorf("outcome is %s: %s", res.Outcome, res.Message)
	}
}

// A request that cannot be made waits for no one, and says why.
func TestHostLimitOfNoHost(t *testing.T) {
	r := &checks.Runner{Hosts: checks.NewHostLimit(1)}
	for _, template := range []checks.Template{
		failing{errors.New("no secret")},
		computed(func(*checks.Vars) (*checks.Rendered, error) { panic("no secret") }),
		computed(func(*checks.Vars) (*checks.Rendered, error) {
			return &checks.Rendered{URL: parse(t, "http://no..secret/")}, nil
		}),
	} {
		wantReason(t, r.Run(t.Context(), single(checks.Request{Template: template})), checks.ReasonInternal, "secret")
	}
}

// What is sent is made after the wait, not before it.
func TestHostLimitRendersAfterTheWait(t *testing.T) {
	var rendered atomic.Int64
	url := serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.Path, fmt.Sprintf("/%d", rendered.Load()); got != want {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	c := single(checks.Request{Template: computed(func(*checks.Vars) (*checks.Rendered, error) {
		return &checks.Rendered{URL: parse(t, fmt.Sprintf("%s/%d", url, rendered.Add(1)))}, nil
	})})
	wantReason(t, (&checks.Runner{Hosts: checks.NewHostLimit(1)}).Run(t.Context(), c), "")
	if rendered.Load() != 2 {
		t.Errorf("rendered %d times", rendered.Load())
	}
}
